"""Where in an image the positions of a feature map look.

A layer of stride 2 that pads an image of an even size only at its end looks half a pixel to the right and
below of where an even division has it. Five of them add up to half a position of the feature map, as many
pixels as half of an object may have. Araujo, Norris, Sim: Computing receptive fields of convolutional neural
networks, 2019.
"""

from edge_runtime.core import Size
from edge_runtime.images import Grid
from edge_runtime.inference.graph import CONVOLUTIONS, DAMAGED, Code, Graph, Operator

_MAX_OPERATORS = 10_000


def trace_grid(graph: Graph, feature_map: int, positions: tuple[int, int], size: Size) -> Grid:
    """The centers of the receptive fields of a feature map's positions.

    Args:
        graph: of the model.
        feature_map: a tensor of shape (1, rows, columns, channels).
        positions: its rows and columns.
        size: of the model's input.

    Returns:
        Those of an even division where the model has layers that are not known.
    """
    try:
        lines = [_trace(graph, feature_map, axis) for axis in (0, 1)]
    except DAMAGED:
        return Grid.even(positions, size)
    (top, rows), (left, columns) = lines
    return Grid((top, left), (rows, columns))


def _trace(graph: Graph, tensor: int, axis: int) -> tuple[float, float]:
    """Back to the image: the pixel that the first position looks at, and the pixels to the next one.

    Raises:
        one of `DAMAGED`: a layer that is not known changes the size.
    """
    first, step = 0.0, 1.0
    for _ in range(_MAX_OPERATORS):
        if tensor not in graph.producers:
            return first, step
        operator = graph.producers[tensor]
        source = operator.inputs[0]
        before, after = (graph.read_shape(each)[1 + axis] for each in (source, tensor))
        if operator.code == Code.PAD:
            first -= float(graph.read_integers(operator.inputs[1])[1 + axis, 0])
        elif operator.window is not None:
            stride, kernel = operator.window.stride[axis], _kernel(graph, operator, axis)
            whole = max((after - 1) * stride + kernel - before, 0) if operator.window.padded else 0
            first = first * stride + (kernel - 1) / 2 - whole // 2
            step *= stride
        elif before != after:
            raise ValueError("a layer that is not known changes the size")
        tensor = source
    raise ValueError("too many operators")


def _kernel(graph: Graph, operator: Operator, axis: int) -> int:
    assert operator.window is not None  # noqa: S101 - asked for such operators only
    if operator.code in CONVOLUTIONS:
        return graph.read_shape(operator.inputs[1])[1 + axis]
    return operator.window.size[axis]

"""Which operators stay in float: the fewest with which the model passes."""

import pytest

from converter.flatbuffer import unpack
from converter.quantization import FloatScores, calibrate, keep_worst_in_float
from converter.quantization.activations import read_activations
from edge_runtime.core import no_tick
from tests.small_network import CARD, images, network


@pytest.mark.parametrize("first", [1, 3, 5])
def test_no_more_than_the_first_operators_that_do(first: int) -> None:
    model = network()
    calibrated = calibrate(model, images(40, seed=0))
    wanted = [each.name for each in read_activations(calibrated.content)][1 : first + 1]

    def passes(content: bytes) -> bool:
        return in_float(content).issuperset(wanted)

    assert keep_worst_in_float(FloatScores(model), calibrated, None, CARD, passes, no_tick) == tuple(wanted)


def test_what_even_all_layers_do_not_help_is_said_at_once() -> None:
    model = network()
    tried: list[bytes] = []

    def passes(content: bytes) -> bool:
        tried.append(content)
        return False

    calibrated = calibrate(model, images(40, seed=0))
    assert keep_worst_in_float(FloatScores(model), calibrated, None, CARD, passes, no_tick) is None
    assert len(tried) == 1


def in_float(content: bytes) -> set[str]:
    """The names of the float tensors that the weighted operators write."""
    schema, model = unpack(content)
    graph = model.subgraphs[0]
    outputs = [graph.tensors[each.outputs[0]] for each in graph.operators]
    return {each.name.decode() for each in outputs if each.type == schema.TensorType.FLOAT32}

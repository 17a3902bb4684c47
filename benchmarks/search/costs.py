"""What a network costs, counted from its layers; and latency and size predicted from that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Costs:
    """What one image costs in an int8 network.

    Attributes:
        multiply_adds: multiplications with an addition each.
        activation_bytes: of the outputs of all layers.
        weight_bytes: of the kernels.
    """

    multiply_adds: int
    activation_bytes: int
    weight_bytes: int

    def __add__(self, other: "Costs") -> "Costs":
        return Costs(
            self.multiply_adds + other.multiply_adds,
            self.activation_bytes + other.activation_bytes,
            self.weight_bytes + other.weight_bytes,
        )


def count_costs(model: Any) -> Costs:
    """Count the costs of a Keras model; what a converter fuses into its neighbour costs nothing.

    Args:
        model: with convolutions, depthwise convolutions, dense layers and additions.
    """
    total = Costs(0, 0, 0)
    for layer in model.layers:
        total += count_costs(layer) if hasattr(layer, "layers") else _costs_of(layer)
    return total


def _costs_of(layer: Any) -> Costs:
    import keras

    if isinstance(layer, keras.layers.Dense):
        weights = int(np.prod(layer.kernel.shape))
        return Costs(weights, int(layer.kernel.shape[-1]), weights)
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        weights = int(np.prod(layer.kernel.shape))
        height, width, channels = layer.output.shape[1:]
        return Costs(weights * height * width, height * width * channels, weights)
    if isinstance(layer, keras.layers.Add):
        return Costs(0, int(np.prod(layer.output.shape[1:])), 0)
    return Costs(0, 0, 0)


@dataclass(frozen=True, eq=False)
class CostModel:
    """Latency and file size as sums of costs with factors that are not negative.

    Attributes:
        times: milliseconds of each multiply-add, activation byte, weight byte, and of a call.
        sizes: bytes of each weight byte, and of a file without weights.
    """

    times: NDArray[np.float64]
    sizes: NDArray[np.float64]

    def milliseconds(self, costs: Costs) -> float:
        """The predicted latency."""
        return float(_row(costs) @ self.times)

    def file_bytes(self, costs: Costs) -> float:
        """The predicted size of the model file."""
        return float(np.array([costs.weight_bytes, 1.0]) @ self.sizes)


def fit_costs(measured: Mapping[Costs, tuple[float, float]]) -> CostModel:
    """Fit the factors to measurements by least squares of the relative errors.

    Args:
        measured: milliseconds and bytes of some networks; four or more tell the factors apart.
    """
    from scipy.optimize import nnls

    rows = np.array([_row(costs) for costs in measured])
    weights = np.array([[costs.weight_bytes, 1.0] for costs in measured])
    times, sizes = np.array(list(measured.values()), np.float64).T
    ones = np.ones(len(rows))
    return CostModel(nnls(rows / times[:, None], ones)[0], nnls(weights / sizes[:, None], ones)[0])


def _row(costs: Costs) -> NDArray[np.float64]:
    # In units that are of like size: the solver's tolerance is absolute.
    return np.array([costs.multiply_adds / 1e6, costs.activation_bytes / 1e6, costs.weight_bytes / 1e6, 1.0])

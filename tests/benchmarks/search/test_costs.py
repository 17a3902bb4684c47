"""Operations counted from the layers, and latency predicted from them."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.search import Costs, count_costs, fit_costs


@pytest.mark.parametrize(("alpha", "millions"), [(0.35, 59), (0.5, 97), (0.75, 209), (1.0, 300)])
def test_the_multiply_adds_are_those_of_the_paper(alpha: float, millions: int) -> None:
    """Sandler et al., 2018: MobileNetV2 at 224 pixels with 1,000 classes."""
    model = keras.applications.MobileNetV2(input_shape=(224, 224, 3), alpha=alpha, weights=None)
    costs = count_costs(model)
    assert costs.multiply_adds / 1e6 == pytest.approx(millions, rel=0.02)
    kernels = sum(int(np.prod(each.shape)) for each in model.trainable_weights if each.name == "kernel")
    assert costs.weight_bytes == kernels


def test_nested_models_count_too() -> None:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    inputs = keras.Input((4,))
    costs = count_costs(keras.Model(inputs, keras.layers.Dense(2)(inner(inputs))))
    assert costs == Costs(multiply_adds=18, activation_bytes=5, weight_bytes=18)


_MILLIONS = st.integers(1, 300)


@given(
    st.lists(st.tuples(_MILLIONS, _MILLIONS, _MILLIONS), min_size=6, max_size=6, unique=True),
    st.tuples(*[st.floats(0.0, 1.0)] * 4).filter(lambda factors: sum(factors) > 0.1),
)
def test_a_latency_that_is_a_sum_of_costs_is_predicted(
    sizes: list[tuple[int, int, int]], factors: tuple[float, ...]
) -> None:
    def latency(costs: Costs) -> float:
        row = [costs.multiply_adds / 1e6, costs.activation_bytes / 1e6, costs.weight_bytes / 1e6, 1.0]
        return float(np.dot(row, factors))

    networks = [Costs(*(each * 1_000_000 for each in size)) for size in sizes]
    model = fit_costs({each: (latency(each), each.weight_bytes + 5000) for each in networks})
    for each in networks:
        assert model.milliseconds(each) == pytest.approx(latency(each), rel=1e-3)
        assert model.file_bytes(each) == pytest.approx(each.weight_bytes + 5000, rel=1e-3)
    assert (model.times >= 0).all()

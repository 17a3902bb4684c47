"""The random states of dropout and augmentation, set from the random seed at the start of each epoch."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


def random_states(*parts: Any) -> list[Any]:
    """The states of everything random in models and layers.

    Raises:
        RuntimeError: a random state of Keras is not found: a resumed training would give another result.
    """
    import keras

    layers = [layer for part in parts for layer in _layers_within(part)]
    generators = [
        value for layer in layers for value in vars(layer).values()
        if isinstance(value, keras.random.SeedGenerator)
    ]  # fmt: skip
    unique = {id(generator): generator.state for generator in generators}
    # Weights are float: the integer variables of a model or an augmentation are random states.
    whole = [each for part in parts for each in part.variables if "int" in str(each.dtype)]
    if {id(each) for each in whole} - {id(state) for state in unique.values()}:
        raise RuntimeError(
            "Keras has random states that are not attributes of its layers: --resume would not repeat"
        )
    return list(unique.values())


def _layers_within(layer: Any) -> Iterator[Any]:
    """A layer and all layers inside it, in order."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _layers_within(inner)


def restart_randomness(states: Sequence[Any], seed: int) -> None:
    """Set random states from a random seed."""
    for number, state in enumerate(states):
        words = np.random.SeedSequence([seed, number]).generate_state(2)
        state.assign(words.astype(state.dtype))

"""Start from the weights of an earlier run: the base as it was, and the head's rows of the classes it had."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge_runtime.core import UsageError, option_name
from edge_runtime.datasets import Run
from trainer.config import TrainConfig
from trainer.network.classifier import Network
from trainer.network.trained import load_trained

_SAME = ("alpha", "image_size", "resize", "input_scale", "head_units", "one_logit")
"""Options that determine what the weights mean."""


def start_from(network: Network, config: TrainConfig, labels: Sequence[str], run: Run) -> list[str]:
    """Give a network the weights of a run.

    Args:
        network: of the new training.
        config: its options.
        labels: its classes.
        run: the earlier one.

    Returns:
        The classes that the earlier run did not have: their rows of the head stay as they were initialized.

    Raises:
        UsageError: see `check_options`, or one logit tells other classes apart.
        ModelError: the run has no usable weights.
    """
    check_options(config, run)
    old_labels = run.card.classes
    earlier = load_trained(run, config)
    network.base.set_weights(earlier.base.get_weights())
    if config.one_logit and tuple(labels) != old_labels:
        raise UsageError(
            f"--one-logit: the one output of {run.folder} tells {' from '.join(old_labels)}, the data has "
            f"{', '.join(labels)}: train without --from"
        )
    *hidden, scores = network.head.layers
    *old_hidden, old_scores = earlier.head.layers
    for layer, old_layer in zip(hidden, old_hidden, strict=True):
        layer.set_weights(old_layer.get_weights())
    if not config.one_logit:
        scores.set_weights(_take_rows(scores, old_scores, labels, old_labels))
    return [label for label in labels if label not in old_labels]


def check_options(config: TrainConfig, run: Run) -> None:
    """Refuse to start from a run with another network.

    Raises:
        UsageError: an option that determines what the weights mean is another one.
    """
    before = TrainConfig.from_run(run)
    for name in _SAME:
        old, new = getattr(before, name), getattr(config, name)
        if old != new:
            raise UsageError(
                f"--from {run.folder} was trained with --{option_name(name)} {old}, now it is {new}: leave "
                "that option out, or train without --from"
            )


def _take_rows(layer: Any, old_layer: Any, labels: Sequence[str], old_labels: Sequence[str]) -> list[Any]:
    """Kernel and bias of the last layer, with those of the classes that the earlier run had."""
    kernel, bias = (np.array(each) for each in layer.get_weights())
    old_kernel, old_bias = old_layer.get_weights()
    known = [(at, old_labels.index(label)) for at, label in enumerate(labels) if label in old_labels]
    if known:
        new, old = (list(each) for each in zip(*known, strict=True))
        kernel[:, new] = old_kernel[:, old]
        bias[new] = old_bias[old]
    return [kernel, bias]

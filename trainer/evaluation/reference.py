"""Reference statistics of held-out images, for the card: what a device compares its frames with."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.model import QUANTILES, Distribution, Reference
from trainer.evaluation.metrics import Predictions, class_scores

DIGITS = 6


def make_reference(
    predictions: Sequence[Predictions],
    labels: Sequence[str],
    classes: int,
    more: Mapping[str, NDArray[np.float32]],
) -> Reference:
    """Summarize held-out images.

    Args:
        predictions: of each held-out split, with statistics.
        labels: of the outputs.
        classes: how many of the labels are classes; the one after them is for images of no class.
        more: name → other values that were measured on some of them, shape (images,).
    """
    outputs = np.concatenate([each.outputs for each in predictions])
    measured = [each.statistics for each in predictions if each.statistics is not None]
    values = {name: np.concatenate([each[name] for each in measured]) for name in measured[0]}
    values["score"] = class_scores(outputs, classes).max(axis=1)
    if len(labels) > classes:
        values["unknown"] = outputs[:, classes]
    counts = np.bincount(outputs.argmax(axis=1), minlength=len(labels))
    return Reference(
        statistics={name: _describe(each) for name, each in {**values, **more}.items()},
        shares={label: _rounded(count / len(outputs)) for label, count in zip(labels, counts, strict=True)},
    )


def _describe(values: NDArray[np.float32]) -> Distribution:
    return Distribution(
        images=len(values),
        mean=_rounded(values.mean()),
        std=_rounded(values.std()),
        quantiles=tuple(_rounded(value) for value in np.quantile(values, QUANTILES)),
    )


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)

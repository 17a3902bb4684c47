"""Plots: curves, confusion matrix, grids of images."""

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image
from trainer.fitting import Epoch

_DPI = 110
_MAX_TICKS = 40
_MARGIN_BINS = 50
_KIND_COLORS = (
    "tab:orange",
    "tab:red",
    "tab:purple",
    "tab:brown",
    "tab:green",
    "tab:olive",
    "tab:pink",
    "black",
)


def draw_curves(history: Sequence[Epoch]) -> bytes:
    """Accuracy and loss of training and validation over all phases, with a line where a new phase starts."""
    figure, axes = _figure(1, 2, (11, 4))
    epochs = [epoch.epoch for epoch in history]
    starts = [new.epoch for old, new in pairwise(history) if old.phase != new.phase]
    for axis, name in zip(axes.flat, ("accuracy", "loss"), strict=True):
        axis.plot(epochs, [getattr(epoch, name) for epoch in history], label="training", marker=".")
        axis.plot(
            epochs, [getattr(epoch, f"val_{name}") for epoch in history], label="validation", marker="."
        )
        for start in starts:
            axis.axvline(start - 0.5, color="grey", linestyle="--", label="fine-tuning starts")
        axis.set(xlabel="epoch", ylabel=name, title=name.capitalize())
        axis.grid(alpha=0.3)
        axis.legend()
    return _png(figure)


def draw_confusion(matrix: NDArray[np.int64], labels: Sequence[str], title: str) -> bytes:
    """A confusion matrix, shape (classes, classes): rows are true labels, columns predicted ones."""
    side = min(14.0, 3.5 + 0.45 * len(labels))
    figure, axes = _figure(1, 1, (side + 0.8, side))
    axis = axes.flat[0]
    fractions = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    image = axis.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axis, fraction=0.046, label="fraction of the true class")
    axis.set(xlabel="predicted", ylabel="true", title=title)
    if len(labels) <= _MAX_TICKS:
        axis.set_xticks(range(len(labels)), [_plain(label) for label in labels], rotation=60, ha="right")
        axis.set_yticks(range(len(labels)), [_plain(label) for label in labels])
        for row, column in np.argwhere(matrix > 0):
            color = "white" if fractions[row, column] > 0.5 else "black"
            axis.text(column, row, matrix[row, column], ha="center", va="center", color=color, fontsize=8)
    return _png(figure)


def draw_margins(known: NDArray[np.float32], unknown: Mapping[str, NDArray[np.float32]], title: str) -> bytes:
    """Distributions of the margin: of held-out images of the classes, and of each kind of unknown.

    Args:
        known: margins, shape (images,).
        unknown: kind → margins; those far below the classes' are drawn at the left edge.
        title: above the plot.
    """
    figure, axes = _figure(1, 1, (9, 4))
    axis = axes.flat[0]
    high = float(known.max())
    low = min(float(known.min()), -high)
    bins = np.linspace(low, high + 1e-6, _MARGIN_BINS)
    axis.hist(known, bins, weights=_equal(known), alpha=0.45, color="tab:blue", label="classes, held out")
    for (kind, margins), color in zip(unknown.items(), _KIND_COLORS * len(unknown), strict=False):
        clipped = np.clip(margins, low, high)
        axis.hist(clipped, bins, weights=_equal(margins), histtype="step", color=color, label=kind, lw=1.6)
    axis.axvline(0, color="black", linestyle="--", label="threshold")
    axis.set(xlabel="margin (images to the left are rejected)", ylabel="fraction of the images", title=title)
    axis.grid(alpha=0.3)
    axis.legend()
    return _png(figure)


def _equal(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.full(len(values), 1 / max(len(values), 1))


def draw_grid(images: Sequence[Image], captions: Sequence[str], columns: int, title: str) -> bytes:
    """Images with captions in a grid."""
    rows = max(1, -(-len(images) // columns))
    height, width = images[0].shape[:2] if images else (1, 1)
    column = 2.4 if width <= height else 3.2
    figure, axes = _figure(rows, columns, (column * columns, (column * height / width + 0.5) * rows + 0.5))
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, caption in zip(axes.flat, images, captions, strict=False):
        axis.imshow(image)
        axis.set_title(_plain(caption), fontsize=9)
    figure.suptitle(title)
    return _png(figure)


def _plain(text: str) -> str:
    """Text that Matplotlib does not parse as mathematics."""
    return text.replace("$", r"\$")


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, NDArray[Any]]:
    # The object interface: no window system, no global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()

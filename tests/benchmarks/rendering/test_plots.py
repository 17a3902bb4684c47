"""Axes of latencies: numbers that people read, and that never overlap."""

from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from benchmarks.rendering.plots import log_milliseconds, new_figure


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.07, 6), (4.1, 4.2), (0.9, 1.1), (1, 8), (0.003, 900), (3, 20), (99, 101), (0.05, 0.9), (0.5, 2000)],
)
def test_numbers_of_an_axis_do_not_overlap(low: float, high: float) -> None:
    figure = new_figure((7, 4.2))
    axis = figure.subplots()
    axis.plot([low, high], [0, 1])
    log_milliseconds(axis)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    labels = [label for label in axis.get_xticklabels(which="both") if label.get_text()]
    assert len(labels) >= 2
    assert all("e" not in label.get_text() for label in labels)
    boxes = sorted(
        (label.get_window_extent(canvas.get_renderer()) for label in labels), key=lambda box: box.x0
    )
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))

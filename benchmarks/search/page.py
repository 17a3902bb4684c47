"""The page of a search: one HTML file with the front as a picture."""

from typing import Any

from benchmarks.rendering import encode, log_milliseconds, new_figure, render, to_png
from benchmarks.search.types import Search, Tuned


def search_html(found: Search) -> str:
    """The page."""
    screened = {each.candidate: each for each in found.screened}
    return render(
        "search.html.j2",
        found=found,
        front=encode(draw_front(found)),
        rows=[(each, screened.get(each.candidate)) for each in found.estimates],
    )


def draw_front(found: Search) -> bytes:
    """Accuracy against latency, as PNG: trained models with intervals, screened ones, front and budget."""
    figure = new_figure((8, 4.8))
    axis = figure.subplots()
    times = {each.candidate: each.ms for each in found.estimates}
    axis.scatter(
        [times[each.candidate] for each in found.screened],
        [each.accuracy for each in found.screened],
        facecolors="none",
        edgecolors="tab:grey",
        label="linear head on frozen features, out of fold",
    )
    for each in found.tuned:
        _draw_tuned(axis, each, chosen=each.name == found.chosen)
    front = [each for each in found.tuned if each.on_front]
    axis.step(
        [each.ms for each in front],
        [each.trained.accuracy.value for each in front],
        where="post",
        color="tab:blue",
        linewidth=1,
        label="front",
    )
    if found.budget.max_ms is not None:
        axis.axvline(found.budget.max_ms, color="tab:red", linestyle="--", linewidth=1, label="--max-ms")
    log_milliseconds(axis)
    of = "cross-validation" if found.cross_validated else "held-out images"
    axis.set(xlabel="latency, ms (median)", ylabel=f"accuracy on {of}, 95 % interval")
    axis.grid(alpha=0.3, which="both")
    axis.legend(loc="lower right", fontsize="small")
    return to_png(figure)


def _draw_tuned(axis: Any, each: Tuned, *, chosen: bool) -> None:
    accuracy = each.trained.accuracy
    axis.errorbar(
        each.ms,
        accuracy.value,
        yerr=[[accuracy.value - accuracy.low], [accuracy.high - accuracy.value]],
        fmt="D" if chosen else "o",
        markersize=8 if chosen else 5,
        color="tab:green" if chosen else "tab:blue",
        capsize=3,
        label=f"{each.trained.candidate.text}{', picked' if chosen else ''}",
    )

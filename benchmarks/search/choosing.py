"""Choose the model: the Pareto front, and the most accurate one within the budget."""

from collections.abc import Mapping, Sequence

from benchmarks.search.types import Budget, Trained, Tuned


def place(trained: Sequence[Trained], times: Mapping[str, float], budget: Budget) -> tuple[Tuned, ...]:
    """The trained candidates beside each other, the fastest first.

    Args:
        trained: the candidates.
        times: latency of each by its name, in milliseconds.
        budget: what a model may cost.
    """
    passed = [each for each in trained if each.passed]
    placed = [
        Tuned(
            trained=each,
            ms=times[each.candidate.name],
            fits=budget.allows(times[each.candidate.name], each.mb),
            on_front=each.passed and not any(_is_better(other, each, times) for other in passed),
        )
        for each in trained
    ]
    return tuple(sorted(placed, key=lambda each: each.ms))


def choose(tuned: Sequence[Tuned], budget: Budget) -> tuple[Tuned | None, str]:
    """The most accurate model within the budget, of equals the fastest; None where there is none.

    Returns:
        The model, and the reason.
    """
    allowed = [each for each in tuned if each.fits and each.trained.passed]
    if not allowed:
        return None, _why_none(tuned, budget)
    best = max(allowed, key=lambda each: (each.trained.accuracy.value, -each.ms))
    within = f"within {budget.text}" if budget.text else "of those that were fine-tuned"
    reason = f"{best.trained.candidate.text}: the most accurate {within}, {_figures(best)}"
    others = [each for each in allowed if each is not best]
    if others:
        second = max(others, key=lambda each: (each.trained.accuracy.value, -each.ms))
        reason += f"; the next is {second.trained.candidate.text}, {_figures(second)}"
        if second.trained.accuracy.high > best.trained.accuracy.low and second.ms < best.ms:
            reason += ", faster, and the images cannot tell the two apart: hold out more to be sure"
    above = [each for each in tuned if not each.fits and each.trained.passed]
    better = [each for each in above if each.trained.accuracy.value > best.trained.accuracy.value]
    if better:
        cheapest = min(better, key=lambda each: each.ms)
        reason += (
            f"; more accurate beyond the budget: {cheapest.trained.candidate.text}, {_figures(cheapest)}"
        )
    return best, reason


def _is_better(other: Trained, each: Trained, times: Mapping[str, float]) -> bool:
    """Whether another one is at least as good in both respects, and better in one."""
    accurate = other.accuracy.value - each.accuracy.value
    faster = times[each.candidate.name] - times[other.candidate.name]
    return accurate >= 0 and faster >= 0 and accurate + faster > 0


def _figures(tuned: Tuned) -> str:
    trained, accuracy = tuned.trained, tuned.trained.accuracy
    interval = f"{accuracy.value:.4f} ({accuracy.low:.4f} to {accuracy.high:.4f})"
    return f"accuracy {interval}, {tuned.ms:.2f} ms, {trained.mb:.2f} MB"


def _why_none(tuned: Sequence[Tuned], budget: Budget) -> str:
    if not any(each.fits for each in tuned):
        fastest = tuned[0]
        return (
            f"no fine-tuned candidate is within {budget.text}: the fastest is "
            f"{fastest.trained.candidate.text}, {_figures(fastest)}"
        )
    return (
        "int8 loses too much accuracy in every candidate within the budget: hold out more images, or convert "
        "one with edge-convert --calibrate auto"
    )

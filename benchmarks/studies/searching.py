"""How well `edge-search` predicts latencies, and how good its choice is beside training every candidate.

    python -m benchmarks.studies.searching latencies FOLDER
    python -m benchmarks.studies.searching choice FOLDER OUT [SEEDS]

FOLDER contains `alpaca/` and MobileNetV2's weights without top. `latencies` times 20 untrained networks in
turns and predicts those that are not among the six probes. `choice` trains, with each seed, every candidate
that there are weights for (what is in OUT is not repeated) and compares, for every budget, the model that
would be picked with the best of all.
"""

import dataclasses
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.search import (
    Budget,
    Search,
    SearchConfig,
    Trained,
    Tuned,
    choose,
    choose_probes,
    count_all,
    estimate,
    latency_of,
    make_candidates,
    make_probes,
    place,
    promising,
    search,
    time_models,
)
from benchmarks.studies.few_images import interval
from edge_runtime.core import markdown_table
from trainer import TrainingReporter
from trainer.data import prepare_data

ALPHAS = (0.35, 0.5, 0.75, 1.0)
FINE_TUNED = SearchConfig.fine_tune
SEEDS = 5

CANDIDATE_COLUMNS = ("candidate", "ms", "accuracy")
BUDGET_COLUMNS = (
    "budget, ms",
    "picked",
    "accuracy",
    "best mean of all",
    "its accuracy",
    "difference, points",
    "best of each seed",
    "difference, points",
)


def main() -> None:
    """Run the study and print its table."""
    study, folder, *rest = sys.argv[1:]
    if study == "latencies":
        latencies(Path(folder))
    else:
        choice(Path(folder), Path(rest[0]), int(rest[1]) if len(rest) > 1 else SEEDS)


def latencies(folder: Path) -> None:
    """Print measured and predicted latencies, and how far they are apart."""
    from scipy.stats import spearmanr

    config = SearchConfig(data=str(folder / "alpaca"), alpha=ALPHAS)
    options, candidates = config.training_options(), make_candidates(config)
    probes = {each.name for each in choose_probes(candidates)}
    with tempfile.TemporaryDirectory() as files, TrainingReporter() as reporter:
        data = prepare_data(options, reporter)
        models = make_probes(Path(files), candidates, options, data, reporter)
        report = time_models(models, data, reporter)
        costs = count_all(candidates, options, len(data.labels), reporter)
    measured = {each.name: latency_of(each) for each in report.targets}
    known = [each for each in report.targets if each.name in probes]
    predicted = estimate(costs, dataclasses.replace(report, targets=known))
    others = [each for each in predicted if not each.measured]
    errors = np.array([abs(each.ms / measured[each.candidate.name] - 1) for each in others])
    rows = [
        [each.candidate.text, f"{measured[each.candidate.name]:.3f}", f"{each.ms:.3f}"] for each in others
    ]
    print(markdown_table(("network", "measured, ms", "predicted, ms"), rows))  # noqa: T201
    rank = spearmanr([measured[e.candidate.name] for e in others], [e.ms for e in others]).statistic
    print(  # noqa: T201
        f"\n{len(others)} predicted from {len(known)}: error {errors.mean():.1%} on average, "
        f"{errors.max():.1%} at most; rank correlation {rank:.4f}"
    )


def choice(folder: Path, out: Path, seeds: int) -> None:
    """Print, for every budget, what is picked and what is best, as means over the seeds."""
    found = {}
    for seed in range(1, seeds + 1):
        config = SearchConfig(
            data=str(folder / "alpaca"),
            weights=str(folder / "mobilenet_v2_{alpha}_no_top.weights.h5"),
            image_size=(96, 128, 160, 224),
            fine_tune=100,
            seed=seed,
            out=out / str(seed),
            resume=True,
        )
        with TrainingReporter() as reporter:
            found[seed] = search(config, reporter)
    searches = list(found.values())
    names = [each.name for each in searches[0].tuned]
    # The same budgets for every seed, whose models take the same time.
    times = {name: float(np.mean([_tuned(each, name).ms for each in searches])) for name in names}
    print(markdown_table(CANDIDATE_COLUMNS, _candidates(searches, times)) + "\n")  # noqa: T201
    rows = [
        _compare(searches, times, Budget(times[name], None)) for name in sorted(names, key=times.__getitem__)
    ]
    print(markdown_table(BUDGET_COLUMNS, rows))  # noqa: T201
    print()  # noqa: T201
    for seed, each in found.items():
        print(f"seed {seed}: {each.images} held-out images; {_cost(each)}")  # noqa: T201


def _candidates(searches: Sequence[Search], times: Mapping[str, float]) -> list[Sequence[str]]:
    """A row for each candidate: its latency, and the mean accuracy with its interval."""
    return [
        (
            _tuned(searches[0], name).trained.candidate.text,
            f"{times[name]:.3f}",
            interval(np.array([_tuned(each, name).trained.accuracy.value for each in searches])),
        )
        for name in sorted(times, key=times.__getitem__)
    ]


def _compare(searches: Sequence[Search], times: Mapping[str, float], budget: Budget) -> Sequence[str]:
    """The models that would be picked within a budget, beside the best of all that were trained.

    The best of each seed is better than any model really is: of equally good ones it is the luckiest.
    """
    allowed = [name for name, ms in times.items() if budget.allows(ms, 0.0)]
    picks = [_pick(each, times, budget, FINE_TUNED) for each in searches]
    bests = [_pick(each, times, budget, len(times)) for each in searches]
    values = np.array([[_tuned(s, name).trained.accuracy.value for s in searches] for name in allowed])
    top = int(values.mean(axis=1).argmax())
    picked = np.array([each.accuracy.value for each in picks])
    best = np.array([each.accuracy.value for each in bests])
    counts = Counter(each.candidate.text for each in picks)
    return [
        f"{budget.max_ms:.3f}",
        ", ".join(f"{text} ({count})" for text, count in counts.most_common()),
        f"{picked.mean():.4f}",
        _tuned(searches[0], allowed[top]).trained.candidate.text,
        f"{values[top].mean():.4f}",
        f"{100 * (picked.mean() - values[top].mean()):+.2f}",
        f"{best.mean():.4f}",
        f"{100 * (picked - best).mean():+.2f}",
    ]


def _pick(found: Search, times: Mapping[str, float], budget: Budget, fine_tuned: int) -> Trained:
    """What a search picks within a budget where so many candidates are fine-tuned."""
    allowed = [each for each in found.tuned if budget.allows(times[each.name], each.trained.mb)]
    candidates = {each.trained.candidate for each in allowed}
    chosen = promising([each for each in found.screened if each.candidate in candidates], fine_tuned)
    names = {each.candidate.name for each in chosen}
    placed = place([each.trained for each in allowed if each.name in names], times, budget)
    picked, reason = choose(placed, budget)
    if picked is None:
        raise ValueError(reason)
    return picked.trained


def _tuned(found: Search, name: str) -> Tuned:
    return next(each for each in found.tuned if each.name == name)


def _cost(found: Search) -> str:
    """How long a search takes beside the trainings and conversions of what it fine-tunes."""
    names = {each.candidate.name for each in promising(found.screened, FINE_TUNED)}
    tuning = sum(each.trained.seconds for each in found.tuned if each.name in names)
    screening = sum(each.seconds for each in found.screened)
    rest = sum(found.seconds[stage] for stage in ("data", "latencies", "measuring"))
    return (
        f"without a budget: {tuning:.0f} s for the {FINE_TUNED} that are fine-tuned, {screening:.0f} s for "
        f"screening, {rest:.0f} s for latencies and data: {(tuning + screening + rest) / tuning:.2f} times"
    )


if __name__ == "__main__":
    main()

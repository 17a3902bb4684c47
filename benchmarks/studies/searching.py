"""How well `edge-search` predicts latencies, and how good its choice is beside training every candidate.

    python -m benchmarks.studies.searching latencies FOLDER
    python -m benchmarks.studies.searching choice FOLDER OUT

FOLDER contains `alpaca/` and MobileNetV2's weights without top. `latencies` times 20 untrained networks in
turns and predicts those that are not among the six probes. `choice` trains every candidate that there are
weights for (what is in OUT is not repeated) and compares, for every budget, the model that would be picked
with the best of all.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.search import (
    Budget,
    Search,
    SearchConfig,
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
from edge_runtime.core import markdown_table
from trainer import TrainingReporter
from trainer.data import prepare_data

ALPHAS = (0.35, 0.5, 0.75, 1.0)
FINE_TUNED = SearchConfig.fine_tune


def main() -> None:
    """Run the study and print its table."""
    study, folder, *rest = sys.argv[1:]
    if study == "latencies":
        latencies(Path(folder))
    else:
        choice(Path(folder), Path(rest[0]))


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


def choice(folder: Path, out: Path) -> None:
    """Print, for every budget, what is picked and what is best."""
    weights = str(folder / "mobilenet_v2_{alpha}_no_top.weights.h5")
    config = SearchConfig(
        data=str(folder / "alpaca"),
        weights=weights,
        image_size=(96, 128, 160, 224),
        fine_tune=100,
        out=out,
        resume=True,
    )
    with TrainingReporter() as reporter:
        found = search(config, reporter)
    columns = ("budget, ms", "picked", "accuracy", "best of all", "accuracy", "difference, points")
    rows = [_compare(found, Budget(each.ms, None)) for each in found.tuned]
    print(markdown_table(columns, rows))  # noqa: T201
    print(f"\n{found.images} held-out images; {_cost(found)}")  # noqa: T201


def _compare(found: Search, budget: Budget) -> Sequence[str]:
    """The model that would be picked within a budget, beside the best of all that were trained."""
    allowed = [each for each in found.tuned if budget.allows(each.ms, each.trained.mb)]
    candidates = {each.trained.candidate for each in allowed}
    chosen = promising([each for each in found.screened if each.candidate in candidates], FINE_TUNED)
    names = {each.candidate.name for each in chosen}
    times = {each.name: each.ms for each in allowed}
    picked, _reason = choose(place([e.trained for e in allowed if e.name in names], times, budget), budget)
    best, _reason = choose(place([e.trained for e in allowed], times, budget), budget)
    if picked is None or best is None:
        return [f"{budget.max_ms:.3f}", *["none passes the int8 gate"] * 5]
    one, other = picked.trained.accuracy.value, best.trained.accuracy.value
    return [
        f"{budget.max_ms:.3f}",
        picked.trained.candidate.text,
        f"{one:.4f}",
        best.trained.candidate.text,
        f"{other:.4f}",
        f"{100 * (one - other):+.2f}",
    ]


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

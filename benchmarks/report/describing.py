"""From the measurements of targets to their reports."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import (
    Measured,
    Samples,
    compare_answers,
    confusion_matrix,
    fraction,
    ratio_of_rounds,
    summarize,
)
from benchmarks.report.types import QUANTILES, Accuracy, Corrupted, Cost, TargetReport, Unknowns
from edge_runtime.core import Scores
from edge_runtime.inference import is_kept, lead_of_unknown, measure_separation, top_k_accuracy


def describe_targets(
    measured: Sequence[Measured],
    targets: Sequence[int],
    classes: int,
    *,
    reference: "Scores | None" = None,
    raw: bool,
    corrupted: Sequence[int] = (),
) -> list[TargetReport]:
    """The reports of targets.

    Args:
        measured: the targets; times are compared with the first, unless there is a `reference`.
        targets: the right class of each image.
        classes: how many there are; an output after them is for images of no class.
        reference: scores of a model measured on another machine, to compare answers with, float32, shape
            (images, outputs); those of the first target when None.
        raw: put every single latency into the report.
        corrupted: the right class of each image that was corrupted.
    """
    truth = np.array(targets)
    first = measured[0]
    rounds = np.array(first.rounds) if reference is None else None
    scores = first.scores if reference is None else reference
    described = [_describe(each, rounds, scores[:, :classes], truth, classes, raw=raw) for each in measured]
    return [
        dataclasses.replace(report, corruptions=_corruptions(each, np.array(corrupted), classes))
        for report, each in zip(described, measured, strict=True)
    ]


def _corruptions(each: Measured, truth: NDArray[np.int64], classes: int) -> list[Corrupted]:
    return [
        Corrupted(
            kind, strength, fraction(int((scores[:, :classes].argmax(axis=1) == truth).sum()), len(truth))
        )
        for (kind, strength), scores in each.corrupted_scores.items()
    ]


def _describe(
    each: Measured,
    first_rounds: Samples | None,
    reference: Scores,
    truth: NDArray[np.int64],
    classes: int,
    *,
    raw: bool,
) -> TargetReport:
    assert each.loaded is not None  # noqa: S101 - it was measured
    totals = each.totals
    per_thousand = 1000 / len(totals)
    return TargetReport(
        name=each.spec.name,
        kind=each.spec.kind,
        engine=each.loaded.engine,
        num_threads=each.loaded.num_threads,
        cold_start=float(np.median(each.cold_start_ms)),
        load=float(np.median(each.load_ms)),
        first=float(np.median(each.first_ms)),
        latency=summarize(totals),
        stages={
            name: float(np.median([getattr(image, name) for image in each.images]))
            for name in ("decode", "resize", "invoke", "postprocess")
        },
        throughput=float(1000 / totals.mean()),
        quantiles=np.quantile(totals, np.linspace(0, 1, QUANTILES)).tolist(),
        ratio_to_first=None if first_rounds is None else ratio_of_rounds(np.array(each.rounds), first_rounds),
        rounds=each.rounds,
        cost=Cost(
            size_bytes=each.loaded.size_bytes,
            resident_bytes=each.resident,
            peak_bytes=each.peak,
            cpu_seconds_per_1000=each.cpu_seconds * per_thousand,
            joules_per_1000=None if each.joules is None else each.joules * per_thousand,
        ),
        operators=each.operators,
        accuracy=_accuracy(each.scores[:, :classes], reference, truth),
        unknowns=_unknowns(each, classes),
        sustained=each.sustained,
        raw=totals.tolist() if raw else None,
    )


def _unknowns(each: Measured, classes: int) -> Unknowns | None:
    rejects = each.scores.shape[1] > classes
    asked = len(each.unknown_scores)
    if not rejects and not asked:
        return None
    kept = is_kept(each.scores) if rejects else None
    accepted = is_kept(each.unknown_scores) if rejects and asked else None
    separation = None
    if asked:
        known, unknown = (_margins(scores, rejects=rejects) for scores in (each.scores, each.unknown_scores))
        separation = measure_separation(known, unknown)
    return Unknowns(
        by="unknown" if rejects else "score",
        kept=None if kept is None else fraction(int(kept.sum()), len(kept)),
        accepted=None if accepted is None else fraction(int(accepted.sum()), len(accepted)),
        auroc=separation.auroc if separation else None,
        accepted_at_95=separation.accepted_at_95 if separation else None,
    )


def _margins(scores: Scores, *, rejects: bool) -> Scores:
    """Larger for images of the classes, shape (images,)."""
    return np.asarray(-lead_of_unknown(scores) if rejects else scores.max(axis=1), np.float32)


def _accuracy(scores: Scores, first: Scores, truth: NDArray[np.int64]) -> Accuracy:
    found, reference = scores.argmax(axis=1), first.argmax(axis=1)
    confusion = confusion_matrix(truth, found, scores.shape[1])
    counts = confusion.sum(axis=1)
    difference = np.abs(scores - first)
    return Accuracy(
        top1=fraction(int((found == truth).sum()), len(truth)),
        top5=top_k_accuracy(scores, truth, 5),
        agreement=float((found == reference).mean()),
        max_score_difference=float(difference.max()),
        mean_score_difference=float(difference.mean()),
        p_value=compare_answers(reference == truth, found == truth),
        recall=[
            float(right / count) if count else None
            for right, count in zip(confusion.diagonal(), counts, strict=True)
        ],
        confusion=confusion.tolist(),
        predicted=found.tolist(),
    )

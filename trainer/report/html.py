"""`report.html`: the whole training on one page that needs no other file."""

import base64
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from edge_runtime import ModelCard
from edge_runtime.core.options import option_name
from edge_runtime.datasets.layouts import SPLITS, TEST, VALIDATION
from trainer.config import TrainConfig
from trainer.data.preparation import Data
from trainer.evaluation.metrics import SplitMetrics
from trainer.fitting.train_loop import Epoch

MOST_PASSED_OVER = 50


def render_report(
    config: TrainConfig,
    data: Data,
    history: Sequence[Epoch],
    metrics: Mapping[str, SplitMetrics],
    card: ModelCard,
    pictures: Mapping[str, bytes],
) -> str:
    """The page, as HTML with its pictures inside.

    Args:
        config: the options.
        data: the pictures.
        history: every epoch.
        metrics: per split.
        card: the run's.
        pictures: PNGs by the names of their files.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    page = Environment(loader=PackageLoader("trainer.report"), autoescape=True, undefined=StrictUndefined)
    text = page.get_template("report.html.j2").render(
        title=config.out.name,
        source=config.data,
        judged=TEST if TEST in metrics else VALIDATION,
        metrics=metrics,
        best=max(history, key=lambda epoch: epoch.rank),
        history=history,
        seconds=sum(epoch.seconds for epoch in history),
        counts=_count(data),
        splits=SPLITS,
        passed_over=data.passed_over,
        most_passed_over=MOST_PASSED_OVER,
        card=card,
        options=_options(config),
        pictures={name: base64.b64encode(content).decode() for name, content in pictures.items()},
    )
    # A file's name may hold bytes that are no UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def _count(data: Data) -> dict[str, dict[str, int]]:
    """Pictures by label and split."""
    counts = Counter((sample.label, sample.split) for sample in data.samples)
    return {label: {split: counts[label, split] for split in SPLITS} for label in data.labels}


def _options(config: TrainConfig) -> list[tuple[str, Any, bool]]:
    """Name, value, and whether it is not the default."""
    return [
        (option_name(field.name), getattr(config, field.name), getattr(config, field.name) != field.default)
        for field in dataclasses.fields(config)
        if field.name not in ("data", "out", "overwrite", "resume")
    ]

"""`report.html`: everything about a training on one page that needs no other file."""

import base64
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from edge_runtime.core import option_name
from edge_runtime.datasets import SPLITS
from edge_runtime.model import ModelCard
from trainer.config import TrainConfig
from trainer.cross_validation import Choice
from trainer.data import Data
from trainer.evaluation import SplitMetrics, most_telling
from trainer.fitting import Epoch
from trainer.rejection import FittedRejection

MAX_SKIPPED = 50


def render_report(
    config: TrainConfig,
    data: Data,
    history: Sequence[Epoch],
    metrics: Mapping[str, SplitMetrics],
    card: ModelCard,
    illustrations: Mapping[str, bytes],
    rejection: FittedRejection | None = None,
    choice: Choice | None = None,
) -> str:
    """Render the page, as HTML with its images inside.

    Args:
        config: the options.
        data: the images.
        history: every epoch.
        metrics: per split.
        card: the run's.
        illustrations: PNGs by the names of their files.
        rejection: of images of no class, if there is one.
        choice: what cross-validation chose, if it did.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    page = Environment(loader=PackageLoader("trainer.report"), autoescape=True, undefined=StrictUndefined)
    text = page.get_template("report.html.j2").render(
        title=config.out.name,
        source=config.data,
        evaluated=most_telling(metrics),
        choice=choice,
        metrics=metrics,
        best=history[-1] if choice else max(history, key=lambda epoch: epoch.rank),
        history=history,
        seconds=sum(epoch.seconds for epoch in history),
        counts=_count(data),
        splits=SPLITS,
        skipped=data.skipped,
        max_skipped=MAX_SKIPPED,
        card=card,
        separations=rejection.separations if rejection else {},
        options=_options(config),
        illustrations={name: base64.b64encode(content).decode() for name, content in illustrations.items()},
    )
    # A file name may contain bytes that are not UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def _count(data: Data) -> dict[str, dict[str, int]]:
    """Images by label and split."""
    counts = Counter((sample.label, sample.split) for sample in data.samples)
    return {label: {split: counts[label, split] for split in SPLITS} for label in data.labels}


def _options(config: TrainConfig) -> list[tuple[str, Any, bool]]:
    """Name, value, and whether it is not the default."""
    return [
        (option_name(field.name), getattr(config, field.name), getattr(config, field.name) != field.default)
        for field in dataclasses.fields(config)
        if field.name not in ("data", "out", "overwrite", "resume")
    ]

"""Write a run: everything that a training leaves behind, each file whole or not at all."""

import csv
import dataclasses
import hashlib
import io
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_runtime import Sample
from edge_runtime.core.files import write_file, write_with
from edge_runtime.core.versions import installed_versions
from trainer.evaluation.metrics import SplitMetrics
from trainer.fitting.train_loop import Epoch

_PACKAGES = ("edge-classify", "tensorflow", "keras", "numpy", "opencv-python", "opencv-python-headless")


def write_history(folder: Path, history: Sequence[Epoch]) -> None:
    """Write `history.csv`, one line an epoch."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in dataclasses.fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(epoch) for epoch in history)
    write_file(folder / "history.csv", text.getvalue())


def write_metrics(folder: Path, metrics: Mapping[str, SplitMetrics]) -> None:
    """Write `metrics.json`, one object a split."""
    objects = {split: values.to_dict() for split, values in metrics.items()}
    write_file(folder / "metrics.json", json.dumps(objects, indent=2, ensure_ascii=False) + "\n")


def write_model(folder: Path, model: Any) -> None:
    """Write `model.keras`."""
    write_with(folder / "model.keras", model.save)


def write_best_weights(folder: Path, model: Any) -> None:
    """Write `checkpoints/best.weights.h5`, the weights that a model has now."""
    write_with(folder / "checkpoints" / "best.weights.h5", model.save_weights)


def fingerprint(samples: Iterable[Sample]) -> str:
    """SHA-256 over the pixels, label and split of every picture, whatever the files are called."""
    lines = sorted(f"{sample.hash} {sample.split} {sample.label}\n" for sample in samples)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def library_versions() -> dict[str, str]:
    """The versions of the toolkit and of what the model was made with."""
    return {"python": platform.python_version(), **installed_versions(*_PACKAGES)}

"""Run → model file: converted, compared with the Keras model, checked for its target, tied to its origin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from converter.compatibility.runtime_check import Fit, Target, check_fit
from converter.keras_file import load_keras_model
from converter.packaging.metadata import Normalization, add_metadata
from converter.packaging.provenance import library_versions
from converter.quantization.calibration import (
    DEFAULT_COUNT,
    CalibrationSet,
    check_held_out,
    read_calibration,
    read_fitted,
)
from converter.quantization.comparison import Comparison, compare, converted_scores, float_scores
from converter.quantization.layer_report import LayerError, measure_layers
from converter.quantization.mixed_precision import KeptFloat, keep_worst_in_float, measure_cost
from converter.quantization.quantizer import Io, Precision, Quantizer, Ranges, check_io
from converter.quantization.range_selection import Calibration, clip_ranges
from edge_runtime import Dataset, Image, ModelCard, ModelError, pack_model_file
from edge_runtime.core.files import sha256
from edge_runtime.core.progress import Reporter
from edge_runtime.datasets.run_format import Run

# A fifth of the calibration pictures judges between the methods of `auto`.
_HELD_OUT_EVERY = 5


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """What `edge-convert` is asked for; see `edge-convert --help` for each."""

    precisions: tuple[Precision, ...] = (Precision.INT8,)
    io: Io | None = None
    calibrate: Calibration = Calibration.MINMAX
    calibration: Path | None = None
    calibration_count: int = DEFAULT_COUNT
    max_drop: float = 0.01
    keep_float: bool = False
    target: Target = Target.LITERT
    layer_report: bool = False


@dataclass(frozen=True)
class Conversion:
    """One converted model, not written yet.

    Attributes:
        content: the bytes of the model file.
        card: the card inside.
        keras_bytes: size of the Keras file.
        comparison: with the Keras model on all held-out pictures.
        by_split: the same for each split.
        passed: whether the loss of accuracy is within the gate.
        fit: whether it runs on the target.
        method: the calibration that was used.
        calibration: the pictures it was calibrated with.
        kept_float: the layers left in float so that the gate passes, and what they cost.
        layers: signal-to-noise of every layer, where it was measured.
    """

    content: bytes
    card: ModelCard
    precision: Precision
    keras_bytes: int
    comparison: Comparison
    by_split: dict[str, Comparison]
    passed: bool
    fit: Fit
    method: Calibration
    calibration: CalibrationSet
    kept_float: KeptFloat | None
    layers: tuple[LayerError, ...]


def convert(run: Run, options: ConvertOptions, reporter: Reporter) -> Iterator[Conversion]:
    """Convert a run to each precision asked for, in one load of the model.

    Args:
        run: what `read_run` gave.
        options: the options.
        reporter: is told each step.

    Yields:
        A conversion for each precision; nothing is written.

    Raises:
        ModelError: the run cannot be used.
        DatasetError: its data or the calibration pictures cannot be used.
        UsageError: options that do not go together.
    """
    check_io(options.precisions, options.io)
    dataset = run.open_data()
    model = load_keras_model(run.keras_file)
    _check_model(run, model)
    with reporter.bar("reading calibration pictures") as tick:
        calibration = read_calibration(
            run, dataset, options.calibration_count, folder=options.calibration, tick=tick
        )
    reporter.say(f"{len(calibration.images)} calibration pictures, SHA-256 {calibration.sha256[:12]}")
    judge = _Judge.of(run, dataset, model, reporter)
    for precision in options.precisions:
        reporter.say(f"converting to {precision}")
        yield _convert_one(run, model, calibration, judge, precision, options, reporter)


@dataclass(frozen=True)
class _Judge:
    """The held-out pictures with the Keras model's scores."""

    run: Run
    images: tuple[Image, ...]
    splits: tuple[str, ...]
    targets: np.ndarray[Any, np.dtype[np.int64]]
    expected: np.ndarray[Any, np.dtype[np.float32]]
    reporter: Reporter

    @classmethod
    def of(cls, run: Run, dataset: Dataset, model: Any, reporter: Reporter) -> "_Judge":
        samples = run.held_out
        index = {label: position for position, label in enumerate(run.card.labels)}
        with reporter.bar("reading held-out images") as tick:
            images = read_fitted(run.card, dataset, samples, tick)
        with reporter.bar("checking held-out images") as tick:
            check_held_out(run, dataset, tick)
        with reporter.bar("scores of the Keras model") as tick:
            expected = float_scores(model, images, tick=tick)
        return cls(
            run=run,
            images=images,
            splits=tuple(sample.split for sample in samples),
            targets=np.array([index[sample.label] for sample in samples]),
            expected=expected,
            reporter=reporter,
        )

    def passes(self, converted: bytes, max_drop: float) -> bool:
        """Whether a converted model loses no more accuracy than it may."""
        return self.compare(converted)[0].within(max_drop)

    def compare(self, converted: bytes) -> tuple[Comparison, dict[str, Comparison]]:
        """All held-out pictures together, and split by split."""
        labels = self.run.card.labels
        with self.reporter.bar("scores of the converted model") as tick:
            found = converted_scores(converted, self.run.card, self.images, tick)
        by_split = {}
        for split in dict.fromkeys(self.splits):
            mask = np.array(self.splits) == split
            by_split[split] = compare(self.expected[mask], found[mask], self.targets[mask], labels)
        return compare(self.expected, found, self.targets, labels), by_split


@dataclass(frozen=True)
class _Made:
    """A converted model without metadata, labels and card, and how it came to be."""

    model: bytes
    quantizer: Quantizer
    method: Calibration = Calibration.MINMAX
    kept: KeptFloat | None = None


def _convert_one(
    run: Run,
    model: Any,
    calibration: CalibrationSet,
    judge: _Judge,
    precision: Precision,
    options: ConvertOptions,
    reporter: Reporter,
) -> Conversion:
    quantizer = Quantizer(model, calibration.images, options.io or Io.UINT8, reporter)
    if precision is Precision.INT8:
        made = _make_int8(quantizer, judge, options, reporter)
    else:
        made = _Made(quantizer.convert(precision), quantizer)
    comparison, by_split = judge.compare(made.model)
    passed = comparison.within(options.max_drop)
    layers: list[LayerError] = []
    if precision is Precision.INT8 and (options.layer_report or not passed):
        reporter.say("measuring the noise of every layer")
        layers = measure_layers(made.quantizer.calibrated, made.quantizer.images, made.quantizer.expected)
    named = add_metadata(
        made.model,
        run.card,
        name=run.folder.resolve().name,
        version=run.card.data_fingerprint[:12],
        # Raw pixels go in, whatever the type: the rescaling is inside, or in the input's scale.
        normalization=Normalization(mean=0.0, std=1.0),
    )
    card = replace(run.card, provenance=_provenance(run, named, precision, options, made.method, calibration))
    content = pack_model_file(named, card)
    return Conversion(
        content=content,
        card=card,
        precision=precision,
        keras_bytes=run.keras_file.stat().st_size,
        comparison=comparison,
        by_split=by_split,
        passed=passed,
        fit=check_fit(content, options.target, name=f"the {precision} model"),
        method=made.method,
        calibration=calibration,
        kept_float=made.kept,
        layers=tuple(layers),
    )


def _make_int8(quantizer: Quantizer, judge: _Judge, options: ConvertOptions, reporter: Reporter) -> _Made:
    """Calibrate and quantize; where the gate fails and the user allows it, keep layers in float."""
    card = judge.run.card
    method, quantizer, ranges = _calibrate(quantizer, card, options.calibrate, reporter)
    int8 = quantizer.quantize(ranges)
    if not options.keep_float or judge.passes(int8, options.max_drop):
        return _Made(int8, quantizer, method)
    with reporter.bar("finding layers to keep in float") as tick:
        operators = keep_worst_in_float(
            quantizer, ranges, card, lambda candidate: judge.passes(candidate, options.max_drop), tick
        )
    if operators is None:
        return _Made(int8, quantizer, method)
    mixed = quantizer.quantize(ranges, operators)
    return _Made(mixed, quantizer, method, measure_cost(operators, int8, mixed, card, judge.images[0]))


def _calibrate(
    quantizer: Quantizer, card: ModelCard, method: Calibration, reporter: Reporter
) -> tuple[Calibration, Quantizer, Ranges | None]:
    if method is Calibration.MINMAX:
        return method, quantizer, None
    if method is not Calibration.AUTO:
        return method, quantizer, _clip(quantizer, method, reporter)
    judges = [image for position, image in enumerate(quantizer.images) if not position % _HELD_OUT_EVERY]
    rest = [image for position, image in enumerate(quantizer.images) if position % _HELD_OUT_EVERY]
    if not rest:
        raise ModelError("--calibrate auto needs two or more calibration pictures")
    quantizer = replace(quantizer, images=rest)
    expected = float_scores(quantizer.model, judges)
    targets = np.zeros(len(judges), np.int64)
    choices: list[tuple[tuple[float, float], Calibration, Ranges | None]] = []
    for each in (Calibration.MINMAX, Calibration.PERCENTILE, Calibration.MSE):
        ranges = None if each is Calibration.MINMAX else _clip(quantizer, each, reporter)
        found = converted_scores(quantizer.quantize(ranges), card, judges)
        result = compare(expected, found, targets, card.labels)
        reporter.say(f"calibration {each}: agreement {result.agreement:.4f}, KL {result.kl_divergence:.5f}")
        choices.append(((result.agreement, -result.kl_divergence), each, ranges))
    _rank, chosen, ranges = max(choices, key=lambda choice: choice[0])
    return chosen, quantizer, ranges


def _clip(quantizer: Quantizer, method: Calibration, reporter: Reporter) -> Ranges:
    calibrated = quantizer.calibrated
    with reporter.bar(f"ranges by {method}") as tick:
        return clip_ranges(calibrated, quantizer.images, quantizer.expected, method, tick)


def _check_model(run: Run, model: Any) -> None:
    outputs = int(model.output_shape[-1])
    if outputs != len(run.card.labels):
        raise ModelError(
            f"card.json names {len(run.card.labels)} classes, the model has {outputs} outputs ({run.folder})"
        )
    if tuple(model.input_shape[1:3]) != run.card.image_size:
        raise ModelError(
            f"card.json says {run.card.image_size} pixels, the model has {model.input_shape[1:3]}"
        )


def _provenance(
    run: Run,
    model: bytes,
    precision: Precision,
    options: ConvertOptions,
    method: Calibration,
    calibration: CalibrationSet,
) -> dict[str, str]:
    return {
        "data_fingerprint": run.card.data_fingerprint,
        "keras_sha256": sha256(run.keras_file.read_bytes()),
        "tflite_sha256": sha256(model),
        "precision": str(precision),
        "io": str(options.io or (Io.UINT8 if precision is Precision.INT8 else Io.FLOAT32)),
        "calibration": str(method),
        "calibration_sha256": calibration.sha256,
        **{f"converter {name}": version for name, version in library_versions().items()},
    }


def worst_classes(comparison: Comparison, count: int) -> Sequence[str]:
    """The classes that lost most, with what they lost."""
    return [
        f"{label} {drop:+.3f}" for label, drop in list(comparison.class_drops.items())[:count] if drop > 0
    ]

"""Run → model file in steps: calibrate → equalize → correct → train → quantize → compare → gate → package.

After calibration an output for images of no class gets ranges that hold such images. Training is
quantization-aware, and done where it is asked for.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter.compatibility import Fit, check_fit
from converter.config import ConvertConfig, KeepFloat
from converter.held_out import HeldOut
from converter.keras_file import load_keras_model
from converter.packaging import Normalization, add_metadata, make_provenance
from converter.quantization import (
    Calibrated,
    Calibration,
    CalibrationSet,
    Comparison,
    FittedImages,
    FloatScores,
    Io,
    KeptFloat,
    LayerError,
    Precision,
    Ranges,
    RejectionComparison,
    calibrate,
    check_io,
    clip_ranges,
    clipped_layers,
    convert_precision,
    converted_scores,
    correct,
    correct_dense_layers,
    equalize_channels,
    keep_worst_in_float,
    make_room_for_unknowns,
    mean_lead_error,
    measure_agreement,
    measure_class_agreement,
    measure_cost,
    measure_layers,
    quantize,
    read_calibration,
    rejection_tensors,
    shift_lead,
    shift_that_keeps,
    train_for_int8,
    with_ranges,
)
from edge_runtime.core import Image, ModelError, Reporter
from edge_runtime.datasets import TRAIN, Run
from edge_runtime.model import ModelCard, pack_model_file

# A fifth of the calibration images decides between the methods of `auto`.
_HELD_OUT_EVERY = 5

_QAT_JUDGES = 1000
"""Training images that decide whether quantization-aware training helps: of 200 a few decide."""

_LEAD_CORRECTIONS = 3
_LEAD_PRECISION = 0.1
"""In logits; 256 levels of the scores are as coarse."""


@dataclass(frozen=True)
class Conversion:
    """One converted model, not written yet.

    Attributes:
        content: the bytes of the model file.
        card: the card inside.
        precision: of the model.
        keras_bytes: size of the Keras file.
        comparison: with the Keras model on all held-out images.
        by_split: the same for each split.
        rejection: of images of no class, beside the Keras model's; None for a model without it.
        passed: whether the loss of accuracy, and the change of what is rejected, are within the gate.
        fit: whether it runs on the target.
        method: how the ranges were selected.
        calibration: the representative dataset.
        kept_float: the layers kept in float so that the gate passes, and what they cost.
        layers: signal-to-noise ratio of every layer, where it was measured.
    """

    content: bytes
    card: ModelCard
    precision: Precision
    keras_bytes: int
    comparison: Comparison
    by_split: dict[str, Comparison]
    rejection: RejectionComparison | None
    passed: bool
    fit: Fit
    method: Calibration
    calibration: CalibrationSet
    kept_float: KeptFloat | None
    layers: tuple[LayerError, ...]


@dataclass(frozen=True, eq=False)
class _Converted:
    """A converted model without metadata, labels and card, and how it was made."""

    model: bytes
    method: Calibration = Calibration.MINMAX
    calibrated: Calibrated | None = None
    kept: KeptFloat | None = None


class _Prepared(NamedTuple):
    """A float model ready to be quantized, its ranges (None: those measured), and how they were selected."""

    calibrated: Calibrated
    method: Calibration
    ranges: Ranges | None


def convert(run: Run, config: ConvertConfig, reporter: Reporter) -> Iterator[Conversion]:
    """Convert a run to each precision, loading the Keras model once.

    Args:
        run: from `read_run`.
        config: the options.
        reporter: shows the progress.

    Yields:
        A conversion for each precision; nothing is written.

    Raises:
        ModelError: the run cannot be used.
        DatasetError: its data or the calibration images cannot be used.
        UsageError: contradicting options.
    """
    check_io(config.precisions, config.io)
    dataset = run.open_data()
    model = load_keras_model(run.files.model)
    _check_model(run, model)
    with reporter.bar("reading calibration images") as tick:
        calibration = read_calibration(
            run, dataset, config.calibration_count, folder=config.calibration, tick=tick
        )
    reporter.say(f"{len(calibration.images)} calibration images, SHA-256 {calibration.sha256[:12]}")
    float_scores = FloatScores(model)
    held_out = HeldOut.read(run, dataset, float_scores, calibration, reporter)
    training = FittedImages(run.card, dataset, run.split(TRAIN))
    converter = _Converter(run, model, float_scores, calibration, training, held_out, config, reporter)
    for precision in config.precisions:
        reporter.say(f"converting to {precision}")
        yield converter.convert(precision)


@dataclass(frozen=True, eq=False)
class _Converter:
    """What the steps of all precisions have in common."""

    run: Run
    model: Any
    float_scores: FloatScores
    calibration: CalibrationSet
    training: Sequence[Image]
    held_out: HeldOut
    config: ConvertConfig
    reporter: Reporter

    def convert(self, precision: Precision) -> Conversion:
        """Convert to one precision, compare, gate and package."""
        if precision is Precision.INT8:
            converted = self._convert_to_int8()
        else:
            with self.reporter.bar("calibrating") as tick:
                # Its ranges have to hold images of no class too.
                images = (*self.calibration.images, *self.held_out.unknowns)
                converted = _Converted(convert_precision(self.model, precision, images, tick))
        compared = self.held_out.compare(converted.model)
        passed = compared.passes(self.config)
        layers: list[LayerError] = []
        if converted.calibrated is not None and (self.config.layer_report or not passed):
            self.reporter.say("measuring the noise of every layer")
            rejects = self.run.card.rejection is not None
            leave_out = clipped_layers(converted.calibrated) if rejects else ()
            layers = measure_layers(converted.calibrated, leave_out)
        content, card = self._package(converted, precision)
        return Conversion(
            content=content,
            card=card,
            precision=precision,
            keras_bytes=self.run.files.model.stat().st_size,
            comparison=compared.comparison,
            by_split=compared.by_split,
            rejection=compared.rejection,
            passed=passed,
            fit=check_fit(content, self.config.target, name=f"the {precision} model"),
            method=converted.method,
            calibration=self.calibration,
            kept_float=converted.kept,
            layers=tuple(layers),
        )

    def _convert_to_int8(self) -> _Converted:
        """Prepare, train if asked, and quantize; keep layers in float if the gate fails and it may."""
        prepared = self._calibrate(self.config.calibrate or Calibration.MSE)
        if self.config.qat_steps:
            prepared = self._train(prepared)
        calibrated, method, ranges = prepared
        int8 = quantize(calibrated, ranges)
        if self.run.card.rejection:
            calibrated, int8 = self._correct_lead(calibrated, ranges, int8)
        if self.config.keep_float is KeepFloat.NONE or self._passes(int8):
            return _Converted(int8, method, calibrated)
        return self._keep_float(int8, method, calibrated, ranges)

    def _calibrate(self, method: Calibration, *, merge: bool = True) -> _Prepared:
        """Measure and select the ranges, equalize and correct; wider ranges where these reject better."""
        images: Sequence[Image] = self.calibration.images
        judges: Sequence[Image] = ()
        if method is Calibration.AUTO:
            judges = images[::_HELD_OUT_EVERY]
            images = [image for position, image in enumerate(images) if position % _HELD_OUT_EVERY]
            if not images:
                raise ModelError("--calibrate auto needs two or more calibration images")
        with self.reporter.bar("calibrating") as tick:
            calibrated = calibrate(self.model, images, self.config.io or Io.UINT8, tick, merge=merge)
        plain = self._prepare(calibrated, method, judges)
        if not self.run.card.rejection:
            return plain
        let_in = self.held_out.count_let_in(quantize(plain.calibrated, plain.ranges))
        if not let_in:
            return plain
        wide = self._prepare(calibrated, method, judges, self.held_out.uniform)
        if self.held_out.count_let_in(quantize(wide.calibrated, wide.ranges)) >= let_in:
            return plain
        self.reporter.say("ranges are widened by frames of one color, so that int8 rejects better")
        return wide

    def _prepare(
        self,
        calibrated: Calibrated,
        method: Calibration,
        judges: Sequence[Image],
        uniform: Sequence[Image] = (),
    ) -> _Prepared:
        """Equalize, correct and select ranges; the frames widen them, and count in what is selected."""
        if self.run.card.rejection:
            calibrated = make_room_for_unknowns(calibrated, uniform)
        equalized = equalize_channels(calibrated)
        corrected = correct_dense_layers(correct(equalized), equalized)
        return _Prepared(corrected, *self._select_ranges(corrected, method, judges, uniform))

    def _train(self, untrained: _Prepared) -> _Prepared:
        """Quantization-aware training on the training images, where it helps on many of them as they are.

        It starts from whole ranges, and from the bottleneck as it is: it learns more from these. The scores
        of the classes are compared; that of `unknown` is corrected later.
        """
        start = self._calibrate(self.config.calibrate or Calibration.MINMAX, merge=False)
        calibrated = with_ranges(start.calibrated, start.ranges or {})
        card, count = self.run.card, len(self.training)
        with self.reporter.bar("quantization-aware training") as tick:
            calibrated = train_for_int8(calibrated, self.training, self.config.qat_steps, card.seed, tick)
        trained = _Prepared(calibrated, start.method, None)
        chosen = np.linspace(0, count - 1, min(count, _QAT_JUDGES)).astype(int).tolist()
        judges = [self.training[position] for position in chosen]
        expected = self.float_scores(judges)
        without, with_it = (
            measure_class_agreement(
                expected,
                converted_scores(quantize(each.calibrated, each.ranges), card, judges),
                len(card.classes),
            ).kl_divergence
            for each in (untrained, trained)
        )
        better = with_it < without
        self.reporter.say(
            f"quantization-aware training: KL divergence on {len(judges)} training images {without:.5f} → "
            f"{with_it:.5f}{'' if better else ': it is left out'}"
        )
        return trained if better else untrained

    def _correct_lead(
        self, calibrated: Calibrated, ranges: Ranges | None, int8: bytes
    ) -> tuple[Calibrated, bytes]:
        """Subtract the mean error of the lead of `unknown`, again and again: the lead is bounded.

        Then shift it until as many images are kept as by the Keras model; both on images that no test is of.
        """
        expected, found = self.held_out.expected_judges, self._judge(int8)
        for _ in range(_LEAD_CORRECTIONS):
            error = mean_lead_error(expected, found)
            if abs(error) < _LEAD_PRECISION:
                break
            calibrated = shift_lead(calibrated, -error)
            int8 = quantize(calibrated, ranges)
            found = self._judge(int8)

        def found_at(shift: float) -> NDArray[np.float32]:
            return self._judge(quantize(shift_lead(calibrated, shift), ranges)) if shift else found

        shift = shift_that_keeps(expected, found_at)
        if not shift:
            return calibrated, int8
        self.reporter.say(
            f"the lead of {self.run.card.labels[-1]!r} is shifted by {shift:+.2f} logits: int8 kept fewer or "
            "more images than the Keras model"
        )
        calibrated = shift_lead(calibrated, shift)
        return calibrated, quantize(calibrated, ranges)

    def _judge(self, int8: bytes) -> NDArray[np.float32]:
        """The scores of the images that the lead is corrected by."""
        return converted_scores(int8, self.run.card, self.held_out.judges)

    def _select_ranges(
        self,
        calibrated: Calibrated,
        method: Calibration,
        judges: Sequence[Image],
        uniform: Sequence[Image],
    ) -> tuple[Calibration, Ranges | None]:
        """The ranges of the method, or of the method whose scores agree best on the judging images."""
        if method is not Calibration.AUTO:
            return method, self._ranges(calibrated, method, uniform)
        expected = self.float_scores(judges)
        choices: list[tuple[tuple[float, float], Calibration, Ranges | None]] = []
        for each in (Calibration.MINMAX, Calibration.PERCENTILE, Calibration.MSE):
            ranges = self._ranges(calibrated, each, uniform)
            found = converted_scores(quantize(calibrated, ranges), self.run.card, judges)
            result = measure_agreement(expected, found)
            self.reporter.say(
                f"calibration {each}: agreement {result.agreement:.4f}, KL {result.kl_divergence:.5f}"
            )
            choices.append(((result.agreement, -result.kl_divergence), each, ranges))
        _rank, chosen, ranges = max(choices, key=lambda choice: choice[0])
        return chosen, ranges

    def _ranges(self, calibrated: Calibrated, method: Calibration, uniform: Sequence[Image]) -> Ranges | None:
        if method is Calibration.MINMAX:
            return None
        kept = rejection_tensors(calibrated) if self.run.card.rejection else frozenset()
        with self.reporter.bar(f"ranges by {method}") as tick:
            # Without the frames, what they have widened would be left out again.
            images = (*calibrated.images, *uniform)
            ranges = clip_ranges(dataclasses.replace(calibrated, images=images), method, tick)
        return {index: span for index, span in ranges.items() if index not in kept}

    def _keep_float(
        self, int8: bytes, method: Calibration, calibrated: Calibrated, ranges: Ranges | None
    ) -> _Converted:
        card = self.run.card
        with self.reporter.bar("finding layers to keep in float") as tick:
            operators = keep_worst_in_float(self.float_scores, calibrated, ranges, card, self._passes, tick)
        if operators is None:
            return _Converted(int8, method, calibrated)
        mixed = quantize(calibrated, ranges, operators)
        cost = measure_cost(operators, int8, mixed, card, self.held_out.images[0])
        return _Converted(mixed, method, calibrated, cost)

    def _passes(self, converted: bytes) -> bool:
        return self.held_out.compare(converted).passes(self.config)

    def _package(self, converted: _Converted, precision: Precision) -> tuple[bytes, ModelCard]:
        """Add metadata, labels and card."""
        run = self.run
        named = add_metadata(
            converted.model,
            run.card,
            name=run.folder.resolve().name,
            version=run.card.data_fingerprint[:12],
            # Raw pixels go in, whatever the type: the rescaling is inside, or in the input's scale.
            normalization=Normalization(mean=0.0, std=1.0),
        )
        default_io = Io.UINT8 if precision is Precision.INT8 else Io.FLOAT32
        provenance = make_provenance(
            run,
            named,
            precision=precision,
            io=self.config.io or default_io,
            method=converted.method,
            calibration=self.calibration,
        )
        card = dataclasses.replace(run.card, provenance=provenance)
        return pack_model_file(named, card), card


def _check_model(run: Run, model: Any) -> None:
    outputs = int(model.output_shape[-1])
    if outputs != len(run.card.labels):
        raise ModelError(
            f"card.json names {len(run.card.labels)} labels, the model has {outputs} outputs ({run.folder})"
        )
    if tuple(model.input_shape[1:3]) != run.card.image_size:
        raise ModelError(
            f"card.json says {run.card.image_size} pixels, the model has {model.input_shape[1:3]}"
        )

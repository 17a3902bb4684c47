"""Adopt a model that others trained: with images of its classes it becomes a run.

Everything that works with a run then works with it: conversion with its gate, `edge-bench`, bundles.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from converter.config import ConvertConfig
from converter.foreign.input_range import find_input_range
from converter.foreign.loading import labels_inside, load_foreign, origin_sha256
from converter.quantization import FloatScores, choose_samples, read_fitted
from edge_runtime.core import (
    DatasetError,
    ModelError,
    Reporter,
    Size,
    clock,
    toolkit_versions,
    write_file,
    write_with,
)
from edge_runtime.datasets import (
    TEST,
    TRAIN,
    Dataset,
    Run,
    RunFiles,
    Sample,
    fingerprint,
    open_dataset,
    scan_dataset,
)
from edge_runtime.images import decode_image, encode_png, fit
from edge_runtime.inference import InputRange, parse_input_range
from edge_runtime.model import GoldenSample, ModelCard, read_labels

ORIGIN = "origin"
"""Key of the adopted file in a card's provenance."""

JUDGES = 200
"""Images that the input range is found with and golden samples are chosen from; more with more classes."""

GOLDEN = 4
GOLDEN_SIDE = 96


def adopt(config: ConvertConfig, reporter: Reporter) -> Run:
    """Make a run of a model of others and images: `OUT` with the ending `.run`.

    Half of the images, at most `--calibration-count`, calibrate; the others compare.

    Raises:
        UsageError: `--images` is missing.
        ModelError: the model cannot be used, labels and outputs differ, or its input range cannot be told.
        DatasetError: the images cannot be used.
    """
    assert config.images is not None  # noqa: S101 - refused by the configuration
    path, folder = config.run, config.out.with_suffix(".run")
    _check_folder(folder)
    model = load_foreign(path)
    dataset = open_dataset(str(config.images.absolute()))
    labels = _labels(config, dataset, int(model.output_shape[-1]), reporter)
    samples = _divide(dataset, config.calibration_count, reporter)
    card = ModelCard(
        labels=labels,
        image_size=(int(model.input_shape[1]), int(model.input_shape[2])),
        resize=config.resize,
        architecture=str(model.name),
        data_fingerprint=fingerprint(samples),
        versions=toolkit_versions(),
        created=clock.timestamp(),
        provenance={ORIGIN: path.name, "origin_sha256": origin_sha256(path)},
    )
    input_range = _input_range(config, model, card, dataset, samples, reporter)
    adopted = _with_raw_pixels(model, input_range)
    card = replace(
        card,
        provenance={**card.provenance, "input_range": f"{input_range[0]:g},{input_range[1]:g}"},
        golden=_golden(adopted, card, dataset, samples),
    )
    files = RunFiles(folder)
    # The card first: with it an interrupted adoption may be repeated. The model, which completes it, last.
    write_file(files.card, card.to_json())
    files.write_split(samples)
    write_file(files.config, f"data = {json.dumps(str(config.images.resolve()))}\n")
    write_with(files.model, adopted.save)
    reporter.say(f"adopted as {folder} (next to the model file: edge-bench run {folder} {config.path})")
    return Run(folder, card, samples, str(config.images.absolute()))


def _check_folder(folder: Path) -> None:
    """Refuse to replace a run that was trained."""
    files = RunFiles(folder)
    if folder.exists() and (not files.card.is_file() or ORIGIN not in files.read_card().provenance):
        raise ModelError(f"{folder} is there already and was not made from another model; give another --out")


def _labels(config: ConvertConfig, dataset: Dataset, outputs: int, reporter: Reporter) -> tuple[str, ...]:
    """One label for each output: of `--labels`, of the file, or the class folders in alphabetical order."""
    inside = labels_inside(config.run)
    if config.labels is not None:
        labels = read_labels(config.labels)
    elif inside:
        labels = inside
        reporter.say(f"labels: those in the file ({', '.join(labels):.200})")
    else:
        labels = tuple(dataset.labels)
        reporter.say(
            f"labels: the class folders in their order ({', '.join(labels):.200}); --labels FILE names others"
        )
    if len(labels) != outputs:
        raise ModelError(
            f"{config.labels or config.images}: {len(labels)} labels, the model has {outputs} outputs; name "
            "one label for each output, in their order, with --labels FILE"
        )
    missing = sorted(set(dataset.labels) - set(labels))
    if missing:
        raise DatasetError(
            f"{config.images}: the folder {missing[0]!r} is none of the labels; name folders as the labels"
        )
    return labels


def _divide(dataset: Dataset, calibration: int, reporter: Reporter) -> tuple[Sample, ...]:
    """The images, each pixel content once: some to calibrate, the others to compare."""
    with reporter.bar("checking images") as tick:
        scan = scan_dataset(dataset, tick=tick)
    for line in scan.unreadable:
        reporter.say(f"skipped: {line}")
    once = tuple({sample.hash: sample for sample in scan.samples}.values())
    if len(once) < 2 * len(dataset.labels):
        raise DatasetError(
            f"{dataset.root}: {len(once)} images of {len(dataset.labels)} classes; two of each are needed"
        )
    count = max(len(dataset.labels), min(calibration, len(once) // 2))
    chosen = {sample.file for sample in choose_samples(once, count, seed=0)}
    return tuple(replace(sample, split=TRAIN if sample.file in chosen else TEST) for sample in once)


def _input_range(
    config: ConvertConfig,
    model: Any,
    card: ModelCard,
    dataset: Dataset,
    samples: Sequence[Sample],
    reporter: Reporter,
) -> InputRange:
    if config.input_range is not None:
        return parse_input_range(config.input_range)
    judges = _choose_judges(samples)
    images = read_fitted(card, dataset, judges)
    index = {label: position for position, label in enumerate(card.labels)}
    targets = np.array([index[sample.label] for sample in judges])
    found, measured = find_input_range(model, images, targets, name=str(config.run))
    reporter.say(f"input range [{found[0]:g}, {found[1]:g}]: {measured}")
    return found


def _choose_judges(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Some images of every class."""
    classes = len({sample.label for sample in samples})
    return choose_samples(samples, max(classes, JUDGES), seed=0)


def _with_raw_pixels(model: Any, input_range: InputRange) -> Any:
    """The model behind a rescaling of raw pixels, with scores as its output."""
    import keras

    low, high = input_range
    inputs = keras.Input(model.input_shape[1:], name="pixels")
    scaled = keras.layers.Rescaling((high - low) / 255.0, low, name="rescaling_of_pixels")(inputs)
    outputs = model(scaled, training=False)
    if not _gives_scores(model):
        outputs = keras.layers.Softmax(name="scores")(outputs)
    return keras.Model(inputs, outputs, name="adopted")


def _gives_scores(model: Any) -> bool:
    """Whether the last layer ends in a softmax or a sigmoid; else its outputs are logits."""
    import keras

    last = model.layers[-1]
    if isinstance(last, keras.Model):
        return _gives_scores(last)
    if isinstance(last, keras.layers.Softmax):
        return True
    activation = getattr(last, "activation", None)
    # EfficientNet and MobileNetV3 flatten after the activation.
    if activation is None and isinstance(last, keras.layers.Flatten | keras.layers.Reshape):
        activation = getattr(model.layers[-2], "activation", None)
    return activation in (keras.activations.softmax, keras.activations.sigmoid)


def _golden(
    model: Any, card: ModelCard, dataset: Dataset, samples: Sequence[Sample]
) -> tuple[GoldenSample, ...]:
    """Small images with the model's scores: those with the surest answers of a few classes."""
    judges = _choose_judges(samples)
    small = [_shrink(dataset.read(sample.file)) for sample in judges]
    images = [fit(decode_image(png, at_least=0), card.image_size, card.resize) for png in small]
    scores = FloatScores(model)(images)
    surest = np.argsort(-scores.max(axis=1), kind="stable")
    answers = scores.argmax(axis=1)
    # One of each answer first.
    firsts = {int(answers[place]): int(place) for place in surest[::-1]}
    order = sorted(firsts.values(), key=lambda place: -float(scores[place].max()))[:GOLDEN]
    return tuple(
        GoldenSample(small[place], tuple(round(float(each), 6) for each in scores[place])) for place in order
    )


def _shrink(image: Any) -> bytes:
    height, width = image.shape[:2]
    side: Size = (min(GOLDEN_SIDE, height), min(GOLDEN_SIDE, width))
    return encode_png(fit(image, side))

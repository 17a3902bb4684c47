"""The two files of a custom classification model of Frigate, and how accurate it is with Frigate's resizing.

Frigate stretches each image to 224×224 pixels, feeds them as uint8 and divides the outputs by their sum; see
`frigate/data_processing/real_time/custom_classification.py` of Frigate 0.17.
"""

from pathlib import Path
from typing import cast

import numpy as np

from converter.config import ConvertConfig
from converter.conversion import Conversion
from converter.quantization import Io, Precision, converted_scores
from edge_runtime.core import Image, ModelError, Reporter, UsageError, write_file
from edge_runtime.datasets import TRAIN, Run
from edge_runtime.images import opencv
from edge_runtime.model import ModelCard

MODEL_NAME, LABELS_NAME = "model.tflite", "labelmap.txt"
SIZE = (224, 224)
NONE = "none"
"""Frigate's name of what belongs to no class: it reports no such result."""


def check_for_frigate(run: Run, config: ConvertConfig) -> None:
    """Refuse what Frigate cannot load.

    Raises:
        ModelError: the run's image size or a label.
        UsageError: the options.
    """
    if config.precisions != (Precision.INT8,) or config.io not in (None, Io.UINT8):
        raise UsageError(
            "--for frigate writes int8 with uint8 input and output: leave --precision and --io out"
        )
    if run.card.image_size != SIZE:
        height, width = run.card.image_size
        raise ModelError(
            f"{run.folder}: Frigate gives every model 224×224 pixels, this one takes {width}×{height}; "
            "train with --image-size 224"
        )
    broken = [label for label in run.card.labels if label.strip() != label or "\n" in label]
    if broken:
        raise ModelError(f"{run.folder}: the label {broken[0]!r} does not fit on a line of {LABELS_NAME}")


def write_for_frigate(folder: Path, done: Conversion) -> None:
    """Write the labels, then the model: Frigate loads neither without the other.

    Raises:
        OutputError: a file cannot be written.
    """
    write_file(folder / LABELS_NAME, labelmap(done.card))
    write_file(folder / MODEL_NAME, done.content)


def labelmap(card: ModelCard) -> str:
    """A line for each output; that for images of no class is `none`, whatever the run calls it."""
    return "".join(
        f"{NONE if card.rejection and label == card.unknown else label}\n" for label in card.labels
    )


def accuracy_in_frigate(run: Run, done: Conversion, reporter: Reporter) -> float:
    """The accuracy of a converted model on the images it was compared on, each resized as Frigate does.

    Args:
        run: that was converted.
        done: the conversion.
        reporter: shows the progress.

    Raises:
        DatasetError: an image is gone.
    """
    samples, dataset = run.held_out or run.split(TRAIN), run.open_data()
    with reporter.bar("accuracy in Frigate") as tick:
        images = [_resize_as_frigate(dataset.read(sample.file)) for sample in samples]
        scores = converted_scores(done.content, done.card, images, tick)
    labels = np.array(done.card.classes)
    found = labels[scores[:, : len(labels)].argmax(axis=1)]
    return float((found == [sample.label for sample in samples]).mean())


def _resize_as_frigate(image: Image) -> Image:
    """Stretched without averaging: `cv2.resize` without options, whatever the run was trained with."""
    return cast(Image, opencv().resize(image, SIZE))

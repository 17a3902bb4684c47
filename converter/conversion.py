"""Run → model file: full-integer int8, with labels and card inside."""

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converter.calibration import DEFAULT_COUNT, read_calibration, representative_dataset
from converter.keras_file import load_keras_model
from converter.run import Run
from edge_runtime import Classifier, Dataset, Image, ModelError, ModelFile, fit, pack_model_file
from edge_runtime.pixels import InputRange


@dataclass(frozen=True)
class Conversion:
    """A converted model, not written yet.

    Attributes:
        content: the bytes of the model file.
        keras_bytes: size of the Keras file.
        split: the held-out split it was measured on.
        count: pictures in it.
        float_accuracy: of the Keras model, in [0, 1].
        accuracy: of the converted one, in [0, 1].
        agreement: share of pictures with the same best label, in [0, 1].
    """

    content: bytes
    keras_bytes: int
    split: str
    count: int
    float_accuracy: float
    accuracy: float
    agreement: float


def convert(run: Run, *, calibration_count: int = DEFAULT_COUNT, say: Callable[[str], None]) -> Conversion:
    """Convert a run to int8 and measure both models on the held-out pictures.

    The rescaling of the Keras model's first layer is taken out and absorbed in the input tensor's scale and
    zero point: the converted model takes raw uint8 pixels.

    Args:
        run: what `read_run` gave.
        calibration_count: pictures in the representative data set.
        say: is told each step.

    Raises:
        ModelError: the run cannot be used, or the converted model does not take raw pixels.
        DatasetError: the run's data cannot be read.
    """
    dataset = run.open_data()
    model = load_keras_model(run.keras_file)
    _check_outputs(run, model)
    say("reading the calibration pictures")
    images = read_calibration(run, dataset, calibration_count)
    say(f"converting to int8 with {len(images)} calibration pictures")
    content = pack_model_file(quantize(model, images), run.card)
    say("comparing int8 with the Keras model")
    return _compare(run, dataset, model, content)


def quantize(model: Any, images: Sequence[Image]) -> bytes:
    """Post-training quantization to full-integer int8 with uint8 input and output.

    Args:
        model: the run's Keras model.
        images: the representative data set, uint8 RGB at the model's size.

    Returns:
        The bytes of a `.tflite` without labels.
    """
    import tensorflow as tf

    core, expected = take_out_rescaling(model)
    converter = tf.lite.TFLiteConverter.from_keras_model(core)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: representative_dataset(images, expected)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    with contextlib.redirect_stdout(io.StringIO()):
        return bytes(converter.convert())


def take_out_rescaling(model: Any) -> tuple[Any, InputRange]:
    """The model without its rescaling layer, and what that layer made of pixels 0 and 255."""
    import keras

    first, rescaling, *rest = model.layers
    if not isinstance(first, keras.layers.InputLayer) or not isinstance(rescaling, keras.layers.Rescaling):
        raise ModelError("the model does not begin with a rescaling of raw pixels: not made by edge-train")
    # A batch of exactly one: no operator of the converted model has to ask for the batch size.
    inputs = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="pixels")
    outputs = inputs
    for layer in rest:
        outputs = layer(outputs)
    scale, offset = float(rescaling.scale), float(rescaling.offset)
    return keras.Model(inputs, outputs), (offset, 255.0 * scale + offset)


def _check_outputs(run: Run, model: Any) -> None:
    outputs = int(model.output_shape[-1])
    if outputs != len(run.card.labels):
        raise ModelError(
            f"card.json names {len(run.card.labels)} classes, the model has {outputs} outputs ({run.folder})"
        )
    if tuple(model.input_shape[1:3]) != run.card.image_size:
        raise ModelError(
            f"card.json says {run.card.image_size} pixels, the model has {model.input_shape[1:3]}"
        )


def _compare(run: Run, dataset: Dataset, model: Any, content: bytes) -> Conversion:
    split, samples = run.held_out
    name = f"the converted {run.folder.name}"
    classifier = Classifier(ModelFile(content, run.card.labels, run.card, name))
    index = {label: position for position, label in enumerate(run.card.labels)}
    targets = np.array([index[sample.label] for sample in samples])
    fitted = [fit(dataset.read(sample.file), run.card.image_size, run.card.resize) for sample in samples]
    expected = float_scores(model, fitted).argmax(axis=1)
    found = np.array([classifier.scores(image).argmax() for image in fitted])
    return Conversion(
        content=content,
        keras_bytes=run.keras_file.stat().st_size,
        split=split,
        count=len(samples),
        float_accuracy=float((expected == targets).mean()),
        accuracy=float((found == targets).mean()),
        agreement=float((found == expected).mean()),
    )


def float_scores(model: Any, images: Sequence[Image], batch_size: int = 64) -> np.ndarray[Any, Any]:
    """The Keras model's scores, float32, shape (pictures, classes)."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def forward(pixels: Any) -> Any:
        return model(tf.cast(pixels, tf.float32), training=False)

    starts = range(0, len(images), batch_size)
    return np.concatenate([forward(np.stack(images[start : start + batch_size])).numpy() for start in starts])

"""Models of others through `edge-convert`: agreement of the int8 file with the float model.

    python -m benchmarks.studies.foreign FOLDER [EVERY]

FOLDER contains `alpaca/`, MobileNetV2's weights without top at alpha 0.35 and 1.0, and `foreign/` with
models that are quantized already. The weights of other networks need a download. So some are trained from
scratch on two thirds of scikit-learn's 1,797 digits, and some have random weights; these, and those with
ImageNet's, get a head by logistic regression on their features of one photo in EVERY (1: all). Each is saved
in a form that `edge-convert` takes, which then calibrates with half of the photos, or of the digits that were
not trained on, and compares on the others. It takes a quarter of an hour on two cores.
"""

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.commands import measure_tool
from edge_runtime.core import Image, Resize, markdown_table
from edge_runtime.datasets import open_dataset
from edge_runtime.images import encode_png, fit

SIZE = (96, 96)
RAW, SIGNED = "0,255", "-1,1"
RANDOM, DIGITS = "random", "digits"
"""Weights that are no file."""

STATISTICS = 64
"""Photos for the statistics of a network with random weights."""

EPOCHS, RATE, BATCH = 12, 2e-3, 32
"""Of the training on digits."""

COLUMNS = ("network", "weights", "file", "float", "int8", "agreement", "seconds")


@dataclass(frozen=True)
class Case:
    """A network in the form of a file.

    Attributes:
        network: name in `keras.applications`.
        form: `.keras`, `.h5`, `float32.tflite`, `float16.tflite` or `SavedModel`.
        input_range: of its pixels, as `--input-range` takes it.
        weights: file of the weights without top, `random`, or `digits` for a network trained on them.
        alpha: width; None for networks without.
    """

    network: str
    form: str
    input_range: str
    weights: str
    alpha: float | None = None


CASES = (
    Case("MobileNetV2", ".keras", SIGNED, "mobilenet_v2_0.35_no_top.weights.h5", 0.35),
    Case("MobileNetV2", ".h5", SIGNED, "mobilenet_v2_1.0_no_top.weights.h5", 1.0),
    Case("MobileNetV2", "SavedModel", SIGNED, "mobilenet_v2_0.35_no_top.weights.h5", 0.35),
    Case("MobileNetV2", "float16.tflite", SIGNED, "mobilenet_v2_0.35_no_top.weights.h5", 0.35),
    Case("MobileNetV2", ".keras", SIGNED, DIGITS, 0.35),
    Case("MobileNet", "float32.tflite", SIGNED, DIGITS, 0.5),
    Case("MobileNetV3Small", ".keras", RAW, DIGITS),
    Case("MobileNetV3Large", "SavedModel", RAW, DIGITS),
    Case("EfficientNetB0", "float32.tflite", RAW, DIGITS),
    Case("MobileNetV2", ".keras", SIGNED, RANDOM, 1.0),
    Case("MobileNetV3Small", "float32.tflite", RAW, RANDOM),
    Case("EfficientNetB0", ".keras", RAW, RANDOM),
)


def main() -> None:
    """Convert each, and print the table row by row."""
    folder, every = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    photos = folder / "alpaca"
    print(markdown_table(COLUMNS, []), flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as name:
        digits = Path(name) / "digits"
        trained_on = write_digits(digits)
        shown = read_photos(photos)
        for number, case in enumerate(CASES):
            place = Path(name) / str(number)
            if case.weights == DIGITS:
                model, images = train(case, *trained_on), digits
            else:
                model, images = with_head(case, folder, shown[0][::every], shown[1][::every]), photos
            path = save(model, case, place)
            weights = case.weights if case.weights in (RANDOM, DIGITS) else "ImageNet"
            width = f" {case.alpha:g}" if case.alpha else ""
            show([f"{case.network}{width}", weights, case.form, *convert(path, case, images, place)])
        for path in sorted((folder / "foreign").glob("*.tflite")):
            show([path.stem, "ImageNet", "int8 .tflite", *convert(path, CASES[0], photos, Path(name))])


def show(cells: Sequence[str]) -> None:
    """Print a row."""
    print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201


def read_photos(root: Path) -> tuple[list[Image], NDArray[np.int64]]:
    """The photos at the networks' size, and the class of each."""
    dataset = open_dataset(str(root))
    images = [fit(dataset.read(sample.file), SIZE, Resize.SQUASH) for sample in dataset.samples]
    return images, np.array([dataset.labels.index(sample.label) for sample in dataset.samples])


def write_digits(folder: Path) -> tuple[list[Image], NDArray[np.int64]]:
    """The digits to train on; the others are written to class folders."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = [np.repeat((each * 15.9).astype(np.uint8)[..., None], 3, axis=2) for each in digits.images]
    for number, (image, target) in enumerate(zip(images, digits.target, strict=True)):
        if number % 3 == 0:
            (folder / str(target)).mkdir(parents=True, exist_ok=True)
            (folder / str(target) / f"{number}.png").write_bytes(encode_png(image))
    rest = [number for number in range(len(images)) if number % 3]
    return [fit(images[number], SIZE, Resize.SQUASH) for number in rest], digits.target[rest].astype(np.int64)


def train(case: Case, images: Sequence[Image], targets: NDArray[np.int64]) -> Any:
    """A network as a course notebook trains it from scratch."""
    import keras

    keras.utils.set_random_seed(1)
    base = _base(case)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # for a few hundred steps
    model = keras.Model(base.input, keras.layers.Dense(10, activation="softmax")(base.output))
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy")
    model.fit(_pixels(case, images), targets, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return model


def with_head(case: Case, folder: Path, images: Sequence[Image], targets: NDArray[np.int64]) -> Any:
    """A network with a head by logistic regression."""
    import keras
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    keras.utils.set_random_seed(1)
    base, pixels = _base(case), _pixels(case, images)
    if case.weights == RANDOM:
        _normalize(base, pixels[:STATISTICS])
    else:
        base.load_weights(folder / case.weights)
    features = base.predict(pixels, verbose=0)
    scale = StandardScaler().fit(features)
    fitted = LogisticRegression(C=0.1, max_iter=2000).fit(scale.transform(features), targets)
    # A softmax of two outputs is the regression's sigmoid of their difference.
    kernel = fitted.coef_[0] / scale.scale_
    bias = fitted.intercept_[0] - float(scale.mean_ @ kernel)
    head = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(base.input, head(base.output))
    head.set_weights([np.stack([-kernel, kernel], axis=1) / 2, np.array([-bias, bias]) / 2])
    return model


def _base(case: Case) -> Any:
    """The network without top, with random weights."""
    import keras

    options = {} if case.alpha is None else {"alpha": case.alpha}
    make: Callable[..., Any] = getattr(keras.applications, case.network)
    return make(input_shape=(*SIZE, 3), include_top=False, pooling="avg", weights=None, **options)


def _pixels(case: Case, images: Sequence[Image]) -> NDArray[np.float32]:
    """The images in the network's range of pixels."""
    low, high = map(float, case.input_range.split(","))
    return low + np.stack(images).astype(np.float32) / 255.0 * np.float32(high - low)


def _normalize(base: Any, pixels: NDArray[np.float32]) -> None:
    """Give each BatchNormalization the statistics of real activations, as a training does.

    Without them the values of a random network shrink from layer to layer to what no int8 kernel can scale.
    """
    import keras

    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    base(pixels, training=True)


def save(model: Any, case: Case, folder: Path) -> Path:
    """The file, or the folder of a SavedModel."""
    folder.mkdir()
    if case.form in (".keras", ".h5"):
        path = folder / f"model{case.form}"
        model.save(path)
        return path
    with contextlib.redirect_stdout(io.StringIO()):  # the shape of each variable
        if case.form == "SavedModel":
            model.export(folder / "saved", verbose=False)
            return folder / "saved"
        path = folder / "model.tflite"
        path.write_bytes(_to_tflite(model, half=case.form.startswith("float16")))
    return path


def _to_tflite(model: Any, *, half: bool) -> bytes:
    """A float model; with float16 weights, if wanted."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def convert(path: Path, case: Case, images: Path, folder: Path) -> list[str]:
    """Accuracies, agreement and seconds of a conversion; or why it was refused."""
    out = folder / "converted.tflite"
    # What edge-convert suggests first to those that it refuses otherwise.
    options = ("--images", images, "--input-range", case.input_range, "--calibrate", "auto", "--out", out)
    try:
        cost = measure_tool("edge-convert", path, *options)
    except RuntimeError as error:
        # What was tried and what to try next are left out.
        reason = str(error).strip().splitlines()[-1].split(": ", 2)[-1].split("; ")[0]
        return [f"refused: {reason}", "", "", ""]
    found = json.loads(out.with_suffix(".conversion.json").read_text(encoding="utf-8"))["held_out"]
    cells = [f"{found[key]:.4f}" for key in ("float_accuracy", "accuracy", "agreement")]
    return [*cells, f"{cost.seconds:.0f}"]


if __name__ == "__main__":
    main()

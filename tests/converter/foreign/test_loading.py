"""Float `.tflite` files and SavedModels of others become Keras models; the rest is refused by name."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.flatbuffer import pack, unpack
from converter.foreign.float_tflite import rebuild
from converter.foreign.loading import load_foreign
from edge_runtime import ModelError


@pytest.fixture(scope="module")
def network() -> Any:
    """A network with all the operators that MobileNetV3 and EfficientNet have."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input((20, 20, 3))
    scaled = layers.Rescaling(1 / 127.5, -1)(inputs)
    stem = layers.ReLU(6)(layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, padding="same")(scaled)))
    wide = layers.Activation("hard_silu")(layers.DepthwiseConv2D(3, depth_multiplier=2)(stem))
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(wide)
    gate = layers.Activation("hard_sigmoid")(layers.Conv2D(16, 1)(pooled))
    gated = layers.Multiply()([wide, gate])
    left = layers.MaxPooling2D(2)(layers.Activation("swish")(layers.Conv2D(4, 1)(gated)))
    right = layers.AveragePooling2D(2)(layers.Conv2D(4, 1, dilation_rate=1)(gated))
    both = layers.Concatenate()([layers.Add()([left, right]), layers.Subtract()([left, right])])
    padded = layers.Conv2D(6, 3, padding="valid")(layers.ZeroPadding2D(((0, 1), (1, 0)))(both))
    flat = layers.Flatten()(layers.Activation("tanh")(padded))
    large = keras.initializers.RandomNormal(0, 20, seed=4)
    hidden = layers.Dense(8, activation="relu", kernel_initializer=large)(flat)
    scores = layers.Dense(4, activation="softmax", kernel_initializer=large)(hidden)
    return keras.Model(inputs, scores)


@pytest.fixture(scope="module")
def files(network: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The network in each form."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("foreign")
    paths = {"float32": folder / "float32.tflite", "float16": folder / "float16.tflite"}
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    paths["float32"].write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    paths["float16"].write_bytes(converter.convert())
    paths["saved_model"] = folder / "saved"
    network.export(paths["saved_model"], verbose=False)
    return paths


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """TensorFlow warns of its own parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize(("form", "near"), [("float32", 1e-5), ("float16", 2e-2), ("saved_model", 1e-5)])
def test_the_outputs_are_those_of_the_original(
    network: Any, files: dict[str, Path], form: str, near: float
) -> None:
    images = np.random.default_rng(1).uniform(0, 255, (8, 20, 20, 3)).astype(np.float32)
    rebuilt = load_foreign(files[form])
    assert rebuilt.input_shape == (None, 20, 20, 3)
    expected = network.predict(images, verbose=0)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(rebuilt.predict(images, verbose=0), expected, atol=near)


def test_what_is_quantized_already_is_refused(digits_model: Path) -> None:
    with pytest.raises(ModelError, match=r"its input is uint8: it is quantized already; edge-classify runs"):
        load_foreign(digits_model)


def test_an_input_without_a_size_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    _schema, model = unpack(files["float32"].read_bytes())
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = np.array([-1, -1, -1, 3], np.int32)
    path = tmp_path / "dynamic.tflite"
    path.write_bytes(pack(model))
    with pytest.raises(ModelError, match=r"its input has no fixed size \(-1, -1, -1, 3\)"):
        load_foreign(path)


def test_an_operator_that_is_not_known_is_refused_by_name(files: dict[str, Path], tmp_path: Path) -> None:
    schema, model = unpack(files["float32"].read_bytes())
    for code in model.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.TANH:
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
            code.customCode = b"Evil"
    path = tmp_path / "custom.tflite"
    path.write_bytes(pack(model))
    with pytest.raises(ModelError, match=r"operator b'Evil', which is not among the known ones; refused"):
        load_foreign(path)


def test_damaged_files_are_one_line(files: dict[str, Path]) -> None:
    content = files["float32"].read_bytes()
    random = np.random.default_rng(2)
    for number in range(80):
        broken = bytearray(content)
        for place in random.integers(8, len(content), 3):
            broken[place] = random.integers(256)
        # Every other one is cut as well.
        size = len(content) if number % 2 else random.integers(64, len(content))
        try:
            rebuild(bytes(broken[:size]), "m.tflite")
        except ModelError as error:
            message = str(error)
        else:
            assert number % 2, "only weights were hit"
            continue
        assert message.startswith("m.tflite: ")
        assert "\n" not in message


def test_a_saved_model_that_reads_a_file_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    class Reader(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((1, 4, 4, 3))])
        def __call__(self, pixels: Any) -> Any:
            secret = tf.strings.length(tf.io.read_file("/etc/passwd"))
            return tf.reduce_mean(pixels, (1, 2)) + tf.cast(secret, tf.float32)

    module = Reader()
    tf.saved_model.save(module, tmp_path / "saved", signatures=module.__call__)
    with pytest.raises(ModelError, match=r"contains the operation ReadFile, which is not among the known"):
        load_foreign(tmp_path / "saved")


def test_a_saved_model_cannot_write_a_file(tmp_path: Path) -> None:
    import tensorflow as tf

    v1, written = tf.compat.v1, tmp_path / "written"
    with v1.Graph().as_default(), v1.Session() as session:
        pixels = v1.placeholder(tf.float32, (1, 4, 4, 3))
        signature = v1.saved_model.predict_signature_def({"x": pixels}, {"y": tf.reduce_mean(pixels, (1, 2))})
        # TensorFlow runs this while it loads the model.
        first = tf.raw_ops.SaveV2(
            prefix=str(written), tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant([1.0])]
        )
        builder = v1.saved_model.Builder(str(tmp_path / "saved"))
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, main_op=first
        )
        builder.save()
    assert not list(tmp_path.glob("written*"))
    assert load_foreign(tmp_path / "saved").output_shape == (None, 3)
    assert not list(tmp_path.glob("written*"))


def test_a_folder_without_a_graph_and_a_broken_graph_are_refused(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"\xff" * 40)
    with pytest.raises(ModelError, match="not a SavedModel, or damaged"):
        load_foreign(tmp_path / "saved")
    (tmp_path / "m.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"expected a run, a Keras model \(.keras, .h5\), a float .tflite"):
        load_foreign(tmp_path / "m.bin")

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import ModelError, UsageError
from trainer import FloatPolicy, InputScale, TrainConfig
from trainer.network.classifier import build_network, freeze, rebuild_plain

SMALL = TrainConfig(data="x", weights="none", alpha=0.35, image_size=32)


def test_the_network_takes_raw_pixels_and_gives_scores() -> None:
    network = build_network(SMALL, 5)
    pixels = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3)).astype(np.float32)
    scores = network.model(pixels, training=False).numpy()
    assert scores.shape == (2, 5)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    rescaled = network.model.get_layer("rescaling")(pixels).numpy()
    assert -1 <= rescaled.min() < -0.9
    assert 0.9 < rescaled.max() <= 1
    through_parts = network.head(network.features(pixels, training=False), training=False).numpy()
    np.testing.assert_allclose(through_parts, scores, rtol=1e-4, atol=1e-6)


def test_freezing_leaves_the_upper_layers_and_no_batch_norm() -> None:
    import keras

    network = build_network(SMALL, 5)
    freeze(network, fine_tune_at=120, train_batch_norm=False)
    for position, layer in enumerate(network.base.layers):
        is_batch_norm = isinstance(layer, keras.layers.BatchNormalization)
        assert layer.trainable == (position >= 120 and not is_batch_norm)


@pytest.mark.assets
@pytest.mark.parametrize("alpha", [0.35, 1.0])
def test_weights_from_a_file(assets: Path, alpha: float) -> None:
    path = assets / f"mobilenet_v2_{alpha}_no_top.weights.h5"
    config = TrainConfig(data="x", weights=str(path), alpha=alpha, image_size=96)
    first = build_network(config, 2).base.get_weights()
    again = build_network(config, 3).base.get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


@pytest.mark.assets
def test_weights_of_another_width_are_refused(assets: Path) -> None:
    path = assets / "mobilenet_v2_1.0_no_top.weights.h5"
    with pytest.raises(ModelError, match="not the weights of MobileNetV2 without top at this --alpha"):
        build_network(TrainConfig(data="x", weights=str(path), alpha=0.35, image_size=96), 2)


def test_weights_that_are_no_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="takes imagenet, none or a file; there is no file"):
        build_network(TrainConfig(data="x", weights="ImageNet", image_size=96), 2)
    (tmp_path / "w.weights.h5").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"w\.weights\.h5: not the weights"):
        build_network(TrainConfig(data="x", weights=str(tmp_path / "w.weights.h5"), image_size=96), 2)


def test_when_imagenet_cannot_be_had_three_ways_out_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_args: object, **_kwargs: object) -> str:
        raise Exception("URL fetch failure on https://storage.googleapis.com: None -- no route")  # noqa: TRY002

    monkeypatch.setattr("keras.src.applications.mobilenet_v2.file_utils.get_file", no_network)
    with pytest.raises(ModelError) as caught:
        build_network(TrainConfig(data="x", image_size=96), 2)
    assert all(
        way in str(caught.value) for way in ("Connect this machine", "--weights FILE", "--weights none")
    )


def test_a_width_that_keras_does_not_know_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot be built with these options"):
        build_network(TrainConfig(data="x", alpha=0.77, image_size=96), 2)


def test_one_logit_is_a_sigmoid() -> None:
    network = build_network(dataclasses.replace(SMALL, one_logit=True), 2)
    features = np.random.default_rng(0).normal(size=(6, network.head.input_shape[1])).astype(np.float32)
    kernel, bias = network.head.get_layer("logit").get_weights()
    assert kernel.shape[1] == 1
    expected = 1 / (1 + np.exp(-(features @ kernel + bias)))[:, 0]
    scores = network.head(features, training=False).numpy()
    np.testing.assert_allclose(scores[:, 1], expected, rtol=1e-5)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)
    assert len(network.head.trainable_variables) == 2
    with pytest.raises(UsageError, match="--one-logit is for two classes, the data has 3"):
        build_network(dataclasses.replace(SMALL, one_logit=True), 3)


def test_pixels_may_be_scaled_from_zero_to_one() -> None:
    network = build_network(dataclasses.replace(SMALL, input_scale=InputScale.UNIT), 2)
    rescaled = network.model.get_layer("rescaling")(np.array([[[[0.0, 127.5, 255.0]]]], np.float32)).numpy()
    np.testing.assert_allclose(rescaled.reshape(-1), [0.0, 0.5, 1.0], rtol=1e-6)


@pytest.mark.parametrize("policy", [FloatPolicy.BFLOAT16, FloatPolicy.FLOAT16])
def test_what_trains_in_16_bits_is_kept_in_32(policy: FloatPolicy) -> None:
    import keras

    config = dataclasses.replace(SMALL, float_policy=policy)
    network = build_network(config, 4)
    assert network.base.layers[-1].compute_dtype == policy.value
    assert {weight.dtype for weight in network.model.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    plain = rebuild_plain(config, network, 4)
    assert plain.base.layers[-1].compute_dtype == "float32"
    pixels = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3)).astype(np.float32)
    scores = [each.model(pixels, training=False).numpy() for each in (network, plain)]
    np.testing.assert_allclose(*scores, atol=0.02)

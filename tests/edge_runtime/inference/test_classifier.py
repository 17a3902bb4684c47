from pathlib import Path

import numpy as np
import pytest

from edge_runtime import (
    Frame,
    LoadOptions,
    MissingLibraryError,
    ModelCard,
    ModelError,
    UsageError,
    load_classifier,
    pack_model_file,
    read_image,
)
from tests.conftest import COLORS, paint


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_every_tensor_type_says_what_it_sees(color_models: dict[str, Path], dtype: str) -> None:
    expected = (-1.0, 1.0) if dtype == "float32" else None
    classifier = load_classifier(color_models[dtype], LoadOptions(input_range=expected))
    for name, color in COLORS.items():
        predictions = classifier.classify(paint(color))
        assert predictions[0].label == name
        assert [each.score for each in predictions] == sorted(
            (each.score for each in predictions), reverse=True
        )
        assert all(0 <= each.score <= 1 for each in predictions)
        assert predictions[0].score == pytest.approx(np.exp(8) / (np.exp(8) + 2), abs=0.02)


def test_a_float_model_that_does_not_tell_its_range_is_refused(color_models: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match="--input-range"):
        load_classifier(color_models["float32"])


def test_with_a_card_a_float_model_gets_raw_pixels(color_models: dict[str, Path], tmp_path: Path) -> None:
    card = ModelCard(labels=tuple(COLORS), image_size=(8, 8))
    path = tmp_path / "card.tflite"
    path.write_bytes(pack_model_file(color_models["float32"].read_bytes(), card))
    # Weights of 4 on a channel mean of 255 against 0: the softmax is exactly one-hot.
    assert load_classifier(path).scores(paint((255, 0, 0))).tolist() == [1.0, 0.0, 0.0]


def test_top_k_and_threads_are_checked(color_models: dict[str, Path]) -> None:
    classifier = load_classifier(color_models["uint8"], LoadOptions(num_threads=1))
    assert len(classifier.classify(paint((0, 0, 255)), top_k=2)) == 2
    assert len(classifier.classify(paint((0, 0, 255)), top_k=99)) == 3
    with pytest.raises(UsageError, match="top-k"):
        classifier.classify(paint((0, 0, 255)), top_k=0)
    with pytest.raises(UsageError, match="num-threads"):
        load_classifier(color_models["uint8"], LoadOptions(num_threads=0))


def test_engines_are_named(color_models: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="litert, tflite-runtime"):
        load_classifier(color_models["uint8"], LoadOptions(engine="warp"))
    with pytest.raises(MissingLibraryError, match="pip install tflite-runtime"):
        load_classifier(color_models["uint8"], LoadOptions(engine="tflite-runtime"))


def test_labels_that_do_not_match_the_outputs_are_refused(
    color_models: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "four.txt").write_text("a\nb\nc\nd\n")
    with pytest.raises(
        ModelError, match=r"the labels name 4 classes, the model has 3 outputs \(.*uint8\.tflite\)"
    ):
        load_classifier(color_models["uint8"], labels=tmp_path / "four.txt")


def test_a_card_of_another_size_is_refused(color_models: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "size.tflite"
    card = ModelCard(labels=tuple(COLORS), image_size=(9, 9))
    path.write_bytes(pack_model_file(color_models["uint8"].read_bytes(), card))
    with pytest.raises(ModelError, match=r"\(9, 9\) pixels, the model's input has \(8, 8\)"):
        load_classifier(path)


def test_observe_times_each_step(color_models: dict[str, Path]) -> None:
    frame = Frame(paint((0, 255, 0)), 7, 0.0, 0.0, "here")
    result = load_classifier(color_models["uint8"]).observe(frame, top_k=1)
    assert result.frame is frame
    assert [each.label for each in result.predictions] == ["green"]
    assert result.timing.invoke > 0
    assert result.timing.total >= result.timing.invoke


@pytest.mark.assets
@pytest.mark.parametrize("model", ["mobilenet_v2_1.0_224_quant", "tf2_mobilenet_v2_1.0_224_ptq"])
def test_foreign_imagenet_models_name_what_photos_show(assets: Path, model: str) -> None:
    classifier = load_classifier(assets / "foreign" / f"{model}.tflite")
    named = {
        photo: classifier.classify(
            read_image(assets / "photos" / f"{photo}.jpg", at_least=classifier.at_least)
        )[0].label
        for photo in ("cat", "parrot", "hot_dog", "dragonfly", "grace_hopper")
    }
    words = {
        "cat": "cat",
        "parrot": "macaw",
        "hot_dog": "hotdog",
        "dragonfly": "dragonfly",
        "grace_hopper": "uniform",
    }
    assert all(words[photo] in label for photo, label in named.items()), named

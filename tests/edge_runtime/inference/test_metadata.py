"""TFLite Metadata of models from elsewhere says how pixels are scaled."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.packaging.metadata import Normalization, add_metadata
from edge_runtime import LoadOptions, ModelCard, ModelError, load_classifier
from edge_runtime.inference.metadata import read_normalization
from tests.conftest import COLORS, Command
from tests.images import paint, save

CARD = ModelCard(labels=tuple(COLORS), image_size=(8, 8))


def with_metadata(content: bytes, mean: float = 127.5, std: float = 127.5) -> bytes:
    return add_metadata(content, CARD, name="m", version="1", normalization=Normalization(mean, std))


def write(folder: Path, content: bytes) -> Path:
    (folder / "m.tflite").write_bytes(content)
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in COLORS))
    return folder / "m.tflite"


def test_a_float_model_with_metadata_needs_no_option(
    command: Command, color_models: dict[str, Path], tmp_path: Path
) -> None:
    plain = color_models["float32"].read_bytes()
    with pytest.raises(ModelError, match="neither a model card nor metadata says its range"):
        load_classifier(write(tmp_path, plain))
    model = write(tmp_path, with_metadata(plain))
    image = paint((200, 30, 60))
    told = load_classifier(color_models["float32"], LoadOptions(input_range=(-1.0, 1.0)))
    assert load_classifier(model).classify(image) == told.classify(image)
    save(tmp_path / "red.png", paint(COLORS["red"]))
    done = command("edge-classify", "-m", model, "--input", tmp_path / "red.png")
    assert done.code == 0, done.err
    assert "red" in done.out


def test_the_option_overrides_the_metadata(color_models: dict[str, Path], tmp_path: Path) -> None:
    content = with_metadata(color_models["float32"].read_bytes(), mean=0.0, std=255.0)
    assert read_normalization(content, name="m") == (0.0, 1.0)
    model = write(tmp_path, content)
    image = paint((200, 30, 60))
    own = load_classifier(model, LoadOptions(input_range=(-1.0, 1.0))).scores(image)
    assert own.tolist() != load_classifier(model).scores(image).tolist()


@pytest.mark.parametrize(("mean", "std"), [(0.0, 0.0), (0.0, -1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_numbers_that_make_no_sense_are_refused(
    color_models: dict[str, Path], mean: float, std: float
) -> None:
    from edge_runtime.inference import metadata

    content = color_models["float32"].read_bytes()
    assert read_normalization(content, name="m") is None
    found = with_metadata(content)
    assert metadata._find_normalization(found) == ([127.5], [127.5])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metadata, "_find_normalization", lambda _content: ([mean], [std]))
        with pytest.raises(ModelError, match="metadata has the mean"):
            read_normalization(found, name="m")
        patch.setattr(metadata, "_find_normalization", lambda _content: ([1.0, 2.0], [1.0, 1.0]))
        with pytest.raises(ModelError, match="scales the channels differently"):
            read_normalization(found, name="m")


@given(st.data())
def test_damaged_metadata_is_none_or_one_line(color_models: dict[str, Path], data: st.DataObject) -> None:
    content = bytearray(with_metadata(color_models["float32"].read_bytes()))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_normalization(bytes(content[: data.draw(st.integers(8, len(content)))]), name="m")
    except ModelError:
        return
    assert found is None or len(found) == 2

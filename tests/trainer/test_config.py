import dataclasses
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import Resize, UsageError
from edge_runtime.core.options import build_config, option_name, read_options
from tests.conftest import ROOT
from trainer import BatchNorm, RandomFlip, TrainConfig

CONFIGS = st.builds(
    TrainConfig,
    data=st.text(st.characters(blacklist_categories=("Cs",)), min_size=1),
    out=st.text("abc/-ü ", min_size=1).map(Path),
    weights=st.sampled_from(["imagenet", "none", "/x/y.weights.h5"]),
    alpha=st.floats(0.1, 2),
    image_size=st.integers(32, 512),
    resize=st.sampled_from(Resize),
    batch_norm=st.sampled_from(BatchNorm),
    flip=st.sampled_from(RandomFlip),
    deterministic=st.booleans(),
    seed=st.integers(0, 1000),
)


def from_toml(text: str, **options: object) -> TrainConfig:
    """The configuration that `edge-train` builds from a file and from the options that replace its lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.toml")
        path.write_text(text, encoding="utf-8")
        read = read_options(path, TrainConfig, "edge-train")
    return build_config(TrainConfig, {**read, **options}, "edge-train")


@given(CONFIGS)
def test_config_toml_repeats_the_training(config: TrainConfig) -> None:
    assert from_toml(config.to_toml()) == config


def test_every_field_is_an_option_of_the_command() -> None:
    shown = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").partition("## edge-convert")[0]
    for field in dataclasses.fields(TrainConfig)[1:]:
        assert f"--{option_name(field.name)} " in shown


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda path: path.name)
def test_the_recipes_are_valid(path: Path) -> None:
    from_toml(path.read_text(encoding="utf-8"), data="images")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "x", "colour": 1}, "there is no option 'colour'"),
        ({}, "name the data"),
        ({"data": "x", "alpha": "wide"}, "alpha: Input should be a valid number .*'wide'"),
        ({"data": "x", "image_size": 22.5}, "image_size: Input should be a valid integer .*22.5"),
        ({"data": "x", "strict": "yes"}, "strict: Input should be a valid boolean .*'yes'"),
        ({"data": "x", "flip": "yes"}, "flip: Input should be 'auto', 'on' or 'off' .*'yes'"),
        ({"data": "x", "resize": "stretch"}, "resize: Input should be 'squash', .*'stretch'"),
        ({"data": "x", "resume": True, "overwrite": True}, "give one"),
        ({"data": "x", "image_size": 8}, "--image-size must be 32 to 1024, got 8"),
        ({"data": "x", "validation_split": 0.5, "test_split": 0.5}, "leave less than a tenth"),
        ({"data": "x", "head_epochs": 0, "fine_tune_epochs": 0}, "nothing would be trained"),
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_toml("".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items()))


def test_a_configuration_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: cannot be read"):
        read_options(tmp_path / "none.toml", TrainConfig, "edge-train")
    (tmp_path / "bad.toml").write_text("data = ")
    with pytest.raises(UsageError, match=r"bad\.toml: not TOML"):
        read_options(tmp_path / "bad.toml", TrainConfig, "edge-train")


def test_batch_norm_trains_from_scratch_and_is_frozen_otherwise() -> None:
    assert TrainConfig(data="x", weights="none").trains_batch_norm
    assert not TrainConfig(data="x").trains_batch_norm
    assert TrainConfig(data="x", batch_norm=BatchNorm.TRAINED).trains_batch_norm

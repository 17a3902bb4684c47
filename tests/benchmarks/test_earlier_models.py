"""A model of an earlier run, which lacks some classes or orders them otherwise, on a later run's images."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.targets import check_labels
from benchmarks.targets.model_file import ModelFileTarget
from edge_runtime.core import ModelError
from tests.conftest import linear_model
from tests.edge_runtime.images.test_perceptual_hash import scene


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "old.tflite").write_bytes(linear_model(16, ("wren", "robin", "tit")))
    return tmp_path / "old.tflite"


def scores(model: Path, classes: tuple[str, ...]) -> list[float]:
    target = ModelFileTarget(model, engine=None, num_threads=1, classes=classes)
    return target.scores(scene(1)).tolist()


def test_scores_come_in_the_order_of_the_run_and_missing_classes_have_none(model: Path) -> None:
    wren, robin, tit = scores(model, ())
    assert scores(model, ("wren", "robin", "tit")) == [wren, robin, tit]
    assert scores(model, ("crow", "robin", "tit", "wren")) == [0.0, robin, tit, wren]
    assert len({wren, robin, tit}) > 1


def test_what_is_missing_is_named_and_another_class_is_refused(model: Path) -> None:
    assert check_labels(model, ("crow", "robin", "tit", "wren"), "the run r") == ("crow",)
    with pytest.raises(ModelError, match="3 classes are not the 2 of the run r"):
        check_labels(model, ("robin", "wren"), "the run r")


def test_the_score_of_images_of_no_class_stays_last(digits_model: Path) -> None:
    order = tuple(reversed("0123456789"))
    own, turned = np.array(scores(digits_model, ())), np.array(scores(digits_model, order))
    assert turned.shape == (11,)
    np.testing.assert_array_equal(turned[:10], own[9::-1])
    assert turned[10] == own[10]

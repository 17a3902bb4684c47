"""Golden samples: what counts as the same answer."""

import numpy as np
import pytest

from edge_runtime import GoldenSample, Image, ModelError, Scores, encode_png
from edge_runtime.inference.self_test import MAX_DIFFERENCE, compare_golden
from tests.conftest import paint

GOLDEN = tuple(
    GoldenSample(encode_png(paint((level, level, level))), scores)
    for level, scores in ((10, (0.9, 0.1)), (200, (0.2, 0.8)))
)


def compare(dark: tuple[float, float], bright: tuple[float, float]) -> tuple[bool, str]:
    """Whether a model that gives these scores passes, and what is said of it."""

    def scores(image: Image) -> Scores:
        return np.array(bright if image.mean() > 100 else dark, np.float32)

    outcome = compare_golden(GOLDEN, scores)
    return outcome.passed, str(outcome)


def test_the_same_answers_pass() -> None:
    passed, text = compare((0.9, 0.1), (0.2, 0.8))
    assert passed
    assert text == "2 of 2 golden samples have the same label, largest score difference 0.000"


def test_another_label_or_a_score_far_off_does_not() -> None:
    assert compare((0.9 - MAX_DIFFERENCE + 0.01, 0.1), (0.2, 0.8))[0]
    assert not compare((0.9 - MAX_DIFFERENCE - 0.01, 0.1), (0.2, 0.8))[0]
    assert compare((0.45, 0.55), (0.2, 0.8)) == (
        False,
        "1 of 2 golden samples have the same label, largest score difference 0.450",
    )
    assert not compare((float("nan"), 0.1), (0.2, 0.8))[0]


def test_a_sample_that_is_no_image_is_the_models_fault() -> None:
    with pytest.raises(ModelError, match="the model card is damaged: golden sample: not an image"):
        compare_golden((GoldenSample(b"GIF89a", (1.0, 0.0)),), lambda _image: np.zeros(2, np.float32))

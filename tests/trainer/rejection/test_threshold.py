import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.rejection.threshold import fit_threshold, kept_interval


@pytest.mark.parametrize("images", [40, 200])
@pytest.mark.parametrize("keep", [0.8, 0.95])
def test_new_images_exceed_it_as_often_as_it_says(images: int, keep: float) -> None:
    """A mean over many trainings: the expectation is exact, whatever the distribution."""
    random = np.random.default_rng(0)
    kept = []
    for _ in range(2000):
        values = random.gamma(2.0, 1.0, images).astype(np.float32)
        threshold = fit_threshold(values, keep)
        kept.append((random.gamma(2.0, 1.0, 50) > threshold).mean())
    assert np.mean(kept) == pytest.approx(keep, abs=0.006)


def test_the_interval_has_95_percent_of_the_trainings() -> None:
    random = np.random.default_rng(1)
    low, high = kept_interval(100, 0.95)
    kept = 1 - np.array([fit_threshold(random.random(100).astype(np.float32), 0.95) for _ in range(3000)])
    assert ((kept >= low) & (kept <= high)).mean() == pytest.approx(0.95, abs=0.02)


@given(st.integers(30, 5000), st.floats(0.5, 0.96))
def test_the_interval_contains_what_is_aimed_at_and_narrows(images: int, keep: float) -> None:
    low, high = kept_interval(images, keep)
    assert 0 <= low < keep < high <= 1
    wider = kept_interval(30, keep)
    assert high - low <= wider[1] - wider[0] + 1e-9

"""What several tests of the trainer share."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import COLORS, save


@pytest.fixture(scope="session")
def hard_colors(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """Pictures that are hard to tell apart and a pretrained base, as arguments of `edge-train`."""
    import keras

    folder = tmp_path_factory.mktemp("hard")
    base = keras.saving.load_model(digits_run / "model.keras", compile=False).get_layer("mobilenetv2_0.35_32")
    with warnings.catch_warnings():
        # Keras asks numpy in an old way.
        warnings.simplefilter("ignore")
        base.save_weights(folder / "base.weights.h5")
    random = np.random.default_rng(0)
    for name, color in COLORS.items():
        for number in range(12):
            noise = random.integers(-90, 90, (40, 50, 3))
            image = np.clip(np.array(color) * 0.2 + 100 + noise, 0, 255).astype(np.uint8)
            save(folder / "colors" / name / f"{number}.png", image)
    weights = ("--weights", folder / "base.weights.h5", "--alpha", 0.35, "--image-size", 32)
    return (folder / "colors", *weights, "--batch-size", 8)

import numpy as np
import pytest

from trainer import TrainConfig, TrainingReporter
from trainer.network.inspection import inspect_base


class Stock:
    """ImageNet's own head, as far as it is asked: sure of the class that the mean brightness names."""

    def __call__(self, pixels: np.ndarray, *, training: bool) -> "Stock":
        assert pixels.shape[1:] == (224, 224, 3)
        assert -1 <= pixels.min() <= pixels.max() <= 1
        assert not training
        self.scores = np.zeros((len(pixels), 1000), np.float32)
        self.scores[:, 355], self.scores[:, 354] = 0.8, 0.2
        return self

    def numpy(self) -> np.ndarray:
        return self.scores


def test_where_the_stock_head_can_be_had_its_best_labels_are_shown(
    color_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    real = keras.applications.MobileNetV2
    monkeypatch.setattr(
        keras.applications,
        "MobileNetV2",
        lambda **options: Stock() if options.get("include_top", True) else real(**options),
    )
    names = {355: ("n02437616", "llama"), 354: ("n02437312", "Arabian_camel")}
    monkeypatch.setattr(
        keras.applications.mobilenet_v2,
        "decode_predictions",
        lambda scores, top: [
            [(*names[index], row[index]) for index in np.argsort(-row)[:top].tolist()] for row in scores
        ],
    )
    config = TrainConfig(data=str(color_folder), weights="none", alpha=0.35, image_size=32)
    with TrainingReporter() as reporter:
        text = inspect_base(config, reporter)
    assert "  blue/0.png (blue): llama 0.800, Arabian_camel 0.200" in text
    assert text.count("llama") == 8

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edge_runtime import DivergedError
from trainer import Epoch, TrainConfig
from trainer.batch_norm import BatchNormStatistics
from trainer.fitting import BestWeights, Phase, build_evaluation, fit_phase
from trainer.network import Network, build_network, freeze


class Silent:
    def start(self, phase: str, epochs: int, steps: int) -> None: ...

    def step(self) -> None: ...

    def epoch(self, epoch: Epoch) -> None: ...


def stripes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures with horizontal (0) or vertical (1) stripes and noise."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, 2, count)
    pictures = random.integers(0, 120, (count, 32, 32, 3))
    for picture, target in zip(pictures, targets, strict=True):
        phase = random.integers(0, 8)
        lines = (np.arange(32) + phase) % 8 < 4
        picture[lines if target == 0 else slice(None), slice(None) if target == 0 else lines] += 110
    return pictures.astype(np.uint8), targets.astype(np.int64)


def batches(data: tuple[np.ndarray, np.ndarray], size: int = 16) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    images, targets = data
    for start in range(0, len(images), size):
        yield images[start : start + size], targets[start : start + size]


def whole_phase(network: Network, train: Any, held_out: Any, **options: Any) -> Phase:
    return Phase(
        name="scratch",
        model=network.model,
        batches=lambda _epoch: batches(train),
        steps=math.ceil(len(train[0]) / 16),
        validation=list(batches(held_out)),
        weight_decay=0.0,
        **{"epochs": 3, "rate": 3e-3, **options},
    )


CONFIG = TrainConfig(data="x", weights="none", alpha=0.35, image_size=32)


def test_a_short_training_from_scratch_is_as_good_in_evaluation_as_in_training() -> None:
    """The trap: with moving averages that lag, this is 1.0 in training and 0.5 in evaluation."""
    import keras

    keras.utils.set_random_seed(1)
    network = build_network(CONFIG, 2)
    freeze(network, fine_tune_at=0, train_batch_norm=True)
    train, held_out = stripes(256, 1), stripes(128, 2)
    statistics = BatchNormStatistics(network.model, network.base)
    phase = whole_phase(
        network,
        train,
        held_out,
        epochs=8,
        before_validation=lambda: statistics.measure(
            images.astype(np.float32) for images, _ in batches(train)
        ),
    )
    history = list(fit_phase(phase, 1, Silent()))
    assert history[-1].accuracy >= 0.95
    assert history[-1].val_accuracy >= 0.7
    _loss, in_evaluation = build_evaluation(network.model)(batches(train))
    assert in_evaluation >= 0.85


def test_the_statistics_are_those_of_the_batches() -> None:
    import keras

    network = build_network(CONFIG, 2)
    freeze(network, fine_tune_at=0, train_batch_norm=True)
    images = [pixels.astype(np.float32) for pixels, _ in batches(stripes(64, 3))]
    statistics = BatchNormStatistics(network.model, network.base)
    statistics.measure(images)
    first = next(each for each in network.base.layers if isinstance(each, keras.layers.BatchNormalization))
    until = keras.Model(network.base.input, network.base.layers[network.base.layers.index(first) - 1].output)
    seen = [until(pixels / 127.5 - 1).numpy() for pixels in images]
    mean = np.mean([each.mean(axis=(0, 1, 2)) for each in seen], axis=0)
    variance = np.mean([each.var(axis=(0, 1, 2)) for each in seen], axis=0)
    np.testing.assert_allclose(first.moving_mean.numpy(), mean, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(first.moving_variance.numpy(), variance, rtol=1e-3, atol=1e-4)
    assert first.momentum == 0.999


def test_frozen_batch_norm_and_lower_layers_stay_put() -> None:
    import keras

    network = build_network(CONFIG, 2)
    freeze(network, fine_tune_at=120, train_batch_norm=False)

    def of(kind: Any) -> list[np.ndarray]:
        chosen = [layer for layer in network.base.layers if isinstance(layer, kind)]
        return [weight for layer in chosen for weight in layer.get_weights()]

    statistics = BatchNormStatistics(network.model, network.base)
    norms = of(keras.layers.BatchNormalization)
    lower = [weight for layer in network.base.layers[:120] for weight in layer.get_weights()]
    kernels = of(keras.layers.Conv2D)
    train = stripes(64, 4)
    phase = whole_phase(
        network,
        train,
        train,
        epochs=2,
        before_validation=lambda: statistics.measure(
            images.astype(np.float32) for images, _ in batches(train)
        ),
    )
    list(fit_phase(phase, 1, Silent()))
    lower_after = [weight for layer in network.base.layers[:120] for weight in layer.get_weights()]
    assert all(np.array_equal(*pair) for pair in zip(norms, of(keras.layers.BatchNormalization), strict=True))
    assert all(np.array_equal(*pair) for pair in zip(lower, lower_after, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(kernels, of(keras.layers.Conv2D), strict=True))


def linear() -> Any:
    import keras

    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])


def features(value: float) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.full((8, 4), value, np.float32), np.zeros(8, np.int64))]


def head(model: Any, value: float, epochs: int = 3) -> Phase:
    return Phase("head", model, lambda _epoch: features(value), 1, features(value), epochs, 0.1, 0.0)


def test_epoch_numbers_run_on_and_the_rate_warms_up_and_falls() -> None:
    history = list(fit_phase(head(linear(), 1.0, epochs=20), 6, Silent()))
    assert [epoch.epoch for epoch in history] == list(range(6, 26))
    rates = [epoch.learning_rate for epoch in history]
    assert rates[0] < max(rates) == pytest.approx(0.1)
    assert rates[-1] < 0.01
    assert history[-1].val_loss < history[0].val_loss


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    with pytest.raises(
        DivergedError, match="the loss is nan in epoch 4 of phase head: lower the learning rate"
    ) as caught:
        list(fit_phase(head(linear(), math.inf), 4, Silent()))
    assert caught.value.exit_code == 8


def epoch(number: int, accuracy: float, loss: float) -> Epoch:
    return Epoch("head", number, 0.0, 0.0, loss, accuracy, 0.0, 0.0)


def test_the_best_weights_of_all_epochs_come_back() -> None:
    model = linear()
    best = BestWeights(model)
    kernel = model.layers[0].kernel
    kept = []
    for number, (accuracy, loss) in enumerate([(0.5, 1.0), (0.8, 0.9), (0.8, 0.7), (0.8, 0.8), (0.6, 0.1)]):
        kernel.assign(np.full(kernel.shape, number))
        kept.append(best.consider(epoch(number, accuracy, loss)))
    assert kept == [True, True, True, False, False]
    best.restore()
    assert kernel.numpy().max() == 2
    assert best.epoch is not None
    assert best.epoch.epoch == 2

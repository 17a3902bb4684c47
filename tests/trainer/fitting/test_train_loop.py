import dataclasses
import math
import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_runtime import DivergedError
from trainer import (
    Distribute,
    Epoch,
    KeptEpoch,
    Optimizer,
    Schedule,
    TrainConfig,
    TrainingReporter,
)
from trainer.data import NO_CLASS
from trainer.data.augmentation import build_mixing
from trainer.fitting.distribution import Workers, join_workers
from trainer.fitting.epoch import is_over
from trainer.fitting.optimizers import build_optimizer
from trainer.fitting.phases import PlannedPhase
from trainer.fitting.steps import Phase, PhaseData, build_evaluation
from trainer.fitting.train_loop import TrainLoop
from trainer.fitting.trainer import Fitted, Trainer
from trainer.network.batch_norm import BatchNormStatistics
from trainer.network.classifier import Network, build_network, freeze


def run(phase: Phase, earlier: int = 0) -> list[Epoch]:
    """Every epoch of a phase that follows so many epochs of other phases."""
    loop = TrainLoop(phase, lambda _fraction: None)
    return [loop.run_epoch(earlier + number) for number in range(1, phase.epochs + 1)]


def stripes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images with horizontal (0) or vertical (1) stripes and noise."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, 2, count)
    images = random.integers(0, 120, (count, 32, 32, 3))
    for image, target in zip(images, targets, strict=True):
        phase = random.integers(0, 8)
        lines = (np.arange(32) + phase) % 8 < 4
        image[lines if target == 0 else slice(None), slice(None) if target == 0 else lines] += 110
    return images.astype(np.uint8), targets.astype(np.int64)


def batches(data: tuple[np.ndarray, np.ndarray], size: int = 16) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    images, targets = data
    for start in range(0, len(images), size):
        yield images[start : start + size], targets[start : start + size]


def alone() -> Workers:
    return join_workers(Distribute.NONE)


def whole_phase(network: Network, train: Any, held_out: Any, *, epochs: int = 3, **options: Any) -> Phase:
    steps = math.ceil(len(train[0]) / 16)
    return Phase(
        name="scratch",
        model=network.model,
        data=PhaseData(
            lambda _epoch: batches(train),
            steps,
            list(batches(held_out)),
            unchanged=lambda: (images for images, _ in batches(train)),
        ),
        evaluate=build_evaluation(network.head, alone(), network.forward),
        epochs=epochs,
        optimizer=build_optimizer(CONFIG, network.model, rate=3e-3, steps=steps * epochs, weight_decay=0.0),
        config=CONFIG,
        workers=alone(),
        **options,
    )


CONFIG = TrainConfig(data="x", weights="none", alpha=0.35, image_size=32)


@pytest.mark.extra
def test_a_short_training_from_scratch_is_as_good_in_evaluation_as_in_training() -> None:
    """The trap: with moving averages that lag, this is 1.0 in training and 0.5 in evaluation."""
    import keras

    keras.utils.set_random_seed(1)
    network = build_network(CONFIG, 2)
    freeze(network, fine_tune_at=0, train_batch_norm=True)
    train, held_out = stripes(512, 1), stripes(128, 2)
    statistics = BatchNormStatistics(network.model, network.base, alone().total)
    phase = whole_phase(network, train, held_out, epochs=8, before_validation=statistics.measure)
    history = run(phase)
    assert history[-1].accuracy >= 0.95
    assert history[-1].val_accuracy >= 0.7
    _loss, in_evaluation = build_evaluation(network.model, alone())(batches(train))
    assert in_evaluation >= 0.85


def test_the_statistics_are_those_of_the_batches() -> None:
    import keras

    network = build_network(CONFIG, 2)
    freeze(network, fine_tune_at=0, train_batch_norm=True)
    images = [pixels for pixels, _ in batches(stripes(64, 3))]
    statistics = BatchNormStatistics(network.model, network.base, alone().total)
    statistics.measure(images)
    first = next(each for each in network.base.layers if isinstance(each, keras.layers.BatchNormalization))
    until = keras.Model(network.base.input, network.base.layers[network.base.layers.index(first) - 1].output)
    seen = [until(pixels / 127.5 - 1).numpy() for pixels in images]
    mean = np.mean([each.mean(axis=(0, 1, 2)) for each in seen], axis=0)
    variance = np.mean([each.var(axis=(0, 1, 2)) for each in seen], axis=0)
    np.testing.assert_allclose(first.moving_mean.numpy(), mean, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(first.moving_variance.numpy(), variance, rtol=1e-3, atol=1e-4)
    assert first.momentum == 0.999


def test_frozen_batch_norm_and_lower_layers_do_not_change() -> None:
    import keras

    network = build_network(CONFIG, 2)
    freeze(network, fine_tune_at=120, train_batch_norm=False)

    def of(kind: Any) -> list[np.ndarray]:
        chosen = [layer for layer in network.base.layers if isinstance(layer, kind)]
        return [weight for layer in chosen for weight in layer.get_weights()]

    statistics = BatchNormStatistics(network.model, network.base, alone().total)
    norms = of(keras.layers.BatchNormalization)
    lower = [weight for layer in network.base.layers[:120] for weight in layer.get_weights()]
    kernels = of(keras.layers.Conv2D)
    train = stripes(64, 4)
    run(whole_phase(network, train, train, epochs=2, before_validation=statistics.measure))
    lower_after = [weight for layer in network.base.layers[:120] for weight in layer.get_weights()]
    assert all(np.array_equal(*pair) for pair in zip(norms, of(keras.layers.BatchNormalization), strict=True))
    assert all(np.array_equal(*pair) for pair in zip(lower, lower_after, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(kernels, of(keras.layers.Conv2D), strict=True))


def linear() -> Any:
    import keras

    # From zero, with which every test begins alike, in whatever order they run.
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax", kernel_initializer="zeros")])


def features(value: float) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.full((8, 4), value, np.float32), np.zeros(8, np.int64))]


def on(rows: list[tuple[np.ndarray, np.ndarray]]) -> PhaseData:
    return PhaseData(lambda _epoch: rows, 1, rows)


def head(model: Any, value: float, epochs: int = 3, **options: Any) -> Phase:
    config = dataclasses.replace(CONFIG, patience=0, **options)
    return Phase(
        name="head",
        model=model,
        data=on(features(value)),
        evaluate=build_evaluation(model, alone()),
        epochs=epochs,
        optimizer=build_optimizer(config, model, rate=0.1, steps=epochs, weight_decay=0.0),
        config=config,
        workers=alone(),
    )


def test_epoch_numbers_continue_and_the_rate_warms_up_and_falls() -> None:
    history = run(head(linear(), 1.0, epochs=20), earlier=5)
    assert [epoch.epoch for epoch in history] == list(range(6, 26))
    rates = [epoch.learning_rate for epoch in history]
    assert rates[0] < max(rates) == pytest.approx(0.1)
    assert rates[-1] < 0.01
    assert history[-1].val_loss < history[0].val_loss


def test_a_loss_that_is_not_a_number_ends_the_training() -> None:
    with pytest.raises(
        DivergedError, match="the loss is nan in epoch 1 of phase head: lower the learning rate"
    ) as caught:
        run(head(linear(), math.inf))
    assert caught.value.exit_code == 8


@pytest.mark.parametrize(("moment", "epochs"), [("batch", 1), ("record", 2)])
def test_ctrl_c_waits_for_the_end_of_a_batch_and_of_a_record(moment: str, epochs: int) -> None:
    """Pressed in the second of three epochs; one that is being recorded is kept."""
    model, done = linear(), []

    def press(now: str, number: int) -> None:
        if (now, number) == (moment, 2):
            os.kill(os.getpid(), signal.SIGINT)
        done.append(now)

    def pressing(number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        press("batch", number)
        yield from features(1.0)

    phase = head(model, 1.0)
    phase = dataclasses.replace(phase, data=dataclasses.replace(phase.data, batches=pressing))
    recorder = SimpleNamespace(record=lambda _phase, _model, fitted: press("record", len(fitted.history)))
    course = SimpleNamespace(
        phases=lambda: [PlannedPhase("head", 3, lambda: phase)],
        network=SimpleNamespace(model=model),
        config=phase.config,
    )
    with TrainingReporter() as reporter:
        trainer = Trainer(course, [recorder], reporter)  # type: ignore[arg-type]
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
    assert done == ["batch", "record", "batch", "record"][: 2 + epochs]
    assert len(trainer.fitted.history) == epochs


def epoch(number: int, accuracy: float, loss: float, phase: str = "head") -> Epoch:
    return Epoch(phase, number, 0.0, 0.0, loss, accuracy, 0.0, 0.0)


def test_the_best_weights_of_all_epochs_are_kept() -> None:
    model = linear()
    fitted = Fitted()
    kernel = model.layers[0].kernel
    for number, (accuracy, loss) in enumerate([(0.5, 1.0), (0.8, 0.9), (0.8, 0.7), (0.8, 0.8), (0.6, 0.1)]):
        kernel.assign(np.full(kernel.shape, number))
        fitted = fitted.after(epoch(number, accuracy, loss), model)
    assert fitted.best is not None
    assert fitted.best.weights[0].max() == 2
    assert fitted.best.epoch.epoch == 2
    assert [each.epoch for each in fitted.history] == [0, 1, 2, 3, 4]


def test_the_last_weights_are_kept_where_that_is_wanted() -> None:
    model, fitted = linear(), Fitted()
    for number, accuracy in enumerate([0.5, 0.8, 0.6]):
        model.layers[0].kernel.assign(np.full(model.layers[0].kernel.shape, number))
        fitted = fitted.after(epoch(number, accuracy, 1.0), model, KeptEpoch.LAST)
    assert fitted.best is not None
    assert fitted.best.weights[0].max() == fitted.best.epoch.epoch == 2


def test_with_a_constant_schedule_the_rate_stays() -> None:
    history = run(head(linear(), 1.0, epochs=4, schedule=Schedule.CONSTANT))
    assert [each.learning_rate for each in history] == pytest.approx([0.1] * 4)


def test_sgd_with_momentum_learns_too() -> None:
    history = run(head(linear(), 1.0, epochs=4, optimizer=Optimizer.SGD))
    assert history[-1].val_loss < history[0].val_loss


def test_smoothed_labels_cost_more_than_right_answers() -> None:
    plain, smooth = (
        run(head(linear(), 1.0, epochs=60, label_smoothing=smoothing))[-1] for smoothing in (0.0, 0.2)
    )
    # Two classes, a fifth spread over both: the best score is 0.9, with a loss of its entropy.
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert plain.loss < 0.02
    assert smooth.loss == pytest.approx(entropy, abs=0.02)
    assert smooth.val_loss == pytest.approx(-math.log(0.9), abs=0.05)


def test_the_average_of_the_weights_is_validated_and_the_training_goes_on_without_it() -> None:
    model = linear()
    phase = head(model, 1.0, epochs=4, ema=0.5)
    loop, expected, trained = TrainLoop(phase, lambda _fraction: None), np.zeros(0), []
    for number in range(1, 5):
        loop.run_epoch(number)
        averaged = model.layers[0].get_weights()[0]
        loop.continue_training()
        trained.append(model.layers[0].get_weights()[0])
        # An epoch is one step here.
        expected = trained[-1] if number == 1 else 0.5 * expected + 0.5 * trained[-1]
        np.testing.assert_allclose(averaged, expected, rtol=1e-5)
    assert np.ptp(np.diff([each[0, 0] for each in trained])) > 0


@pytest.mark.parametrize("options", [{}, {"ema": 0.5}, {"optimizer": Optimizer.SGD}])
def test_a_phase_that_starts_over_trains_as_a_new_one(options: dict[str, Any]) -> None:
    """On other data, with another number of steps and another weight of the penalty."""

    def penalized(model: Any) -> Phase:
        phase = head(model, 1.0, epochs=6, **options)
        return dataclasses.replace(phase, penalty=lambda: sum_of_squares(model.layers[0].kernel))

    def epochs(loop: TrainLoop) -> list[Epoch]:
        found = []
        for number in range(1, 7):
            loop.continue_training()
            found.append(dataclasses.replace(loop.run_epoch(number), seconds=0.0))
        return found

    rows = features(2.0) + features(-0.5)
    others = PhaseData(lambda _epoch: rows, 2, features(0.3), penalty_weight=0.1)
    model = linear()
    used = TrainLoop(penalized(model), lambda _fraction: None)
    first = epochs(used)
    model.set_weights(linear().get_weights())
    used.start_over(others, lambda _fraction: None)
    new = TrainLoop(penalized(linear()), lambda _fraction: None)
    new.start_over(others, lambda _fraction: None)
    again = epochs(used)
    assert again == epochs(new)
    assert [each.loss for each in again] != [each.loss for each in first]
    # The rate has fallen to its end after all steps, here twice as many.
    assert again[-1].learning_rate == pytest.approx(0, abs=1e-8)
    fresh = dataclasses.replace(penalized(linear()), data=others)
    optimizer = build_optimizer(fresh.config, fresh.model, rate=0.1, steps=12, weight_decay=0.0)
    assert again == epochs(TrainLoop(dataclasses.replace(fresh, optimizer=optimizer), lambda _fraction: None))


def sum_of_squares(kernel: Any) -> Any:
    import tensorflow as tf

    return tf.reduce_sum(tf.square(kernel))


def test_with_its_whole_weight_the_teacher_replaces_the_labels() -> None:
    import tensorflow as tf

    model = linear()
    wanted = tf.constant([[0.2, 0.8]] * 8)
    phase = head(model, 1.0, epochs=80, teacher_weight=1.0, teacher_temperature=3.0)
    history = run(dataclasses.replace(phase, teach=lambda inputs: (inputs, wanted)))
    np.testing.assert_allclose(model(np.ones((1, 4), np.float32))[0], [0.2, 0.8], atol=0.02)
    # All labels are the class that the teacher thinks less likely.
    assert history[-1].accuracy == 0
    assert history[-1].loss == pytest.approx(0, abs=0.01)


def test_blended_images_are_learnt_with_the_fractions_of_their_classes() -> None:
    import keras

    keras.utils.set_random_seed(1)
    bright = np.repeat(np.array([20, 230], np.uint8), 32)
    images = np.broadcast_to(bright[:, None, None, None], (64, 8, 8, 3)).copy()
    targets = (bright > 100).astype(np.int64)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers, keras.layers.Dense(2, "softmax")])
    phase = dataclasses.replace(
        head(model, 1.0, epochs=150),
        data=on([(images, targets)]),
        mix=build_mixing(dataclasses.replace(CONFIG, mixup=1.0)),
    )
    history = run(phase)
    assert history[-1].val_accuracy == 1
    # With evenly distributed fractions half of the grey between black and white is of either class: the
    # score of an image is the fraction of its class, and the best loss is the mean entropy of a fraction,
    # 0.5, for half of the images. Unblended ones would have a loss near 0.
    assert history[-1].loss == pytest.approx(0.25, abs=0.12)
    grey = np.full((1, 8, 8, 3), 125, np.uint8).astype(np.float32)
    np.testing.assert_allclose(model(grey)[0], [0.5, 0.5], atol=0.1)


def test_the_weights_of_classes_count_by_their_fractions_of_a_blend() -> None:
    import keras

    class Blend(keras.layers.Layer):
        def call(self, batch: dict[str, Any]) -> dict[str, Any]:
            labels = batch["labels"]
            return {"images": batch["images"], "labels": 0.75 * labels + 0.25 * labels[:, ::-1]}

    first = []
    for weights in (None, np.array([1.0, 5.0], np.float32)):
        phase = head(linear(), 1.0, epochs=1)
        first += run(dataclasses.replace(phase, mix=Blend(), class_weights=weights))
    # All are of the first class: three quarters count once, one counts five times.
    assert first[1].loss == pytest.approx(2 * first[0].loss, rel=1e-5)


@pytest.mark.parametrize("taught", [False, True])
def test_images_of_no_class_get_equal_scores_and_are_not_counted(taught: bool) -> None:
    """Also where a teacher takes them for the first class."""
    import tensorflow as tf

    of_class, of_none = [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]
    histories, scores = [], []
    for negatives in (False, True):
        model = linear()
        model.layers[0].kernel.assign([[0.5, 0.0], [0.5, 0.0], [2.0, 0.0], [2.0, 0.0]])
        rows = np.array([of_class] * 8 + [of_none] * (2 * negatives), np.float32)
        targets = np.array([0] * 8 + [NO_CLASS] * (2 * negatives), np.int64)
        phase = dataclasses.replace(
            head(model, 1.0, epochs=100),
            data=PhaseData(lambda _epoch, batch=(rows, targets): [batch], 1, features(1.0)),
            negatives=negatives,
            teach=(lambda inputs: (inputs, tf.constant([[0.9, 0.1]]) + 0 * inputs[:, :2]))
            if taught
            else None,
        )
        histories.append(run(phase))
        scores.append(model(np.array([of_class, of_none], np.float32)).numpy())
    assert histories[1][0].loss == pytest.approx(histories[0][0].loss, rel=1e-5)
    assert histories[1][0].accuracy == 1
    assert scores[0][1, 0] > 0.95
    np.testing.assert_allclose(scores[1][1], [0.5, 0.5], atol=0.02)
    assert scores[1][0, 0] == pytest.approx(scores[0][0, 0], abs=0.1)


def test_a_phase_ends_when_patience_does() -> None:
    better = [epoch(number, 0.5, 1 - number / 10) for number in range(1, 5)]
    worse = [epoch(number, 0.5, 2.0) for number in range(5, 9)]
    assert not is_over("head", 20, better, 3)
    assert not is_over("head", 20, [*better, *worse[:2]], 3)
    assert is_over("head", 20, [*better, *worse[:3]], 3)
    assert not is_over("head", 20, [*better, *worse], 0)
    assert is_over("head", 8, [*better, *worse], 0)
    assert not is_over("fine-tune", 20, [*better, *worse], 3)

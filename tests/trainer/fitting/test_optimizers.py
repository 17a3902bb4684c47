"""The weights after some steps are those of the Keras optimizer that changes each variable by itself."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from trainer import FloatPolicy, Optimizer, Schedule, TrainConfig
from trainer.fitting.optimizers import build_optimizer

CONFIG = TrainConfig(data="x", weights="none")
STEPS, RATE, DECAY = 6, 0.05, 0.1


def small_model() -> Any:
    """With kernels and biases, scales and offsets of BatchNormalization."""
    import keras

    keras.utils.set_random_seed(3)
    convolution = keras.layers.Conv2D(4, 3, padding="same")
    depthwise = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)
    pooling, dense = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)
    return keras.Sequential(
        [keras.Input((6, 6, 3)), convolution, keras.layers.BatchNormalization(), depthwise, pooling, dense]
    )


def random_gradients(model: Any, step: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(step)
    return {
        each.path: random.normal(size=each.shape).astype(np.float32) for each in model.trainable_variables
    }


def plain_optimizer(config: TrainConfig, model: Any) -> Any:
    """What Keras does with the same options, variable by variable."""
    import keras

    schedule: Any = RATE
    if config.schedule is Schedule.COSINE:
        schedule = keras.optimizers.schedules.CosineDecay(
            RATE / 25, STEPS - 1, warmup_target=RATE, warmup_steps=1
        )
    common = {
        "weight_decay": DECAY,
        "clipnorm": config.clip_norm or None,
        "use_ema": config.ema > 0,
        "ema_momentum": config.ema,
    }
    if config.optimizer is Optimizer.SGD:
        optimizer = keras.optimizers.SGD(schedule, config.momentum, nesterov=True, **common)
    else:
        optimizer = keras.optimizers.AdamW(schedule, beta_1=config.momentum, **common)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if config.float_policy is FloatPolicy.FLOAT16:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


OPTIONS: dict[str, dict[str, Any]] = {
    "AdamW": {},
    "SGD": {"optimizer": Optimizer.SGD},
    "a constant rate": {"schedule": Schedule.CONSTANT},
    "clipped": {"clip_norm": 0.5},
    "averaged": {"ema": 0.8},
    "16 bits": {"float_policy": FloatPolicy.FLOAT16, "clip_norm": 0.5},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_it_is_what_keras_does_variable_by_variable(options: dict[str, Any]) -> None:
    config = dataclasses.replace(CONFIG, **options)
    ours, plain = small_model(), small_model()
    optimizer = build_optimizer(config, ours, rate=RATE, steps=STEPS, weight_decay=DECAY)
    reference = plain_optimizer(config, plain)
    optimizer.read_weights()
    for step in range(STEPS):
        gradients = list(random_gradients(ours, step).values())
        if step == 2 and config.float_policy is FloatPolicy.FLOAT16:
            # Too large for 16 bits: this step is left out.
            gradients[0] = np.full_like(gradients[0], np.inf)
        by_variable = dict(zip(map(id, ours.trainable_variables), gradients, strict=True))
        optimizer.apply([by_variable[id(each)] for each in optimizer.weights])
        reference.apply_gradients(zip(gradients, plain.trainable_variables, strict=True))
        assert optimizer.learning_rate == pytest.approx(float(reference.learning_rate.numpy()))
    if config.ema:
        optimizer.average_weights()
        reference.finalize_variable_values(plain.trainable_variables)
    for weight, expected, first in zip(
        ours.get_weights(), plain.get_weights(), small_model().get_weights(), strict=True
    ):
        np.testing.assert_allclose(weight, expected, rtol=1e-6, atol=1e-7)
        assert np.isfinite(weight).all()
        assert weight.shape == first.shape


def test_weights_that_were_set_since_are_what_it_goes_on_from() -> None:
    model = small_model()
    optimizer = build_optimizer(CONFIG, model, rate=RATE, steps=STEPS, weight_decay=0.0)
    model.set_weights([np.ones_like(each) for each in model.get_weights()])
    optimizer.read_weights()
    optimizer.apply([np.zeros(each.shape, np.float32) for each in optimizer.weights])
    assert all((each == 1).all() for each in model.get_weights())


def test_frozen_weights_stay() -> None:
    model = small_model()
    model.layers[0].trainable = False
    before = model.layers[0].get_weights()
    optimizer = build_optimizer(CONFIG, model, rate=RATE, steps=STEPS, weight_decay=DECAY)
    optimizer.read_weights()
    optimizer.apply([np.ones(each.shape, np.float32) for each in optimizer.weights])
    for weight, expected in zip(model.layers[0].get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert (model.layers[-1].get_weights()[0] != small_model().layers[-1].get_weights()[0]).all()

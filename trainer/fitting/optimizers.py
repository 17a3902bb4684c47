"""Optimizers with their learning rate schedules."""

from typing import Any

from trainer.choices import FloatPolicy, Optimizer, Schedule
from trainer.config import TrainConfig


def build_optimizer(config: TrainConfig, model: Any, *, rate: float, steps: int, weight_decay: float) -> Any:
    """The optimizer of one phase, with its learning rate schedule over all steps of the phase."""
    import keras

    schedule: Any = rate
    if config.schedule is Schedule.COSINE:
        warm_up = max(1, steps // 10)
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=rate / 25,
            decay_steps=max(1, steps - warm_up),
            warmup_target=rate,
            warmup_steps=warm_up,
        )
    common = {
        "weight_decay": weight_decay,
        "clipnorm": config.clip_norm or None,
        "use_ema": config.ema > 0,
        "ema_momentum": config.ema,
    }
    if config.optimizer is Optimizer.SGD:
        optimizer = keras.optimizers.SGD(schedule, config.momentum, nesterov=config.momentum > 0, **common)
    else:
        optimizer = keras.optimizers.AdamW(schedule, beta_1=config.momentum, **common)
    if weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if config.float_policy is FloatPolicy.FLOAT16:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer

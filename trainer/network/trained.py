"""The network of an earlier run, with its weights."""

import dataclasses

from edge_runtime.core import ModelError
from edge_runtime.datasets import Run
from trainer.choices import FloatPolicy
from trainer.config import TrainConfig
from trainer.network.classifier import Network, build_network


def load_trained(run: Run, config: TrainConfig) -> Network:
    """The network of a run as plain float32 variables, without its output for images of no class.

    Args:
        run: with weights.
        config: with the options that determine what the weights mean.

    Raises:
        ModelError: the run has no usable weights.
    """
    plain = dataclasses.replace(config, weights="none", from_=None, float_policy=FloatPolicy.FLOAT32)
    network = build_network(plain, len(run.card.classes))
    try:
        network.model.load_weights(run.files.best_weights)
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{run.files.best_weights}: not the weights of this run ({reason:.200})") from error
    return network

"""Train on one device, on all GPUs of this machine, or on the workers of a cluster, with the same result.

Every worker runs the same program on the same data set. Of each batch it reads and trains on its share only;
gradients and losses are summed over all workers, so that the result does not depend on their number.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import UsageError
from trainer.choices import Distribute
from trainer.data import EVERYTHING, Share

PADDING = -1
"""The class of a row that is ignored."""


@dataclass(frozen=True)
class Workers:
    """The devices and workers that train together.

    Attributes:
        strategy: a `tf.distribute.Strategy`; variables are made in its scope.
        share: the part of each batch that this worker reads.
        devices: how many this worker has.
    """

    strategy: Any
    share: Share = EVERYTHING
    devices: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes the run."""
        return self.share.index == 0

    def spread(self, inputs: NDArray[Any], targets: NDArray[np.int64]) -> tuple[Any, Any]:
        """Rows divided among this worker's devices; a device without rows gets one row of `PADDING`."""
        if self.devices == 1:
            return _padded(inputs, targets)
        parts = [
            _padded(*part)
            for part in zip(
                np.array_split(inputs, self.devices), np.array_split(targets, self.devices), strict=True
            )
        ]
        first = self.share.index * self.devices
        spread = [
            self.strategy.experimental_distribute_values_from_function(
                lambda context, column=column: parts[context.replica_id_in_sync_group - first][column]
            )
            for column in (0, 1)
        ]
        return spread[0], spread[1]

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of a small vector over all workers; every worker must call it."""
        if self.share.count == 1:
            return values
        import tensorflow as tf

        @tf.function(autograph=False)
        def reduce(vector: Any) -> Any:
            return self.strategy.reduce("SUM", self.strategy.run(lambda: vector), axis=None)

        total: NDArray[np.float64] = reduce(tf.constant(values)).numpy() / self.devices
        return total

    def wait(self) -> None:
        """Wait until every worker has called this."""
        self.total(np.zeros(1))

    def agree(self, value: float) -> bool:
        """Whether every worker has the same value."""
        mine = np.array([value, value**2])
        # All are equal if and only if their variance is 0.
        total, squares = self.total(mine) / self.share.count
        return bool(np.isclose(squares, total**2, rtol=1e-12) and np.isclose(total, value, rtol=1e-12))


def _padded(inputs: NDArray[Any], targets: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Add a row to an empty batch, which convolutions refuse."""
    if len(targets):
        return inputs, targets
    return np.zeros((1, *inputs.shape[1:]), inputs.dtype), np.array([PADDING])


def join_workers(distribute: Distribute) -> Workers:
    """Join the other workers; waits until all of them are there.

    Raises:
        UsageError: --distribute multi-worker without a valid TF_CONFIG.
    """
    import tensorflow as tf

    if distribute is Distribute.NONE:
        return Workers(tf.distribute.get_strategy())
    if distribute is Distribute.MIRRORED:
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        return Workers(strategy, devices=len(devices))
    share = read_cluster(os.environ.get("TF_CONFIG"))
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return Workers(strategy, share, devices=strategy.num_replicas_in_sync // share.count)


def read_cluster(text: str | None) -> Share:
    """This worker's share, from TF_CONFIG.

    Raises:
        UsageError: it is missing, or not `{"cluster": {"worker": [...]}, "task": {"type": "worker", …}}`.
    """
    form = '{"cluster": {"worker": ["HOST:PORT", …]}, "task": {"type": "worker", "index": 0}}'
    try:
        cluster = json.loads(text or "")
        workers, task = cluster["cluster"]["worker"], cluster["task"]
        share = Share(int(task["index"]), len(workers))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--distribute multi-worker needs TF_CONFIG={form}; got {text!r:.200}") from error
    if task["type"] != "worker" or set(cluster["cluster"]) != {"worker"} or share.index >= share.count:
        raise UsageError(f"TF_CONFIG must have workers only, and this one's index: {form}; got {text!r:.200}")
    return share

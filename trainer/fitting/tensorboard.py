"""TensorBoard logs of the epochs, written by TensorFlow itself."""

from pathlib import Path
from typing import Any, Self

from trainer.fitting.epoch import Epoch


class EpochLog:
    """Writes the numbers of each epoch into `train` and `validation` of a folder. A context manager.

    Args:
        folder: for the logs; None to write nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._writers: dict[str, Any] = {}

    def __enter__(self) -> Self:
        if self._folder is not None:
            import tensorflow as tf

            self._writers = {
                name: tf.summary.create_file_writer(str(self._folder / name))
                for name in ("train", "validation")
            }
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def write(self, epoch: Epoch) -> None:
        """Write an epoch: loss and accuracy for both, the learning rate for training."""
        rows = {
            "train": {"loss": epoch.loss, "accuracy": epoch.accuracy, "learning_rate": epoch.learning_rate},
            "validation": {"loss": epoch.val_loss, "accuracy": epoch.val_accuracy},
        }
        for name, writer in self._writers.items():
            with writer.as_default():
                for tag, value in rows[name].items():
                    _write_scalar(tag, value, epoch.epoch)
            writer.flush()


def _write_scalar(tag: str, value: float, step: int) -> None:
    import tensorflow as tf

    # `tf.summary.scalar` needs the package tensorboard; this is what it writes.
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    tf.summary.write(tag, tf.constant(value, tf.float32), step=step, metadata=metadata)

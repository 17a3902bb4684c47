"""A trained network whose scores another one learns.

The teacher sees the same augmented images as the network that learns from it (Beyer et al.: Knowledge
distillation: A good teacher is patient and consistent, 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge_runtime.core import UsageError
from edge_runtime.datasets import VALIDATION, Run
from trainer.config import TrainConfig
from trainer.network.trained import load_trained


@dataclass(frozen=True)
class Teacher:
    """A trained network that does not change.

    Attributes:
        model: float32 pixels in [0, 255] at the size of the network that learns, shape (batch, height, width,
            3) → scores of its classes in its order, shape (batch, classes).
    """

    model: Any

    def score(self, pixels: Any) -> tuple[Any, Any]:
        """Pixels of a batch → the pixels and the teacher's scores of them."""
        return pixels, self.model(pixels, training=False)


def check_teacher(run: Run, config: TrainConfig, labels: Sequence[str]) -> None:
    """Refuse a teacher that cannot teach.

    Args:
        run: of the teacher.
        config: of the network that learns.
        labels: its classes.

    Raises:
        UsageError: the teacher has other classes, its images were resized in another way, or it was trained
            on all images.
    """
    classes, resize = run.card.classes, TrainConfig.from_run(run).resize
    if set(classes) != set(labels):
        raise UsageError(
            f"--teacher {run.folder} tells {', '.join(classes)} apart, the data has {', '.join(labels)}: "
            "train a teacher on this data"
        )
    if resize is not config.resize:
        raise UsageError(
            f"--teacher {run.folder} was trained with --resize {resize}, now it is {config.resize}: "
            "both have to see the same part of an image"
        )
    if not run.split(VALIDATION):
        raise UsageError(
            f"--teacher {run.folder} was trained on all images, and none is left to choose an epoch by: "
            "train it with --cross-validate off"
        )


def load_teacher(run: Run, config: TrainConfig, labels: Sequence[str]) -> Teacher:
    """Load a teacher; its images are resized if it has another input size.

    Args:
        run: of the teacher, which `check_teacher` accepts.
        config: of the network that learns.
        labels: its classes.

    Raises:
        ModelError: the run has no usable weights.
    """
    import keras

    settings = TrainConfig.from_run(run)
    network = load_trained(run, settings)
    pixels = keras.Input((config.image_size, config.image_size, 3), name="pixels")
    sized = keras.layers.Resizing(settings.image_size, settings.image_size)(pixels)
    order = [run.card.classes.index(label) for label in labels]
    model = keras.Model(pixels, keras.ops.take(network.model(sized), order, axis=1), name="teacher")
    model.trainable = False
    return Teacher(model)


def join_scores(features: Any, teacher: Teacher) -> Any:
    """A Keras model: pixels → the outputs of a network and, in further columns, the teacher's scores."""
    import keras

    (pixels,) = features.inputs
    return keras.Model(pixels, keras.layers.Concatenate()([features.output, teacher.model(pixels)]))

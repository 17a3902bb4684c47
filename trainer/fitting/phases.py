"""The phases of a training: the head on the frozen base, then fine-tuning; or all layers from scratch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Reporter
from edge_runtime.datasets import VALIDATION
from trainer.choices import ClassWeights
from trainer.config import TrainConfig
from trainer.data import (
    Batch,
    Batches,
    Targets,
    add_negatives,
    build_augmentation,
    build_mixing,
    fine_tuning_passes,
)
from trainer.fitting.distribution import Workers
from trainer.fitting.optimizers import WeightOptimizer, build_optimizer
from trainer.fitting.steps import Evaluation, Phase, PhaseData, build_evaluation
from trainer.network import (
    BatchNormStatistics,
    CachedFeatures,
    FeatureCache,
    Network,
    Teacher,
    freeze,
)


@dataclass(frozen=True)
class PlannedPhase:
    """A phase that is built when it starts: the network then has the best weights of the earlier phases.

    Attributes:
        name: the phase's.
        epochs: the largest number.
        build: builds the phase.
    """

    name: str
    epochs: int
    build: Callable[[], Phase]


@dataclass(frozen=True)
class Course:
    """What the phases of one training have in common.

    Attributes:
        config: the options.
        network: what trains.
        train: the training images.
        validation: the images that each epoch is judged by.
        features: of the images, where a phase or the evaluation computed them.
        workers: the devices and workers that train.
        reporter: shows the progress.
        teacher: whose scores are learnt beside the labels.
        negatives: images of no class, which layers of the base learn to give equal scores.
    """

    config: TrainConfig
    network: Network
    train: Batches
    validation: Batches
    features: FeatureCache
    workers: Workers
    reporter: Reporter
    teacher: Teacher | None = None
    negatives: Sequence[Batches] = ()

    def phases(self) -> list[PlannedPhase]:
        """The phases, in order."""
        config = self.config
        head = PlannedPhase(
            "head",
            config.head_epochs,
            self._head_on_features if config.cache_features else self._head_on_images,
        )
        if config.from_scratch:
            every = PlannedPhase(
                "scratch",
                config.scratch_epochs,
                lambda: self._whole(
                    "scratch",
                    config.scratch_epochs,
                    config.scratch_rate,
                    first_layer=0,
                    data=self._data_of_images(config.scratch_epochs),
                ),
            )
            # At random a base has no features that a head could learn from.
            return [head, every] if config.from_ and head.epochs else [every]
        return [each for each in (head, self.fine_tuning()) if each.epochs]

    def fine_tuning(self) -> PlannedPhase:
        """The phase that trains the head and the last layers of the base."""
        config = self.config
        return PlannedPhase(
            "fine-tune",
            config.fine_tune_epochs,
            lambda: self._whole(
                "fine-tune",
                config.fine_tune_epochs,
                config.fine_tune_rate,
                first_layer=config.fine_tune_at,
                data=self.fine_tuning_data(),
            ),
        )

    def fine_tuning_data(self) -> PhaseData:
        """What that phase learns from and is judged by."""
        passes = fine_tuning_passes(self.config, len(self.train.targets))
        return self._data_of_images(self.config.fine_tune_epochs, passes)

    def _head_on_features(self) -> Phase:
        cache, network = self.features, self.network
        with self.reporter.fraction_bar("features") as done:
            train = cache.of_training(
                self.config, network, self.train, lambda part: done(part * 0.9), self.teacher
            )
            validation = cache.of_split(VALIDATION, network, self.validation, lambda part: done(part * 0.1))
        channels = network.features.output_shape[-1]
        return self._head(
            network.head, train, validation, lambda rows: (rows[:, :channels], rows[:, channels:])
        )

    def _head_on_images(self) -> Phase:
        freeze(self.network, fine_tune_at=len(self.network.base.layers), train_batch_norm=False)
        return self._head(self.network.model, self.train, self.validation, self._teach)

    def _head(
        self,
        model: Any,
        train: Batches | CachedFeatures,
        validation: Batches | CachedFeatures,
        teach: Callable[[Any], tuple[Any, Any]] | None,
    ) -> Phase:
        config = self.config
        on_images = isinstance(train, Batches)
        return Phase(
            name="head",
            model=model,
            data=PhaseData(
                lambda epoch: train.shuffled(config.seed + epoch),
                len(train),
                validation,
                self._penalty_weight,
            ),
            evaluate=self._evaluation(on_images=on_images),
            epochs=config.head_epochs,
            optimizer=self._optimizer(model, len(train) * config.head_epochs, config.head_rate, decay=False),
            config=config,
            workers=self.workers,
            augment=build_augmentation(config) if on_images else None,
            teach=teach if self.teacher is not None else None,
            class_weights=class_weights(config, self.train.targets),
            penalty=self._head_penalty(),
        )

    def _whole(self, name: str, epochs: int, rate: float, *, first_layer: int, data: PhaseData) -> Phase:
        config, network = self.config, self.network
        freeze(network, fine_tune_at=first_layer, train_batch_norm=config.trains_batch_norm)
        statistics = BatchNormStatistics(network.model, network.base, self.workers.total)
        return Phase(
            name=name,
            model=network.model,
            data=data,
            evaluate=self._evaluation(on_images=True),
            epochs=epochs,
            optimizer=self._optimizer(network.model, data.steps * epochs, rate, decay=True),
            config=config,
            workers=self.workers,
            augment=build_augmentation(config),
            mix=build_mixing(config),
            teach=self._teach,
            class_weights=class_weights(config, self.train.targets),
            negatives=bool(self.negatives),
            penalty=self._head_penalty(),
            before_validation=statistics.measure,
        )

    def _data_of_images(self, epochs: int, passes: int = 1) -> PhaseData:
        """The images of a phase that trains layers of the base, so many times in each epoch."""
        seed, train = self.config.seed, self.train
        return PhaseData(
            lambda epoch: self._with_negatives(seed + epoch + number * epochs for number in range(passes)),
            passes * len(train),
            self.validation,
            self._penalty_weight,
            lambda: (pixels for pixels, _targets in train.shuffled(seed)),
        )

    def _evaluation(self, *, on_images: bool) -> Evaluation:
        """Of images, whose features come from the base as it is compiled for all phases, or of features."""
        network = self.network
        return build_evaluation(network.head, self.workers, network.forward if on_images else None)

    def _with_negatives(self, seeds: Iterable[int]) -> Iterator[Batch]:
        """The training batches of a pass for each seed, with negatives where there are any."""
        for seed in seeds:
            batches = self.train.shuffled(seed)
            yield from add_negatives(batches, self.negatives, seed) if self.negatives else batches

    def _optimizer(self, model: Any, steps: int, rate: float, *, decay: bool) -> WeightOptimizer:
        return build_optimizer(
            self.config,
            model,
            rate=rate,
            steps=steps,
            weight_decay=self.config.weight_decay if decay else 0.0,
        )

    @property
    def _teach(self) -> Callable[[Any], tuple[Any, Any]] | None:
        """Images → the same, with the teacher's scores; None without a teacher."""
        return None if self.teacher is None else self.teacher.score

    def _head_penalty(self) -> Callable[[], Any]:
        """The L2 penalty of the head: a Gaussian prior on its weights, as in logistic regression."""
        import tensorflow as tf

        layers = [layer for layer in self.network.head.layers if layer.trainable]
        kernels = [layer.kernel for layer in layers if hasattr(layer, "kernel")]
        return lambda: tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])

    @property
    def _penalty_weight(self) -> float:
        """The effect of the penalty decreases with the number of images."""
        return self.config.head_l2 / len(self.train.targets)


def class_weights(config: TrainConfig, targets: Targets) -> NDArray[np.float32] | None:
    """The weight of an image of each class; the weights of all images add up to their number."""
    if config.class_weights is ClassWeights.NONE:
        return None
    counts = np.maximum(np.bincount(targets), 1)
    return (len(targets) / len(counts) / counts).astype(np.float32)

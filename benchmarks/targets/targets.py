"""What is measured: the Keras model in two ways, model files on their engines, and a yardstick."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.targets.operator_times import OperatorTime, profile_openvino
from edge_runtime import Classifier, Frame, Image, ModelError, Scores, fit, read_model_file
from edge_runtime.core import clock
from edge_runtime.images.codec import pixels_needed
from edge_runtime.inference.engine_registry import engine_version
from edge_runtime.inference.engines import OpenVinoEngine


class Kind(StrEnum):
    """Who computes.

    `keras`: the run's Keras model as a compiled `tf.function`. `keras-predict`: its `predict_on_batch`.
    `model-file`: a `.tflite` through the device's classifier. `peer`: through another runtime. `yardstick`: a
    fixed piece of arithmetic.
    """

    KERAS = "keras"
    KERAS_PREDICT = "keras-predict"
    MODEL_FILE = "model-file"
    PEER = "peer"
    YARDSTICK = "yardstick"


class Reader(StrEnum):
    """Programs of others that open a model file and bring images to its input in their own way."""

    MEDIAPIPE = "mediapipe"


READERS = {Reader.MEDIAPIPE: "MediaPipe Tasks"}
"""Reader → its name among the peers."""


@dataclass(frozen=True)
class TargetSpec:
    """One thing to measure, as a process of its own is told to load it.

    Attributes:
        name: what reports call it.
        kind: who computes.
        path: the run or the model file.
        engine: of a model file; the default one when None. Of a peer, its name.
        num_threads: of a model file; the engine's default when None.
        python: the interpreter of the process that loads it; this one when None.
    """

    name: str
    kind: Kind
    path: str = ""
    engine: str | None = None
    num_threads: int | None = None
    python: str | None = None


@dataclass(frozen=True)
class Steps:
    """How long the steps from a decoded picture to its scores took, in milliseconds."""

    resize: float
    invoke: float
    postprocess: float


class Target(Protocol):
    """A loaded model.

    Attributes:
        engine: who runs it, with its version.
        num_threads: threads it may use.
        size_bytes: of its file.
        at_least: how many pixels of each side it needs.
    """

    engine: str
    num_threads: int | None
    size_bytes: int
    at_least: int

    def scores(self, image: Image) -> Scores:
        """Scores of a picture of any size (uint8 RGB), resized by the device's `fit`; shape (classes,)."""
        ...

    def steps(self, image: Image) -> Steps:
        """Classify a picture and time each step."""
        ...

    def operators(self) -> list[OperatorTime]:
        """Where the time goes inside the model; empty where the engine does not tell."""
        ...


def load_target(spec: TargetSpec) -> Target:
    """Load what a specification names.

    Raises:
        ModelError: the run or the file cannot be used.
        MissingLibraryError: its engine is not installed.
    """
    if spec.kind == Kind.YARDSTICK:
        return YardstickTarget()
    if spec.kind == Kind.PEER:
        from benchmarks.targets.peers import load_peer

        return load_peer(str(spec.engine), Path(spec.path))
    if spec.kind == Kind.MODEL_FILE:
        return ModelFileTarget(Path(spec.path), engine=spec.engine, num_threads=spec.num_threads)
    return KerasTarget(Path(spec.path), predict=spec.kind == Kind.KERAS_PREDICT)


def plan_targets(
    run: Path, models: Sequence[Path], engines: Sequence[str | None], threads: Sequence[int | None]
) -> list[TargetSpec]:
    """The Keras model in both ways, then every model file on every engine with every number of threads."""
    specs = [
        TargetSpec("keras", Kind.KERAS, str(run)),
        TargetSpec("keras-predict", Kind.KERAS_PREDICT, str(run)),
    ]
    for path in models:
        for engine in engines:
            for number in threads:
                notes = [engine] if len(engines) > 1 else []
                notes += [f"{number or 'default'} threads"] if len(threads) > 1 else []
                name = f"{path.stem} ({', '.join(map(str, notes))})" if notes else path.stem
                specs.append(TargetSpec(name, Kind.MODEL_FILE, str(path), engine, number))
    return specs


def plan_readers(models: Sequence[Path], readers: Sequence[Reader], python: Path | None) -> list[TargetSpec]:
    """Every model file through every other program that reads it.

    Args:
        models: the model files.
        readers: the programs.
        python: the Python that has them installed; this one when None.
    """
    own = str(python) if python else None
    return [
        TargetSpec(f"{path.stem} ({reader})", Kind.PEER, str(path.resolve()), READERS[reader], python=own)
        for path in models
        for reader in readers
    ]


class SilentTarget:
    """A target whose engine does not tell of its operators."""

    def operators(self) -> list[OperatorTime]:
        """See `Target.operators`."""
        return []


class KerasTarget(SilentTarget):
    """A run's Keras model on one picture at a time."""

    def __init__(self, folder: Path, *, predict: bool = False) -> None:
        import keras
        import tensorflow as tf

        from converter import load_keras_model, read_run

        run = read_run(folder)
        model = load_keras_model(run.keras_file)
        signature = tf.TensorSpec([1, *run.card.image_size, 3], tf.float32)
        compiled = tf.function(lambda pixels: model(pixels, training=False), input_signature=[signature])
        self._forward: Any = model.predict_on_batch if predict else lambda pixels: compiled(pixels).numpy()
        self._card = run.card
        self.engine = f"keras {keras.__version__}, tensorflow {tf.__version__}"
        self.num_threads: int | None = None
        self.size_bytes = run.keras_file.stat().st_size
        self.at_least = pixels_needed(run.card.image_size, run.card.resize)

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        pixels = fit(image, self._card.image_size, self._card.resize)
        found: Scores = self._forward(pixels[np.newaxis].astype(np.float32))[0]
        return found

    def steps(self, image: Image) -> Steps:
        """See `Target.steps`."""
        started = clock.now()
        pixels = fit(image, self._card.image_size, self._card.resize)
        resized = clock.now()
        scores = self._forward(pixels[np.newaxis].astype(np.float32))[0]
        invoked = clock.now()
        np.argsort(-scores)[:5]
        return Steps(
            clock.milliseconds(started, resized),
            clock.milliseconds(resized, invoked),
            clock.milliseconds(invoked, clock.now()),
        )


class ModelFileTarget:
    """A `.tflite` through the device's own classifier."""

    def __init__(self, path: Path, *, engine: str | None, num_threads: int | None) -> None:
        file = read_model_file(path)
        self._classifier = Classifier(file, engine=engine, num_threads=num_threads)
        self.engine = f"{self._classifier.engine.name} {engine_version(self._classifier.engine.name)}"
        self.num_threads: int | None = self._classifier.engine.num_threads
        self.size_bytes = len(file.content)
        self.at_least = self._classifier.at_least

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        return self._classifier.scores(image)

    def steps(self, image: Image) -> Steps:
        """See `Target.steps`."""
        timing = self._classifier.observe(Frame(image, 0, clock.now(), 0.0, "benchmark")).timing
        return Steps(timing.resize, timing.invoke, timing.postprocess)

    def operators(self) -> list[OperatorTime]:
        """See `Target.operators`."""
        engine = self._classifier.engine
        if not isinstance(engine, OpenVinoEngine):
            return []
        return profile_openvino(self._classifier.model.content, engine.num_threads, **engine.options)


class YardstickTarget(SilentTarget):
    """A fixed piece of arithmetic: by it runs on the same machine on different days are compared."""

    SIDE = 160

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self._matrix = random.random((self.SIDE, self.SIDE), np.float32)
        self.engine = f"numpy {np.__version__}"
        self.num_threads: int | None = 1
        self.size_bytes = 0
        self.at_least = 0

    def scores(self, image: Image) -> Scores:  # noqa: ARG002 - the arithmetic is always the same
        """Nothing is recognized: one class, always sure."""
        self._work()
        return np.ones(1, np.float32)

    def steps(self, image: Image) -> Steps:  # noqa: ARG002
        """See `Target.steps`."""
        started = clock.now()
        self._work()
        return Steps(0.0, clock.milliseconds(started, clock.now()), 0.0)

    def _work(self) -> None:
        product = self._matrix
        for _ in range(4):
            product = self._matrix @ product
            product /= product.max()


def check_labels(path: Path, labels: tuple[str, ...], run: Path) -> None:
    """Refuse a model file that is not of this run.

    Raises:
        ModelError: its labels are not the run's.
    """
    found = read_model_file(path).labels
    if found != labels:
        raise ModelError(
            f"{path}: its {len(found)} labels are not the {len(labels)} of the run {run}; convert it again"
        )

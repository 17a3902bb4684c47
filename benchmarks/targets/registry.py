"""Plan the targets of a benchmark, and load one."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.targets.model_file import ModelFileTarget, classes_of
from benchmarks.targets.peers import load_peer
from benchmarks.targets.slowed import SlowedTarget
from benchmarks.targets.spec import Kind, Reader, Target, TargetSpec
from benchmarks.targets.yardstick import YardstickTarget
from edge_runtime.core import MissingLibraryError, ModelError
from edge_runtime.model import read_model_file

_READERS = {Reader.MEDIAPIPE: "MediaPipe Tasks"}


def load_target(spec: TargetSpec) -> Target:
    """Load a target.

    Raises:
        ModelError: the run or the file cannot be used.
        MissingLibraryError: its engine is not installed.
    """
    target = _load(spec)
    return target if spec.slowdown == 1 else SlowedTarget(target, spec.slowdown, spec.slow_after)


def _load(spec: TargetSpec) -> Target:
    if spec.kind is Kind.YARDSTICK:
        return YardstickTarget()
    if spec.kind is Kind.PEER:
        return load_peer(str(spec.engine), Path(spec.path))
    if spec.kind is Kind.MODEL_FILE:
        return ModelFileTarget(
            Path(spec.path), engine=spec.engine, num_threads=spec.num_threads, classes=spec.classes
        )
    from benchmarks.targets.keras import KerasTarget

    try:
        return KerasTarget(Path(spec.path), predict=spec.kind is Kind.KERAS_PREDICT)
    except ImportError as error:
        raise MissingLibraryError(
            f"the Keras model needs TensorFlow ({error}): pip install 'edge-classify[train]'"
        ) from error


def plan_keras(folder: Path, name: str = "keras") -> list[TargetSpec]:
    """The Keras model of a run or of a bundle, in both ways in which it is used."""
    return [
        TargetSpec(name, Kind.KERAS, str(folder)),
        TargetSpec(name.replace("keras", "keras-predict", 1), Kind.KERAS_PREDICT, str(folder)),
    ]


def plan_models(
    models: Sequence[Path],
    engines: Sequence[str | None],
    threads: Sequence[int | None],
    classes: tuple[str, ...] = (),
) -> list[TargetSpec]:
    """Every model file on every engine with every number of threads; see `TargetSpec` for the classes."""
    specs = []
    for path in models:
        for engine in engines:
            for number in threads:
                notes = [engine] if len(engines) > 1 else []
                notes += [_describe_threads(number)] if len(threads) > 1 else []
                name = f"{path.stem} ({', '.join(map(str, notes))})" if notes else path.stem
                specs.append(TargetSpec(name, Kind.MODEL_FILE, str(path), engine, number, classes=classes))
    return specs


def plan_readers(models: Sequence[Path], readers: Sequence[Reader], python: Path | None) -> list[TargetSpec]:
    """Every model file in every other program that reads it.

    Args:
        models: the model files.
        readers: the programs.
        python: the Python that has them installed; this one when None.
    """
    interpreter = str(python) if python else None
    return [
        TargetSpec(
            f"{path.stem} ({reader})", Kind.PEER, str(path.resolve()), _READERS[reader], python=interpreter
        )
        for path in models
        for reader in readers
    ]


def check_labels(path: Path, classes: tuple[str, ...], origin: str) -> tuple[str, ...]:
    """Refuse a model file with other classes than a run.

    A model of an earlier run, which did not have all of the classes, can be compared with a later one.

    Args:
        path: the model file.
        classes: of the run.
        origin: of the classes, for the message.

    Returns:
        The classes that the model does not have.

    Raises:
        ModelError: it has a class that the run does not have.
    """
    found = classes_of(read_model_file(path))
    if not set(found) <= set(classes):
        raise ModelError(
            f"{path}: its {len(found)} classes are not the {len(classes)} of {origin}; convert it again"
        )
    return tuple(each for each in classes if each not in found)


def _describe_threads(number: int | None) -> str:
    if number is None:
        return "default threads"
    return "1 thread" if number == 1 else f"{number} threads"

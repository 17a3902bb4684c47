"""Train a candidate and convert it, as `edge-train` and `edge-convert` do."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measurement import Interval, fraction
from benchmarks.search.candidates import Candidate
from benchmarks.search.types import Trained
from converter import Comparison, Conversion, ConvertConfig, convert, format_conversion
from edge_runtime.core import clock, write_file
from edge_runtime.datasets import CROSS_VALIDATION, TEST, RunFiles, read_run
from trainer import Ending, Prepared, TrainConfig, Training, TrainingReporter, train


def tune(
    candidate: Candidate, config: TrainConfig, model: Path, prepared: Prepared, reporter: TrainingReporter
) -> Trained:
    """Train and convert a candidate; an interrupted training is continued.

    Args:
        candidate: the network.
        config: the options of its training.
        model: the model file to write, even where int8 loses too much.
        prepared: all images with their splits, and what is known of them.
        reporter: shows the progress.

    Raises:
        EdgeError: see `train` and `convert`.
        KeyboardInterrupt: the training was interrupted.
    """
    started = clock.now()
    interrupted = RunFiles(config.out).state.exists()
    training = train(
        dataclasses.replace(config, resume=interrupted, overwrite=not interrupted), reporter, prepared
    )
    if training.ending is Ending.INTERRUPTED:
        raise KeyboardInterrupt
    options = ConvertConfig(run=config.out, out=model)
    (done,) = convert(read_run(config.out), options, reporter)
    write_file(model, done.content)
    write_file(model.with_suffix(".conversion.json"), format_conversion(done, options))
    keras, accuracy = _accuracies(training, done)
    test = done.by_split.get(TEST)
    return Trained(
        candidate=candidate,
        keras_accuracy=keras,
        accuracy=accuracy,
        test_accuracy=test.accuracy if test else None,
        mb=len(done.content) / 1e6,
        passed=done.passed and done.fit.fits,
        seconds=round(clock.now() - started, 3),
    )


def _accuracies(training: Training, done: Conversion) -> tuple[float, Interval]:
    """The accuracy of the Keras model, and that of the int8 model, on held-out images but the test's."""
    judged = training.metrics.get(CROSS_VALIDATION)
    if judged is not None:
        return judged.accuracy, fraction(round(judged.accuracy * judged.count), judged.count)
    compared = [each for split, each in done.by_split.items() if split != TEST]
    count = sum(each.count for each in compared)
    return _right(compared, keras=True) / count, fraction(_right(compared, keras=False), count)


def _right(compared: Sequence[Comparison], *, keras: bool) -> int:
    """How many images a model gets right, over all splits."""
    return sum(round((each.float_accuracy if keras else each.accuracy) * each.count) for each in compared)

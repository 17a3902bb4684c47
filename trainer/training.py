"""A training from data to run: check → split → network → phases → rejection → evaluation → files."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from edge_runtime.core import (
    OutputError,
    UsageError,
    WorkerError,
    lock_folder,
    make_folder,
    remove_temporaries,
    write_file,
    write_with,
)
from edge_runtime.datasets import (
    SPLITS,
    TRAIN,
    VALIDATION,
    Run,
    RunFiles,
    read_run,
)
from trainer.choices import Distribute, RandomFlip
from trainer.config import TrainConfig
from trainer.cross_validation import train_by_cross_validation
from trainer.data import (
    Batches,
    Data,
    ImageLoader,
    Share,
    flip_for,
    group_numbers,
    kept_bytes,
    make_batches,
    make_negative_batches,
    negatives_in_a_batch,
    prepare_data,
)
from trainer.evaluation import (
    SplitMetrics,
)
from trainer.fitting import (
    Checkpoints,
    Course,
    Epoch,
    EpochLog,
    Fitted,
    Phase,
    State,
    Trainer,
    TrainingReporter,
    Workers,
    build_evaluation,
    check_state,
    join_workers,
    read_state,
)
from trainer.network import (
    FeatureCache,
    build_network,
    check_options,
    check_teacher,
    is_plain,
    load_teacher,
    rebuild_plain,
    start_from,
)
from trainer.results import write_results


class Ending(StrEnum):
    """How a training ended."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted by Ctrl-C"
    NOTHING_TO_RESUME = "the run is complete"
    WRITTEN_BY_ANOTHER_WORKER = "worker 0 writes the run"


@dataclass(frozen=True)
class Training:
    """The result of a training.

    Attributes:
        folder: the run.
        ending: how it ended.
        history: every epoch of every phase.
        best: the epoch whose weights were kept, of a cross-validated training the last; None where this
            process wrote no run.
        metrics: per split; empty where this process wrote no run.
    """

    folder: Path
    ending: Ending
    history: tuple[Epoch, ...] = ()
    best: Epoch | None = None
    metrics: dict[str, SplitMetrics] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What was done before a training, for several of them.

    Attributes:
        data: of the training's options.
        loader: reads the images at the training's size, and has those that others decoded.
        features: of the network with its pretrained weights.
    """

    data: Data
    loader: ImageLoader
    features: FeatureCache


def train(config: TrainConfig, reporter: TrainingReporter, prepared: Prepared | None = None) -> Training:
    """Train a classifier and write its run.

    Args:
        config: the options.
        reporter: shows the progress.
        prepared: what need not be done here.

    Raises:
        DatasetError: the data cannot be used.
        ModelError: the pretrained weights cannot be downloaded or do not match.
        OutputError: the run cannot be written.
        DivergedError: the loss is not a finite number; the best weights before are in `checkpoints/`.
        WorkerError: one of several workers is gone.
        KeyboardInterrupt: before the end of the first epoch.
    """
    with lock_folder(make_folder(config.out), shared=config.distribute is Distribute.MULTI_WORKER):
        files = RunFiles(config.out)
        state = _open_run(config, files)
        if config.resume and state is None and files.model.exists():
            reporter.say(f"{config.out} contains a complete run: nothing to resume")
            return Training(config.out, Ending.NOTHING_TO_RESUME)
        earlier = read_run(config.from_) if config.from_ else None
        if earlier is not None:
            check_options(config, earlier)
        teacher = read_run(config.teacher) if config.teacher else None
        # What a teacher was trained on must not be held out here, nor the other way round.
        kept = {sample.hash: sample.split for run in (teacher, earlier) if run for sample in run.samples}
        data = prepared.data if prepared else prepare_data(config, reporter, kept)
        if teacher is not None:
            check_teacher(teacher, config, data.labels)
        if config.flip is RandomFlip.AUTO:
            config = dataclasses.replace(config, flip=flip_for(data.labels))
        if state is not None:
            check_state(state, config.repeatable(), data.fingerprint)
            reporter.say(f"continuing after epoch {len(state.history)}")
        workers = _prepare_tensorflow(config)
        with _translated_losses(workers):
            _check_agreement(workers, config, data, state)
            if workers.is_chief:
                _begin_run(config, files, data)
            prepared = prepared or _prepare(config, data, workers.share)
            training = _train_network(config, prepared, earlier, teacher, workers, state, reporter)
        # The run is written: another worker that ends before this one hears from it is no loss.
        with contextlib.suppress(*[WorkerError] * workers.is_chief), _translated_losses(workers):
            workers.wait()
        return training


def _train_network(
    config: TrainConfig,
    prepared: Prepared,
    earlier: Run | None,
    teacher: Run | None,
    workers: Workers,
    state: State | None,
    reporter: TrainingReporter,
) -> Training:
    data = prepared.data
    with workers.strategy.scope():
        network = build_network(config, len(data.labels))
        if earlier is not None:
            added = start_from(network, config, data.labels, earlier)
            reporter.say(f"starting from {earlier.folder}" + (f"; new: {', '.join(added)}" if added else ""))
        batches = {
            split: make_batches(
                prepared.loader, data.split(split), data.labels, config.batch_size, workers.share
            )
            for split in SPLITS
        }
        course = Course(
            config,
            network,
            batches[TRAIN],
            batches[VALIDATION],
            prepared.features,
            workers,
            reporter,
            load_teacher(teacher, config, data.labels) if teacher else None,
            make_negative_batches(
                [each.trained for each in data.negatives],
                batches[TRAIN].loader.size,
                config.resize,
                negatives_in_a_batch(config.batch_size),
                workers.share,
            ),
        )
        if data.is_cross_validated:
            return _cross_validate(course, data, batches, reporter)
        taught = _judge_teacher(course)
        fitted, interrupted = _fit(course, data, state, reporter)
    assert fitted.best is not None  # noqa: S101 - every configuration has an epoch
    if taught is not None and fitted.best.epoch.val_accuracy > taught:
        reporter.say(
            "the teacher is less accurate than its student on the validation images: train without --teacher"
        )
    if not workers.is_chief:
        reporter.say("this worker is done; worker 0 writes the run")
        return Training(config.out, Ending.WRITTEN_BY_ANOTHER_WORKER, fitted.history)
    if not (workers.devices == 1 and is_plain(config)):
        network = rebuild_plain(config, network, len(data.labels))
    metrics = write_results(course, data, network, batches, fitted.history)
    if not interrupted:
        RunFiles(config.out).state.unlink(missing_ok=True)
    ending = Ending.INTERRUPTED if interrupted else Ending.FINISHED
    return Training(config.out, ending, fitted.history, fitted.best.epoch, metrics)


def _judge_teacher(course: Course) -> float | None:
    """The accuracy of the teacher on the validation images, at the size that the network sees them."""
    if course.teacher is None:
        return None
    course.reporter.say("asking the teacher for the validation images")
    _loss, accuracy = build_evaluation(course.teacher.model, course.workers)(course.validation)
    course.reporter.say(f"the teacher has validation accuracy {accuracy:.4f}")
    return accuracy


def _cross_validate(
    course: Course, data: Data, batches: Mapping[str, Batches], reporter: TrainingReporter
) -> Training:
    """Train on all images and write the results. It takes minutes: it is repeated, not resumed."""
    config, network, files = course.config, course.network, RunFiles(course.config.out)
    done = train_by_cross_validation(course, group_numbers(data.split(TRAIN)), reporter)
    write_with(files.best_weights, network.model.save_weights)
    files.write_cross_validation(done.choice)
    metrics = write_results(course, data, network, batches, done.history, out_of_fold=done)
    return Training(config.out, Ending.FINISHED, done.history, done.history[-1], metrics)


def _open_run(config: TrainConfig, files: RunFiles) -> State | None:
    """The state to resume, if there is one.

    Raises:
        OutputError: the folder contains a run that is not to be replaced.
    """
    remove_temporaries(files.state)
    if config.resume:
        return read_state(files)
    if not config.overwrite:
        if files.model.exists():
            raise OutputError(
                f"{files.folder} contains a run already: give another --out, or --overwrite to replace it"
            )
        if files.state.exists():
            raise OutputError(
                f"{files.folder} contains an interrupted training: --resume continues it, --overwrite "
                "replaces it"
            )
    return None


def _begin_run(config: TrainConfig, files: RunFiles, data: Data) -> None:
    files.remove_results()
    if not config.resume:
        files.state.unlink(missing_ok=True)
    write_file(files.config, config.repeatable().to_toml())
    files.write_split(data.samples)


def _prepare_tensorflow(config: TrainConfig) -> Workers:
    import keras
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    return join_workers(config.distribute)


@contextlib.contextmanager
def _translated_losses(workers: Workers) -> Iterator[None]:
    """Turn TensorFlow's errors after the loss of another worker into one line."""
    import tensorflow as tf

    try:
        yield
    except (
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.InternalError,
        tf.errors.UnavailableError,
    ) as error:
        if workers.share.count == 1:
            raise
        raise WorkerError("another worker is gone: start all of them again with --resume") from error


def _check_agreement(workers: Workers, config: TrainConfig, data: Data, state: State | None) -> None:
    """Refuse workers with different data or different states.

    Raises:
        UsageError: with what is different.
    """
    done = len(state.history) if state else 0
    if not workers.agree(float(int(data.fingerprint[:12], 16))):
        raise UsageError(f"the workers do not have the same images in {config.data}, or not the same split")
    if not workers.agree(float(done)):
        raise UsageError(
            f"this worker finds {done} epochs in {config.out}, others another number: "
            "--out must be one folder that all workers share"
        )


def _prepare(config: TrainConfig, data: Data, share: Share) -> Prepared:
    loader = ImageLoader(
        data.dataset,
        (config.image_size, config.image_size),
        config.resize,
        cache_bytes=kept_bytes(share.count) if config.reads_images_again else 0,
    )
    return Prepared(data, loader, FeatureCache(config.out))


@dataclass(frozen=True)
class _RunRecorder:
    """Writes history, logs and checkpoints of a run after each epoch."""

    files: RunFiles
    log: EpochLog
    checkpoints: Checkpoints

    def record(self, phase: Phase, network: Any, fitted: Fitted) -> None:
        """See `Recorder.record`."""
        assert fitted.best is not None  # noqa: S101 - an epoch is over
        self.log.write(fitted.history[-1])
        self.files.write_history(fitted.history)
        best = fitted.best
        self.checkpoints.keep(fitted.history, best.epoch, best.weights, network, phase.optimizer)


def _fit(course: Course, data: Data, state: State | None, reporter: TrainingReporter) -> tuple[Fitted, bool]:
    """Train all phases; the network ends with the weights of the best epoch.

    Returns:
        What was trained, and whether Ctrl-C ended it.
    """
    config, workers = course.config, course.workers
    files = RunFiles(config.out)
    checkpoints = Checkpoints(config.repeatable(), data.fingerprint)
    interrupted = False
    with EpochLog(files.logs if config.tensorboard and workers.is_chief else None) as log:
        recorders = [_RunRecorder(files, log, checkpoints)] if workers.is_chief else []
        trainer = Trainer(course, recorders, reporter)
        if state is not None:
            trainer.resume(state)
        try:
            trainer.run()
        except KeyboardInterrupt:
            done = len(trainer.fitted.history)
            # Other workers are in the middle of a sum that this one would not take part in.
            if not done or workers.share.count > 1:
                raise
            interrupted = True
            reporter.say(f"interrupted: keeping the best of {done} epochs (Ctrl-C again to exit at once)")
        finally:
            trainer.restore_best()
            checkpoints.flush()
            if trainer.fitted.history and workers.is_chief:
                write_with(files.best_weights, course.network.model.save_weights)
    return trainer.fitted, interrupted

"""A training from data to run: check → split → network → phases → evaluation → files."""

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_runtime import ModelCard, OutputError, UsageError, WorkerError
from edge_runtime.core import clock
from edge_runtime.core.files import lock_folder, make_folder, remove_temporaries, write_file
from edge_runtime.datasets.layouts import BUILTIN_NAMES, SPLITS, TEST, TRAIN, VALIDATION, format_split
from trainer.config import Distribute, Flip, TrainConfig
from trainer.data.augmentation import flip_for
from trainer.data.batches import Batches, PictureLoader, make_batches
from trainer.data.preparation import Data, prepare_data
from trainer.evaluation.evaluated_split import Judged
from trainer.evaluation.golden_samples import make_golden_samples
from trainer.evaluation.metrics import SplitMetrics, build_forward, measure, predict
from trainer.fitting.checkpoints import Checkpoints, State, check_state, read_state, restore, state_path
from trainer.fitting.distribution import Share, Workers, join_workers
from trainer.fitting.phases import Course
from trainer.fitting.progress import TrainingReporter
from trainer.fitting.tensorboard import EpochLog
from trainer.fitting.train_loop import BestWeights, Epoch, fit_phase, is_over
from trainer.network.classifier import ARCHITECTURE, Network, build_network, is_plain, rebuild_plain
from trainer.report.html import render_report
from trainer.report.illustrations import draw_pictures, write_examples
from trainer.run_files import library_versions, write_best_weights, write_history, write_metrics, write_model


@dataclass(frozen=True)
class Training:
    """What a training ends with.

    Attributes:
        folder: the run.
        history: every epoch of every phase.
        best: the epoch whose weights were kept.
        metrics: per split.
        interrupted: whether Ctrl-C ended it before its time.
    """

    folder: Path
    history: tuple[Epoch, ...]
    best: Epoch
    metrics: dict[str, SplitMetrics]
    interrupted: bool


def train(config: TrainConfig, reporter: TrainingReporter) -> Training | None:
    """Train a classifier and write its run.

    Args:
        config: the options.
        reporter: is told of the progress.

    Returns:
        None where there is nothing to write: the run to resume is complete, or another worker writes it.

    Raises:
        DatasetError: the data cannot be used.
        ModelError: the pretrained weights cannot be had.
        OutputError: the run cannot be written.
        DivergedError: the loss is no longer a number; the best epoch before is in `checkpoints/`.
        WorkerError: one of several workers is gone.
        KeyboardInterrupt: before the first epoch was over.
    """
    with lock_folder(make_folder(config.out), shared=config.distribute is Distribute.MULTI_WORKER):
        return _train_alone(config, reporter)


def _train_alone(config: TrainConfig, reporter: TrainingReporter) -> Training | None:
    """The training, once no other one writes into its folder."""
    state = _open_run(config)
    if config.resume and state is None and (config.out / "model.keras").exists():
        reporter.say(f"{config.out} holds a complete run: nothing to resume")
        return None
    data = prepare_data(config, reporter)
    if config.flip is Flip.AUTO:
        config = dataclasses.replace(config, flip=flip_for(data.labels))
    if state is not None:
        check_state(state, _repeatable(config), data.fingerprint)
        reporter.say(f"going on after epoch {len(state.history)}")
    workers = _prepare_tensorflow(config)
    with _translated_losses(workers):
        _check_agreement(workers, config, data, state)
        if workers.is_chief:
            _begin_run(config, data)
        done = _train(config, data, workers, state, reporter)
        workers.wait()
    return done


def _train(
    config: TrainConfig, data: Data, workers: Workers, state: State | None, reporter: TrainingReporter
) -> Training | None:
    with workers.strategy.scope():
        network = build_network(config, len(data.labels))
        shared = _make_batches(config, data, workers.share)
        course = Course(config, network, shared[TRAIN], shared[VALIDATION], workers, reporter)
        history, best, interrupted = _fit(course, Checkpoints(_repeatable(config), data.fingerprint), state)
    if not workers.is_chief:
        reporter.say("this worker is done; worker 0 writes the run")
        return None
    if not (workers.alone and is_plain(config)):
        network = rebuild_plain(config, network, len(data.labels))
    metrics = _write_results(config, data, network, history, reporter)
    if not interrupted:
        state_path(config.out).unlink(missing_ok=True)
    return Training(config.out, tuple(history), best, metrics, interrupted)


def _open_run(config: TrainConfig) -> State | None:
    """The state to resume, if there is one."""
    folder = config.out
    remove_temporaries(state_path(folder))
    if config.resume:
        return read_state(folder)
    if not config.overwrite:
        if (folder / "model.keras").exists():
            raise OutputError(
                f"{folder} holds a run already: give another --out, or --overwrite to replace it"
            )
        if state_path(folder).exists():
            raise OutputError(
                f"{folder} holds an interrupted training: --resume to go on, --overwrite to begin anew"
            )
    return None


def _begin_run(config: TrainConfig, data: Data) -> None:
    # The old model goes with the split it was made from: none of it may be taken for the new run's.
    old = ("model.keras", "card.json", "metrics.json", "report.html")
    for path in (*(config.out / name for name in old), *([] if config.resume else [state_path(config.out)])):
        path.unlink(missing_ok=True)
    write_file(config.out / "config.toml", _repeatable(config).to_toml())
    write_file(config.out / "split.csv", format_split(data.samples))


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
    """Turn what TensorFlow says when another worker is gone into one line."""
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
    kept = len(state.history) if state else 0
    if not workers.agree(float(int(data.fingerprint[:12], 16))):
        raise UsageError(f"the workers do not have the same pictures in {config.data}, or not the same split")
    if not workers.agree(float(kept)):
        raise UsageError(
            f"this worker finds {kept} epochs in {config.out}, others another number: "
            "--out must be one folder that all workers share"
        )


def _make_batches(config: TrainConfig, data: Data, share: Share) -> dict[str, Batches]:
    loader = PictureLoader(data.dataset, (config.image_size, config.image_size), config.resize)
    return {
        split: make_batches(loader, data.split(split), data.labels, config.batch_size, share)
        for split in SPLITS
    }


def _fit(course: Course, checkpoints: Checkpoints, state: State | None) -> tuple[list[Epoch], Epoch, bool]:
    """Go through the phases; the network ends with the weights of the best epoch.

    Returns:
        The history, its best epoch, and whether Ctrl-C was pressed.
    """
    config, network, reporter = course.config, course.network, course.reporter
    best = BestWeights(network.model)
    history: list[Epoch] = []
    if state is not None:
        history += state.history
        best.epoch, best.weights = state.best, state.best_weights
        restore(network.model.weights, state.weights)
    interrupted = False
    try:
        with EpochLog(config.out if config.tensorboard and course.workers.is_chief else None) as log:
            for plan in course.plans():
                if is_over(plan.name, plan.epochs, history, config.patience):
                    continue
                going_on = state is not None and any(epoch.phase == plan.name for epoch in history)
                if not going_on:
                    # A phase starts from the best weights of those before it.
                    best.restore()
                phase = plan.build()
                if going_on and state is not None:
                    restore(phase.optimizer.variables, state.optimizer)
                for epoch in fit_phase(phase, history, reporter):
                    history.append(epoch)
                    best.consider(epoch)
                    log.write(epoch)
                    if course.workers.is_chief:
                        write_history(config.out, history)
                        checkpoints.keep(phase, network.model, history, best)
    except KeyboardInterrupt:
        # The others are in the middle of a sum that this worker would not come back to.
        if not history or course.workers.share.count > 1:
            raise
        interrupted = True
        reporter.say(
            f"interrupted: keeping the best of {len(history)} epochs (Ctrl-C again to leave at once)"
        )
    finally:
        best.restore()
        checkpoints.flush()
        if history and course.workers.is_chief:
            write_best_weights(config.out, network.model)
    assert best.epoch is not None  # noqa: S101 - every configuration has an epoch
    return history, best.epoch, interrupted


def _write_results(
    config: TrainConfig, data: Data, network: Network, history: list[Epoch], reporter: TrainingReporter
) -> dict[str, SplitMetrics]:
    """Judge the network on every split and write the run's files; the model comes last."""
    batches = {split: each for split, each in _make_batches(config, data, Share()).items() if len(each)}
    forward = build_forward(network.model)
    with reporter.amount("evaluating") as done:
        part = 1 / sum(map(len, batches.values()))
        scores = {split: predict(forward, each, lambda: done(part)) for split, each in batches.items()}
    reporter.say("writing the run")
    metrics = {split: measure(scores[split], batches[split].targets, data.labels) for split in scores}
    split = TEST if TEST in scores else VALIDATION
    held_out = Judged(split, data.labels, batches[split], scores[split])
    card = ModelCard(
        labels=data.labels,
        image_size=(config.image_size, config.image_size),
        resize=config.resize,
        architecture=ARCHITECTURE,
        alpha=config.alpha,
        seed=config.seed,
        data_fingerprint=data.fingerprint,
        metrics={split: values.summary() for split, values in metrics.items()},
        versions=library_versions(),
        created=clock.timestamp(),
        golden=make_golden_samples(forward, held_out, config.resize),
    )
    folder = config.out
    pictures = draw_pictures(config, history, batches[TRAIN], held_out)
    for name, picture in pictures.items():
        write_file(folder / name, picture)
    write_examples(folder / "examples", held_out)
    write_history(folder, history)
    write_metrics(folder, metrics)
    write_file(folder / "card.json", card.to_json())
    write_file(
        folder / "report.html", render_report(_repeatable(config), data, history, metrics, card, pictures)
    )
    write_model(folder, network.model)
    return metrics


def _repeatable(config: TrainConfig) -> TrainConfig:
    """The same options with paths that mean the same in any folder."""
    data = config.data if config.data in BUILTIN_NAMES else str(Path(config.data).resolve())
    weights = config.weights
    if weights not in ("imagenet", "none"):
        weights = str(Path(weights).resolve())
    return dataclasses.replace(
        config, data=data, weights=weights, out=config.out.resolve(), resume=False, overwrite=False
    )

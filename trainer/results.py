"""What a training leaves: features → rejection → evaluation → card, pictures, report, model."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from edge_runtime.core import (
    Reporter,
    clock,
    toolkit_versions,
    write_file,
    write_with,
)
from edge_runtime.datasets import (
    CROSS_VALIDATION,
    REJECTION,
    TRAIN,
    RunFiles,
)
from edge_runtime.model import ModelCard, Reference, Rejection
from trainer.config import TrainConfig
from trainer.cross_validation import CrossValidated
from trainer.data import (
    EVERYTHING,
    Batches,
    Data,
)
from trainer.evaluation import (
    EvaluatedSplit,
    Predictions,
    SplitMetrics,
    class_scores,
    make_golden_samples,
    make_reference,
    measure,
    most_telling,
    predict,
)
from trainer.fitting import (
    Course,
    Epoch,
)
from trainer.network import (
    ARCHITECTURE,
    CachedFeatures,
    FeatureCache,
    Network,
    add_rejection,
    build_forward,
    chain,
    measure_pixels,
)
from trainer.rejection import FittedRejection, RejectionPlan, kept_interval, plan_and_fit
from trainer.report import draw_illustrations, render_report, write_examples

MAX_TRAINING_IMAGES = 5000
"""The accuracy of a random sample of so many is within 1.4 points of that of all, in 95 of 100 trainings."""


def write_results(
    course: Course,
    data: Data,
    network: Network,
    batches: Mapping[str, Batches],
    history: Sequence[Epoch],
    *,
    out_of_fold: CrossValidated | None = None,
) -> dict[str, SplitMetrics]:
    """Fit the rejection, evaluate on every split and write the files of the run, the model last.

    Args:
        course: the options, the features that are known, the reporter.
        data: of the training.
        network: trained, in float32.
        batches: of every split; all of their images are evaluated here, whatever this worker's share was.
        history: every epoch.
        out_of_fold: the figures of a cross-validated training.

    Returns:
        The metrics of each split.

    Raises:
        OutputError: a file cannot be written.
    """
    config, reporter = course.config, course.reporter
    # This worker evaluates alone. Most of the images that were not kept are read once.
    batches = {
        split: dataclasses.replace(each, share=EVERYTHING, loader=each.loader.without_keeping())
        for split, each in batches.items()
        if len(each)
    }
    every_train = batches[TRAIN]
    batches[TRAIN] = evaluated_training_images(course.features, network, every_train, config.seed)
    features = _compute_features(network, course.features, batches, reporter)
    rejection = _fit_rejection(config, data, network, batches[TRAIN], features, reporter)
    whole = network if rejection is None else add_rejection(network, rejection.head)
    reporter.say("writing the run")
    predictions = {split: predict(whole.head, each) for split, each in features.items()}
    if out_of_fold is not None:
        # Beside the splits: the training images, as models see them that were not trained on them.
        batches[CROSS_VALIDATION] = every_train
        predictions[CROSS_VALIDATION] = Predictions(out_of_fold.scores, measure_pixels(every_train))
    metrics = {
        split: measure(each.outputs, batches[split].targets, data.labels)
        for split, each in predictions.items()
    }
    split = most_telling(predictions)
    scores = class_scores(predictions[split].outputs, len(data.labels))
    held_out = EvaluatedSplit(split, data.labels, batches[split], scores)
    card = dataclasses.replace(
        _make_card(config, data, metrics, rejection),
        golden=make_golden_samples(
            chain(network.forward, build_forward(whole.head)), held_out, config.resize
        ),
        reference=_make_reference(config, data, predictions, rejection),
    )
    files = RunFiles(config.out)
    illustrations = draw_illustrations(config, history, batches[TRAIN], held_out, network, rejection)
    for name, image in illustrations.items():
        write_file(files.folder / name, image)
    write_examples(files.examples, held_out)
    files.write_history(history)
    files.write_metrics(metrics)
    if rejection is not None:
        files.write_rejection(rejection.separations)
    write_file(files.card, card.to_json())
    report = render_report(
        config.repeatable(),
        data,
        history,
        metrics,
        card,
        illustrations,
        rejection,
        out_of_fold.choice if out_of_fold else None,
    )
    write_file(files.report, report)
    write_with(files.model, whole.model.save)
    return metrics


def evaluated_training_images(cache: FeatureCache, network: Network, train: Batches, seed: int) -> Batches:
    """The training images that the network is evaluated on, beside the images of the other splits.

    All of them where their features are known or there are at most `MAX_TRAINING_IMAGES`; otherwise a random
    sample of that size: training images say how far a network fits, which needs no more of them.
    """
    if len(train.samples) <= MAX_TRAINING_IMAGES or cache.knows(TRAIN, network, train):
        return train
    chosen = np.random.default_rng(seed).permutation(len(train.samples))[:MAX_TRAINING_IMAGES]
    return train.subset(np.sort(chosen))


def _compute_features(
    network: Network, cache: FeatureCache, batches: Mapping[str, Batches], reporter: Reporter
) -> dict[str, CachedFeatures]:
    """The features of every split, as far as they are not known."""
    total = sum(map(len, batches.values()))
    with reporter.fraction_bar("evaluating") as done:

        def of(split: str, images: Batches) -> CachedFeatures:
            part = len(images) / total
            return cache.of_split(split, network, images, lambda fraction: done(fraction * part))

        return {split: of(split, images) for split, images in batches.items()}


def _fit_rejection(
    config: TrainConfig,
    data: Data,
    network: Network,
    train: Batches,
    features: Mapping[str, CachedFeatures],
    reporter: Reporter,
) -> FittedRejection | None:
    """Fit the output for images of no class, if images were set aside for it."""
    if not data.has_rejection:
        return None
    plan = RejectionPlan(
        train=train,
        train_features=features[TRAIN],
        held_out=features[REJECTION],
        negatives=data.negatives,
        resize=config.resize,
        keep=config.keep,
        seed=config.seed,
    )
    with reporter.fraction_bar(f"fitting {config.unknown_label!r}") as done:
        return plan_and_fit(network, plan, done)


def _make_reference(
    config: TrainConfig,
    data: Data,
    predictions: Mapping[str, Predictions],
    rejection: FittedRejection | None,
) -> Reference:
    held_out = [each for split, each in predictions.items() if split != TRAIN]
    labels = (*data.labels, config.unknown_label) if rejection else data.labels
    return make_reference(held_out, labels, len(data.labels), rejection.statistics if rejection else {})


def _make_card(
    config: TrainConfig,
    data: Data,
    metrics: dict[str, SplitMetrics],
    rejection: FittedRejection | None,
) -> ModelCard:
    described = None
    if rejection is not None:
        images = len(rejection.known)
        low, high = kept_interval(images, config.keep)
        described = Rejection(
            label=config.unknown_label,
            keep=config.keep,
            images=images,
            kept_low=low,
            kept_high=high,
            temperature=rejection.head.temperature,
            negatives=sum(len(each.samples) for each in data.negatives),
        )
    return ModelCard(
        labels=(*data.labels, config.unknown_label) if rejection else data.labels,
        image_size=(config.image_size, config.image_size),
        resize=config.resize,
        architecture=ARCHITECTURE,
        alpha=config.alpha,
        seed=config.seed,
        data_fingerprint=data.fingerprint,
        metrics={split: values.summary() for split, values in metrics.items()},
        versions=toolkit_versions(),
        created=clock.timestamp(),
        rejection=described,
    )

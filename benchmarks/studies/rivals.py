"""Our defaults beside the recipes that others use: same photos, same split, same network, same conversion.

    python -m benchmarks.studies.rivals FOLDER [SEEDS]

FOLDER contains `alpaca/` and MobileNetV2's weights without top at alpha 0.35. Each seed holds another fifth
of the photos out as the test, by which nothing is chosen. `recipes/frigate.toml` and
`recipes/keras-guide.toml` train as Frigate 0.17 and the Keras guide do, at 224 px; the linear probe is
scikit-learn's logistic regression on the features of the unchanged photos, its penalty chosen by
cross-validation. All are converted by `edge-convert`. Prints the mean over the seeds with its 95 % interval;
takes half an hour on two cores.
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.few_images import choose, fit_probe, interval, link_photos, read_photos
from converter import ConvertConfig, convert
from converter.foreign import adopt
from edge_runtime.core import Reporter, build_config, clock, markdown_table, read_options
from edge_runtime.datasets import TEST, TRAIN, open_dataset, read_run
from edge_runtime.images import read_image
from edge_runtime.inference import Classifier, load_classifier
from trainer import TrainConfig, TrainingReporter, train
from trainer.network import build_forward, build_network, set_linear_head

SEEDS = 5
ROUNDS = 300
RECIPES = Path(__file__).parents[2] / "recipes"
PROBE = "linear probe"
RECIPE_OF = {"Frigate 0.17": "frigate.toml", "Keras guide": "keras-guide.toml", "edge-train": ""}
"""Name in the table → recipe; the last one has the defaults."""


@dataclass(frozen=True)
class Outcome:
    """Accuracy on the test of the float and of the int8 model, and the seconds of the training."""

    accuracy: float
    int8: float
    seconds: float


class Study:
    """Trains and converts.

    Args:
        folder: with the photos and the weights.
        work: an empty folder.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self._work = work
        self._weights = folder / "mobilenet_v2_0.35_no_top.weights.h5"
        self._photos = read_photos(folder / "alpaca", self._weights)

    def run(self, seed: int) -> dict[str, tuple[Outcome, Path]]:
        """What each recipe gives with one seed, with its model file."""
        work = self._work / str(seed)
        data, chosen = work / "data", choose(self._photos.targets, "all", seed)
        link_photos(self._photos, chosen, data)
        trained = {name: self._train(name, data, work / name, seed) for name in RECIPE_OF}
        return {**trained, PROBE: self._probe(chosen, data, work / PROBE)}

    def _train(self, name: str, data: Path, out: Path, seed: int) -> tuple[Outcome, Path]:
        recipe = RECIPE_OF[name]
        options = read_options(RECIPES / recipe, TrainConfig, "edge-train") if recipe else {}
        base = {"alpha": 0.35, "image_size": 224, "weights": str(self._weights.resolve())}
        config = build_config(
            TrainConfig, {**options, **base, "data": str(data), "seed": seed, "out": out}, "edge-train"
        )
        started = clock.now()
        with TrainingReporter() as reporter:
            training = train(config, reporter)
        seconds, model = clock.now() - started, out.with_suffix(".tflite")
        _convert(ConvertConfig(run=out, out=model), model)
        return Outcome(training.metrics[TEST].accuracy, _accuracy(model, data / TEST), seconds), model

    def _probe(self, chosen: NDArray[np.bool_], data: Path, out: Path) -> tuple[Outcome, Path]:
        photos, started = self._photos, clock.now()
        regression = fit_probe(photos, chosen, "accuracy")
        seconds, model = clock.now() - started, out.with_suffix(".tflite")
        config = TrainConfig(data=str(data), alpha=0.35, weights=str(self._weights))
        network = build_network(config, 2)
        # Of two classes scikit-learn fits the difference.
        kernel = np.concatenate([-regression.coef_ / 2, regression.coef_ / 2]).T
        bias = np.concatenate([-regression.intercept_ / 2, regression.intercept_ / 2])
        set_linear_head(network, kernel.astype(np.float32), bias.astype(np.float32))
        keras_file = out.with_suffix(".keras")
        network.model.save(keras_file)
        settings: Mapping[str, Any] = {"resize": config.resize, "input_range": "0,255", "min_agreement": 0.0}
        _convert(ConvertConfig(run=keras_file, images=data / TRAIN, out=model, **settings), model)
        forward = build_forward(network.head)
        found = forward(photos.features[~chosen]).argmax(axis=1)
        accuracy = float((found == photos.targets[~chosen]).mean())
        return Outcome(accuracy, _accuracy(model, data / TEST), seconds), model


def main(folder: Path, seeds: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as work:
        study = Study(folder, Path(work))
        found = [study.run(seed) for seed in range(1, seeds + 1)]
        classifiers = {name: load_classifier(model) for name, (_outcome, model) in found[0].items()}
        latencies = measure_latencies(classifiers)
    rows = []
    for name in found[0]:
        outcomes = [each[name][0] for each in found]
        accuracies = [np.array([getattr(each, kind) for each in outcomes]) for kind in ("accuracy", "int8")]
        seconds = float(np.median([each.seconds for each in outcomes]))
        rows.append((name, *map(interval, accuracies), f"{seconds:.0f} s", f"{latencies[name]:.2f} ms"))
    columns = ("recipe", "float", "int8", "training", "int8 latency")
    print(markdown_table(columns, rows))  # noqa: T201


def measure_latencies(classifiers: Mapping[str, Classifier]) -> dict[str, float]:
    """Median milliseconds from a decoded image to its scores, measured in turns."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (224, 224, 3), np.uint8)
    times: dict[str, list[float]] = {name: [] for name in classifiers}
    for _ in range(ROUNDS):
        for name, classifier in classifiers.items():
            started = clock.now()
            classifier.scores(image)
            times[name].append(clock.now() - started)
    return {name: float(np.median(values) * 1000) for name, values in times.items()}


def _convert(config: ConvertConfig, out: Path) -> None:
    with Reporter() as reporter:
        run = adopt(config, reporter) if config.images else read_run(config.run)
        (conversion,) = convert(run, config, reporter)
    out.write_bytes(conversion.content)


def _accuracy(model: Path, folder: Path) -> float:
    """Of a model file on a folder of class folders, through the device's own path; without `unknown`."""
    classifier, dataset = load_classifier(model), open_dataset(str(folder))
    right = [
        classifier.scores(read_image(folder / sample.file, at_least=classifier.at_least))[
            : len(dataset.labels)
        ].argmax()
        == dataset.labels.index(sample.label)
        for sample in dataset.samples
    ]
    return float(np.mean(right))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS)

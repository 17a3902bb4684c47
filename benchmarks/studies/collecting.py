"""How many labels the frames that `--collect` keeps save, compared with frames kept at random.

    python -m benchmarks.studies.collecting MNIST.npz MOBILENET.weights.h5 [SEEDS]

MNIST, starting from 50 labels: on each day 1,500 new images pass a model, the rules keep at most 50 of them,
these are labelled and the model is fitted again, until it reaches 0.97 on the test images. The model is a
support vector machine on cached features: the means of a middle layer of MobileNetV2 (alpha 0.35, ImageNet
weights, 96 pixels) in 3 × 3 cells.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.collection import (
    Appearance,
    Chooser,
    CollectionFolder,
    Entry,
    Kept,
    Limits,
    make_projection,
    typical_distance,
)
from edge_runtime.core import Prediction, markdown_table
from edge_runtime.datasets import TEST, open_dataset
from trainer.config import TrainConfig
from trainer.data import ImageLoader, make_batches
from trainer.network import build_network, extract_descriptors

FIRST = 50
FRAMES_A_DAY = 1500
LABELS_A_DAY = 50
WANTED = 0.97
MOST = 5000
_SECONDS_A_DAY = 86_400
_COMPONENTS = 80


class Simulation:
    """The cached features of all images.

    Args:
        data: MNIST as `.npz`.
        weights: of MobileNetV2 without top, alpha 0.35.
    """

    def __init__(self, data: Path, weights: Path) -> None:
        from sklearn.decomposition import PCA

        config = TrainConfig(data=str(data), weights=str(weights), alpha=0.35, image_size=96)
        network = build_network(config, 2)
        dataset = open_dataset(config.data)
        loader = ImageLoader(dataset, (config.image_size, config.image_size), config.resize)
        cells: list[NDArray[np.float32]] = []
        targets = []
        for test in (False, True):
            samples = [sample for sample in dataset.samples if (sample.split == TEST) == test]
            batches = make_batches(loader, samples, dataset.labels, 250)
            cells.append(extract_descriptors(network, batches, lambda _part: None)[1])
            targets.append(batches.targets)
        self._targets, self._test_targets = targets
        reduce = PCA(_COMPONENTS, random_state=0).fit(cells[0][:5000])
        self._features, self._test = (reduce.transform(part) for part in cells)
        looks = self._features @ make_projection(_COMPONENTS)
        self._looks = looks / np.linalg.norm(looks, axis=1, keepdims=True)

    def at_random(self, seed: int) -> int:
        """Labels until the accuracy is reached, where images are taken as they come."""
        order = np.random.default_rng(seed).permutation(len(self._targets))
        count = FIRST
        while count < MOST and self._accuracy(self._fit(order[:count])) < WANTED:
            count += LABELS_A_DAY // 2
        return count

    def by_rules(self, seed: int) -> int:
        """Labels until the accuracy is reached, where the rules keep images."""
        order = np.random.default_rng(seed).permutation(len(self._targets))
        labelled = order[:FIRST].tolist()
        scale = typical_distance([self._looks[each] for each in labelled[:20]])
        day = 0
        while len(labelled) < MOST:
            model = self._fit(np.array(labelled))
            if self._accuracy(model) >= WANTED:
                break
            start = FIRST + day * FRAMES_A_DAY
            frames = np.take(order, range(start, start + FRAMES_A_DAY), mode="wrap")
            labelled += self._one_day(model, [each for each in frames if each not in labelled], scale, day)
            day += 1
        return len(labelled)

    def _one_day(self, model: Any, frames: Sequence[int], scale: float, day: int) -> list[int]:
        """The images that are kept of those of a day."""
        decisions = model.decision_function(self._features[frames])
        powers = np.exp(decisions - decisions.max(axis=1, keepdims=True))
        scores = powers / powers.sum(axis=1, keepdims=True)
        pixel = np.zeros((1, 1, 3), np.uint8)
        with tempfile.TemporaryDirectory() as path:
            folder = CollectionFolder(Path(path), Limits(10**9, LABELS_A_DAY), lambda _line: None)
            chooser, kept = Chooser(folder, seed=day), Kept([], "model")
            for number, (frame, row) in enumerate(zip(frames, scores, strict=True)):
                best = np.argsort(row)[::-1][:2]
                predictions = [Prediction(str(each), int(each), float(row[each])) for each in best]
                look = Appearance(None, np.asarray(self._looks[frame] / scale, np.float32))
                at = float(day * _SECONDS_A_DAY + number)
                entry = Entry(file=f"{frame}.jpg", time=at, camera="mnist", model="model")
                chooser.choose(entry, predictions, kept, lambda look=look: look, pixel)  # type: ignore[misc]
            return [int(Path(file).stem) for file in folder.entries]

    def _fit(self, positions: NDArray[np.int64]) -> Any:
        from sklearn.svm import SVC

        return SVC(C=10).fit(self._features[positions], self._targets[positions])

    def _accuracy(self, model: Any) -> float:
        return float(model.score(self._test, self._test_targets))


def main(data: Path, weights: Path, seeds: int) -> None:
    """Print the labels for each seed, and the mean of their ratios with its interval."""
    simulation = Simulation(data, weights)
    rows, ratios = [], []
    for seed in range(seeds):
        random, rules = simulation.at_random(seed), simulation.by_rules(seed)
        ratios.append(rules / random)
        rows.append([str(seed), str(random), str(rules), f"{rules / random:.3f}"])
    low, high = _interval(ratios)
    columns = ("seed", "labels at random", "labels by the rules", "ratio")
    print(markdown_table(columns, rows))  # noqa: T201
    print(f"mean ratio {np.mean(ratios):.3f} ({low:.3f}–{high:.3f})")  # noqa: T201


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean, by Student's t."""
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return float(np.mean(values) - half), float(np.mean(values) + half)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 5)

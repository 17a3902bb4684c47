"""Training with few photos beside a linear probe on the same features.

    python -m benchmarks.studies.few_images FOLDER [SEEDS [COUNT …]]

FOLDER contains `alpaca/` and MobileNetV2's weights without top at alpha 0.35. For each count of photos a
class (5, 10, 20 and 50; `all` is four fifths of them) and each seed, `edge-train` trains with its defaults,
and all other photos are the test. The probe is scikit-learn's logistic regression on the features of the
unchanged photos; its penalty is chosen by cross-validation, by accuracy, and in another column by its loss.
A training takes a quarter of a minute to three minutes on two cores.
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Reporter, markdown_table
from edge_runtime.datasets import TEST, TRAIN, open_dataset
from trainer import TrainConfig
from trainer.config import NO_GROUPS
from trainer.data import ImageLoader, make_batches
from trainer.fitting import TrainingReporter
from trainer.network import build_forward, build_network, extract_features
from trainer.training import train

COUNTS = ("5", "10", "20", "50", "all")
SEEDS = 10


@dataclass(frozen=True, eq=False)
class Photos:
    """Every photo with its features, shape (photos, channels), and its class, shape (photos,)."""

    root: Path
    files: tuple[str, ...]
    features: NDArray[np.float32]
    targets: NDArray[np.int64]


def main() -> None:
    """Measure and print the table."""
    folder, *rest = sys.argv[1:]
    seeds, counts = int(rest[0]) if rest else SEEDS, rest[1:] or COUNTS
    weights = Path(folder) / "mobilenet_v2_0.35_no_top.weights.h5"
    photos = read_photos(Path(folder) / "alpaca", weights)
    columns = ("photos a class", "edge-train", "probe", "minus that", "probe by its loss", "minus that")
    # Row by row: it takes an hour.
    print(markdown_table(columns, []), flush=True)  # noqa: T201
    for count in counts:
        found = [compare(photos, count, seed, weights) for seed in range(1, seeds + 1)]
        ours, by_accuracy, by_loss = np.array(found).T
        cells = [count, *map(interval, (ours, by_accuracy, ours - by_accuracy, by_loss, ours - by_loss))]
        print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201


def read_photos(root: Path, weights: Path) -> Photos:
    """The features of every photo by the pretrained base."""
    config = TrainConfig(data=str(root), alpha=0.35, weights=str(weights))
    dataset = open_dataset(str(root))
    loader = ImageLoader(dataset, (config.image_size, config.image_size), config.resize)
    batches = make_batches(loader, dataset.samples, dataset.labels, config.batch_size)
    network = build_network(config, len(dataset.labels))
    with Reporter() as reporter, reporter.fraction_bar("features") as done:
        (features,) = extract_features(build_forward(network.features), batches, [None], done)
    return Photos(root, tuple(sample.file for sample in dataset.samples), features, batches.targets)


def compare(photos: Photos, count: str, seed: int, weights: Path) -> tuple[float, float, float]:
    """Accuracies on the test photos: of `edge-train`, of the probe, and of one that chooses by its loss."""
    chosen = choose(photos.targets, count, seed)
    accuracies = [probe(photos, chosen, scoring) for scoring in ("accuracy", "neg_log_loss")]
    with tempfile.TemporaryDirectory() as folder, TrainingReporter() as reporter:
        data = Path(folder) / "data"
        link_photos(photos, chosen, data)
        config = TrainConfig(
            data=str(data),
            alpha=0.35,
            weights=str(weights),
            seed=seed,
            group_by=NO_GROUPS,
            out=Path(folder) / "run",
        )
        ours = train(config, reporter).metrics[TEST].accuracy
    return ours, accuracies[0], accuracies[1]


def link_photos(photos: Photos, chosen: NDArray[np.bool_], data: Path) -> None:
    """Make a data set of links: the chosen photos are trained on, the others are the test."""
    for file, trained in zip(photos.files, chosen, strict=True):
        link = data / (TRAIN if trained else TEST) / file
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(photos.root.resolve() / file)


def choose(targets: NDArray[np.int64], count: str, seed: int) -> NDArray[np.bool_]:
    """Which photos are trained on: so many of each class, at random."""
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(targets), bool)
    for target in np.unique(targets):
        own = rng.permutation(np.flatnonzero(targets == target))
        chosen[own[: round(0.8 * len(own)) if count == "all" else int(count)]] = True
    return chosen


def probe(photos: Photos, chosen: NDArray[np.bool_], scoring: str) -> float:
    """The accuracy of a logistic regression on the photos that were not chosen."""
    found = fit_probe(photos, chosen, scoring).predict(photos.features[~chosen])
    return float((found == photos.targets[~chosen]).mean())


def fit_probe(photos: Photos, chosen: NDArray[np.bool_], scoring: str) -> Any:
    """A logistic regression on the chosen photos, its penalty selected by cross-validation."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    folds = min(5, int(np.bincount(photos.targets[chosen]).min()))
    penalties = {"C": np.logspace(-4, 4, 10)}
    regression = GridSearchCV(LogisticRegression(max_iter=1000), penalties, cv=folds, scoring=scoring)
    regression.fit(photos.features[chosen], photos.targets[chosen])
    return regression.best_estimator_


def interval(values: NDArray[np.float64]) -> str:
    """Mean and the half width of its 95 % interval."""
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return f"{values.mean():.4f} ± {half:.4f}"


if __name__ == "__main__":
    main()

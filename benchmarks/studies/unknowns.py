"""Images of no class through the int8 file: how many are accepted, and how many known images are kept.

    python -m benchmarks.studies.unknowns FOLDER [SEED …] [MODEL …]

FOLDER holds `alpaca/`, `mnist.npz` and MobileNetV2 weights without top for alpha 0.35. For each seed the
models (all, or those named as in the table) are trained and converted by the commands, and images are
classified as `edge-classify` does. Prints the table of docs/unknown.md; takes half an hour a seed on two
cores.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from benchmarks.studies.commands import run_tool
from edge_runtime.core import Image, markdown_table
from edge_runtime.datasets import TEST, read_run
from edge_runtime.images import encode_png, list_images, opencv, read_image
from edge_runtime.inference import Classifier, is_kept, lead_of_unknown, load_classifier
from trainer.evaluation import expected_calibration_error

RECIPES = Path(__file__).parents[2] / "recipes"
SEEDS = (1, 2, 3)
# Two-sided 95 % quantiles of Student's distribution, by degrees of freedom.
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
KNOWN_DIGITS = range(6)
NEGATIVES = 50
IMAGES_PER_DIGIT = 1000
FRAME = (480, 640, 3)
PHOTOS, DIGITS_224, DIGITS, MNIST = "photos, 224 px", "MNIST 0–5, 224 px", "digits 0–5", "MNIST 0–5"

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class Trial:
    """A training: the name of its model, and the data and options of `edge-train`."""

    model: str
    data: Path
    options: Sequence[object]
    near: Sequence[Image] = ()
    far: Sequence[Image] = ()
    negatives: Path | None = None

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return self.model + (f", {NEGATIVES} negatives" if self.negatives else "")


@dataclass(frozen=True)
class Outcome:
    """One kind of unknown with one seed: AUROC, accepted where 95 % are kept, accepted by the threshold."""

    auroc: float
    accepted_at_95: float
    accepted: float


class Study:
    """Trains, converts and asks.

    Args:
        folder: with the data and weights.
        work: an empty folder.
        names: of the models; all where it is empty.
    """

    def __init__(self, folder: Path, work: Path, names: Sequence[str] = ()) -> None:
        self._names = names
        self._work = work
        self._weights = folder / "mobilenet_v2_0.35_no_top.weights.h5"
        self._alpaca = folder / "alpaca"
        self._photos = [read_image(path, at_least=224) for path in list_images(self._alpaca)]
        with np.load(folder / "mnist.npz", allow_pickle=False) as archive:
            self._mnist = {name: archive[name] for name in archive.files}
        self.outcomes: defaultdict[tuple[str, str], list[Outcome]] = defaultdict(list)
        self.kept: defaultdict[str, list[float]] = defaultdict(list)
        self.calibration: defaultdict[str, list[float]] = defaultdict(list)
        self.accuracy: defaultdict[str, list[float]] = defaultdict(list)

    def run(self, seed: int) -> None:
        """All trainings with one seed."""
        for trial in self._trials(seed):
            if self._names and trial.name not in self._names:
                continue
            model = self._train(trial, seed)
            self._ask(trial, model, seed)

    def _trials(self, seed: int) -> Iterable[Trial]:
        random = np.random.default_rng(seed)
        pretrained = ("--weights", self._weights, "--alpha", 0.35)
        test = (self._mnist["x_test"], self._mnist["y_test"])
        any_digits = _grey(_choose(test, range(10), 600, random)[0])
        yield Trial(PHOTOS, self._alpaca, (*pretrained, "--test-split", 0.2), far=any_digits)
        train = (self._mnist["x_train"], self._mnist["y_train"])
        some = _choose(train, KNOWN_DIGITS, IMAGES_PER_DIGIT * len(KNOWN_DIGITS), random)
        known = _choose(test, KNOWN_DIGITS, 1200, random)
        near = _grey(_choose(test, range(6, 10), 1000, random)[0])
        path = self._save(f"some-{seed}", some, known)
        yield Trial(DIGITS_224, path, pretrained, near=near, far=self._photos)
        digits = _scikit_digits()
        path = self._save("digits", _choose(digits, KNOWN_DIGITS, None, random))
        recipe: tuple[object, ...] = ("--config", RECIPES / "digits.toml")
        others = random.permutation(_choose(digits, range(6, 10), None, random)[0])
        asked, negatives = _grey(others[NEGATIVES:]), self._images(f"digits-{seed}", others[:NEGATIVES])
        yield Trial(DIGITS, path, recipe, near=asked, far=self._photos)
        yield Trial(DIGITS, path, recipe, near=asked, far=self._photos, negatives=negatives)
        path = self._save(
            "mnist", _choose(train, KNOWN_DIGITS, None, random), _choose(test, KNOWN_DIGITS, None, random)
        )
        recipe = ("--config", RECIPES / "mnist.toml", *pretrained)
        negatives = self._images(f"mnist-{seed}", _choose(train, range(6, 10), NEGATIVES, random)[0])
        yield Trial(MNIST, path, recipe, near=near, far=self._photos)
        yield Trial(MNIST, path, recipe, near=near, far=self._photos, negatives=negatives)

    def _train(self, trial: Trial, seed: int) -> Path:
        out, model = self._work / "run", self._work / "model.tflite"
        negatives = ("--negatives", trial.negatives) if trial.negatives else ()
        run_tool(
            "edge-train", trial.data, *trial.options, *negatives, "--seed", seed, "--out", out, "--overwrite"
        )
        run_tool("edge-convert", out, "--out", model)
        return model

    def _ask(self, trial: Trial, model: Path, seed: int) -> None:
        run, classifier = read_run(self._work / "run"), load_classifier(model)
        data, samples = run.open_data(), run.split(TEST)
        images = [data.load(sample.file, classifier.at_least) for sample in samples]
        targets = np.array([run.card.labels.index(sample.label) for sample in samples])
        known = _scores(classifier, images)
        name = trial.name
        kept = is_kept(known)
        self.kept[name].append(float(kept.mean()))
        self.accuracy[name].append(float((known[:, :-1].argmax(axis=1) == targets).mean()))
        answered = known[kept]
        self.calibration[name].append(expected_calibration_error(answered, targets[kept]))
        kinds = {
            "photos" if trial.near else "digits": trial.far,
            "6–9": trial.near,
            **_camera_faults(images, seed),
        }
        for kind, unknowns in kinds.items():
            if len(unknowns):
                self.outcomes[name, kind].append(_compare(known, _scores(classifier, unknowns)))
        sys.stderr.write(f"seed {seed}, {name}: kept {kept.mean():.4f}, ")
        sys.stderr.write(
            ", ".join(
                f"{kind} {each[-1].auroc:.4f}/{each[-1].accepted_at_95:.3f}/{each[-1].accepted:.3f}"
                for (whose, kind), each in self.outcomes.items()
                if whose == name
            )
            + f", ECE {self.calibration[name][-1]:.4f}\n"
        )

    def _save(self, name: str, train: Arrays, test: Arrays | None = None) -> Path:
        path = self._work / f"{name}.npz"
        arrays = {"x_train": train[0], "y_train": train[1]}
        if test is not None:
            arrays |= {"x_test": test[0], "y_test": test[1]}
        np.savez(path, allow_pickle=False, **arrays)
        return path

    def _images(self, name: str, images: NDArray[np.uint8]) -> Path:
        folder = self._work / f"negatives-{name}"
        folder.mkdir()
        for number, image in enumerate(_grey(images)):
            (folder / f"{number:03d}.png").write_bytes(encode_png(image))
        return folder


def main(folder: Path, seeds: Sequence[int], names: Sequence[str]) -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as work:
        study = Study(folder, Path(work), names)
        for seed in seeds:
            study.run(seed)
    rows = [
        (
            name,
            kind,
            _interval([each.auroc for each in found], 3),
            _interval([each.accepted_at_95 for each in found], 3),
            _interval([each.accepted for each in found], 3),
        )
        for (name, kind), found in study.outcomes.items()
    ]
    columns = ("model", "asked", "AUROC", "accepted where 95 % are kept", "accepted by the threshold")
    print(markdown_table(columns, rows))  # noqa: T201
    kept = [
        (
            name,
            _interval(study.kept[name], 3),
            _interval(study.accuracy[name], 4),
            _interval(study.calibration[name], 4),
        )
        for name in study.kept
    ]
    print("\n" + markdown_table(("model", "kept of new images", "accuracy", "calibration error"), kept))  # noqa: T201


def _interval(values: Sequence[float], digits: int) -> str:
    """Mean with its 95 % interval over the seeds (Student)."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    half = STUDENT[len(values) - 1] * stdev(values) / len(values) ** 0.5
    return f"{mean(values):.{digits}f} ± {half:.{digits}f}"


def _scores(classifier: Classifier, images: Iterable[Image]) -> NDArray[np.float32]:
    return np.stack([classifier.scores(image) for image in images])


def _compare(known: NDArray[np.float32], unknown: NDArray[np.float32]) -> Outcome:
    leads, others = lead_of_unknown(known), lead_of_unknown(unknown)
    truth = np.repeat([0, 1], [len(leads), len(others)])
    return Outcome(
        auroc=float(roc_auc_score(truth, np.concatenate([leads, others]))),
        accepted_at_95=float((others <= np.quantile(leads, 0.95)).mean()),
        accepted=float(is_kept(unknown).mean()),
    )


def _camera_faults(images: Sequence[Image], seed: int) -> Mapping[str, list[Image]]:
    """What a camera gives when it is covered, overexposed, broken or out of focus."""
    random = np.random.default_rng(seed)
    flat = {"black": 0, "white": 255, "grey": 128}
    return {
        **{name: [np.full(FRAME, level, np.uint8)] for name, level in flat.items()},
        "noise": [random.integers(0, 256, FRAME, np.uint8) for _ in range(100)],
        "blurred": [_blur(image) for image in images[:200]],
    }


def _blur(image: Image) -> Image:
    """By a Gaussian of an eighth of the shorter side."""
    blurred: Image = opencv().GaussianBlur(image, (0, 0), min(image.shape[:2]) / 8)
    return blurred


def _choose(
    arrays: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    digits: Iterable[int],
    count: int | None,
    random: np.random.Generator,
) -> Arrays:
    """So many images of these digits, all in their order when None; as many of each digit."""
    images, targets = arrays
    groups = [np.flatnonzero(targets == digit) for digit in digits]
    if count is not None:
        each = count // len(groups)
        groups = [
            random.permutation(group)[: each + (number < count % len(groups))]
            for number, group in enumerate(groups)
        ]
    chosen = np.sort(np.concatenate(groups))
    return images[chosen], targets[chosen]


def _grey(images: NDArray[np.uint8]) -> list[Image]:
    return list(np.repeat(images[..., np.newaxis], 3, axis=3))


def _scikit_digits() -> Arrays:
    digits = load_digits()
    return np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target.astype(np.uint8)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[2:] if each.isdecimal()]
    main(Path(sys.argv[1]), numbers or SEEDS, [each for each in sys.argv[2:] if not each.isdecimal()])

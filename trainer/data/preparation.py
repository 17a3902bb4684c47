"""From the name of a data set to its checked and split samples; no TensorFlow is needed for that."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime import Dataset, Sample, open_dataset
from edge_runtime.datasets.layouts import BUILTIN_NAMES, TRAIN
from edge_runtime.datasets.scan import scan_dataset
from trainer.config import ClassWeights, TrainConfig, check_split
from trainer.data.builtin_datasets import fetch_builtin
from trainer.data.splitting import count_splits, split_samples
from trainer.fitting.progress import TrainingReporter
from trainer.run_files import fingerprint

# From here on the rare class is easily learned as noise.
UNEVEN = 3.0


@dataclass(frozen=True)
class Data:
    """Pictures that can be read, each with its split and hash.

    Attributes:
        dataset: where they come from.
        samples: all of them.
        passed_over: a line for each file that cannot be read, and for each picture under two labels.
    """

    dataset: Dataset
    samples: tuple[Sample, ...]
    passed_over: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes."""
        return self.dataset.labels

    @property
    def fingerprint(self) -> str:
        """A hash over the pixels, label and split of every picture."""
        return fingerprint(self.samples)

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == name)


def prepare_data(config: TrainConfig, reporter: TrainingReporter) -> Data:
    """Fetch, check and split the data.

    Raises:
        DatasetError: it cannot be used.
    """
    if config.data in BUILTIN_NAMES:
        fetch_builtin(config.data)
    dataset = open_dataset(config.data)
    with reporter.bar("checking pictures") as tick:
        scan = scan_dataset(dataset, strict=config.strict, tick=tick)
    reporter.say_each("passed over", scan.unreadable)
    reporter.say_each("two labels", scan.contradictions)
    samples = split_samples(
        scan.samples, validation=config.validation_split, test=config.test_split, seed=config.seed
    )
    counts = count_splits(samples)
    check_split(config.data, counts)
    numbers = ", ".join(f"{count} {split}" for split, count in counts.items())
    reporter.say(f"{len(dataset.labels)} classes, {len(samples)} pictures: {numbers}")
    data = Data(dataset, samples, scan.unreadable + scan.contradictions)
    if config.class_weights is ClassWeights.NONE:
        _hint_at_uneven_classes(data.split(TRAIN), reporter)
    return data


def _hint_at_uneven_classes(samples: Sequence[Sample], reporter: TrainingReporter) -> None:
    counts = Counter(sample.label for sample in samples).most_common()
    (frequent, most), (rare, least) = counts[0], counts[-1]
    if most > UNEVEN * least:
        reporter.say(
            f"uneven classes: {most} training pictures of {frequent!r}, {least} of {rare!r}; "
            "consider --class-weights balanced"
        )

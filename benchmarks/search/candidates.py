"""The candidates of a search: width multipliers × image sizes for which there are weights."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.search.config import SearchConfig
from edge_runtime.core import CLOSED, ModelError
from trainer import TrainConfig

ALPHAS = (0.35, 0.5, 0.75, 1.0)
"""Width multipliers that Keras has ImageNet weights for, without the two that are larger than 1."""


@dataclass(frozen=True, order=True)
class Candidate:
    """One network.

    Attributes:
        alpha: width multiplier of MobileNetV2.
        image_size: side of its input in pixels.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    alpha: float
    image_size: int

    @property
    def name(self) -> str:
        """Of its run, its model file and its target in reports."""
        return f"alpha-{self.alpha:g}-size-{self.image_size}"

    @property
    def text(self) -> str:
        """As messages call it."""
        return f"alpha {self.alpha:g} at {self.image_size} px"


def make_candidates(config: SearchConfig) -> tuple[Candidate, ...]:
    """Every width with every size, the smallest first.

    Raises:
        ModelError: there are no weights.
    """
    alphas = [alpha for alpha in config.alpha or ALPHAS if config.alpha or _has_weights(config, alpha)]
    if not alphas:
        tried = ", ".join(weights_of(config, alpha) for alpha in ALPHAS)
        raise ModelError(f"--weights {config.weights}: there is no such file; tried {tried}")
    sizes = sorted(set(config.image_size))
    return tuple(Candidate(alpha, size) for alpha in sorted(set(alphas)) for size in sizes)


def weights_of(config: SearchConfig, alpha: float) -> str:
    """The weights of a width, as of `--weights` of `edge-train`."""
    # Names of weights have 1.0 and 0.35.
    return config.weights.replace("{alpha}", str(float(alpha)))


def train_config(
    config: SearchConfig, options: TrainConfig, candidate: Candidate, folder: Path
) -> TrainConfig:
    """The options of a candidate's training.

    Args:
        config: of the search.
        options: of all trainings.
        candidate: the network.
        folder: of the run.
    """
    return dataclasses.replace(
        options,
        alpha=candidate.alpha,
        image_size=candidate.image_size,
        weights=weights_of(config, candidate.alpha),
        out=folder,
    )


def choose_probes(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates whose latency is measured; that of the others is predicted from it.

    At most six, the extremes among them: three widths with two sizes each, or two widths with three sizes.
    """
    alphas = sorted({each.alpha for each in candidates})
    sizes = sorted({each.image_size for each in candidates})
    widths = _spread(alphas, 3)
    chosen = _spread(sizes, 2 if len(widths) > 2 else 3 if len(widths) == 2 else 6)
    return tuple(Candidate(alpha, size) for alpha in widths for size in chosen)


def _has_weights(config: SearchConfig, alpha: float) -> bool:
    return config.weights == "imagenet" or Path(weights_of(config, alpha)).is_file()


def _spread(values: Sequence[Any], count: int) -> list[Any]:
    """At most `count` of the values at equal distances, the first and the last among them."""
    if len(values) <= count:
        return list(values)
    return [values[round(position * (len(values) - 1) / (count - 1))] for position in range(count)]

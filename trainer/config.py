"""The options of a training: one frozen value, one TOML file, one option of `edge-train` each."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, get_type_hints

from edge_runtime import DatasetError, Resize, UsageError


class BatchNorm(StrEnum):
    """What the base's BatchNormalization layers do while the base trains.

    Frozen ones keep the statistics and scales that the pretrained weights came with. Trained ones learn, and
    their statistics are measured anew before every validation.
    """

    AUTO = "auto"
    FROZEN = "frozen"
    TRAINED = "trained"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides what `edge-train` does.

    Shares are fractions of all pictures, rates are the optimizer's peak learning rates, and a rotation is a
    fraction of a full turn. See `edge-train --help` for each.
    """

    data: str
    out: Path = Path("run")
    weights: str = "imagenet"
    alpha: float = 1.0
    image_size: int = 224
    resize: Resize = Resize.FIT_SHORTEST
    validation_split: float = 0.2
    test_split: float = 0.0
    batch_size: int = 32
    head_epochs: int = 20
    head_rate: float = 1e-3
    fine_tune_epochs: int = 10
    fine_tune_rate: float = 1e-4
    fine_tune_at: int = 120
    scratch_epochs: int = 30
    scratch_rate: float = 5e-3
    batch_norm: BatchNorm = BatchNorm.AUTO
    weight_decay: float = 1e-4
    head_l2: float = 15.0
    dropout: float = 0.2
    head_units: int = 0
    flip: bool = True
    rotation: float = 0.05
    zoom: float = 0.15
    shift: float = 0.1
    augment_copies: int = 0
    seed: int = 42
    strict: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            UsageError: a value is outside of its range.
        """
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"--{name.replace('_', '-')} must be {low} to {high}, got {value}")
        if not self.from_scratch and not self.head_epochs + self.fine_tune_epochs:
            raise UsageError("--head-epochs and --fine-tune-epochs are both 0: nothing would be trained")
        if self.validation_split + self.test_split > 0.9:
            raise UsageError(
                "--validation-split and --test-split together leave less than a tenth to train on"
            )

    @property
    def from_scratch(self) -> bool:
        """Whether the weights start at random."""
        return self.weights == "none"

    @property
    def trains_batch_norm(self) -> bool:
        """Whether BatchNormalization learns: from scratch it must."""
        if self.batch_norm is BatchNorm.AUTO:
            return self.from_scratch
        return self.batch_norm is BatchNorm.TRAINED

    def to_toml(self) -> str:
        """The `config.toml` that repeats this training."""
        import tomli_w

        return tomli_w.dumps({name: _plain(value) for name, value in dataclasses.asdict(self).items()})

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> Self:
        """Build a configuration from names and values; text and numbers are brought to each field's type.

        Raises:
            UsageError: an unknown name, a wrong type, or a value outside of its range.
        """
        types = get_type_hints(cls)
        unknown = sorted(set(options) - set(types))
        if unknown:
            raise UsageError(f"no option is called {unknown[0]!r}; see edge-train --help")
        if "data" not in options:
            raise UsageError("name the data: edge-train DATA, or `data = …` in the configuration file")
        return cls(**{name: _typed(name, value, types[name]) for name, value in options.items()})


def read_options(path: Path) -> dict[str, object]:
    """The options in a `config.toml`.

    Raises:
        UsageError: no such file, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML ({error})") from error


def check_split(path: str, counts: Mapping[str, int]) -> None:
    """Refuse a split that leaves nothing to train on or to validate with.

    Raises:
        DatasetError: with the numbers.
    """
    for split in ("train", "validation"):
        if not counts.get(split):
            numbers = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise DatasetError(
                f"{path}: no picture left for {split} ({numbers}); add pictures or split less off"
            )


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("alpha", 0.1, 2.0),
    ("image_size", 32, 1024),
    ("validation_split", 0.01, 0.9),
    ("test_split", 0.0, 0.9),
    ("batch_size", 1, 4096),
    ("head_epochs", 0, 10_000),
    ("head_rate", 0.0, 10.0),
    ("fine_tune_epochs", 0, 10_000),
    ("fine_tune_rate", 0.0, 10.0),
    ("fine_tune_at", 0, 154),
    ("scratch_epochs", 1, 10_000),
    ("scratch_rate", 0.0, 10.0),
    ("weight_decay", 0.0, 1.0),
    ("head_l2", 0.0, 1e6),
    ("dropout", 0.0, 0.95),
    ("head_units", 0, 65_536),
    ("rotation", 0.0, 1.0),
    ("zoom", 0.0, 0.9),
    ("shift", 0.0, 0.9),
    ("augment_copies", 0, 100),
    ("seed", 0, 2**31 - 1),
)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path | StrEnum) else value


def _typed(name: str, value: Any, kind: type) -> Any:
    wrong = UsageError(f"{name} must be {kind.__name__}, got {value!r}")
    if kind in (bool, int, str) and type(value) is not kind:
        raise wrong
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise wrong from error

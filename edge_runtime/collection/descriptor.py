"""What a frame looks like to the model, in 64 numbers, so that frames can be compared by distances.

The direction of the mean of the model's feature map is projected to 64 dimensions at random: distances are
kept to about 18 % (W. Johnson, J. Lindenstrauss, 1984). The unit of distance is the median between the golden
samples in the model file: the distance of two images that have nothing to do with each other.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, ModelError
from edge_runtime.images import decode_image, fit
from edge_runtime.inference import FeatureMaps, LoadedModel

DIMENSIONS = 64
_STEPS = 256
"""Steps of the stored numbers in one unit of distance."""

_SEED = 0


class Describer:
    """Describes images by the features of one model. Not for several threads at once.

    Args:
        model: with a feature map and two golden samples or more.

    Raises:
        ModelError: it has none.
    """

    def __init__(self, model: LoadedModel) -> None:
        self._maps = FeatureMaps(model)
        self._projection = make_projection(self._maps.shape[2])
        classifier, card = model.classifier, model.file.card
        golden = [
            self._project(fit(decode_image(each.png, at_least=0), classifier.size, classifier.resize))
            for each in (card.golden if card else ())
        ]
        self._scale = typical_distance(golden)

    def describe(self, pixels: Image) -> NDArray[np.float32]:
        """The descriptor, float32, shape (64,).

        Args:
            pixels: uint8 RGB at the model's size.
        """
        return np.asarray(self._project(pixels) / self._scale, np.float32)

    def _project(self, pixels: Image) -> NDArray[np.float32]:
        features = self._maps.measure(pixels).mean(axis=(0, 1)) @ self._projection
        # An image that the model finds little in has short features, however it looks.
        return np.asarray(features / max(float(np.linalg.norm(features)), 1e-12), np.float32)


def make_projection(channels: int) -> NDArray[np.float32]:
    """The projection of features, shape (channels, 64); the same every time."""
    random = np.random.default_rng(_SEED).standard_normal((channels, DIMENSIONS))
    return np.asarray(random / DIMENSIONS**0.5, np.float32)


def typical_distance(descriptors: list[NDArray[np.float32]]) -> float:
    """The median distance between unrelated images.

    Raises:
        ModelError: there are fewer than two, or they do not differ.
    """
    distances = [float(np.linalg.norm(one - other)) for one, other in combinations(descriptors, 2)]
    scale = float(np.median(distances)) if distances else 0.0
    if scale <= 0:
        raise ModelError("the model file has no golden samples that differ")
    return scale


def pack(descriptor: NDArray[np.float32]) -> bytes:
    """A descriptor as 128 bytes; `unpack` gives it back, to 1/256 of a unit."""
    return np.clip(np.rint(descriptor * _STEPS), -32768, 32767).astype("<i2").tobytes()


def unpack(content: bytes) -> NDArray[np.float32] | None:
    """What `pack` made; None for anything else."""
    if len(content) != 2 * DIMENSIONS:
        return None
    return np.asarray(np.frombuffer(content, "<i2") / _STEPS, np.float32)

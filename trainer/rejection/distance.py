"""A low-rank Mahalanobis distance of features to those of the training images.

The whole distance needs a matrix of channels × channels, which is larger than the network. A few directions
are enough, if they are those in which images of no class leave the training images: the principal directions
of synthetic unknowns, in the space where the classes have unit covariance. Directions in which the classes
differ from each other are left out, so that the distance to the mean of any class is the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data import Targets

RANK = 16
MAX_IMAGES = 2000
"""Training images that the covariance is estimated from: more cost time and change little."""

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Distance:
    """A squared distance in a few directions: |P f + o|².

    Attributes:
        projections: P, float32, shape (channels, rank).
        offsets: o, float32, shape (rank,).
    """

    projections: Rows
    offsets: Rows

    def squared(self, features: Rows) -> Rows:
        """The squared distance of each image: float32, shape (images,)."""
        return np.asarray(((features @ self.projections + self.offsets) ** 2).sum(axis=1), np.float32)


def fit_distance(features: Rows, targets: Targets, noise: Rows, unknowns: Rows, rank: int = RANK) -> Distance:
    """Fit the distance.

    Args:
        features: of training images, shape (images, channels).
        targets: their classes.
        noise: by how much the noise of a camera changes features, shape (images, channels). It is added to
            the covariance: directions in which the training images hardly vary would make the distance
            depend on noise, and on the rounding of int8.
        unknowns: features of synthetic unknowns, shape (unknowns, channels).
        rank: number of directions.
    """
    from sklearn.covariance import LedoitWolf

    classes = np.unique(targets)
    means = np.stack([features[targets == each].mean(axis=0) for each in classes])
    # Ledoit and Wolf, 2004: a covariance that can be inverted, however few the images are.
    within = features - means[np.searchsorted(classes, targets)]
    covariance = LedoitWolf(assume_centered=True).fit(within).covariance_ + noise.T @ noise / len(noise)
    values, vectors = np.linalg.eigh(covariance)
    whitening = vectors / np.sqrt(np.maximum(values, 1e-12))
    center = means.mean(axis=0)
    between, _ = np.linalg.qr(((means - center) @ whitening).T[:, : len(classes) - 1])
    whitened = (unknowns - center) @ whitening
    residual = whitened - (whitened @ between) @ between.T
    # Each unknown counts the same, however far away it is.
    residual /= np.maximum(np.linalg.norm(residual, axis=1, keepdims=True), 1e-12)
    directions = np.linalg.svd(residual, full_matrices=False)[2][:rank].T
    projections = whitening @ (directions - between @ (between.T @ directions))
    return Distance(projections.astype(np.float32), (-center @ projections).astype(np.float32))

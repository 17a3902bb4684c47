"""Download built-in data sets once into the cache, as `.npz` in MNIST's layout."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import DatasetError, write_with
from edge_runtime.datasets import BUILTIN_NAMES, builtin_path

_FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_LABELS = {"fashion_mnist": _FASHION, "cifar10": _CIFAR10}


def fetch_builtin(name: str) -> Path:
    """Put a built-in data set into the cache, unless it is there.

    `digits` is part of scikit-learn and needs no network; the others are downloaded by Keras.

    Returns:
        Its `.npz`.

    Raises:
        DatasetError: it cannot be downloaded.
        OutputError: the cache cannot be written.
    """
    path = builtin_path(name)
    if name in BUILTIN_NAMES and not path.is_file():
        arrays = _digits() if name == "digits" else _download(name)
        write_with(path, lambda temporary: np.savez_compressed(temporary, allow_pickle=False, **arrays))
    return path


def _digits() -> dict[str, NDArray[Any]]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Grey values run from 0 to 16.
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    return {"x_train": images, "y_train": digits.target.astype(np.uint8)}


def _download(name: str) -> dict[str, NDArray[Any]]:
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:
        raise DatasetError(
            f"{name}: cannot be downloaded ({error!s:.200}); give an .npz in MNIST's layout instead, "
            "or use `digits`, which needs no network"
        ) from error
    labels = np.array(_LABELS.get(name, tuple(str(digit) for digit in range(10))))
    return {
        "x_train": x_train,
        "y_train": y_train.reshape(-1),
        "x_test": x_test,
        "y_test": y_test.reshape(-1),
        "labels": labels,
    }

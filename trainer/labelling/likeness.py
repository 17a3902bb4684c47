"""Put like images together, so that many are labelled at a time, with the model's suggestion."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.collection import Describer
from edge_runtime.core import Image, ImageError, ModelError, Tick, map_in_order, no_tick
from edge_runtime.images import HASH_BITS, fit, perceptual_hash, read_image
from edge_runtime.inference import LoadedModel
from trainer.labelling.board import Item

MAX_GROUP = 60
"""Images shown together."""

LIKE_DESCRIPTORS = 0.5
"""Distance of like images by a model's features, in distances of unrelated images."""

LIKE_BITS = 14
"""Bits in which the perceptual hashes of like images differ."""

_SIDE = 224

Vector = NDArray[np.float32]

Locate = Callable[[str], Path | None]
"""Where the image with an id is now."""


@dataclass(frozen=True)
class Suggestion:
    """The model's answer for an image, and its score in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True, eq=False)
class Likeness:
    """What is known of the images.

    Attributes:
        suggestions: by id; none without a model.
        vectors: by id: like images have a distance below 1.
        unreadable: ids of files that are no images.
    """

    suggestions: Mapping[str, Suggestion]
    vectors: Mapping[str, Vector]
    unreadable: frozenset[str]


def look_at(
    items: Sequence[Item], locate: Locate, model: LoadedModel | None, tick: Tick = no_tick
) -> Likeness:
    """Read every image once, classify it, and describe what it looks like.

    Args:
        items: the images.
        locate: where an image is now: it may be labelled meanwhile.
        model: suggests classes; None to compare images by their perceptual hashes only.
        tick: progress callback.
    """
    looker = _Looker(model, locate)
    threads = os.cpu_count() or 1
    suggestions: dict[str, Suggestion] = {}
    vectors: dict[str, Vector] = {}
    unreadable: set[str] = set()
    outcomes = map_in_order(looker.look, items, threads=threads, ahead=8 * threads)
    for done, (item, outcome) in enumerate(zip(items, outcomes, strict=True), 1):
        try:
            vectors[item.id], suggestion = outcome.result()
        except ImageError:
            unreadable.add(item.id)
        else:
            if suggestion is not None:
                suggestions[item.id] = suggestion
        tick(done, len(items))
    return Likeness(suggestions, vectors, frozenset(unreadable))


def group_items(items: Sequence[Item], likeness: Likeness | None) -> list[list[Item]]:
    """Groups of like images with the same suggestion: the largest first, then the least certain.

    Args:
        items: the images that wait.
        likeness: of them; None while it is not known: then they stay in their order.
    """
    if likeness is None:
        return [list(items[start : start + MAX_GROUP]) for start in range(0, len(items), MAX_GROUP)]
    by_label: dict[str, list[Item]] = {}
    for item in items:
        if item.id not in likeness.unreadable:
            suggestion = likeness.suggestions.get(item.id)
            by_label.setdefault(item.why or (suggestion.label if suggestion else ""), []).append(item)
    groups = [group for members in by_label.values() for group in _alike(members, likeness)]

    scores = {key: suggestion.score for key, suggestion in likeness.suggestions.items()}
    return sorted(groups, key=lambda group: (-len(group), min(scores.get(each.id, 1.0) for each in group)))


def _alike(items: Sequence[Item], likeness: Likeness) -> list[list[Item]]:
    """Each image joins the nearest group whose first image it is like, or begins one."""
    groups: list[list[Item]] = []
    leaders = np.zeros((len(items), HASH_BITS), np.float32)
    for item in items:
        vector = likeness.vectors[item.id]
        distances = np.square(leaders[: len(groups)] - vector).sum(axis=1)
        near = [int(place) for place in np.flatnonzero(distances < 1) if len(groups[place]) < MAX_GROUP]
        if near:
            groups[min(near, key=distances.__getitem__)].append(item)
        else:
            leaders[len(groups)] = vector
            groups.append([item])
    return groups


class _Looker:
    """Reads and describes one image at a time, in several threads."""

    def __init__(self, model: LoadedModel | None, locate: Locate) -> None:
        self._model = model
        self._locate = locate
        self._turn = threading.Lock()
        self._describer: Describer | None = None
        if model is not None:
            try:
                self._describer = Describer(model)
            except ModelError:
                self._describer = None  # then images are compared by their hashes

    def look(self, item: Item) -> tuple[Vector, Suggestion | None]:
        """The vector and the suggestion of an image.

        Raises:
            ImageError: it cannot be read.
        """
        if self._model is None:
            return _hash_vector(self._read(item, _SIDE)), None
        classifier = self._model.classifier
        image = self._read(item, classifier.at_least)
        pixels = fit(image, classifier.size, classifier.resize)
        with self._turn:
            best = classifier.classify(pixels, top_k=1)[0]
            vector = self._describer.describe(pixels) / LIKE_DESCRIPTORS if self._describer else None
        suggestion = Suggestion(best.label, best.score)
        return _hash_vector(image) if vector is None else vector, suggestion

    def _read(self, item: Item, at_least: int) -> Image:
        try:
            return read_image(self._locate(item.id) or item.path, at_least=at_least)
        except ImageError:
            # It was labelled between these two lines; or it is no image, and the second try says so again.
            return read_image(self._locate(item.id) or item.path, at_least=at_least)


def _hash_vector(image: Image) -> Vector:
    """A perceptual hash as a vector: at the distance 1 from hashes that differ in `LIKE_BITS` bits."""
    octets = np.frombuffer(perceptual_hash(image).to_bytes(HASH_BITS // 8), np.uint8)
    return np.asarray(np.unpackbits(octets) / LIKE_BITS**0.5, np.float32)

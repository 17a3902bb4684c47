"""Choose one frame: at random, or for what the model says of it, and keep it in the folder."""

import dataclasses
import random
from collections.abc import Callable, Sequence

from edge_runtime.collection.descriptor import pack
from edge_runtime.collection.entry import Entry, Reason
from edge_runtime.collection.folder import CollectionFolder
from edge_runtime.collection.novelty import Appearance, Kept
from edge_runtime.collection.selection import judge
from edge_runtime.core import Image, Prediction


class Chooser:
    """Decides which frames are kept.

    Args:
        folder: of the collection.
        seed: of the random frames; None for another one every time.
    """

    def __init__(self, folder: CollectionFolder, seed: int | None = None) -> None:
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311 - which frames are kept is no secret

    def choose(
        self,
        entry: Entry,
        predictions: Sequence[Prediction],
        kept: Kept,
        look: Callable[[], Appearance],
        image: Image,
        *,
        flickers: bool = False,
    ) -> bool:
        """Keep a frame if it is worth a label, or drawn at random.

        Args:
            entry: what is known of it, without reason and look.
            predictions: the two best.
            kept: the looks of the frames that are kept; the frame is added.
            look: what the frame looks like; only called where that matters.
            image: to save, uint8 RGB.
            flickers: see `Flicker.flickers`.

        Returns:
            Whether it was kept.

        Raises:
            OutputError: the folder cannot be written.
        """
        drawn = dataclasses.replace(entry, reason=Reason.RANDOM, value=round(self._random.random(), 4))
        if self._folder.has_room_for(drawn):
            return self._keep(drawn, kept, look(), image)
        looked = look()
        verdict = judge(predictions, kept.novelty(looked), flickers=flickers)
        if verdict is None:
            return False
        judged = dataclasses.replace(entry, reason=verdict.reason, value=round(verdict.value, 4))
        return self._folder.has_room_for(judged) and self._keep(judged, kept, looked, image)

    def _keep(self, entry: Entry, kept: Kept, look: Appearance, image: Image) -> bool:
        entry = dataclasses.replace(
            entry,
            hash=f"{look.hash:016x}" if look.hash is not None else "",
            descriptor=pack(look.descriptor) if look.descriptor is not None else b"",
        )
        saved = self._folder.save(entry, image)
        if saved is not None:
            kept.retain(self._folder.entries)
            kept.add(saved)
        return saved is not None

"""Collections: the frames that a device saves for labelling, within limits, and why."""

from edge_runtime.collection.choosing import Chooser
from edge_runtime.collection.collector import Collector
from edge_runtime.collection.descriptor import Describer, make_projection, typical_distance
from edge_runtime.collection.entry import INDEX_NAME, Entry, Reason
from edge_runtime.collection.folder import CollectionFolder, Limits, read_collection
from edge_runtime.collection.model_free import FrameCollector
from edge_runtime.collection.novelty import Appearance, Kept
from edge_runtime.collection.selection import judge

__all__ = [
    "INDEX_NAME",
    "Appearance",
    "Chooser",
    "CollectionFolder",
    "Collector",
    "Describer",
    "Entry",
    "FrameCollector",
    "Kept",
    "Limits",
    "Reason",
    "judge",
    "make_projection",
    "read_collection",
    "typical_distance",
]

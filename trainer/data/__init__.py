"""The data of a training: preparation, built-in data sets, splitting, batches, augmentation."""

from trainer.data.augmentation import Augment, Augmentation, build_augmentation, flip_for, mirror
from trainer.data.batches import Batch, Batches, ImageLoader, Targets, make_batches
from trainer.data.near_duplicates import find_near_duplicates, near_duplicate_reader
from trainer.data.negatives import Negatives
from trainer.data.preparation import MAX_IMBALANCE, Data, open_data, prepare_data
from trainer.data.quality import Flaw, find_flaws
from trainer.data.share import EVERYTHING, Share
from trainer.data.splitting import check_split, count_splits, split_samples

__all__ = [
    "EVERYTHING",
    "MAX_IMBALANCE",
    "Augment",
    "Augmentation",
    "Batch",
    "Batches",
    "Data",
    "Flaw",
    "ImageLoader",
    "Negatives",
    "Share",
    "Targets",
    "build_augmentation",
    "check_split",
    "count_splits",
    "find_flaws",
    "find_near_duplicates",
    "flip_for",
    "make_batches",
    "mirror",
    "near_duplicate_reader",
    "open_data",
    "prepare_data",
    "split_samples",
]

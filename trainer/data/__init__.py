"""The data of a training: preparation, built-in data sets, splitting, batches, augmentation."""

from trainer.data.augmentation import (
    FIELD_HEAD_FRACTION,
    Augment,
    Augmentation,
    augmented_copies,
    build_augmentation,
    build_mixing,
    fine_tuning_passes,
    flip_for,
    mirror,
)
from trainer.data.batches import Batch, Batches, ImageLoader, Targets, kept_bytes, make_batches
from trainer.data.folds import FOLDS, Fold, fewest_groups, make_folds
from trainer.data.near_duplicates import find_near_duplicates, near_duplicate_reader
from trainer.data.negatives import (
    NO_CLASS,
    Negatives,
    add_negatives,
    make_negative_batches,
    negatives_in_a_batch,
)
from trainer.data.preparation import MAX_IMBALANCE, Data, open_data, prepare_data
from trainer.data.quality import Flaw, find_flaws
from trainer.data.share import EVERYTHING, Share
from trainer.data.splitting import check_split, count_splits, group_numbers, split_samples

__all__ = [
    "EVERYTHING",
    "FIELD_HEAD_FRACTION",
    "FOLDS",
    "MAX_IMBALANCE",
    "NO_CLASS",
    "Augment",
    "Augmentation",
    "Batch",
    "Batches",
    "Data",
    "Flaw",
    "Fold",
    "ImageLoader",
    "Negatives",
    "Share",
    "Targets",
    "add_negatives",
    "augmented_copies",
    "build_augmentation",
    "build_mixing",
    "check_split",
    "count_splits",
    "fewest_groups",
    "find_flaws",
    "find_near_duplicates",
    "fine_tuning_passes",
    "flip_for",
    "group_numbers",
    "kept_bytes",
    "make_batches",
    "make_folds",
    "make_negative_batches",
    "mirror",
    "near_duplicate_reader",
    "negatives_in_a_batch",
    "open_data",
    "prepare_data",
    "split_samples",
]

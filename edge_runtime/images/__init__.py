"""Images: decode, encode, resize, rotate, flip, crop; the image files of a folder."""

from edge_runtime.images.codec import (
    bgr_to_rgb,
    decode_image,
    encode_jpeg,
    encode_png,
    jpeg_size,
    read_image,
    to_grey,
)
from edge_runtime.images.heatmap import draw_heatmap, spread
from edge_runtime.images.listing import IMAGE_SUFFIXES, is_image_name, list_images
from edge_runtime.images.opencv import opencv
from edge_runtime.images.perceptual_hash import HASH_BITS, has_telling_hash, hash_distance, perceptual_hash
from edge_runtime.images.resize import fit, pixels_needed, shrink
from edge_runtime.images.statistics import ImageStatistics, measure_image
from edge_runtime.images.transforms import Flip, Region, Rotation, Transform

__all__ = [
    "HASH_BITS",
    "IMAGE_SUFFIXES",
    "Flip",
    "ImageStatistics",
    "Region",
    "Rotation",
    "Transform",
    "bgr_to_rgb",
    "decode_image",
    "draw_heatmap",
    "encode_jpeg",
    "encode_png",
    "fit",
    "has_telling_hash",
    "hash_distance",
    "is_image_name",
    "jpeg_size",
    "list_images",
    "measure_image",
    "opencv",
    "perceptual_hash",
    "pixels_needed",
    "read_image",
    "shrink",
    "spread",
    "to_grey",
]

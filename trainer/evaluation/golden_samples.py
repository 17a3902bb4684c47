"""Golden samples: small images with the float model's scores, for the self-test on the device."""

import numpy as np

from edge_runtime.core import Image, Resize
from edge_runtime.images import decode_image, encode_png, fit
from edge_runtime.model import GoldenSample
from trainer.evaluation.evaluated_split import EvaluatedSplit
from trainer.network import Forward

COUNT = 4
# They are in every model file: a few kilobytes each.
MAX_SIDE = 96


def make_golden_samples(
    forward: Forward, held_out: EvaluatedSplit, resize: Resize
) -> tuple[GoldenSample, ...]:
    """Images of different classes, reduced in size, with the scores of the reduced images.

    Args:
        forward: pixels → scores.
        held_out: where they are taken from.
        resize: how the device resizes them to the model's input.
    """
    return tuple(
        _make_sample(forward, held_out.image(position), resize)
        for position in held_out.most_confident_of_each_class(COUNT)
    )


def _make_sample(forward: Forward, image: Image, resize: Resize) -> GoldenSample:
    height, width = image.shape[:2]
    side = min(MAX_SIDE, height, width)
    png = encode_png(fit(image, (side, side)))
    scores = forward(fit(decode_image(png, at_least=0), (height, width), resize)[np.newaxis])[0]
    return GoldenSample(png, tuple(round(float(score), 6) for score in scores))

"""Golden samples: small pictures with the float model's scores, by which a device proves its arithmetic."""

import numpy as np

from edge_runtime import GoldenSample, Image, Resize, decode_image, encode_png, fit
from trainer.evaluation.evaluated_split import Judged
from trainer.evaluation.metrics import Forward

COUNT = 4
# They travel in every model file: a few kilobytes each.
MAX_SIDE = 96


def make_golden_samples(forward: Forward, held_out: Judged, resize: Resize) -> tuple[GoldenSample, ...]:
    """Pictures of different classes, shrunken, with what the model says of them as they then are.

    Args:
        forward: pixels → scores.
        held_out: where they are taken from.
        resize: how the device brings them to the model's size.
    """
    return tuple(
        _make_sample(forward, held_out.picture(position), resize)
        for position in held_out.surest_of_each_class(COUNT)
    )


def _make_sample(forward: Forward, picture: Image, resize: Resize) -> GoldenSample:
    height, width = picture.shape[:2]
    side = min(MAX_SIDE, height, width)
    png = encode_png(fit(picture, (side, side)))
    scores = forward(fit(decode_image(png, at_least=0), (height, width), resize)[np.newaxis])[0]
    return GoldenSample(png, tuple(round(float(score), 6) for score in scores))

"""Golden samples: small pictures with the float model's scores, by which a device proves its arithmetic."""

from typing import Any

import numpy as np

from edge_runtime import GoldenSample, Image, Scores, decode_image, encode_png, fit
from trainer.judged import Judged

COUNT = 4
# They travel in every model file: a few kilobytes each.
MAX_SIDE = 96


def make_golden_samples(model: Any, held_out: Judged) -> tuple[GoldenSample, ...]:
    """Pictures of different classes, shrunken, with what the model says of them as they then are."""
    return tuple(
        _make_sample(model, held_out.picture(position)) for position in held_out.surest_of_each_class(COUNT)
    )


def _make_sample(model: Any, picture: Image) -> GoldenSample:
    height, width = picture.shape[:2]
    side = min(MAX_SIDE, height, width)
    png = encode_png(fit(picture, (side, side)))
    scores = _score(model, fit(decode_image(png), (height, width)))
    return GoldenSample(png, tuple(round(float(score), 6) for score in scores))


def _score(model: Any, image: Image) -> Scores:
    scores: Scores = model(image[np.newaxis].astype(np.float32), training=False).numpy()[0]
    return scores

"""Golden samples: small images with the float model's scores, for the self-test on the device."""

from collections.abc import Sequence

import numpy as np

from edge_runtime.core import Image, Resize
from edge_runtime.images import decode_image, encode_png, fit
from edge_runtime.model import GoldenSample
from trainer.evaluation.evaluated_split import EvaluatedSplit
from trainer.network import Forward

COUNT = 4

CANDIDATES = 8
"""Images of a class that are reduced, to find one whose answer does not depend on what gets lost."""

# They are in every model file: a few kilobytes each.
MAX_SIDE = 96


def make_golden_samples(
    forward: Forward, held_out: EvaluatedSplit, resize: Resize
) -> tuple[GoldenSample, ...]:
    """Images of different classes, reduced in size, with the scores of the reduced images.

    Of each class that with the highest score of the class: one near a threshold has another label where an
    engine rounds in another way.

    Args:
        forward: pixels → scores.
        held_out: where they are taken from.
        resize: how the device resizes them to the model's input.
    """
    return tuple(
        _make_sample(
            forward, [held_out.image(each) for each in positions], held_out.targets[positions[0]], resize
        )
        for positions in held_out.most_confident_of_each_class(COUNT, CANDIDATES)
    )


def _make_sample(forward: Forward, images: Sequence[Image], target: int, resize: Resize) -> GoldenSample:
    pngs = [encode_png(_reduced(image)) for image in images]
    size = images[0].shape[:2]
    pixels = np.stack([fit(decode_image(png, at_least=0), size, resize) for png in pngs])
    scores = forward(pixels)
    surest = int(scores[:, target].argmax())
    return GoldenSample(pngs[surest], tuple(round(float(score), 6) for score in scores[surest]))


def _reduced(image: Image) -> Image:
    side = min(MAX_SIDE, *image.shape[:2])
    return fit(image, (side, side))

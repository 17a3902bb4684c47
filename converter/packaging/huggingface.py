"""The page of a model on the Hugging Face Hub, written from its card.

Source: https://huggingface.co/docs/hub/model-cards
"""

from typing import TYPE_CHECKING

from edge_runtime.datasets import TRAIN
from edge_runtime.model import ModelCard

if TYPE_CHECKING:
    from converter.quantization import Comparison

PAGE_NAME = "README.md"
MAX_LABELS = 50
"""Labels that the page names."""


def format_hub_page(content: bytes, card: ModelCard, compared: "Comparison", *, name: str, split: str) -> str:
    """The page with its metadata: Markdown with YAML in front.

    Args:
        content: the bytes of the model file.
        card: the card inside.
        compared: the converted model beside the Keras model.
        name: of the model.
        split: of the images that both were compared on.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    labels = ", ".join(_as_code(label) for label in card.labels[:MAX_LABELS])
    more = len(card.labels) - MAX_LABELS
    # Markdown, no HTML: what comes from the card is quoted as JSON or as code.
    environment = Environment(loader=PackageLoader("converter.packaging"), undefined=StrictUndefined)  # noqa: S701
    return environment.get_template("huggingface.md.j2").render(
        card=card,
        compared=compared,
        name=name,
        held_out=split,
        precision=card.provenance["precision"],
        io=card.provenance["io"],
        labels=labels + (f" and {more} more" if more > 0 else ""),
        tags=("tflite", "litert", "edge-classify", card.provenance["precision"], card.architecture.lower()),
        trained=int(card.metrics[TRAIN]["count"]) if TRAIN in card.metrics else "an unknown number of",
        megabytes=f"{len(content) / 1e6:.1f}",
    )


def _as_code(text: str) -> str:
    """A code span, whatever the text holds; a table's bar is escaped."""
    return f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`"

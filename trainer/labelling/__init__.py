"""Label images in the browser: the images that wait, the journal of moves, like images, the page."""

from trainer.labelling.config import LabelConfig
from trainer.labelling.label import label_images

__all__ = ["LabelConfig", "label_images"]

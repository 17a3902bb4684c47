"""The report of an examination: JSON, suspects for `edge-label`, and one page that needs no other file."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_runtime.core import ImageError, Resize, make_folder, to_json, write_file
from edge_runtime.datasets import Dataset
from edge_runtime.images import encode_jpeg
from trainer.examination.types import Check, CurvePoint, Examination, Suspects

REPORT, PAGE, SUSPECTS = "examination.json", "examination.html", "suspects.json"
MAX_SHOWN = 48
"""Images of each kind on the page."""

MAX_SETS = 16
_SIDE = (144, 144)
_MAX_CURVES = 12
_TITLES = {
    Check.LABEL: "Labels that are likely wrong",
    Check.DUPLICATE: "Near-duplicates with different labels",
    Check.OUTLIER: "Like no other image",
    Check.SMALL: "Small",
    Check.DARK: "Dark",
    Check.BLURRED: "Blurred",
}


def write_report(folder: Path, examination: Examination, dataset: Dataset) -> None:
    """Write the three files.

    Args:
        folder: for them; it is created.
        examination: what was found.
        dataset: reads the images that the page shows.

    Raises:
        OutputError: the folder cannot be written.
    """
    make_folder(folder)
    write_file(folder / REPORT, to_json(examination, indent=2) + "\n")
    write_file(folder / SUSPECTS, to_json(Suspects(suspects=examination.suspects), indent=2) + "\n")
    write_file(folder / PAGE, render_page(examination, dataset, folder))


def render_page(examination: Examination, dataset: Dataset, folder: Path) -> str:
    """The page, as HTML with its images inside."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    sections = []
    for check, title in _TITLES.items():
        found = [suspect for suspect in examination.suspects if suspect.check is check]
        if found:
            shown = [(suspect, _thumbnail(dataset, suspect.file)) for suspect in found[:MAX_SHOWN]]
            sections.append((title, len(found), shown))
    sets = [
        (each, [_thumbnail(dataset, file) for file in each.files[:8]])
        for each in examination.duplicates[:MAX_SETS]
    ]
    page = Environment(
        loader=PackageLoader("trainer.examination"), autoescape=True, undefined=StrictUndefined
    )
    text = page.get_template("examination.html.j2").render(
        examination=examination,
        sections=sections,
        sets=sets,
        curve=base64.b64encode(draw_curve(examination.curve)).decode() if examination.curve else "",
        suspects=folder / SUSPECTS if examination.suspects and dataset.root.is_dir() else "",
    )
    # A file name may contain bytes that are not UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def draw_curve(points: Sequence[CurvePoint]) -> bytes:
    """Recall of each class against the number of training images, as PNG; with many classes of the worst."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axis: Any = figure.subplots()
    images = [point.images for point in points]
    worst = sorted(points[-1].recall, key=lambda label: points[-1].recall[label])[:_MAX_CURVES]
    for label in worst:
        axis.plot(
            images, [point.recall[label] for point in points], marker=".", label=label.replace("$", r"\$")
        )
    axis.plot(images, [point.accuracy for point in points], "k--", linewidth=2, label="all images")
    axis.set_xscale("log", base=2)
    axis.set_xticks(images, [f"{each:.0f}" for each in images])
    axis.minorticks_off()
    axis.set(xlabel="training images of each class", ylabel="recall", title="Would more images help?")
    axis.grid(alpha=0.3)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def _thumbnail(dataset: Dataset, file: str) -> str:
    """An image as the text of a data URL; empty where it can no longer be read."""
    try:
        image = dataset.read_fitted(file, _SIDE, Resize.FIT_LONGEST)
    except ImageError:
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(image, 80)).decode()

"""The options of `edge-label`, as one frozen value."""

from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import UNKNOWN, UsageError, check_ranges, option

DATA, PAGE = "Data", "Page"


@dataclass(frozen=True, kw_only=True)
class LabelConfig:
    """All options of `edge-label`; each field but `sources` is an option of that name."""

    sources: tuple[Path, ...] = ()

    into: Path = option(Path("data"), "Folder of class folders that images are moved to.", panel=DATA)
    model: Path | None = option(
        None, "Model file that suggests a class for each image.", short="-m", panel=DATA
    )
    suspects: Path | None = option(
        None, "suspects.json of edge-data: look at these images of --into again.", panel=DATA
    )
    unknown_label: str = option(UNKNOWN, "Class folder for images of no class.", panel=DATA)
    skipped: bool = option(False, "Show the images again that were skipped.", panel=DATA)

    port: int = option(8765, "Port to serve on; 0 for any free port.", 0, 65535, panel=PAGE)
    host: str = option(
        "127.0.0.1",
        "Address to serve on; any other than loopback needs a token ($EDGE_LABEL_TOKEN).",
        panel=PAGE,
    )
    open: bool = option(False, "Open the page in this machine's browser.", panel=PAGE)

    def __post_init__(self) -> None:
        """Refuse invalid combinations.

        Raises:
            UsageError: a value is outside its range, or nothing to label is named.
        """
        check_ranges(self)
        if not self.sources and self.suspects is None:
            raise UsageError("name what to label: edge-label COLLECTION --into DATA, or --suspects FILE")

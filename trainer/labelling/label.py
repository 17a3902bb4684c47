"""One run of `edge-label`: journal → images → page."""

import os
import webbrowser
from pathlib import Path

from edge_runtime.core import DatasetError, Say, from_json, lock_folder, make_folder, read_file
from edge_runtime.inference import LoadedModel, load_model
from edge_runtime.model import read_model_file
from edge_runtime.serving import WebAddress
from trainer.examination import Suspects
from trainer.labelling.board import Board, Item, collect_items, make_id
from trainer.labelling.config import LabelConfig
from trainer.labelling.journal import Journal, Kind

MAX_SUSPECTS_BYTES = 256 * 1024**2


def label_images(config: LabelConfig, say: Say) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Args:
        config: the options.
        say: shows a line that the user should know, the address first of all.

    Raises:
        DatasetError: a folder to label, or the file of suspects, is missing or damaged.
        ModelError: the model file cannot be used.
        OutputError: the data folder is in use by another process, or cannot be written.
        KeyboardInterrupt: it was Ctrl-C.
    """
    from trainer.labelling.server import LabelServer

    data = make_folder(config.into).resolve()
    with lock_folder(data):
        journal = Journal(data, config.sources)
        for line in journal.problems:
            say(f"not moved: {line}")
        items = _items(config, data, journal)
        if not items:
            say(f"nothing to label in {', '.join(map(str, config.sources)) or config.suspects}")
            return
        address = WebAddress(config.port, config.host, os.environ.get("EDGE_LABEL_TOKEN") or None)
        board = Board(items, data, journal)
        server = LabelServer(board, address, model=_load(config), unknown=config.unknown_label, say=say)
        say(f"{len(items)} images to label into {config.into}: open {server.url} (Ctrl-C ends it)")
        if config.open:
            webbrowser.open(server.url)
        interrupted = server.run()
        say(f"{board.done} images labelled or skipped, {board.total - board.done} left")
        if interrupted:
            raise KeyboardInterrupt


def _items(config: LabelConfig, data: Path, journal: Journal) -> list[Item]:
    skipped: set[str] = set()
    if not config.skipped:
        skipped = {
            step.source for action in journal.actions if action.kind is Kind.SKIP for step in action.steps
        }
    items = collect_items(config.sources, skipped)
    if config.suspects is not None:
        content = read_file(config.suspects, max_bytes=MAX_SUSPECTS_BYTES, error=DatasetError)
        suspects = from_json(content, Suspects, name=str(config.suspects), error=DatasetError)
        for each in suspects.suspects:
            path = (data / each.file).resolve()
            # A file of suspects names images of this folder only.
            if path.is_relative_to(data) and path.is_file():
                items.append(Item(make_id(str(path)), path, path.parent.name, each.why))
    return list({item.id: item for item in items}.values())


def _load(config: LabelConfig) -> LoadedModel | None:
    return load_model(read_model_file(config.model)) if config.model else None

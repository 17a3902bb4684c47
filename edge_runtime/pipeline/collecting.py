"""One run of `edge-collect`: source → the frames worth a label → folder."""

import contextlib
from typing import TYPE_CHECKING

from edge_runtime.core import Say, clock, lock_folder, make_folder
from edge_runtime.pipeline.config import CollectConfig
from edge_runtime.pipeline.frames import choose_frames, open_source
from edge_runtime.system import Notifier

if TYPE_CHECKING:
    from edge_runtime.collection import FrameCollector

REPORT_SECONDS = 60.0


def collect(config: CollectConfig, say: Say) -> "FrameCollector":
    """Collect frames until the source ends; without a model.

    Args:
        config: the options.
        say: shows a line that the user should know; once a minute how many frames were saved.

    Returns:
        What collected them.

    Raises:
        EdgeError: with its exit code.
    """
    from edge_runtime.collection import FrameCollector

    notifier = Notifier()
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock_folder(make_folder(config.folder)))
        source = stack.enter_context(open_source(config, say))
        collector = FrameCollector(
            config.folder,
            config.limits,
            seconds_apart=config.collect_seconds,
            say=say,
            every_frame=source.total is not None,
        )
        stack.callback(notifier.stopping)
        report_at, frames = clock.now() + REPORT_SECONDS, 0
        for frame in collector(choose_frames(source.events(), config, say)):
            notifier.beat()
            if frame is None:
                continue
            frames += 1
            notifier.ready()
            if clock.now() >= report_at:
                report_at = clock.now() + REPORT_SECONDS
                say(f"{frames} frames seen, {collector.saved} saved, {collector.total} in {config.folder}")
    return collector

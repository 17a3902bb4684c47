"""Show frames with their answers in a window on this screen."""

import subprocess
import sys

from edge_runtime.core import OutputError, ReaderGoneError, Result
from edge_runtime.images import opencv
from edge_runtime.sinks.base import SinkBase
from edge_runtime.sinks.text import describe

TITLE = "edge-classify (q to quit)"
LARGEST_SIDE = 1280
_QUIT = {ord("q"), 27}


class WindowSink(SinkBase):
    """Shows each frame with its answer; `q`, Escape or closing the window ends the command.

    Raises:
        OutputError: there is no screen, or this OpenCV has no windows.
    """

    def __init__(self) -> None:
        # Without a screen OpenCV's Qt ends the whole process: so a child process tries first.
        trial = [sys.executable, "-P", "-c", "import cv2; cv2.namedWindow('trial'); cv2.waitKey(1)"]
        if subprocess.run(trial, capture_output=True, check=False).returncode:  # noqa: S603 - our own code
            raise OutputError(
                "cannot open a window: this OpenCV has none (opencv-python-headless), or there is no screen; "
                "use --preview PORT and a browser"
            )
        cv2 = opencv()
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL)
        self._sized = False

    def emit(self, result: Result) -> None:
        """Show one frame."""
        cv2 = opencv()
        image = cv2.cvtColor(result.frame.image, cv2.COLOR_RGB2BGR)
        line = f"{describe(result)}  {result.timing.total:.1f} ms, age {result.age:.0f} ms"
        scale = max(0.6, image.shape[1] / 900)
        where = (8, image.shape[0] - 14)
        for color, thickness in (((0, 0, 0), 6), ((255, 255, 255), 2)):
            cv2.putText(image, line, where, cv2.FONT_HERSHEY_SIMPLEX, scale, color, thickness, cv2.LINE_AA)
        cv2.imshow(TITLE, image)
        if not self._sized:
            self._sized = True
            shrink = min(1.0, LARGEST_SIDE / max(image.shape[:2]))
            cv2.resizeWindow(TITLE, round(image.shape[1] * shrink), round(image.shape[0] * shrink))
        pressed = cv2.waitKey(1)
        if pressed & 0xFF in _QUIT or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            raise ReaderGoneError("the window was closed")

    def close(self) -> None:
        """Close the window."""
        opencv().destroyAllWindows()

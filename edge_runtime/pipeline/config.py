"""The options of `edge-classify`: one frozen value."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from edge_runtime.core.errors import UsageError
from edge_runtime.core.options import build_config, check_ranges, option
from edge_runtime.images.transforms import Mirror, Region, Rotation
from edge_runtime.sinks.saved_frames import SaveWhen


class Format(StrEnum):
    """How results are printed on stdout."""

    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True)
class ClassifyConfig:
    """Everything that decides what `edge-classify` does; each field is an option of that name."""

    camera: str | None = option(None, "Camera: a number (0 is the first), /dev/…, picamera2, or picamera2:1.")
    input: str | None = option(
        None,
        "Picture, folder, video file, rtsp:// or http:// stream, - for JPEGs on stdin, or `synthetic`.",
    )
    model: Path | None = option(None, "Model file.", short="-m", shown="$EDGE_MODEL, else ./model.tflite")
    labels: Path | None = option(None, "Label file that overrules the one inside.")
    top_k: int = option(3, "How many predictions.", 1, 100_000, short="-k")
    threshold: float = option(0.0, "Below this score: unknown.", 0.0, 1.0, short="-t")
    smooth: float = option(
        0.0, "Let the frames of so many seconds vote on the answer; 0 for each by itself.", 0.0, 3600.0
    )
    on_change: bool = option(False, "Emit a result only when the answer changes.")
    every: int = option(1, "Classify one frame out of so many.", 1, 1_000_000)
    fps: float | None = option(None, "Classify at most so many frames a second.", 0.001, 1000.0)
    max_frames: int | None = option(None, "Stop after so many frames.", 1, 2**62)
    roi: str | None = option(None, "X,Y,W,H: classify this part of the picture, in pixels, once upright.")
    flip: Mirror = option(Mirror.NONE, "Mirror the picture: none, horizontal or vertical.")
    rotate: Rotation = option(Rotation.NONE, "Turn the picture clockwise: 0, 90, 180 or 270 degrees.")
    format: Format = option(Format.TEXT, "How to print: text, jsonl or csv.")
    to: tuple[str, ...] = option(
        (),
        "Where results go, may be repeated: text, jsonl or csv (stdout), jsonl:FILE, csv:FILE, "
        "mqtt[s]://[USER@]HOST[:PORT][/TOPIC].",
        shown="--format on stdout",
    )
    rotate_mb: float = option(10.0, "Size at which a FILE of --to is put aside as FILE.1, in MB.", 0.01, 1e6)
    rotate_keep: int = option(5, "How many files put aside are kept.", 0, 10_000)
    mqtt_password_file: Path | None = option(
        None, "File with the broker's password.", shown="$EDGE_MQTT_PASSWORD"
    )
    mqtt_ca: Path | None = option(
        None, "Certificates to check an mqtts:// broker with.", shown="the system's"
    )
    mqtt_discovery: str | None = option(
        None, "Prefix for Home Assistant's discovery, usually `homeassistant`."
    )
    preview: int | None = option(None, "Serve the live picture and /metrics on this port; 0: any.", 0, 65535)
    preview_host: str = option(
        "127.0.0.1",
        "Address to serve on; another than this machine's own needs a token ($EDGE_PREVIEW_TOKEN).",
    )
    show: bool = option(False, "Show a window with the picture and the answer.")
    save_frames: Path | None = option(None, "Folder to save frames in.")
    save_when: SaveWhen = option(SaveWhen.BOTH, "Save frames at a change, when unknown, or both.")
    save_limit_mb: float = option(
        100.0, "The oldest saved frames go when all have more than so many MB.", 0.1, 1e7
    )
    width: int | None = option(None, "Width to ask the camera for, in pixels.", 16, 16384)
    height: int | None = option(None, "Height to ask the camera for, in pixels.", 16, 16384)
    frame_rate: float | None = option(None, "Frames a second to ask the camera for.", 0.1, 1000.0)
    pixel_format: str | None = option(None, "Pixel format to ask the camera for, such as MJPG or YUYV.")
    lost_after: float = option(
        10.0, "Seconds without a new frame after which a camera or stream is opened anew.", 0.5, 3600.0
    )
    same_is_new: bool = option(
        False, "Take a picture that is the same as the one before for a new frame (a still stream)."
    )
    give_up_after: float | None = option(
        None, "Seconds after which a lost camera or stream ends the command.", 0.0, 1e9, shown="never"
    )
    wait: bool = option(False, "Wait for a camera or stream that is not there yet, as a service does.")
    watch: bool = option(False, "Classify the pictures that come into the --input folder.")
    workers: int | None = option(
        None,
        "Pictures of a folder that are decoded and, without --num-threads or --delegate, classified at once.",
        1,
        64,
        shown="all cores",
    )
    num_threads: int | None = option(
        None, "Threads that run the model.", 1, 64, shown="the fastest for model and machine, measured once"
    )
    engine: str | None = option(None, "litert, tflite-runtime or openvino.", shown="the first installed")
    delegate: str | None = option(
        None, "LIBRARY[,NAME=VALUE…] that takes operators over, such as libedgetpu.so.1."
    )
    input_range: str | None = option(
        None, "LOW,HIGH: what pixels 0 and 255 become, for foreign models that do not tell."
    )
    self_test: bool = option(False, "Check this machine against the golden samples inside the model.")
    print_service: bool = option(False, "Print a systemd unit with the other options, and end.")

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            UsageError: a value is outside of its range, or options contradict each other.
        """
        check_ranges(self)
        if not self.self_test and (self.camera is None) == (self.input is None):
            raise UsageError("give one of --camera 0 and --input PATH (or --self-test)")
        if self.pixel_format is not None and len(self.pixel_format) != 4:
            raise UsageError(f"--pixel-format has four letters such as MJPG, got {self.pixel_format!r}")
        if self.watch and self.input is None:
            raise UsageError("--watch needs --input FOLDER")
        if self.roi is not None:
            Region.parse(self.roi)

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> Self:
        """Build a configuration from names and values.

        Raises:
            UsageError: an unknown name, a wrong type, or a value outside of its range.
        """
        return build_config(cls, options, "edge-classify")

"""The options of `edge-classify`, and those that it shares with `edge-collect`, as frozen values."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.core import UsageError, check_ranges, option, option_name
from edge_runtime.images import Flip, Region, Rotation
from edge_runtime.sinks import SaveWhen

if TYPE_CHECKING:
    from edge_runtime.collection import Limits

INPUT, FRAMES, CAMERA = "Input", "Frames", "Camera"
MODEL, DECISION = "Model", "Decision"
OUTPUT, MQTT, SAVED, PREVIEW, SERVICE = "Output", "MQTT", "Saved frames", "Preview", "Service"
COLLECTION, ARCHIVE, TRUST = "Collection", "Archives", "Signed models and updates"
PARQUET = "parquet:"


class Format(StrEnum):
    """How results are printed on stdout."""

    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True)
class FrameConfig:
    """The options for where frames come from; each field is an option of that name."""

    camera: str | None = option(
        None, "Camera: a number (0 is the first), /dev/…, picamera2, or picamera2:1.", panel=INPUT
    )
    input: str | None = option(
        None,
        "Image, folder, video file, rtsp:// or http:// stream, - for JPEGs on stdin, or `synthetic`.",
        panel=INPUT,
    )
    watch: bool = option(False, "Classify images when they are written to the --input folder.", panel=INPUT)

    rotate: Rotation = option(
        Rotation.NONE, "Rotate frames clockwise by 0, 90, 180 or 270 degrees.", panel=FRAMES
    )
    flip: Flip = option(Flip.NONE, "Mirror frames: none, horizontal or vertical.", panel=FRAMES)
    roi: str | None = option(
        None, "X,Y,W,H: classify this region, in pixels of the rotated frame.", panel=FRAMES
    )
    every: int = option(1, "Classify one frame out of this many.", 1, 1_000_000, panel=FRAMES)
    fps: float | None = option(
        None, "Classify at most this many frames a second.", 0.001, 1000.0, panel=FRAMES
    )
    max_frames: int | None = option(None, "Stop after this many frames.", 1, 2**62, panel=FRAMES)

    width: int | None = option(None, "Width to request from the camera, in pixels.", 16, 16384, panel=CAMERA)
    height: int | None = option(
        None, "Height to request from the camera, in pixels.", 16, 16384, panel=CAMERA
    )
    frame_rate: float | None = option(
        None, "Frames a second to request from the camera.", 0.1, 1000.0, panel=CAMERA
    )
    pixel_format: str | None = option(
        None, "Pixel format to request from the camera, such as MJPG or YUYV.", panel=CAMERA
    )
    wait: bool = option(False, "Wait for a camera or stream that is not there yet.", panel=CAMERA)
    lost_after: float = option(
        10.0, "Seconds without a new frame until a camera or stream is reopened.", 0.5, 3600.0, panel=CAMERA
    )
    give_up_after: float | None = option(
        None,
        "Seconds until a lost camera or stream ends the command.",
        0.0,
        1e9,
        shown="never",
        panel=CAMERA,
    )
    allow_repeated_frames: bool = option(
        False, "Accept frames identical to the previous one, as in a still stream.", panel=CAMERA
    )

    def check_source(self) -> None:
        """Refuse values outside their ranges, and sources that contradict each other.

        Raises:
            UsageError: with what is wrong.
        """
        check_ranges(self)
        if self.pixel_format is not None and len(self.pixel_format) != 4:
            raise UsageError(f"--pixel-format has four letters such as MJPG, got {self.pixel_format!r}")
        if self.watch and self.input is None:
            raise UsageError("--watch needs --input FOLDER")
        if self.roi is not None:
            Region.parse(self.roi)


@dataclass(frozen=True, kw_only=True)
class CollectLimits:
    """The limits of a collection; each field is an option of that name."""

    collect_mb: float = option(
        500.0, "Drop the least useful collected frames above this total size, in MB.", 0.1, 1e7,
        panel=COLLECTION,
    )  # fmt: skip
    collect_per_day: int = option(
        200, "Frames to collect a day (UTC); more useful ones replace others.", 1, 20_000, panel=COLLECTION
    )
    collect_seconds: float = option(
        10.0, "Minimum seconds between two collected frames.", 0.0, 86400.0, panel=COLLECTION
    )

    @property
    def limits(self) -> "Limits":
        """The limits of the folder."""
        from edge_runtime.collection import Limits

        return Limits(max_bytes=int(self.collect_mb * 1e6), per_day=self.collect_per_day)


@dataclass(frozen=True, kw_only=True)
class ClassifyConfig(CollectLimits, FrameConfig):
    """All options of `edge-classify`; each field is an option of that name."""

    model: Path | None = option(
        None, "Model file.", short="-m", shown="$EDGE_MODEL, else ./model.tflite", panel=MODEL
    )
    labels: Path | None = option(None, "Label file that replaces the labels inside the model.", panel=MODEL)
    engine: str | None = option(
        None, "litert, tflite-runtime or openvino.", shown="the first installed", panel=MODEL
    )
    num_threads: int | None = option(
        None, "Threads of the model.", 1, 64, shown="the fastest, measured once", panel=MODEL
    )
    workers: int | None = option(
        None,
        "Images of a folder that are decoded and, without --num-threads or --delegate, classified at a time.",
        1,
        64,
        shown="all cores",
        panel=MODEL,
    )
    delegate: str | None = option(
        None,
        "LIBRARY[,NAME=VALUE…] that runs operators in place of the interpreter, such as libedgetpu.so.1.",
        panel=MODEL,
    )
    input_range: str | None = option(
        None, "LOW,HIGH: the values of pixels 0 and 255, for models that do not say.", panel=MODEL
    )

    top_k: int = option(3, "Number of predictions.", 1, 100_000, short="-k", panel=DECISION)
    threshold: float = option(
        0.0,
        "Smallest score of an answer; below it the answer is unknown.",
        0.0,
        1.0,
        short="-t",
        panel=DECISION,
    )
    smooth: float = option(
        0.0, "Seconds of frames that vote on the answer; 0 for each frame alone.", 0.0, 3600.0, panel=DECISION
    )
    on_change: bool = option(False, "Emit a result only when the answer changes.", panel=DECISION)

    format: Format = option(Format.TEXT, "Format on stdout: text, jsonl or csv.", panel=OUTPUT)
    to: tuple[str, ...] = option(
        (),
        "Where results go, may be repeated: text, jsonl or csv (stdout), jsonl:FILE, csv:FILE, "
        "mqtt[s]://[USER@]HOST[:PORT][/TOPIC]; or parquet:DIR alone, for archives of many files.",
        shown="--format on stdout",
        panel=OUTPUT,
    )
    rotate_mb: float = option(
        10.0, "Size at which a FILE of --to is renamed to FILE.1, in MB.", 0.01, 1e6, panel=OUTPUT
    )
    rotate_keep: int = option(5, "Number of renamed files to keep.", 0, 10_000, panel=OUTPUT)
    show: bool = option(False, "Show a window with the frame and the answer.", panel=OUTPUT)

    mqtt_password_file: Path | None = option(
        None, "File with the broker's password.", shown="$EDGE_MQTT_PASSWORD", panel=MQTT
    )
    mqtt_ca: Path | None = option(
        None, "Certificates to check an mqtts:// broker with.", shown="the system's", panel=MQTT
    )
    mqtt_discovery: str | None = option(
        None, "Prefix for Home Assistant's discovery, usually `homeassistant`.", panel=MQTT
    )

    save_frames: Path | None = option(None, "Folder to save frames in.", panel=SAVED)
    save_when: SaveWhen = option(
        SaveWhen.BOTH, "Save frames when the answer changes (change), is unknown, or both.", panel=SAVED
    )
    save_limit_mb: float = option(
        100.0, "Delete the oldest saved frames above this total size, in MB.", 0.1, 1e7, panel=SAVED
    )
    heatmap: bool = option(
        False, "With each saved frame, save where the evidence for its answer is.", panel=SAVED
    )

    collect: Path | None = option(
        None, "Folder to save the frames in that are worth a label; see docs/loop.md.", panel=COLLECTION
    )

    preview: int | None = option(
        None, "Serve the live image and /metrics on this port; 0 for any free port.", 0, 65535, panel=PREVIEW
    )
    preview_host: str = option(
        "127.0.0.1",
        "Address to serve on; any other than loopback needs a token ($EDGE_PREVIEW_TOKEN).",
        panel=PREVIEW,
    )

    trust: Path | None = option(
        None,
        "Public keys of edge-sign: run only models signed by one of them and not older than the last.",
        panel=TRUST,
    )
    update: str | None = option(
        None, "https://… or a folder with new versions of the model; needs --trust.", panel=TRUST
    )
    update_every: float = option(
        3600.0, "Seconds between two looks for a new version, a quarter more or less.", 0.05, 1e7, panel=TRUST
    )
    update_trial: float = option(
        600.0,
        "Seconds in which a new version is rolled back if it rejects far more images or drifts.",
        0.0,
        1e7,
        panel=TRUST,
    )

    resume: bool = option(
        False,
        "Continue the archive in DIR of --to parquet:DIR: files with a row are left out.",
        panel=ARCHIVE,
    )
    ray: str | None = option(
        None,
        "Classify the archive on a Ray cluster: its address, auto for this machine's, or local.",
        panel=ARCHIVE,
    )

    self_test: bool = option(
        False, "Check this machine with the golden samples inside the model, and exit.", panel=SERVICE
    )
    print_service: bool = option(
        False, "Print a systemd unit that runs this command with the other options, and exit.", panel=SERVICE
    )

    def __post_init__(self) -> None:
        """Refuse invalid combinations.

        Raises:
            UsageError: a value is outside its range, or options contradict each other.
        """
        self.check_source()
        if not self.self_test and (self.camera is None) == (self.input is None):
            raise UsageError("give one of --camera 0 and --input PATH (or --self-test)")
        if self.heatmap and self.save_frames is None:
            raise UsageError("--heatmap needs --save-frames FOLDER; the preview page shows one when asked")
        if self.trust is not None and self.labels is not None:
            raise UsageError(
                "--trust allows only labels that are signed: those inside the model; no --labels"
            )
        if self.update is not None and self.trust is None:
            raise UsageError("--update needs --trust KEYS: an unsigned model from elsewhere is never run")
        self._check_archive()

    @property
    def archive(self) -> Path | None:
        """The folder of `--to parquet:DIR`; None where no archive is classified."""
        return next((Path(each[len(PARQUET) :]) for each in self.to if each.startswith(PARQUET)), None)

    def _check_archive(self) -> None:
        """Refuse what has no meaning for files that are classified in any order.

        Raises:
            UsageError: with the first such option.
        """
        if self.archive is None:
            if self.resume or self.ray is not None:
                raise UsageError("--resume and --ray are for archives: add --to parquet:DIR")
            return
        if PARQUET in self.to:
            raise UsageError("--to parquet:DIR needs a folder after the colon")
        if self.input is None:
            raise UsageError("--to parquet:DIR needs --input FOLDER, or a text file with the names of images")
        used = {
            "input",
            "to",
            "resume",
            "ray",
            "model",
            "labels",
            "engine",
            "workers",
            "input_range",
            "trust",
            "top_k",
        }
        used |= {"threshold", "format"}
        if len(self.to) > 1:
            raise UsageError("--to parquet:DIR goes alone: leave the other --to out")
        given = [
            field.name
            for field in dataclasses.fields(self)
            if field.name not in used and getattr(self, field.name) != field.default
        ]
        if given:
            raise UsageError(
                f"--{option_name(given[0])} has no effect on an archive (--to parquet:DIR), whose files are "
                "classified in any order: leave it out"
            )


@dataclass(frozen=True, kw_only=True)
class CollectConfig(CollectLimits, FrameConfig):
    """All options of `edge-collect`; each field but `folder` is an option of that name."""

    folder: Path

    def __post_init__(self) -> None:
        """Refuse invalid combinations.

        Raises:
            UsageError: a value is outside its range, or options contradict each other.
        """
        self.check_source()
        if (self.camera is None) == (self.input is None):
            raise UsageError("give one of --camera 0 and --input PATH")

"""edge_runtime: an image classifier on a small computer, with numpy, OpenCV and one TFLite interpreter.

>>> from edge_runtime import load_classifier, read_image
>>> classifier = load_classifier("model.tflite")                  # doctest: +SKIP
>>> image = read_image("cat.jpg", at_least=classifier.at_least)   # doctest: +SKIP
>>> classifier.classify(image)[0].label                           # doctest: +SKIP
'cat'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_runtime.core import (
        CameraError,
        DatasetError,
        DivergedError,
        EdgeError,
        ExitCode,
        Frame,
        GateError,
        Image,
        ImageError,
        MissingLibraryError,
        ModelError,
        OutputError,
        Prediction,
        ReaderGoneError,
        Resize,
        Result,
        Scores,
        Size,
        SourceError,
        Timing,
        UsageError,
        WorkerError,
    )
    from edge_runtime.datasets import Dataset, Run, Sample, open_dataset, read_run
    from edge_runtime.images import (
        Flip,
        Region,
        Rotation,
        Transform,
        decode_image,
        encode_jpeg,
        encode_png,
        fit,
        read_image,
    )
    from edge_runtime.inference import (
        Classifier,
        Delegate,
        Engine,
        LoadedModel,
        LoadOptions,
        SelfTest,
        installed_engines,
        load_classifier,
        load_model,
        open_engine,
        run_self_test,
    )
    from edge_runtime.model import GoldenSample, ModelCard, ModelFile, pack_model_file, read_model_file
    from edge_runtime.pipeline import Decision, HotReload, classify_frames
    from edge_runtime.sinks import CsvSink, JsonLinesSink, OnChange, Sink, TextSink
    from edge_runtime.sources import (
        DeviceKind,
        DeviceRequest,
        FolderSource,
        ImageSource,
        InputOptions,
        LiveSource,
        Patience,
        Source,
        StreamSource,
        SyntheticSource,
        VideoSource,
        WatchedFolderSource,
        camera_request,
        open_input,
    )

__all__ = [
    "CameraError",
    "Classifier",
    "CsvSink",
    "Dataset",
    "DatasetError",
    "Decision",
    "Delegate",
    "DeviceKind",
    "DeviceRequest",
    "DivergedError",
    "EdgeError",
    "Engine",
    "ExitCode",
    "Flip",
    "FolderSource",
    "Frame",
    "GateError",
    "GoldenSample",
    "HotReload",
    "Image",
    "ImageError",
    "ImageSource",
    "InputOptions",
    "JsonLinesSink",
    "LiveSource",
    "LoadOptions",
    "LoadedModel",
    "MissingLibraryError",
    "ModelCard",
    "ModelError",
    "ModelFile",
    "OnChange",
    "OutputError",
    "Patience",
    "Prediction",
    "ReaderGoneError",
    "Region",
    "Resize",
    "Result",
    "Rotation",
    "Run",
    "Sample",
    "Scores",
    "SelfTest",
    "Sink",
    "Size",
    "Source",
    "SourceError",
    "StreamSource",
    "SyntheticSource",
    "TextSink",
    "Timing",
    "Transform",
    "UsageError",
    "VideoSource",
    "WatchedFolderSource",
    "WorkerError",
    "camera_request",
    "classify_frames",
    "decode_image",
    "encode_jpeg",
    "encode_png",
    "fit",
    "installed_engines",
    "load_classifier",
    "load_model",
    "open_dataset",
    "open_engine",
    "open_input",
    "pack_model_file",
    "read_image",
    "read_model_file",
    "read_run",
    "run_self_test",
]

_ROOMS = ("core", "images", "model", "inference", "sources", "datasets", "sinks", "pipeline")
"""The rooms with these names, the lowest layer first."""


def __getattr__(name: str) -> Any:
    """Import the room of a name when the name is used first: `import edge_runtime` alone costs nothing."""
    if name in __all__:
        for room in _ROOMS:
            module = import_module(f"edge_runtime.{room}")
            if name in module.__all__:
                globals()[name] = value = getattr(module, name)
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

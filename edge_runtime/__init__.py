"""edge_runtime: a picture classifier on a small computer, with numpy, OpenCV and one TFLite interpreter.

>>> from edge_runtime import Classifier, read_image
>>> classifier = Classifier("model.tflite")                  # doctest: +SKIP
>>> image = read_image("cat.jpg", at_least=classifier.at_least)   # doctest: +SKIP
>>> classifier.classify(image)[0].label                      # doctest: +SKIP
'cat'
"""

from typing import TYPE_CHECKING, NoReturn

try:
    import numpy as _numpy  # noqa: F401
except ImportError as error:
    # edge-doctor has to run all the same, and says what is missing: only who needs more hears of it here.
    _reason = str(error)

    if not TYPE_CHECKING:

        def __getattr__(name: str) -> NoReturn:
            """Tell what is wrong with numpy instead of what is missing for want of it."""
            if name in __all__:
                raise ImportError(_reason)
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

else:
    from edge_runtime.card import GoldenSample, ModelCard
    from edge_runtime.classifier import Classifier
    from edge_runtime.dataset import Dataset, Sample, open_dataset
    from edge_runtime.decisions import Decision
    from edge_runtime.engine_names import installed_engines
    from edge_runtime.engines import Delegate, Engine, TensorSpec, open_engine
    from edge_runtime.errors import (
        CameraError,
        DatasetError,
        DivergedError,
        EdgeError,
        ExitCode,
        GateError,
        ImageError,
        MissingLibraryError,
        ModelError,
        OutputError,
        ReaderGoneError,
        SourceError,
        UsageError,
        WorkerError,
    )
    from edge_runtime.golden import SelfTest
    from edge_runtime.images import decode_image, encode_jpeg, encode_png, fit, read_image
    from edge_runtime.loop import classify_frames
    from edge_runtime.model_file import ModelFile, pack_model_file, read_model_file
    from edge_runtime.model_watch import ModelWatch
    from edge_runtime.self_test import run_self_test
    from edge_runtime.sinks import CsvSink, JsonLinesSink, OnChange, Sink, TextSink
    from edge_runtime.sources import (
        DeviceKind,
        DeviceRequest,
        FolderSource,
        LiveSource,
        Patience,
        PictureSource,
        Source,
        StreamSource,
        SyntheticSource,
        VideoSource,
        WatchedFolderSource,
        camera_request,
        open_input,
    )
    from edge_runtime.values import Frame, Image, Prediction, Resize, Result, Scores, Size, Timing
    from edge_runtime.views import Mirror, Region, Rotation, View

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
    "FolderSource",
    "Frame",
    "GateError",
    "GoldenSample",
    "Image",
    "ImageError",
    "JsonLinesSink",
    "LiveSource",
    "Mirror",
    "MissingLibraryError",
    "ModelCard",
    "ModelError",
    "ModelFile",
    "ModelWatch",
    "OnChange",
    "OutputError",
    "Patience",
    "PictureSource",
    "Prediction",
    "ReaderGoneError",
    "Region",
    "Resize",
    "Result",
    "Rotation",
    "Sample",
    "Scores",
    "SelfTest",
    "Sink",
    "Size",
    "Source",
    "SourceError",
    "StreamSource",
    "SyntheticSource",
    "TensorSpec",
    "TextSink",
    "Timing",
    "UsageError",
    "VideoSource",
    "View",
    "WatchedFolderSource",
    "WorkerError",
    "camera_request",
    "classify_frames",
    "decode_image",
    "encode_jpeg",
    "encode_png",
    "fit",
    "installed_engines",
    "open_dataset",
    "open_engine",
    "open_input",
    "pack_model_file",
    "read_image",
    "read_model_file",
    "run_self_test",
]

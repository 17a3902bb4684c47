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
    from edge_runtime.core.errors import (
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
    from edge_runtime.core.types import Frame, Image, Prediction, Resize, Result, Scores, Size, Timing
    from edge_runtime.datasets.layouts import Dataset, Sample, open_dataset
    from edge_runtime.images.codec import decode_image, encode_jpeg, encode_png, fit, read_image
    from edge_runtime.images.transforms import Mirror, Region, Rotation, View
    from edge_runtime.inference.classifier import Classifier
    from edge_runtime.inference.engine_registry import installed_engines
    from edge_runtime.inference.engines import Delegate, Engine, TensorSpec, open_engine
    from edge_runtime.inference.golden import SelfTest
    from edge_runtime.inference.self_test import run_self_test
    from edge_runtime.model.card import GoldenSample, ModelCard
    from edge_runtime.model.model_file import ModelFile, pack_model_file, read_model_file
    from edge_runtime.pipeline.hot_reload import ModelWatch
    from edge_runtime.pipeline.loop import classify_frames
    from edge_runtime.pipeline.smoothing import Decision
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

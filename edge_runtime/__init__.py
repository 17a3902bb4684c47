"""edge_runtime: a picture classifier on a small computer, with numpy, OpenCV and one TFLite interpreter.

>>> from edge_runtime import Classifier, read_image
>>> classifier = Classifier("model.tflite")                  # doctest: +SKIP
>>> classifier.classify(read_image("cat.jpg"))[0].label      # doctest: +SKIP
'cat'
"""

from edge_runtime.card import GoldenSample, ModelCard
from edge_runtime.classifier import Classifier
from edge_runtime.dataset import Dataset, Sample, open_dataset
from edge_runtime.engines import Engine, TensorSpec, installed_engines, open_engine
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
from edge_runtime.images import decode_image, encode_png, fit, read_image
from edge_runtime.loop import classify_frames
from edge_runtime.model_file import ModelFile, pack_model_file, read_model_file
from edge_runtime.self_test import SelfTest, run_self_test
from edge_runtime.sinks import JsonLinesSink, Sink, TextSink
from edge_runtime.sources import (
    CameraSource,
    FolderSource,
    PictureSource,
    Source,
    SyntheticSource,
    VideoSource,
)
from edge_runtime.values import Frame, Image, Prediction, Resize, Result, Scores, Size, Timing

__all__ = [
    "CameraError",
    "CameraSource",
    "Classifier",
    "Dataset",
    "DatasetError",
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
    "MissingLibraryError",
    "ModelCard",
    "ModelError",
    "ModelFile",
    "OutputError",
    "PictureSource",
    "Prediction",
    "ReaderGoneError",
    "Resize",
    "Result",
    "Sample",
    "Scores",
    "SelfTest",
    "Sink",
    "Size",
    "Source",
    "SourceError",
    "SyntheticSource",
    "TensorSpec",
    "TextSink",
    "Timing",
    "UsageError",
    "VideoSource",
    "WorkerError",
    "classify_frames",
    "decode_image",
    "encode_png",
    "fit",
    "installed_engines",
    "open_dataset",
    "open_engine",
    "pack_model_file",
    "read_image",
    "read_model_file",
    "run_self_test",
]

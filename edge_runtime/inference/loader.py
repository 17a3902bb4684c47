"""Load a model file: sandbox, thread tuning, engine, labels and size checks → a classifier."""

from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import UNKNOWN, ModelError, Resize
from edge_runtime.inference.classifier import Classifier
from edge_runtime.inference.delegate import Delegate
from edge_runtime.inference.engine_registry import choose_engine
from edge_runtime.inference.engines import Engine, open_engine
from edge_runtime.inference.input_encoding import (
    RAW,
    InputRange,
    Preprocessing,
    pixel_table,
    read_input_range,
)
from edge_runtime.inference.metadata import read_normalization
from edge_runtime.inference.output_kind import output_kind
from edge_runtime.inference.sandbox import try_in_sandbox
from edge_runtime.inference.self_test import compare_golden
from edge_runtime.inference.tensors import TensorSpec
from edge_runtime.inference.thread_tuning import fastest_threads, remembered_threads
from edge_runtime.model import ModelFile, read_model_file


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """How a model file is loaded.

    Attributes:
        engine: `litert`, `tflite-runtime` or `openvino`; the first that is installed when None.
        num_threads: of the engine; when None the number measured as fastest, else all cores, at most 4.
        input_range: the values of pixels 0 and 255, for models of others whose file does not say.
        delegate: a library that runs operators in place of the interpreter.
    """

    engine: str | None = None
    num_threads: int | None = None
    input_range: InputRange | None = None
    delegate: Delegate | None = None


DEFAULTS = LoadOptions()


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model file with the classifier made from it.

    Attributes:
        file: the model file.
        classifier: for one thread at a time.
        options: how it was loaded.
    """

    file: ModelFile
    classifier: Classifier
    options: LoadOptions

    def copy_for_thread(self) -> Classifier:
        """Another classifier of the same model for another thread, whose engine has one thread."""
        engine = open_engine(
            self.file.content, name=self.file.name, engine=self.classifier.engine.name, num_threads=1
        )
        return build_classifier(self.file, engine, self.options.input_range)


def load_classifier(
    path: Path | str, options: LoadOptions = DEFAULTS, *, labels: Path | str | None = None
) -> Classifier:
    """Load a model file.

    Args:
        path: the `.tflite`.
        options: engine, threads, input range, delegate.
        labels: a label file that replaces the labels inside.

    Raises:
        ModelError: the file cannot be used, its labels do not match its outputs, or the engine or the
            delegate gives wrong scores.
        MissingLibraryError: no engine is installed.
    """
    file = read_model_file(Path(path), None if labels is None else Path(labels))
    return load_model(file, options).classifier


def load_model(
    file: ModelFile,
    options: LoadOptions = DEFAULTS,
    *,
    tune_threads: bool = False,
    fallback_threads: int | None = None,
) -> LoadedModel:
    """Load a model file that has been read.

    An engine that is not the default of this machine, and a delegate, must give the golden samples of the
    model's card the scores that they had on the workstation.

    Args:
        file: the model file.
        options: how.
        tune_threads: measure the fastest number of threads unless it is given or known. Not while frames are
            classified.
        fallback_threads: the number of threads where none is given, known or measured.

    Raises:
        ModelError: see `load_classifier`.
        MissingLibraryError: no engine is installed.
    """
    engine_name = choose_engine(options.engine)
    try_in_sandbox(file, engine_name)
    threads = options.num_threads or remembered_threads(file, engine_name)
    if threads is None and tune_threads and options.delegate is None:
        threads = fastest_threads(file, engine_name)
    engine = open_engine(
        file.content,
        name=file.name,
        engine=engine_name,
        num_threads=options.num_threads if options.num_threads is not None else threads or fallback_threads,
        delegate=options.delegate,
    )
    classifier = build_classifier(file, engine, options.input_range)
    if options.delegate is not None:
        _prove(file, classifier, f"the delegate {options.delegate.library}")
    elif engine_name != choose_engine():
        _prove(file, classifier, f"the engine {engine_name}")
    return LoadedModel(file, classifier, options)


def build_classifier(file: ModelFile, engine: Engine, input_range: InputRange | None = None) -> Classifier:
    """The classifier of a model file that an engine has loaded.

    Args:
        file: the model file.
        engine: with its content.
        input_range: the values of pixels 0 and 255, where the file does not say.

    Raises:
        ModelError: labels or card do not match the model, or nothing says how pixels must be scaled.
    """
    _check_labels(file, engine.output)
    size = (engine.input.shape[1], engine.input.shape[2])
    if file.card and file.card.image_size != size:
        raise ModelError(
            f"the card says {file.card.image_size} pixels, the model's input has {size} ({file.name})"
        )
    table = pixel_table(engine.input, input_range or _input_range(file, engine.input))
    preprocessing = Preprocessing(
        size, file.card.resize if file.card else Resize.SQUASH, table, engine.input.shape[3]
    )
    return Classifier(
        engine,
        file.labels,
        preprocessing,
        output_kind(file.content, engine.output),
        # Another label file may name it otherwise.
        file.labels[-1] if file.card and file.card.rejection else UNKNOWN,
    )


def _input_range(file: ModelFile, spec: TensorSpec) -> InputRange:
    # A model with a card takes raw pixels: its rescaling is inside, or absorbed in the input's quantization.
    if file.card and not spec.quantized:
        return RAW
    if not spec.quantized:
        # Readers of metadata use it for float inputs; a quantized input has its scale in the tensor.
        told = read_normalization(file.content, name=file.name)
        if told is not None:
            return told
    return read_input_range(spec, name=file.name)


def _check_labels(file: ModelFile, output: TensorSpec) -> None:
    outputs = output.shape[-1]
    if not file.labels:
        raise ModelError(file.labels_advice)
    # One sigmoid output tells two classes apart.
    if len(file.labels) != outputs and (outputs, len(file.labels)) != (1, 2):
        raise ModelError(
            f"the labels name {len(file.labels)} classes, the model has {outputs} outputs ({file.name}); "
            "name the right label file with --labels"
        )


def _prove(file: ModelFile, classifier: Classifier, what: str) -> None:
    """Refuse an engine or a delegate that gives the golden samples wrong scores.

    Raises:
        ModelError: with the comparison.
    """
    if file.card is None or not file.card.golden:
        return
    outcome = compare_golden(file.card.golden, classifier.scores)
    if not outcome.passed:
        raise ModelError(
            f"{file.name}: {what} gives wrong scores on this machine: {outcome}; use another one"
        )

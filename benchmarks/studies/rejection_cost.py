"""What the output for images of no class costs: time, size and accuracy of the int8 file with and without it.

    python -m benchmarks.studies.rejection_cost RUN …

The same weights are converted with and without the output by `edge-convert`, and timed image by image in
turns, on one thread. Accuracy is among the classes, on the test images.
"""

import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.studies.commands import run_tool
from converter import load_keras_model
from edge_runtime.core import clock, markdown_table
from edge_runtime.datasets import TEST, Run, read_run
from edge_runtime.inference import Classifier, LoadOptions, is_kept, load_classifier

ROUNDS = 40
IMAGES = 25


def remove_rejection(run: Run, folder: Path) -> None:
    """Write a copy of a run with the same weights and without the output."""
    import keras

    shutil.copytree(run.folder, folder)
    model = load_keras_model(run.files.model)
    *layers, head = model.layers[1:]
    kernel, bias = head.get_layer("logits").get_weights()
    features = keras.Input(head.input_shape[1:], name="features")
    scores = keras.layers.Dense(len(bias), "softmax", name="scores")
    plain = keras.Model(features, scores(features), name="head")
    scores.set_weights([kernel, bias])
    pixels = outputs = keras.Input(model.input_shape[1:], name="pixels")
    for layer in layers:
        outputs = layer(outputs)
    with warnings.catch_warnings():
        # Keras uses a deprecated function of numpy.
        warnings.simplefilter("ignore", DeprecationWarning)
        keras.Model(pixels, plain(outputs), name="classifier").save(folder / "model.keras")
    golden = tuple(replace(each, scores=each.scores[:-1]) for each in run.card.golden)
    card = replace(run.card, labels=run.card.classes, rejection=None, reference=None, golden=golden)
    (folder / "card.json").write_text(card.to_json())


def main(folders: Sequence[Path]) -> None:
    """Print one row for each run."""
    rows = [_measure(read_run(folder)) for folder in folders]
    columns = ("run", "time", "file", "test images", "accuracy without", "with", "kept")
    print(markdown_table(columns, rows))  # noqa: T201


def _measure(run: Run) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as work:
        plain = Path(work) / "run"
        remove_rejection(run, plain)
        paths = [Path(work) / "without.tflite", Path(work) / "with.tflite"]
        for folder, path in zip((plain, run.folder), paths, strict=True):
            # An accuracy that is too low is shown by this study, not hidden by an error.
            run_tool("edge-convert", folder, "--out", path, "--max-drop", 0.5)
        without, with_it = (load_classifier(path, LoadOptions(num_threads=1)) for path in paths)
        sizes = [path.stat().st_size for path in paths]
        data, samples = run.open_data(), run.split(TEST) or run.held_out
        images = [data.load(each.file, with_it.at_least) for each in samples]
        targets = np.array([run.card.classes.index(each.label) for each in samples])
        classes = len(run.card.classes)
        scores = [np.stack([each.scores(image) for image in images]) for each in (without, with_it)]
        right = [float((each[:, :classes].argmax(axis=1) == targets).mean()) for each in scores]
        low, middle, high = np.quantile(_ratios(without, with_it), [0.025, 0.5, 0.975])
        return (
            run.folder.name,
            f"×{middle:.3f} ({low:.3f}–{high:.3f})",
            f"×{sizes[1] / sizes[0]:.3f}",
            str(len(images)),
            *(f"{each:.4f}" for each in right),
            f"{is_kept(scores[1]).mean():.4f}",
        )


def _ratios(without: Classifier, with_it: Classifier) -> list[float]:
    """The time of `invoke` with the output beside that without it, median by median."""
    tensor = np.random.default_rng(0).integers(0, 256, without.engine.input.shape, np.uint8)
    ratios = []
    for _ in range(ROUNDS):
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(IMAGES):
            for classifier, own in zip((without, with_it), times, strict=True):
                started = clock.now()
                classifier.engine.invoke(tensor)
                own.append(clock.now() - started)
        ratios.append(median(times[1]) / median(times[0]))
    return ratios


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])

"""One file that everyone reads: other programs open our files and say what we say."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks import read_report
from converter.packaging import Normalization, add_metadata
from edge_runtime import ModelCard, Resize, fit, load_classifier, pack_model_file, read_image, read_run
from edge_runtime.datasets import make_unknowns
from tests.conftest import ROOT, Command, Shared, linear_model, save
from tests.test_packaging import agreement, find_python

pytestmark = pytest.mark.extra

MEDIAPIPE = """
import sys
from pathlib import Path
import mediapipe
from mediapipe.tasks.python import BaseOptions, vision
model, folder = sys.argv[1:]
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model), max_results=1)
with vision.ImageClassifier.create_from_options(options) as classifier:
    for path in sorted(Path(folder).glob("*.png")):
        image = mediapipe.Image.create_from_file(str(path))
        print(classifier.classify(image).classifications[0].categories[0].category_name)
"""
MEDIAPIPE_SCORES = """
import json
import sys
import mediapipe
from mediapipe.tasks.python import BaseOptions, vision
model, image = sys.argv[1:]
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model), max_results=-1)
with vision.ImageClassifier.create_from_options(options) as classifier:
    found = classifier.classify(mediapipe.Image.create_from_file(image)).classifications[0].categories
    print(json.dumps({each.category_name: each.score for each in found}))
"""
OPENVINO = """
import sys
from pathlib import Path
from edge_runtime import LoadOptions, load_classifier, read_image
model, folder = sys.argv[1:]
classifier = load_classifier(model, LoadOptions(engine="openvino", num_threads=1))
assert classifier.engine.name == "openvino"
for path in sorted(Path(folder).glob("*.png")):
    print(classifier.classify(read_image(path, at_least=classifier.at_least), top_k=1)[0].label)
"""
OPENVINO_WITHOUT_INT8_KERNELS = """
import sys
from pathlib import Path
from edge_runtime import load_classifier, read_image
from edge_runtime.inference.openvino import FLOAT_KERNELS, compile_openvino
model, folder = sys.argv[1:]
labels = load_classifier(model).labels
request = compile_openvino(Path(model).read_bytes(), 1, **FLOAT_KERNELS)
for path in sorted(Path(folder).glob("*.png")):
    print(labels[request.infer([read_image(path, at_least=0)[None]])[0].argmax()])
"""


@pytest.fixture(scope="module")
def others(shared: Shared) -> Path:
    """A Python with MediaPipe Tasks and OpenVINO, and the packages that edge_runtime needs."""

    def make(folder: Path) -> None:
        subprocess.run([find_python("3.11"), "-m", "venv", folder], check=True)
        # Exact versions: a new release of another program must not make an unchanged toolkit fail.
        install = ["-m", "pip", "install", "-q", "-r", ROOT / "tests" / "interoperability-requirements.txt"]
        subprocess.run([folder / "bin" / "python", *install], check=True, timeout=900)

    return shared("others", make) / "bin" / "python"


@pytest.fixture(scope="module")
def float_model(command: Command, digits_run: Path, shared: Shared) -> Path:
    def convert(folder: Path) -> None:
        out = folder / "digits.tflite"
        done = command("edge-convert", digits_run, "--out", out, "--precision", "float32")
        assert done.code == 0, done.err

    return shared("digits-float", convert) / "digits.tflite"


@pytest.fixture(scope="module")
def demo_model(command: Command, demo_run: Path, shared: Shared) -> Path:
    def convert(folder: Path) -> None:
        done = command("edge-convert", demo_run, "--out", folder / "digits.tflite")
        assert done.code == 0, done.err

    return shared("demo-model", convert) / "digits.tflite"


def ours(command: Command, model: Path, images: Path) -> list[str]:
    lines = command("edge-classify", "-m", model, "--input", images, "--format", "jsonl").out.splitlines()
    return [json.loads(line)["predictions"][0]["label"] for line in lines]


def theirs(python: Path, program: str, model: Path, images: Path) -> list[str]:
    return theirs_text(python, program, model, images).split()


def theirs_text(python: Path, program: str, model: Path, images: Path) -> str:
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [python, "-c", program, model, images],
        capture_output=True,
        text=True,
        check=False,
        # The toolkit is not installed there.
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_mediapipe_names_the_same_labels(
    command: Command, others: Path, digits_run: Path, digits_model: Path, float_model: Path
) -> None:
    images = digits_run / "examples"
    for model in (digits_model, float_model):
        found = theirs(others, MEDIAPIPE, model, images)
        assert len(found) == 10
        assert found == ours(command, model, images)


def test_openvino_runs_the_same_file(
    command: Command, others: Path, digits_images: Path, digits_model: Path
) -> None:
    # It rounds otherwise, and computes in float where the processor has no 8-bit dot products.
    found = theirs(others, OPENVINO, digits_model, digits_images)
    assert agreement(found, ours(command, digits_model, digits_images)) >= 0.95


def test_others_give_the_same_unknown(
    command: Command, others: Path, demo_run: Path, demo_model: Path, tmp_path: Path
) -> None:
    """On 100 held-out digits and 100 images of no class, at the model's size: nothing depends on resizing."""
    model = demo_model
    run = read_run(demo_run)
    data, size = run.open_data(), run.card.image_size
    digits = [data.read_fitted(each.file, size, run.card.resize) for each in run.split("test")[:100]]
    unknowns = [image for images in make_unknowns(digits, 20, seed=5).values() for image in images]
    for number, image in enumerate([*digits, *unknowns]):
        save(tmp_path / "images" / f"{number:03d}.png", image)
    own = ours(command, model, tmp_path / "images")
    assert len(own) == 200
    assert own[:100].count("unknown") < 20
    assert own[100:].count("unknown") > 80
    assert theirs(others, MEDIAPIPE, model, tmp_path / "images") == own
    # OpenVINO's int8 kernels round otherwise between the layers: images at the threshold may change.
    for program in (OPENVINO, OPENVINO_WITHOUT_INT8_KERNELS):
        found = theirs(others, program, model, tmp_path / "images")
        assert len(found) == 200
        pairs = zip(own, found, strict=True)
        different = sum((one == "unknown") != (other == "unknown") for one, other in pairs)
        print(f"{different} of 200 images differ in `unknown`")  # noqa: T201 - docs/unknown.md quotes it
        assert different <= 2


def test_edge_bench_shows_the_file_as_mediapipe_reads_it(
    command: Command, others: Path, demo_run: Path, demo_model: Path, tmp_path: Path
) -> None:
    """On held-out digits at the model's size: the digits of 8 x 8 pixels would be enlarged in another way."""
    run = read_run(demo_run)
    data, size = run.open_data(), run.card.image_size
    for number, each in enumerate(run.split("test")):
        image = data.read_fitted(each.file, size, run.card.resize)
        save(tmp_path / "digits" / each.label / f"{number:03d}.png", image)
    few = ("--num-runs", 10, "--min-seconds", 0, "--processes", 1)
    done = command(
        *("edge-bench", "run", demo_run, demo_model, *few, "--data", tmp_path / "digits"),
        *("--readers", "mediapipe", "--reader-python", others, "--out", tmp_path),
        # The toolkit is not installed there.
        PYTHONPATH=str(ROOT),
    )
    assert done.code == 0, done.err
    *_, own, read = read_report(tmp_path / "report.json").targets
    assert (read.name, read.kind) == ("digits (mediapipe)", "peer")
    assert read.engine.startswith("mediapipe ")
    assert sum(map(sum, read.accuracy.confusion)) > 250
    assert read.accuracy.predicted == own.accuracy.predicted


def test_a_reader_that_is_not_installed_is_one_line(
    command: Command, digits_run: Path, digits_model: Path, tmp_path: Path
) -> None:
    arguments = ("edge-bench", "run", digits_run, digits_model, "--out", tmp_path, "--readers", "mediapipe")
    command(*arguments).fails_at_last_with(2, "MediaPipe Tasks is not installed for", "--reader-python")
    missing = command(*arguments, "--reader-python", tmp_path / "python")
    missing.fails_at_last_with(2, "--reader-python", "no such program")


def test_mediapipes_resizing_gives_the_pixels_that_mediapipe_sees(others: Path, tmp_path: Path) -> None:
    """A large image of fine detail, where another interpolation would give other scores."""
    labels = ("a", "b", "c", "d")
    content = linear_model(96, labels, Resize.MEDIAPIPE)
    bare = content[: content.index(b"PK\x03\x04")]
    card = ModelCard(labels=labels, image_size=(96, 96), resize=Resize.MEDIAPIPE)
    named = add_metadata(bare, card, name="m", version="1", normalization=Normalization(0.0, 1.0))
    (tmp_path / "m.tflite").write_bytes(pack_model_file(named, card))
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    image = save(tmp_path / "p.png", noise)
    answered = json.loads(theirs_text(others, MEDIAPIPE_SCORES, tmp_path / "m.tflite", image))
    classifier = load_classifier(tmp_path / "m.tflite")
    own = classifier.scores(read_image(image, at_least=classifier.at_least))
    found = [answered[label] for label in labels]
    assert np.abs(found - own).max() < 0.005
    squashed = fit(noise, (96, 96), Resize.SQUASH)
    assert np.abs(found - classifier.scores(squashed)).max() > 0.02

"""What a training with every option and unusual file names leaves for people to look at."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge_runtime import decode_image
from edge_runtime.datasets import parse_split
from tests.conftest import Command

pytestmark = pytest.mark.slow

NAMES = (
    b"with space.png",
    b"two\nlines.png",
    "wei\u00df & <b>gr\u00fcn.png".encode(),
    b"no utf-8 \xff.png",
    b"$x_1$.png",
)


@pytest.fixture(scope="module")
def run(command: Command, hard_colors: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every option that does not exclude another, on images with every kind of name."""
    folder = Path(str(hard_colors[0]))
    images = tmp_path_factory.mktemp("names") / "colors"
    for label in ("red", "green", "blue"):
        target = images / ("<b>blue & co" if label == "blue" else label)
        target.mkdir(parents=True)
        for number, path in enumerate(sorted((folder / label).iterdir())):
            name = NAMES[number] if number < len(NAMES) else path.name.encode()
            Path(os.fsdecode(os.fsencode(target) + b"/" + name)).write_bytes(path.read_bytes())
    (images / "red" / "odd\n<i>.txt").touch()
    run = images.parent / "run"
    done = command(
        *(
            "edge-train",
            images,
            *hard_colors[1:],
            "--out",
            run,
            "--head-epochs",
            3,
            "--fine-tune-epochs",
            2,
        ),
        *("--optimizer", "sgd", "--class-weights", "balanced", "--label-smoothing", 0.1, "--clip-norm", 1),
        *("--float-policy", "bfloat16", "--brightness", 0.2, "--contrast", 0.2, "--cutout", 0.4),
        *("--head-units", 16, "--augment-copies", 1, "--tensorboard"),
    )
    assert done.code == 0, done.err
    assert "skipped: red/odd?<i>.txt: not a supported image format" in done.err
    return run


class Page(HTMLParser):
    """Collects what a page shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[str] = []
        self.outside: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if tag == "img" and name == "src":
                self.images.append(str(value))
            if name in ("src", "href") and not str(value).startswith("data:"):
                self.outside.append(str(value))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_everything_and_needs_nothing_else(run: Path) -> None:
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    assert len(page.images) == 4
    assert page.outside == []
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["validation"]
    assert f"{metrics['accuracy']:.4f}" in page.text
    assert f"{metrics['expected_calibration_error']:.4f}" in page.text
    assert "<b>blue & co" in page.text
    assert "red/odd\n<i>.txt: not a supported image format" in page.text
    assert "label-smoothing" in page.text


def test_nothing_in_the_page_is_code_that_a_file_name_brought(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<b>blue" not in text
    assert "<i>.txt" not in text


def test_metrics_have_every_class(run: Path) -> None:
    for split, metrics in json.loads((run / "metrics.json").read_text(encoding="utf-8")).items():
        assert metrics["per_class"].keys() == {"<b>blue & co", "green", "red"}
        assert sum(map(sum, metrics["confusion"])) == metrics["count"], split
        assert {"top_5_accuracy", "expected_calibration_error", "loss"} <= metrics.keys()


def test_the_split_keeps_every_file_name(run: Path) -> None:
    files = {
        os.fsencode(each.file).rpartition(b"/")[2] for each in parse_split((run / "split.csv").read_bytes())
    }
    assert set(NAMES) <= files


def test_images_are_drawn(run: Path) -> None:
    for name in ("curves", "confusion_matrix", "mistakes", "augmentation"):
        assert decode_image((run / f"{name}.png").read_bytes(), at_least=0).std() > 10


def test_the_model_that_trained_in_16_bits_is_float32(run: Path) -> None:
    import keras

    model = keras.saving.load_model(run / "model.keras", compile=False)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_tensorboard_finds_the_epochs(run: Path) -> None:
    import tensorflow as tf

    found: dict[str, list[float]] = {}
    for path in sorted((run / "logs").rglob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name in ("scalars", "")
                found.setdefault(f"{path.parent.name}/{value.tag}", []).append(
                    float(tf.make_ndarray(value.tensor))
                )
    assert found.keys() == {
        "train/loss", "train/accuracy", "train/learning_rate", "validation/loss", "validation/accuracy"
    }  # fmt: skip
    assert all(len(values) == 5 for values in found.values())


def test_the_class_weights_hint_is_given_where_classes_are_uneven(
    command: Command, run: Path, tmp_path: Path, hard_colors: tuple[object, ...]
) -> None:
    folder = Path(str(hard_colors[0]))
    for label, count in (("red", 12), ("green", 3)):
        (tmp_path / "uneven" / label).mkdir(parents=True)
        for path in sorted((folder / label).iterdir())[:count]:
            (tmp_path / "uneven" / label / path.name).write_bytes(path.read_bytes())
    done = command(
        *("edge-train", tmp_path / "uneven", *hard_colors[1:], "--head-epochs", 1, "--fine-tune-epochs", 0),
        *("--out", tmp_path / "run"),
    )
    assert re.search(r"imbalanced classes: \d+ training images of 'red', \d of 'green'", done.err)


def test_inspection_shows_the_base_and_trains_nothing(
    command: Command, hard_colors: tuple[object, ...], tmp_path: Path
) -> None:
    done = command("edge-train", *hard_colors, "--inspect", "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "Total params: 410,208" in done.out
    assert "feature map: (8, 1, 1, 1280), features after pooling: (8, 1280)" in done.out
    assert "ImageNet" in done.out
    assert not (tmp_path / "run").exists()

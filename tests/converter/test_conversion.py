"""From run to model file."""

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from converter import Conversion, ConvertConfig, convert, load_keras_model
from converter.quantization import Calibrated, FloatScores, shift_lead, with_ranges
from edge_runtime import (
    ModelError,
    fit,
    load_classifier,
    open_engine,
    pack_model_file,
    read_model_file,
    read_run,
)
from edge_runtime.core import Reporter
from tests.conftest import Command
from tests.images import save


def to_int8(run: Path, **options: Any) -> Conversion:
    """What `edge-convert` would write."""
    with Reporter() as reporter:
        (done,) = convert(read_run(run), ConvertConfig(run=run, max_drop=1, **options), reporter)
    return done


@pytest.mark.slow
def test_the_model_file_takes_raw_pixels_and_carries_labels_and_card(
    digits_run: Path, digits_model: Path
) -> None:
    file = read_model_file(digits_model)
    assert file.labels == (*"0123456789", "unknown")
    assert file.card is not None
    assert replace(file.card, provenance={}) == read_run(digits_run).card
    with zipfile.ZipFile(digits_model) as archive:
        assert set(archive.namelist()) == {"labels.txt", "card.json"}
    engine = open_engine(file.content, name="digits")
    assert (engine.input.shape, engine.input.dtype) == ((1, 32, 32, 3), np.uint8)
    assert engine.input.scale == pytest.approx(1 / 127.5)
    assert engine.input.zero_point in (127, 128)
    assert engine.output.dtype == np.uint8


@pytest.mark.slow
def test_int8_is_as_good_as_float(digits_run: Path, digits_model: Path) -> None:
    run = read_run(digits_run)
    samples = run.split("test")
    assert len(samples) == 269
    data, classifier = run.open_data(), load_classifier(digits_model)
    model = load_keras_model(run.files.model)
    images = [data.read(each.file) for each in samples]
    fitted = [fit(each, (32, 32), run.card.resize) for each in images]
    # Among the classes: what is rejected is counted apart.
    expected = FloatScores(model)(fitted)[:, :10].argmax(axis=1)
    found = np.array([classifier.scores(each)[:10].argmax() for each in images])
    right = np.array([int(each.label) for each in samples])
    assert (found == expected).mean() >= 0.98
    assert (found == right).mean() >= (expected == right).mean() - 0.01


@pytest.mark.slow
def test_a_covered_and_an_overexposed_camera_show_no_class(digits_model: Path) -> None:
    classifier = load_classifier(digits_model)
    for level in (*range(0, 32, 4), 128, *range(224, 256, 4), 255):
        scores = classifier.scores(np.full((48, 64, 3), level, np.uint8))
        assert scores.argmax() == len(scores) - 1, level


@pytest.mark.slow
def test_the_self_test_passes_and_notices_wrong_scores(
    command: Command, digits_model: Path, tmp_path: Path
) -> None:
    passed = command("edge-classify", "-m", digits_model, "--self-test")
    assert (passed.code, passed.err) == (0, "")
    assert "self-test passed: 4 of 4" in passed.out
    file = read_model_file(digits_model)
    assert file.card is not None
    wrong = tuple(replace(each, scores=each.scores[::-1]) for each in file.card.golden)
    bare = file.content[: file.content.index(b"PK\x03\x04")]
    (tmp_path / "wrong.tflite").write_bytes(pack_model_file(bare, replace(file.card, golden=wrong)))
    failed = command("edge-classify", "-m", tmp_path / "wrong.tflite", "--self-test")
    assert failed.code == 9
    assert "FAILED" in failed.out


@pytest.mark.slow
def test_the_command_says_what_it_did(command: Command, digits_run: Path, tmp_path: Path) -> None:
    done = command(
        "edge-convert", digits_run, "--out", tmp_path / "new" / "m.tflite", "--calibration-count", 50
    )
    assert done.code == 0
    assert [line.partition(":")[0] for line in done.out.splitlines()] == [
        "size",
        "accuracy",
        "unknown",
        "agreement",
        "target",
        "written",
    ]
    assert "50 calibration images" in done.err
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["m.conversion.json", "m.tflite"]
    assert "50 calibration images" in done.err


@pytest.mark.extra
def test_ranges_that_let_uniform_frames_in_are_widened(
    command: Command, digits_run: Path, tmp_path: Path
) -> None:
    """Calibrated with other digits than it was trained on; which of them do so is up to the weights."""
    run = read_run(digits_run)
    data = run.open_data()
    digits = [data.read(sample.file) for sample in run.split("train")[:100]]
    others = {
        "inverted": [255 - digit for digit in digits],
        "two-levels": [np.where(digit > 100, 255, 128).astype(np.uint8) for digit in digits],
        "bright": [128 + digit // 2 for digit in digits],
    }

    def widens(name: str) -> bool:
        for number, image in enumerate(others[name]):
            save(tmp_path / name / f"{number}.png", image)
        options = ("--calibration", tmp_path / name, "--max-drop", 1)
        done = command("edge-convert", digits_run, "--out", tmp_path / f"{name}.tflite", *options)
        return "ranges are widened by frames of one color" in done.err

    assert any(widens(name) for name in others)


@pytest.mark.extra
def test_a_threshold_that_rejects_what_the_keras_model_keeps_is_shifted_back(
    digits_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(most_shifted: float) -> float:
        # The lead is made 6 logits too large by a wrong correction of its mean.
        errors = iter([-6.0, 0.0])
        monkeypatch.setattr("converter.conversion.mean_lead_error", lambda *_scores: next(errors))
        monkeypatch.setattr("converter.quantization.rejection.MOST_SHIFTED", most_shifted)
        rejection = to_int8(digits_run).rejection
        assert rejection is not None
        return rejection.kept

    assert kept(most_shifted=4.0) > kept(most_shifted=0.0)


@pytest.mark.extra
def test_quantization_aware_training_keeps_the_answers(
    command: Command, digits_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    done = command("edge-convert", digits_run, "--out", out, "--qat-steps", 30)
    assert done.code == 0, done.err
    assert "quantization-aware training: KL divergence on " in done.err
    record = json.loads(out.with_suffix(".conversion.json").read_text())
    assert record["options"]["qat_steps"] == 30
    assert record["held_out"]["agreement"] >= 0.97
    assert command("edge-classify", "-m", out, "--self-test").code == 0


@pytest.mark.extra
def test_a_training_that_does_not_help_leaves_the_model_of_a_conversion_without_it(
    digits_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def harm(start: Calibrated, *_: object) -> Calibrated:
        spans = {index: each.span for index, each in start.channels.items() if each.span[1] > 2}
        return with_ranges(start, {index: (20 * low, 20 * high) for index, (low, high) in spans.items()})

    monkeypatch.setattr("converter.conversion.train_for_int8", harm)
    assert to_int8(digits_run, qat_steps=1).content == to_int8(digits_run).content


@pytest.mark.extra
def test_a_training_is_judged_by_the_classes_on_many_training_images(
    digits_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """How much it rejects is corrected later."""

    def divergence(shift: float) -> float:
        monkeypatch.setattr("converter.conversion.train_for_int8", lambda start, *_: shift_lead(start, shift))
        to_int8(digits_run, qat_steps=1)
        (line,) = [each for each in capsys.readouterr().err.splitlines() if "KL divergence on" in each]
        assert "KL divergence on 1000 training images" in line
        return float(line.partition("→ ")[2].partition(":")[0])

    assert divergence(2.0) == pytest.approx(divergence(0.0), rel=0.2)


@pytest.mark.extra
def test_the_selection_of_ranges_leaves_room_for_frames_that_int8_lets_in(
    digits_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(*let_in: int) -> dict[str, float]:
        answers = iter(let_in)
        monkeypatch.setattr("converter.held_out.HeldOut.count_let_in", lambda *_: next(answers))
        tensors = Interpreter(model_content=to_int8(digits_run).content).get_tensor_details()
        scales = {each["name"]: each["quantization"][0] for each in tensors if "Relu" in each["name"]}
        return {name: scale for name, scale in scales.items() if scale}

    plain, wide = steps(0), steps(1, 0)
    wider = [wide[name] > 1.05 * plain[name] for name in plain]
    assert np.mean(wider) > 0.1


@pytest.fixture
def damaged(digits_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    shutil.copytree(digits_run, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["card.json", "split.csv", "config.toml", "model.keras"])
def test_an_incomplete_or_damaged_run_is_one_line(
    command: Command, damaged: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "m.tflite"
    out.write_bytes(b"old")
    (damaged / name).write_bytes(b"\0[half" + (damaged / name).read_bytes()[:1000])
    command("edge-convert", damaged, "--out", out).fails_with(3, name)
    (damaged / name).unlink()
    command("edge-convert", damaged, "--out", out).fails_with(3, name, "missing")
    assert out.read_bytes() == b"old"


@pytest.mark.slow
def test_data_that_moved_and_folders_that_cannot_be_written_are_one_line(
    command: Command, damaged: Path, tmp_path: Path
) -> None:
    config = (damaged / "config.toml").read_text()
    (damaged / "config.toml").write_text(config.replace('data = "digits"', 'data = "/gone"'))
    command("edge-convert", damaged, "--out", tmp_path / "m.tflite").fails_with(5, "/gone", "--data")
    command("edge-convert", damaged, "--out", "/proc/m.tflite").fails_with(6, "/proc")
    assert not (tmp_path / "m.tflite").exists()


def rewrite_config(path: Path, change: Any) -> None:
    """Change the architecture inside a .keras file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())


@pytest.mark.slow
def test_a_keras_file_that_brings_code_is_refused(damaged: Path) -> None:
    def add_lambda(config: dict[str, Any]) -> None:
        code = {"class_name": "__lambda__", "config": {"value": "4wAAAA=="}}
        layer = {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"name": "evil", "function": code},
        }
        config["config"]["layers"].append(layer)

    rewrite_config(damaged / "model.keras", add_lambda)
    with pytest.raises(ModelError, match=r"model\.keras: contains a (Lambda|__lambda__) .*refused"):
        load_keras_model(damaged / "model.keras")


@pytest.mark.slow
def test_a_keras_file_with_a_class_from_elsewhere_is_refused(damaged: Path) -> None:
    rewrite_config(damaged / "model.keras", lambda config: config.update(module="os", class_name="system"))
    with pytest.raises(ModelError, match="contains a system"):
        load_keras_model(damaged / "model.keras")


@pytest.mark.slow
def test_a_card_of_other_classes_is_refused(command: Command, damaged: Path, tmp_path: Path) -> None:
    card = json.loads((damaged / "card.json").read_text())
    card["labels"].insert(-1, "ten")
    card["golden"] = []
    (damaged / "card.json").write_text(json.dumps(card))
    done = command("edge-convert", damaged, "--out", tmp_path / "m.tflite")
    done.fails_at_last_with(3, "names 12 labels, the model has 11 outputs")
    assert not (tmp_path / "m.tflite").exists()

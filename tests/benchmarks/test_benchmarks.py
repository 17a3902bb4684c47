"""The report: the int8 file beside the Keras model."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import find_held_out, measure_accuracy, measure_latency
from converter import read_run
from edge_runtime import DatasetError, Image, Scores
from tests.conftest import Command, paint, save


class Fake:
    """A target that answers from a table, after waiting."""

    engine = "fake"
    num_threads = 1
    size_bytes = 1

    def __init__(self, name: str, answer: int, busy: int = 0) -> None:
        self.name = name
        self._answer = answer
        self._busy = busy

    def scores(self, _image: Image) -> Scores:
        for _ in range(self._busy):
            np.linalg.inv(np.eye(60))
        return np.eye(10, dtype=np.float32)[self._answer]


@pytest.mark.slow
def test_held_out_pictures_are_those_the_run_never_saw(digits_run: Path) -> None:
    run = read_run(digits_run)
    pictures = find_held_out(run, None)
    assert pictures.kind == "test"
    assert {each.hash for each in pictures.samples} == {each.hash for each in run.split("test")}
    assert [run.card.labels[target] for target in pictures.targets] == [
        each.label for each in pictures.samples
    ]


@pytest.mark.slow
def test_other_data_must_have_the_runs_classes_and_unseen_pictures(digits_run: Path, tmp_path: Path) -> None:
    run = read_run(digits_run)
    for label in ("0", "1"):
        save(tmp_path / "new" / label / "1.png", paint((9, 9, int(label))))
    assert len(find_held_out(run, str(tmp_path / "new")).samples) == 2
    save(tmp_path / "new" / "zebra" / "1.png", paint((9, 9, 9)))
    with pytest.raises(DatasetError, match="has no class 'zebra'"):
        find_held_out(run, str(tmp_path / "new"))
    data = run.open_data()
    for each in run.split("train")[:40]:
        save(tmp_path / "old" / each.label / f"{each.file}.png", data.read(each.file))
    with pytest.raises(DatasetError, match="no held-out pictures"):
        find_held_out(run, str(tmp_path / "old"))


@pytest.mark.slow
def test_accuracy_and_agreement_count_pictures(digits_run: Path) -> None:
    pictures = find_held_out(read_run(digits_run), None)
    ticks: list[tuple[int, int]] = []
    first, same, other = measure_accuracy(
        [Fake("a", 3), Fake("b", 3), Fake("c", 5)], pictures, lambda *tick: ticks.append(tick)
    )
    threes = np.mean([target == 3 for target in pictures.targets])
    assert first.top1 == same.top1 == pytest.approx(threes)
    assert (first.agreement, same.agreement, other.agreement) == (1.0, 1.0, 0.0)
    assert (same.max_score_difference, other.max_score_difference) == (0.0, 1.0)
    assert ticks[-1] == (269, 269)


@pytest.mark.slow
def test_the_ratio_shows_who_is_slower(digits_run: Path) -> None:
    pictures = find_held_out(read_run(digits_run), None)
    fast, slow = measure_latency(
        [Fake("fast", 0, busy=1), Fake("slow", 0, busy=4)],
        pictures,
        num_runs=60,
        min_seconds=0.0,
        tick=lambda _done, _total: None,
    )
    assert fast.runs == slow.runs == 60
    assert fast.ratio_to_first == 1.0
    assert 2 < slow.ratio_to_first < 8
    assert slow.p50 <= slow.p90 <= slow.p99


@pytest.mark.slow
def test_the_report_holds_both_models(
    command: Command, digits_run: Path, digits_model: Path, tmp_path: Path
) -> None:
    done = command(
        "edge-bench", "run", digits_run, digits_model, "--data", "digits", "--out", tmp_path / "report"
    )
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    keras, int8 = report["targets"]
    assert report["schema"] == 1
    assert (report["data"], report["pictures"]) == ("test", 269)
    metrics = json.loads((digits_run / "metrics.json").read_text())
    assert keras["accuracy"]["top1"] == pytest.approx(metrics["test"]["accuracy"])
    assert int8["accuracy"]["top1"] >= keras["accuracy"]["top1"] - 0.01
    assert int8["accuracy"]["agreement"] >= 0.98
    assert int8["size_bytes"] == digits_model.stat().st_size < keras["size_bytes"]
    for target in report["targets"]:
        latency = target["latency_ms"]
        assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"]
        assert latency["runs"] >= 200
    markdown = (tmp_path / "report" / "report.md").read_text()
    assert "| keras |" in markdown
    assert "| digits.tflite |" in markdown
    assert "digits.tflite" in done.out


@pytest.mark.slow
def test_bad_input_is_one_line(
    command: Command, digits_run: Path, digits_model: Path, color_models: dict[str, Path], tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "report")
    command("edge-bench", "run", digits_run, color_models["uint8"], *out).fails_at_last_with(
        3, "labels are not the 10"
    )
    command("edge-bench", "run", tmp_path, digits_model, *out).fails_with(3, "not a complete run")
    command("edge-bench", "run", digits_run, digits_model, "--data", tmp_path, *out).fails_with(
        5, "class folders"
    )
    command("edge-bench", "run", digits_run, digits_model, "--out", "/proc/report").fails_with(
        6, "/proc/report"
    )
    command("edge-bench", "run", digits_run).fails_with(2, "models")
    command("edge-bench").fails_with(2, "--help")
    assert not (tmp_path / "report" / "report.json").exists()

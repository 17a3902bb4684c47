"""The report of a real run, as a user and as CI see it."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from benchmarks import Limits, Report, TimingPlan, compare_reports, find_evaluation_set, read_report
from benchmarks.benchmark import measure_report, subject_of
from benchmarks.targets.spec import Kind, TargetSpec
from edge_runtime import read_run
from edge_runtime.core import Reporter, json_schema
from tests.conftest import ROOT, Command

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(report_folder: Path) -> Path:
    return report_folder


def test_the_json_keeps_its_schema(folder: Path) -> None:
    schema = json.loads((ROOT / "benchmarks" / "schema" / "report-7.json").read_text())
    assert schema == json_schema(Report), "another schema needs another number, and `make docs`"
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((folder / "report.json").read_text()), schema)


def test_accuracy_is_that_of_the_training_and_the_conversion(folder: Path, digits_run: Path) -> None:
    report = read_report(folder / "report.json")
    assert [target.name for target in report.targets] == ["keras", "keras-predict", "digits"]
    keras, predict, int8 = report.targets
    metrics = json.loads((digits_run / "metrics.json").read_text())["test"]
    assert (report.split, report.images) == ("test", metrics["count"])
    assert keras.accuracy.top1.value == predict.accuracy.top1.value == pytest.approx(metrics["accuracy"])
    assert keras.accuracy.confusion == metrics["confusion"]
    assert keras.accuracy.p_value == 1.0
    assert int8.accuracy.top1.value >= keras.accuracy.top1.value - 0.015
    assert int8.accuracy.agreement >= 0.98
    right = np.equal(int8.accuracy.predicted, report.targets_of).mean()
    assert int8.accuracy.top1.value == pytest.approx(right)
    assert int8.accuracy.top1.low < right < int8.accuracy.top1.high


def test_percentiles_are_numpys_on_the_raw_samples(folder: Path) -> None:
    for target in read_report(folder / "report.json").targets:
        assert target.raw is not None
        assert len(target.raw) == target.latency.runs >= 300
        expected = np.percentile(target.raw, [50, 90, 99])
        found = [target.latency.p50, target.latency.p90, target.latency.p99]
        np.testing.assert_allclose(found, expected)
        assert target.latency.std == pytest.approx(np.std(target.raw))


def test_time_memory_and_size_are_measured(folder: Path, digits_model: Path) -> None:
    keras, _predict, int8 = read_report(folder / "report.json").targets
    assert keras.ratio_to_first.value == 1.0
    assert int8.ratio_to_first.low <= int8.ratio_to_first.value <= int8.ratio_to_first.high < 0.5
    assert int8.cost.size_bytes == digits_model.stat().st_size < keras.cost.size_bytes
    assert 20e6 < int8.cost.resident_bytes <= int8.cost.peak_bytes < keras.cost.resident_bytes
    assert int8.load < int8.cold_start < keras.cold_start
    for target in (keras, int8):
        assert target.cost.cpu_seconds_per_1000 > 0
        stages = target.stages["resize"] + target.stages["invoke"] + target.stages["postprocess"]
        assert stages == pytest.approx(target.latency.p50, rel=0.25)


def test_the_markdown_has_every_target(folder: Path) -> None:
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "| keras |" in text
    assert "| digits |" in text
    assert "McNemar" in text


def test_an_engine_that_counts_its_operators_tells_where_the_time_goes(
    command: Command, bundle: Path, tmp_path: Path
) -> None:
    engines = ("--engine", "litert", "--engine", "openvino")
    few = ("--num-runs", 10, "--min-seconds", 0, "--processes", 1, "--num-threads", 1)
    done = command("edge-bench", "run", bundle, *engines, *few, "--out", tmp_path)
    assert done.code == 0, done.err
    *_, litert, openvino = read_report(tmp_path / "report.json").targets
    assert litert.operators == []
    times = [each.milliseconds for each in openvino.operators]
    assert times == sorted(times, reverse=True)
    assert 0 < sum(times) < 100 * openvino.stages["invoke"]
    # MobileNetV2's convolutions are 35 ordinary ones, two of which the converter has merged, and 17 by depth.
    counts = [
        sum(each.count for each in openvino.operators if each.kind == kind)
        for kind in ("Convolution", "GroupConvolution")
    ]
    assert counts == [34, 17]
    # Which kind is the slowest depends on the processor.
    for name in ("report.md", "report.html"):
        page = (tmp_path / name).read_text(encoding="utf-8")
        assert all(each.kind in page for each in openvino.operators[:3])


def test_the_same_model_passes_and_a_slower_one_does_not(digits_run: Path, digits_model: Path) -> None:
    run = read_run(digits_run)
    names = ("before", "again", "slow")
    specs = [TargetSpec(name, Kind.MODEL_FILE, str(digits_model)) for name in names]
    specs[-1] = dataclasses.replace(specs[-1], slowdown=1.5)
    # In turns: what else runs on the machine, other tests too, slows all three alike.
    with Reporter() as reporter:
        subject = subject_of(run, find_evaluation_set(run, None))
        measured = measure_report(subject, specs, TimingPlan(), reporter=reporter)[0]
    before, again, slow = (
        dataclasses.replace(measured, targets=[dataclasses.replace(target, name="digits")])
        for target in measured.targets
    )
    checks = compare_reports(before, again, Limits())
    assert all(check.passed for check in checks), checks
    broken = [check.rule for check in compare_reports(before, slow, Limits()) if not check.passed]
    assert broken == ["time at most ×1.1"]


def test_bad_input_is_one_line(
    command: Command, digits_run: Path, digits_model: Path, color_models: dict[str, Path], tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "report")
    command("edge-bench", "run", digits_run, color_models["uint8"], *out).fails_with(
        3, "classes are not the 10"
    )
    command("edge-bench", "run", tmp_path, digits_model, *out).fails_with(3, "not a complete run")
    command("edge-bench", "run", digits_run, digits_model, "--data", tmp_path, *out).fails_with(
        5, "class folders"
    )
    command("edge-bench", "run", digits_run, digits_model, "--out", "/proc/report").fails_with(
        6, "/proc/report"
    )
    command("edge-bench", "run", digits_run, digits_model, "--engine", "none", *out).fails_with(
        2, "no engine is called 'none'"
    )
    command("edge-bench", "run", digits_run).fails_with(2, "name one or more model files")
    command("edge-bench").fails_with(2, "--help")
    assert not (tmp_path / "report" / "report.json").exists()

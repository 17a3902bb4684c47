"""Twenty histories of twenty reports: equal, a fifth slower at some time, with a slow drift."""

import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from benchmarks import Report, make_history
from benchmarks.history import History, Measure, Series, to_bencher, to_github_action_benchmark
from benchmarks.rendering import history_html, history_markdown
from edge_runtime import UsageError
from edge_runtime.core import from_json
from tests.benchmarks.reports import MACHINE, report, target
from tests.conftest import Command

CHANGE_AT, WITHIN, DAILY = 10, 5, 0.02
"""The first report after the change; reports until it must be seen; noise of a machine from day to day."""

REPORTS = 20


def history_of(factors: np.ndarray, seed: int) -> History:
    """Reports whose model file takes so many times as long, on a machine that is not the same every day."""
    times = factors * np.random.default_rng(seed).normal(1, DAILY, len(factors))
    return make_history([day(time, number, seed) for number, time in enumerate(times.tolist())])


def day(factor: float, number: int, seed: int = 0) -> Report:
    made = [
        target("keras", time=4.0, seed=seed + number),
        target("m", time=factor, seed=1000 * seed + number),
    ]
    return report(*made, created=f"2026-01-{number + 1:02}T00:00:00+00:00")


def marks_of_time(history: History) -> Series:
    (series,) = [each for each in history.series if (each.target, each.measure) == ("m", Measure.TIME)]
    return series


def test_twenty_equal_histories_have_no_change() -> None:
    for seed in range(20):
        history = history_of(np.ones(REPORTS), seed)
        assert [each.marks for each in history.series if each.target == "m"] == [()] * 3


@pytest.mark.parametrize("reports", [CHANGE_AT + WITHIN, REPORTS])
def test_a_fifth_slower_is_found_in_twenty_of_twenty_within_five_reports(reports: int) -> None:
    factors = np.where(np.arange(reports) < CHANGE_AT, 1.0, 1.2)
    for seed in range(20):
        (mark,) = marks_of_time(history_of(factors, seed)).marks
        assert abs(mark.at - CHANGE_AT) <= 1
        assert mark.earliest <= CHANGE_AT <= mark.latest
        assert mark.worse
        assert mark.change == pytest.approx(1.2, abs=0.05)


def test_a_slow_drift_is_found_in_twenty_of_twenty_within_five_reports() -> None:
    # 3 % more with each report from the tenth on.
    factors = 1.03 ** np.maximum(0, np.arange(REPORTS) - CHANGE_AT + 1)
    for seed in range(20):
        marks = marks_of_time(history_of(factors, seed)).marks
        assert marks
        assert marks[0].worse
        assert abs(marks[0].at - CHANGE_AT) <= WITHIN


def test_the_order_is_that_of_time_and_other_machines_are_other_series() -> None:
    days = [day(1.0, number) for number in range(8)]
    other = [
        dataclasses.replace(day(2.0, number), machine=dataclasses.replace(MACHINE, cores=4))
        for number in range(8)
    ]
    history = make_history([*reversed(days), *other])
    assert list(history.created) == sorted(history.created)
    assert {each.machine for each in history.series} == {"a processor, 2 cores", "a processor, 4 cores"}
    assert all(each.marks == () for each in history.series)


def test_accuracy_and_size_have_changes_too() -> None:
    days = [
        report(
            target("m", wrong=20 if number < 8 else 50, size=1000 if number < 5 else 1500),
            created=f"2026-01-{number + 1:02}",
        )
        for number in range(16)
    ]
    marks = {each.measure: each.marks for each in make_history(days).series}
    (accuracy,), (size,) = marks[Measure.ACCURACY], marks[Measure.SIZE]
    assert (accuracy.at, accuracy.worse, accuracy.change) == (8, True, pytest.approx(-0.03))
    assert (size.at, size.worse, size.change) == (5, True, pytest.approx(1.5))


def test_too_few_reports_are_refused() -> None:
    with pytest.raises(UsageError, match="5 reports; a change needs 3 before and 3 after it"):
        make_history([day(1.0, number) for number in range(5)])


def test_it_comes_back_from_json_and_is_shown() -> None:
    history = history_of(np.where(np.arange(REPORTS) < CHANGE_AT, 1.0, 1.2), 0)
    assert from_json(history.to_json(), History, name="history", error=UsageError) == history
    text = history_markdown(history)
    assert re.search(r"worse ×1\.[12]", text)
    assert "since report 11 of 2026-01-11" in text
    page = history_html(history)
    assert re.search(r"worse ×1\.[12]", page)
    assert page.count("<img") == 2


BENCHER_SCHEMA = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "value": {"type": "number"},
                "lower_value": {"type": "number"},
                "upper_value": {"type": "number"},
            },
            "required": ["value"],
            "additionalProperties": False,
        },
    },
}
"""As its documentation gives it: https://bencher.dev/docs/reference/bencher-metric-format."""


def test_exports_are_as_their_documentation_says() -> None:
    found = to_bencher(day(1.0, 0))
    jsonschema.validate(found, BENCHER_SCHEMA)
    assert found["m"]["latency"]["value"] == pytest.approx(1e6, rel=0.05)
    assert found["m"]["accuracy"]["value"] == 0.98
    assert "keras" not in found
    entries = to_github_action_benchmark(day(1.0, 0))
    assert {"m latency", "m error", "m size", "m memory"} == {entry["name"] for entry in entries}
    for entry in entries:
        assert set(entry) == {"name", "unit", "value", "range", "extra"}
        assert all(isinstance(entry[name], str) for name in ("name", "unit", "range", "extra"))
        assert isinstance(entry["value"], int | float)


def test_the_command_writes_everything(command: Command, tmp_path: Path) -> None:
    paths = []
    for number in range(16):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(day(1.0 if number < 8 else 1.3, number).to_json())
    done = command("edge-bench", "history", *reversed(paths), "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert re.search(r"worse ×1\.[23]", done.out)
    names = {"history.json", "history.md", "history.html", "github-action-benchmark.json", "bencher.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert json.loads((tmp_path / "out" / "bencher.json").read_text())["m"]["latency"]
    command("edge-bench", "history", paths[0], "--out", tmp_path / "out").fails_with(
        2, "1 reports; a change needs"
    )

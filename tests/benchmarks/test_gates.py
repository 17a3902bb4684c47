"""Rules, on reports made for the purpose."""

import dataclasses
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import Check, Limits, TargetReport, compare_reports, read_report
from benchmarks.gates import check_rule, checks_junit, find_target
from benchmarks.measurement import MachineState, fraction, warnings
from benchmarks.measurement.sustained import Moment, summarize_sustained
from benchmarks.rendering import report_html, report_markdown
from benchmarks.report import Unknowns
from edge_runtime import ModelError, UsageError
from tests.benchmarks.reports import MACHINE, QUIET, TRUTH, report, target
from tests.conftest import Command


def broken(before: TargetReport, now: TargetReport, **changes: Any) -> list[str]:
    checks = compare_reports(report(before), report(now, **changes), Limits())
    return [check.rule.split()[0] for check in checks if not check.passed]


def test_the_same_again_breaks_no_rule() -> None:
    assert [broken(target("m"), target("m", seed=seed)) for seed in range(1, 21)] == [[]] * 20


def test_a_fifth_slower_is_always_seen() -> None:
    assert [broken(target("m"), target("m", time=1.2, seed=seed)) for seed in range(1, 21)] == [["time"]] * 20


def test_a_slower_time_of_a_machine_with_other_work_is_to_be_measured_again() -> None:
    def note(**changes: Any) -> str:
        before, now = report(target("m")), report(target("m", time=1.2), **changes)
        (time,) = [check for check in compare_reports(before, now, Limits()) if not check.passed]
        return time.note

    busy = dataclasses.replace(QUIET, load=3.2)
    assert note() == ""
    assert (
        note(before=busy) == "now: the machine was not quiet: load 3.2 on 2 cores at the start; measure again"
    )


def test_the_time_of_keras_is_shown_and_not_judged() -> None:
    assert broken(target("keras"), target("keras", time=2.0)) == []
    checks = compare_reports(report(target("keras")), report(target("keras", time=2.0)), Limits())
    (time,) = [check for check in checks if check.rule.startswith("time")]
    assert time.change.startswith("×2.")
    assert time.note.startswith("shown, not checked: its rounds spread by ")
    assert broken(target("keras", wrong=20), target("keras", wrong=40)) == ["accuracy"]


def test_two_points_of_accuracy_are_seen_and_half_a_point_is_let_pass() -> None:
    assert broken(target("m", wrong=20), target("m", wrong=40)) == ["accuracy"]
    assert broken(target("m", wrong=20), target("m", wrong=25)) == []


def test_a_loss_that_may_be_chance_is_let_pass_and_said() -> None:
    few = {"targets_of": TRUTH[:50], "images": 50}

    def small(wrong: int) -> TargetReport:
        whole = target("m", wrong=wrong)
        accuracy = dataclasses.replace(
            whole.accuracy, predicted=whole.accuracy.predicted[:50], top1=fraction(50 - wrong, 50)
        )
        return dataclasses.replace(whole, accuracy=accuracy)

    checks = compare_reports(report(small(1), **few), report(small(3), **few), Limits())
    (accuracy,) = [check for check in checks if check.rule.startswith("accuracy")]
    assert accuracy.passed
    assert accuracy.note == "not more than chance"


def test_images_that_are_others_are_compared_as_fractions() -> None:
    assert broken(target("m", wrong=20), target("m", wrong=60), fingerprint="1" * 64) == ["accuracy"]
    assert broken(target("m", wrong=20), target("m", wrong=32), fingerprint="1" * 64) == []


def test_a_larger_file_is_seen() -> None:
    assert broken(target("m", size=1000), target("m", size=1060)) == ["size"]
    assert broken(target("m", size=1000), target("m", size=1050)) == []


def test_different_machines_are_compared_only_by_force() -> None:
    other = dataclasses.replace(MACHINE, processor="another", cores=4)
    before, now = report(target("m")), report(target("m"), machine=other)
    with pytest.raises(UsageError, match=r"different machines \(processor: .* cores: 2 / 4\)"):
        compare_reports(before, now, Limits())
    assert all(check.passed for check in compare_reports(before, now, Limits(), force=True))


def test_reports_without_a_common_target_or_label_are_refused() -> None:
    with pytest.raises(UsageError, match="no target is in both reports: a / b"):
        compare_reports(report(target("a")), report(target("b")), Limits())
    with pytest.raises(UsageError, match="different classes"):
        compare_reports(report(target("a")), report(target("a"), labels=["x"]), Limits())


BOTH = report(target("keras", time=4.0, wrong=20), target("birds-int8", time=1.0, wrong=25))


@pytest.mark.parametrize(
    ("rule", "text", "passed"),
    [
        ("max-p50-ratio", "int8:keras=0.5", True),
        ("max-p50-ratio", "int8:keras=0.2", False),
        ("max-accuracy-drop", "birds-int8:keras=0.01", True),
        ("max-accuracy-drop", "birds-int8:keras=0.004", False),
        ("min-agreement", "int8:keras=0.99", True),
        ("min-agreement", "int8:keras=0.999", False),
        ("min-accuracy", "keras=0.98", True),
        ("min-accuracy", "keras=0.981", False),
        ("max-p99", "int8=1.5", True),
        ("max-p99", "keras=1.5", False),
        ("max-size", "int8=1000", True),
        ("max-size", "int8=999", False),
        ("max-memory", "int8=80", True),
        ("max-memory", "int8=79", False),
    ],
)
def test_absolute_rules(rule: str, text: str, passed: bool) -> None:
    assert check_rule(BOTH, rule, text).passed == passed


@pytest.mark.parametrize("text", ["keras", "keras=much", "=", "", "int8:keras"])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--max-p50-ratio takes TARGET:OTHER=LIMIT"):
        check_rule(BOTH, "max-p50-ratio", text)


def test_a_target_is_found_by_part_of_its_name() -> None:
    assert find_target(BOTH, "int8").name == "birds-int8"
    with pytest.raises(UsageError, match="no target is called 'x': the report has keras, birds-int8"):
        find_target(BOTH, "x")
    with pytest.raises(UsageError, match="several targets match 's'"):
        find_target(BOTH, "s")


def test_junit_names_every_rule_and_what_broke() -> None:
    checks = [Check("fast", "a", "1", "2", "×2", passed=False), Check("right", "b", "", "1", "", passed=True)]
    root = ElementTree.fromstring(checks_junit(checks, "suite"))  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    cases = {case.get("name"): case.find("failure") for case in root}
    assert cases["right"] is None
    assert cases["fast"] is not None
    assert cases["fast"].get("message") == "1 → 2: ×2"


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(BOTH.to_json())
    assert read_report(tmp_path / "report.json") == BOTH


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not valid JSON"),
        ("[]", "with schema version 7, found None"),
        ('{"schema": 1}', "with schema version 7, found 1: measure again"),
        ('{"schema": 7, "machine": 3}', "not a report of edge-bench"),
        ('{"schema": 7}', "not a report of edge-bench"),
        pytest.param(
            report(target("m")).to_json().replace("model-file", "other"),
            "not a report of edge-bench",
            id="kind",
        ),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(ModelError, match=message):
        read_report(tmp_path / "report.json")


@pytest.mark.parametrize(
    "changes", [{"yardstick": []}, {"yardstick": [1.0]}, {"targets_of": [1]}, {"yardstick": [0.0] * 60}]
)
def test_a_report_whose_parts_do_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    (tmp_path / "report.json").write_text(report(target("m"), **changes).to_json())
    with pytest.raises(ModelError, match="not a report of edge-bench"):
        read_report(tmp_path / "report.json")


def test_the_commands_say_by_their_exit_code_what_came_of_it(command: Command, tmp_path: Path) -> None:
    for name, time in (("before", 1.0), ("same", 1.0), ("slow", 1.2)):
        (tmp_path / f"{name}.json").write_text(report(target("m", time=time, seed=len(name))).to_json())
    before, same, slow = (tmp_path / f"{name}.json" for name in ("before", "same", "slow"))
    kept = command("edge-bench", "compare", before, same)
    assert (kept.code, kept.err) == (0, "")
    assert "all 3 rules passed" in kept.out
    lost = command("edge-bench", "compare", before, slow, "--junit", tmp_path / "junit.xml")
    assert lost.code == 9
    assert "| m | time at most ×1.1 |" in lost.out
    assert "FAILED" in lost.out
    assert 'failures="1"' in (tmp_path / "junit.xml").read_text()
    assert command("edge-bench", "compare", before, slow, "--max-slowdown", 1.5).code == 0
    assert command("edge-bench", "gate", before, "--max-p99", "m=5").code == 0
    assert command("edge-bench", "gate", before, "--max-p99", "m=0.5").code == 9
    command("edge-bench", "gate", before).fails_with(2, "give a rule")
    command("edge-bench", "gate", before, "--max-p99", "x=1").fails_with(2, "no target is called")
    command("edge-bench", "compare", before, tmp_path / "none.json").fails_with(
        3, "none.json", "cannot be read"
    )
    (tmp_path / "old.json").write_text('{"schema": 1}')
    command("edge-bench", "compare", tmp_path / "old.json", before).fails_with(3, "schema version 7, found 1")


def test_a_busy_hot_or_throttled_machine_is_named() -> None:
    assert warnings(QUIET, QUIET, 2) == []
    before = MachineState(1.5, "powersave", 60.0, 3)
    lines = warnings(before, MachineState(2.0, "powersave", 85.0, 7), 2)
    assert len(lines) == 4
    assert "load 1.5 on 2 cores" in lines[0]
    assert "powersave" in lines[1]
    assert "85 °C" in lines[2]
    assert "4 times" in lines[3]


def test_the_pages_take_names_as_text() -> None:
    strange = report(target("<b>a|b</b>"), run="<script>alert(1)</script>")
    page = report_html(strange)
    assert "<script>" not in page
    assert "&lt;b&gt;a|b&lt;/b&gt;" in page
    assert "| <b>a¦b</b> |" in report_markdown(strange)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_report_with_what_is_no_number_is_refused(tmp_path: Path, number: str) -> None:
    (tmp_path / "report.json").write_text(BOTH.to_json().replace('"p50": ', f'"p50": {number}, "old": ', 1))
    with pytest.raises(ModelError, match=f"{number} is not a number"):
        read_report(tmp_path / "report.json")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"images": 1000', '"images": "many"', "images: Input should be a valid integer"),
        ('"cores": 2', '"cores": [2]', "machine.cores: Input should be a valid integer"),
        ('"name": "keras"', '"name": 5', "name: Input should be a valid string"),
        ('"p99": ', '"p99": true, "old": ', "not a report"),
        ('"warnings": []', '"warnings": [1]', "warnings.0: Input should be a valid string"),
        ('"yardstick": [', '"yardstick": ["x", ', "yardstick.0: Input should be a valid number"),
        ('"versions": {}', '"versions": []', "versions: Input should be an object"),
    ],
)
def test_a_report_of_wrong_types_is_refused(tmp_path: Path, before: str, after: str, words: str) -> None:
    text = BOTH.to_json()
    assert before in text
    (tmp_path / "report.json").write_text(text.replace(before, after, 1))
    with pytest.raises(ModelError, match=words):
        read_report(tmp_path / "report.json")


def sustained(slowness: float) -> TargetReport:
    """A target that becomes slower in the last third of two minutes."""
    random = np.random.default_rng(0)
    slices = []
    for second in range(120):
        times = random.normal(slowness if second >= 80 else 1.0, 0.03, 50).tolist()
        slices.append((Moment(float(second), 50, 1.0, 1.1, 60.0, 1500.0, ()), times))
    return dataclasses.replace(target("m"), sustained=summarize_sustained(slices, 120.0))


def test_a_board_that_becomes_slower_breaks_its_rule() -> None:
    slow, steady = report(sustained(1.3)), report(sustained(1.0))
    assert check_rule(steady, "max-sustained-slowdown", "m=1.02").passed
    check = check_rule(slow, "max-sustained-slowdown", "m=1.1")
    assert not check.passed
    assert float(check.change) == pytest.approx(1.3, abs=0.02)
    with pytest.raises(UsageError, match="needs a report of edge-bench run --sustained; m has none"):
        check_rule(report(target("m")), "max-sustained-slowdown", "m=1.1")


def test_times_of_different_machines_are_not_compared_by_a_rule() -> None:
    carried = dataclasses.replace(
        target("keras"), machine=dataclasses.replace(MACHINE, cores=16), rounds=[], ratio_to_first=None
    )
    found = report(carried, target("m"))
    with pytest.raises(UsageError, match="m and keras were measured on different machines"):
        check_rule(found, "max-p50-ratio", "m:keras=0.5")
    assert check_rule(found, "max-accuracy-drop", "m:keras=0.01").passed
    rules = [check.rule.split()[0] for check in compare_reports(found, found, Limits())]
    assert rules == ["accuracy", "size", "time", "accuracy", "size"]


def rejecting(name: str, *, asked: bool = True) -> TargetReport:
    """A target with a rejection; `asked` about images of no class or not."""
    found = Unknowns(
        by="unknown",
        kept=fraction(950, 1000),
        accepted=fraction(3, 100) if asked else None,
        auroc=0.97 if asked else None,
        accepted_at_95=0.04 if asked else None,
    )
    return dataclasses.replace(target(name), unknowns=found)


@pytest.mark.parametrize(
    ("name", "kept_rule", "broken_rule"),
    [
        ("min-auroc", "m=0.96", "m=0.98"),
        ("max-accepted", "m=0.05", "m=0.03"),
        ("min-kept", "m=0.93", "m=0.96"),
    ],
)
def test_rules_about_images_of_no_class(name: str, kept_rule: str, broken_rule: str) -> None:
    found = report(rejecting("m"), unknowns=100)
    assert check_rule(found, name, kept_rule).passed
    assert not check_rule(found, name, broken_rule).passed


@pytest.mark.parametrize("name", ["min-auroc", "max-accepted", "min-kept"])
def test_a_rule_about_images_of_no_class_needs_them(name: str) -> None:
    with pytest.raises(UsageError, match="m has none"):
        check_rule(report(target("m")), name, "m=0.5")


def test_how_images_of_no_class_are_rejected_is_in_the_pages() -> None:
    asked = report(rejecting("m"), unknowns=100)
    text = report_markdown(asked)
    assert "keeps 0.9500" in text
    assert "accepts 0.0300 of 100 images of no class" in text
    assert "AUROC 0.9700" in text
    assert "Images of no class" in report_html(asked)
    assert "--unknowns" in report_html(report(rejecting("m", asked=False)))
    assert "Images of no class" not in report_html(report(target("m")))

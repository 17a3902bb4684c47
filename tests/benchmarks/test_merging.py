"""Reports of machines that do not exist, merged."""

import dataclasses

import pytest

from benchmarks import merge_reports
from benchmarks.measurement import Machine
from benchmarks.rendering import merged_html, merged_markdown
from benchmarks.report import TargetReport
from edge_runtime import UsageError
from tests.benchmarks.reports import MACHINE, report, target

PI = Machine("Raspberry Pi 5 Model B Rev 1.0", 4, 8, "Linux aarch64", "3.11.2")
EMULATED = dataclasses.replace(PI, processor="an emulated one", emulated=True)


def carried(machine: Machine = MACHINE) -> TargetReport:
    return dataclasses.replace(target("keras", time=4.0), machine=machine, rounds=[], ratio_to_first=None)


def test_a_row_for_each_model_on_each_machine() -> None:
    workstation = report(target("keras", time=4.0), target("m"))
    board = report(carried(), target("m", time=9.0, wrong=21), machine=PI)
    merged = merge_reports([workstation, board])
    rows = [(row.model, row.machine.name) for row in merged.rows]
    assert rows == [
        ("keras", "a processor, 2 cores"),
        ("m", "a processor, 2 cores"),
        ("m", "Raspberry Pi 5 Model B Rev 1.0, 4 cores"),
    ]
    assert merged.rows[2].same_answers == 0.999
    assert merged.rows[2].p50 == pytest.approx(9.0, rel=0.05)
    text = merged_markdown(merged)
    assert "| m | Raspberry Pi 5 Model B Rev 1.0, 4 cores |" in text
    assert merged_html(merged).count("<img") == 1


def test_engines_of_one_machine_are_rows_of_their_own() -> None:
    one = report(carried(), target("m", time=1234.5), machine=EMULATED)
    other = report(
        carried(),
        dataclasses.replace(target("m", time=1234.5), engine="tflite-runtime 2.14.0"),
        machine=EMULATED,
    )
    merged = merge_reports([one, other])
    assert [(row.model, row.engine) for row in merged.rows] == [
        ("keras", "litert 2.3.0"),
        ("m", "litert 2.3.0"),
        ("m", "tflite-runtime 2.14.0"),
    ]


def test_no_time_of_an_emulated_processor_is_shown() -> None:
    board = report(carried(), target("m", time=1234.5), machine=EMULATED)
    merged = merge_reports([board])
    (row,) = [row for row in merged.rows if row.model == "m"]
    assert (row.p50, row.p90, row.p99, row.cold_start, row.joules_per_1000) == (None,) * 5
    for page in (merged_markdown(merged), merged_html(merged)):
        assert "1.23e+03" not in page
        assert "1234" not in page
    assert "emulated" in merged_markdown(merged)


def test_other_images_are_named_and_other_classes_refused() -> None:
    one, other = report(target("m")), report(target("m"), fingerprint="1" * 64, machine=PI)
    merged = merge_reports([one, other])
    assert any("different images" in line for line in merged.warnings)
    assert merged.rows[1].same_answers is None
    with pytest.raises(UsageError, match="different classes"):
        merge_reports([one, report(target("m"), labels=["x"])])
    with pytest.raises(UsageError, match="name one or more reports"):
        merge_reports([])

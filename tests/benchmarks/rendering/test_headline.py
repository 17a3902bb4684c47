"""One sentence and four numbers for people who read nothing else."""

import dataclasses

import pytest

from benchmarks.measurement import Interval
from benchmarks.rendering import make_headline, report_html, report_markdown
from benchmarks.report import TargetReport
from tests.benchmarks.reports import MACHINE, report, target


def model(wrong: int, p_value: float, ratio: float = 0.25) -> TargetReport:
    made = target("birds", wrong=wrong, size=250)
    accuracy = dataclasses.replace(made.accuracy, p_value=p_value)
    return dataclasses.replace(made, accuracy=accuracy, ratio_to_first=Interval(ratio, ratio, ratio))


@pytest.mark.parametrize(
    ("made", "words", "numbers"),
    [
        (
            model(25, 0.3),
            "birds is 4 times smaller than the Keras model and 4 times faster; its accuracy is 0.5 "
            "percentage points lower, which is no more than chance (p = 0.3), on 1000 images.",
            ["4×", "4×", "-0.50", "chance"],
        ),
        (
            model(70, 0.001),
            "5 percentage points lower, which is more than chance",
            ["4×", "4×", "-5.00", "real"],
        ),
        (model(20, 1.0), "its accuracy is the same, on 1000 images.", ["4×", "4×", "±0", "no"]),
        (model(10, 0.04, 2.0), "2 times slower; its accuracy is 1 percentage points higher", None),
    ],
)
def test_it_says_what_a_report_says(made: TargetReport, words: str, numbers: list[str] | None) -> None:
    found = make_headline(report(target("keras", time=4.0), made))
    assert words in found.sentence
    assert len(found.numbers) == 4
    if numbers:
        assert [value for value, _caption in found.numbers] == numbers


def test_another_machines_keras_is_no_ratio() -> None:
    keras = dataclasses.replace(
        target("keras", time=4.0),
        machine=dataclasses.replace(MACHINE, cores=16),
        rounds=[],
        ratio_to_first=None,
    )
    board = report(keras, dataclasses.replace(model(20, 1.0), ratio_to_first=None))
    sentence = make_headline(board).sentence
    assert "answers in 1" in sentence
    assert "where the Keras model took 4" in sentence
    assert "on a processor, 16 cores" in sentence
    assert "faster" not in sentence
    assert "a processor, 16 cores" in report_markdown(board)


def test_an_emulated_processor_has_no_times_anywhere() -> None:
    slow = dataclasses.replace(target("birds", time=4321.0), ratio_to_first=None)
    machine = dataclasses.replace(MACHINE, emulated=True)
    keras = dataclasses.replace(target("keras"), machine=MACHINE, rounds=[], ratio_to_first=None)
    found = report(keras, slow, machine=machine)
    for page in (report_markdown(found), report_html(found)):
        assert "4.32e+03" not in page
        assert "4321" not in page
        assert "emulated" in page


def test_other_reports_have_a_sentence_too() -> None:
    assert make_headline(report(target("m"))).sentence == "1 targets on 1000 images."

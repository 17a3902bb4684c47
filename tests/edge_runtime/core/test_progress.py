"""Long work is never silent: bars in a terminal, lines elsewhere."""

from pathlib import Path

import pytest

from edge_runtime.core import ProgressLines, Reporter, clock, format_seconds
from tests.commands import Running


@pytest.fixture
def time_goes_by(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    return now


def test_lines_come_after_three_seconds_and_then_every_ten(time_goes_by: list[float]) -> None:
    said: list[str] = []
    lines = ProgressLines("features", said.append)
    for _ in range(100):
        time_goes_by[0] += 0.5
        lines.update((time_goes_by[0] - 1000) / 100)
    assert said == [
        "features: 3%, about 97 s left",
        "features: 13%, about 87 s left",
        "features: 23%, about 77 s left",
        "features: 33%, about 67 s left",
        "features: 43%, about 57 s left",
    ]


def test_short_work_says_nothing(time_goes_by: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Reporter() as reporter, reporter.bar("reading") as tick:
        for done in range(10):
            time_goes_by[0] += 0.2
            tick(done, 10)
    assert capsys.readouterr().err == ""


def test_a_bar_is_written_as_lines_where_there_is_no_terminal(
    time_goes_by: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Reporter() as reporter, reporter.bar("reading") as tick:
        time_goes_by[0] += 4
        tick(20, 100)
        time_goes_by[0] += 10
        tick(60, 100)
    # The first step is not one to predict the others from: it is often the slowest.
    assert capsys.readouterr().err == "reading: 20 of 100\nreading: 60 of 100, about 10 s left\n"


def test_names_in_lines_cannot_control_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Reporter() as reporter:
        reporter.say("skipped: \x1b[2Jx\r\udcff.jpg: [bold]damaged[/bold]")
    assert capsys.readouterr().err == "skipped: ?[2Jx??.jpg: [bold]damaged[/bold]\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (3660, "1 h 1 min"), (7200, "2 h 0 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.slow
def test_every_phase_of_a_training_and_of_a_conversion_tells_how_far_it_is(
    hard_colors: tuple[object, ...], digits_run: Path, tmp_path: Path
) -> None:
    """As if everything took long: with no seconds of patience each phase has to say something."""
    impatient = "import edge_runtime.core.progress as p; p.FIRST_LINE = p.NEXT_LINES = 0.0"

    def run(name: str, *arguments: object) -> str:
        done = Running(name, arguments, prepare=impatient).finish()
        assert done.code in (0, 9), done.err
        return done.err

    options = (
        "--cross-validate",
        "off",
        "--head-epochs",
        2,
        "--fine-tune-epochs",
        2,
        "--out",
        tmp_path / "run",
    )
    trained = run("edge-train", *hard_colors, *options)
    for phase in ("checking images", "features", "head", "fine-tune", "evaluating"):
        assert any(line.startswith(f"{phase}: ") for line in trained.splitlines()), phase
    assert "writing the run" in trained
    converted = run("edge-convert", digits_run, "--out", tmp_path / "m.tflite", "--calibrate", "mse")
    for phase in ("reading calibration images", "checking held-out images", "calibrating", "ranges by mse"):
        assert any(line.startswith(f"{phase}: ") for line in converted.splitlines()), phase

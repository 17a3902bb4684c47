"""The product itself on a source: frames a second, age of the answers, drops, processor, memory, power."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any, BinaryIO, ClassVar

import numpy as np

from benchmarks.measurement import (
    Machine,
    MachineState,
    Summary,
    describe_machine,
    open_meter,
    processes_below,
    read_state,
    spent,
    summarize,
    usage_of,
    warnings,
)
from benchmarks.measurement.loop_worker import LoopFrame
from edge_runtime.core import (
    CLOSED,
    EdgeError,
    ExitCode,
    ModelError,
    OutputError,
    Reporter,
    SourceError,
    Tick,
    UsageError,
    clock,
    from_json,
    text_table,
    to_json,
    toolkit_versions,
)
from edge_runtime.sources import Counts, without_password

SCHEMA = 1
SAMPLE_EVERY = 0.5
"""Seconds between two readings of memory and processor time."""

START_SECONDS = 120.0
"""Longest time until the first result."""

_ERRORS: dict[int, type[EdgeError]] = {
    kind.exit_code: kind for kind in (UsageError, ModelError, SourceError, OutputError)
}


class LoopGoneError(EdgeError):
    """The process that classifies has ended by itself."""

    exit_code = ExitCode.STALL


@dataclass(frozen=True, kw_only=True)
class LoopReport:
    """`edge-classify` at work; durations in milliseconds.

    Attributes:
        schema: version of this layout.
        created: ISO 8601 in UTC.
        source: what was read.
        model_sha256: of the model file.
        seconds: how long, after the first result.
        frames: that were answered.
        frames_per_second: of them.
        age: of a frame when it is answered.
        stages: medians of resize, invoke and postprocess.
        counts: of a live source in that time; None for one that drops nothing.
        cpu_percent: processor time of all its processes; 100 is one core.
        resident_bytes: memory of all its processes, the largest reading.
        watts: mean power of the processor or the board; None where it cannot be measured.
        energy_meter: what measured it: `RAPL`, `PMIC` or `none`.
        machine: where.
        before: its state before.
        after: and after.
        versions: of the libraries.
        warnings: reasons to doubt the measurements.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    schema: int
    created: str
    source: str
    model_sha256: str
    seconds: float
    frames: int
    frames_per_second: float
    age: Summary
    stages: Mapping[str, float]
    counts: Counts | None
    cpu_percent: float
    resident_bytes: int
    watts: float | None
    energy_meter: str
    machine: Machine
    before: MachineState
    after: MachineState
    versions: Mapping[str, str]
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """The report as JSON."""
        return to_json(self, indent=1) + "\n"


@dataclass(frozen=True, kw_only=True)
class LoopOptions:
    """What is classified; see the options of `edge-classify` of the same names."""

    camera: str | None = None
    input: str | None = None
    model: Path | None = None


def measure_loop(options: LoopOptions, seconds: float, reporter: Reporter) -> LoopReport:
    """Run `edge-classify` in a process of its own and measure it from the first result on.

    Args:
        options: source and model.
        seconds: how long; it ends earlier when the source ends.
        reporter: shows the progress.

    Raises:
        EdgeError: of the process that classifies, with its exit code.
    """
    machine, before = describe_machine(), read_state()
    with _start(options) as worker, open_meter() as meter, reporter.bar("classifying") as tick:
        worker.wait_for_first()
        joules, started = meter.joules(), clock.now()
        usage = worker.measure(seconds, tick)
        took = clock.now() - started
        energy = spent(joules, meter.joules())
    frames = worker.frames
    if len(frames) < 2:
        raise SourceError(f"{_source(options)}: it ended after {len(frames)} frames; two or more are needed")
    after = read_state()
    return LoopReport(
        schema=SCHEMA,
        created=clock.timestamp(),
        source=_source(options),
        model_sha256=frames[-1].model_sha256,
        seconds=took,
        # The first one began the measurement.
        frames=len(frames) - 1,
        frames_per_second=(len(frames) - 1) / took,
        age=summarize(np.array([frame.age for frame in frames[1:]])),
        stages={
            name: float(np.median([getattr(frame, name) for frame in frames[1:]]))
            for name in ("resize", "invoke", "postprocess")
        },
        counts=_difference(frames[0].counts, frames[-1].counts),
        cpu_percent=100 * usage.cpu_seconds / took,
        resident_bytes=usage.resident_bytes,
        watts=None if energy is None else energy / took,
        energy_meter=meter.name,
        machine=machine,
        before=before,
        after=after,
        versions=toolkit_versions(),
        warnings=(
            *warnings(before, after, machine.cores, emulated=machine.emulated),
            *([f"the source ended after {took:.2g} s: little to measure"] if took < seconds / 2 else []),
        ),
    )


def loop_markdown(report: LoopReport) -> str:
    """The report as Markdown."""
    text = "\n".join(f"| {name} | {value} |" for name, value in _rows(report))
    lines = [f"- ⚠ {warning}" for warning in report.warnings]
    return (
        "\n".join([f"## {report.source}", "", "| measured | value |", "| --- | ---: |", text, "", *lines])
        + "\n"
    )


def loop_text(report: LoopReport) -> str:
    """The report for a terminal."""
    return text_table([("measured", "value"), *_rows(report)])


def _rows(report: LoopReport) -> list[tuple[str, str]]:
    timed = not report.machine.emulated
    counts = report.counts
    return [
        ("frames a second", f"{report.frames_per_second:.1f}" if timed else "–"),
        (
            "age of a frame when it is answered, p50 / p99",
            _pair(report.age.p50, report.age.p99) if timed else "–",
        ),
        *((f"{name}, median", f"{value:.3f} ms" if timed else "–") for name, value in report.stages.items()),
        ("frames answered", f"{report.frames} in {report.seconds:.1f} s"),
        (
            "frames read / dropped / repeated / damaged",
            "every frame is answered"
            if counts is None
            else f"{counts.read} / {counts.dropped} / {counts.repeated} / {counts.damaged}",
        ),
        ("opened again", "–" if counts is None else str(counts.reopened)),
        ("processor, 100 % is one core", f"{report.cpu_percent:.1f} %" if timed else "–"),
        ("resident memory, all processes", f"{report.resident_bytes / 1024**2:.0f} MiB"),
        ("power", "none" if report.watts is None else f"{report.watts:.2f} W ({report.energy_meter})"),
        ("machine", report.machine.name),
    ]


def _pair(one: float, other: float) -> str:
    return f"{one:.2f} / {other:.2f} ms"


def _source(options: LoopOptions) -> str:
    return f"camera:{options.camera}" if options.camera is not None else without_password(str(options.input))


def _difference(first: Counts | None, last: Counts | None) -> Counts | None:
    if first is None or last is None:
        return None
    return Counts(**{name: value - getattr(first, name) for name, value in asdict(last).items()})


@dataclass(frozen=True)
class _Usage:
    cpu_seconds: float
    resident_bytes: int


class _Worker:
    """The process that classifies, and a thread that reads its lines."""

    def __init__(self, process: "subprocess.Popen[bytes]", messages: BinaryIO) -> None:
        self._process = process
        self._messages = messages
        self.frames: list[LoopFrame] = []
        self._lines: Queue[bytes | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for_first(self) -> None:
        """Wait for the first result.

        Raises:
            EdgeError: there is none.
        """
        deadline = clock.now() + START_SECONDS
        while not self.frames:
            if clock.now() > deadline:
                raise SourceError(f"no result within {START_SECONDS:.0f} s")
            if not self._take(SAMPLE_EVERY):
                self._fail()

    def measure(self, seconds: float, tick: Tick) -> _Usage:
        """Read results for some time, or until the source ends; the processor time and memory meanwhile.

        Raises:
            EdgeError: the process failed.
        """
        started, resident = clock.now(), 0
        family = processes_below(self._process.pid)
        before = {each: usage_of(each).cpu_seconds for each in family}
        cpu = 0.0
        while (left := started + seconds - clock.now()) > 0:
            goes_on = self._take(min(left, SAMPLE_EVERY))
            # A camera that is opened again has another process.
            readings = {each: usage_of(each) for each in processes_below(self._process.pid)}
            if readings:
                resident = max(resident, sum(each.resident_bytes for each in readings.values()))
                cpu = sum(each.cpu_seconds - before.get(pid, 0.0) for pid, each in readings.items())
            tick(int(1000 * (clock.now() - started) / seconds), 1000)
            if not goes_on:
                if self._process.wait():
                    self._fail()
                break
        return _Usage(cpu, resident)

    def _take(self, seconds: float) -> bool:
        """Take the lines that come within some time; False at their end."""
        deadline = clock.now() + seconds
        while (left := deadline - clock.now()) > 0:
            with contextlib.suppress(Empty):
                line = self._lines.get(timeout=left)
                if line is None:
                    return False
                self.frames.append(from_json(line, LoopFrame, name="frame", error=LoopGoneError))
                if len(self.frames) == 1:
                    return True
        return True

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _fail(self) -> None:
        code = self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1].removeprefix("edge-classify: ") if lines else f"it ended with exit code {code}"
        raise _ERRORS.get(code, LoopGoneError)(reason)


@contextlib.contextmanager
def _start(options: LoopOptions) -> Iterator[_Worker]:
    given = {name: str(value) for name, value in asdict(options).items() if value is not None}
    # Into a file: a pipe that nobody reads would stop a process with many messages.
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.measurement.loop_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
        )
        try:
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            process.stdin.write(json.dumps(given).encode() + b"\n")
            process.stdin.close()
            yield _Worker(process, messages)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

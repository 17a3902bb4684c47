"""Processor time and memory of real processes."""

import os
import subprocess
import sys
import time

import pytest

from benchmarks.measurement import processes_below, usage_of
from edge_runtime.core import clock

# A process with a child, both busy for a while and with 50 MB each.
BUSY = """
import os, time
memory = bytearray(50_000_000)
os.fork()
end = 0.8
while time.process_time() < end:
    pass
time.sleep(30)
"""


def test_a_process_and_its_child_are_measured() -> None:
    process = subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True)
    try:
        deadline = clock.now() + 20
        while clock.now() < deadline:
            family = processes_below(process.pid)
            usages = [usage_of(pid) for pid in family]
            if len(family) == 2 and sum(each.cpu_seconds for each in usages) > 1.5:
                break
            time.sleep(0.05)
        assert len(family) == 2
        assert family[0] == process.pid
        assert 1.5 < sum(each.cpu_seconds for each in usages) < 2
        assert all(50e6 < each.resident_bytes < 200e6 for each in usages)
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    assert usage_of(process.pid).resident_bytes == 0
    assert processes_below(process.pid) == [process.pid]


def test_this_process_is_one() -> None:
    assert processes_below(os.getpid())[0] == os.getpid()
    assert usage_of(os.getpid()).resident_bytes > 1e7
    assert usage_of(os.getpid()).cpu_seconds == pytest.approx(time.process_time(), abs=0.3)

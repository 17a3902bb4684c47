"""A device takes models that are signed and newer, rolls bad ones back, and survives a kill at each write."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_runtime import OutputError, load_model, read_model_file
from edge_runtime.core import clock, write_file
from edge_runtime.model import join_signature, split_signature
from edge_runtime.trust import (
    TrustedModels,
    read_private_key,
    read_public_keys,
    sign_model,
    write_new_key,
)
from edge_runtime.update import Updates, open_remote
from tests.conftest import BIN, Shared
from tests.edge_runtime.update.device import Device
from tests.signed import constant_models, make_signer, with_rejection

KILLER = """
import os, pathlib, signal, sys
left, after = {left}, {after}
replace = pathlib.Path.replace
def kill(self, target):
    global left
    left -= 1
    if after:
        replace(self, target)
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return self if after else replace(self, target)
pathlib.Path.replace = kill
sys.argv[0] = "edge-classify"
from edge_runtime.cli.classify import main
main()
"""
"""`edge-classify` that is killed before or after it renames its `left`-th file."""


JUMPER = """
import sys, time
started, real = time.monotonic(), time.time
# From now to 1970, to now, to 2100.
places = (None, 0.0, None, 4102444800.0)
def jumping():
    place = places[int((time.monotonic() - started) * 2) % 4]
    return real() if place is None else place
time.time = jumping
sys.argv[0] = "edge-classify"
from edge_runtime.cli.classify import main
main()
"""
"""`edge-classify` on a machine whose clock jumps."""


@pytest.fixture(scope="module")
def models(shared: Shared) -> Path:
    return shared("constant", constant_models)


@pytest.fixture
def device(tmp_path: Path, models: Path) -> Device:
    (tmp_path / "device").mkdir()
    made = Device(tmp_path, make_signer(tmp_path / "keys", models / "red.tflite"), models)
    made.path.write_bytes(made.content(1))
    made.publish(made.content(1))
    return made


def test_a_new_model_is_fetched_tried_and_kept(device: Device) -> None:
    with device.running() as running:
        running.until(lambda _: (device.folder / "out").stat().st_size > 50_000)
        device.publish(device.content(2))
        said = running.wait_for("m 2 (")
        assert "on trial for" in said
        said = running.wait_for("has passed its trial")
        assert "a new model runs" in said
        running.still_classifies()
    assert device.counter == device.history["counter"] == 2
    assert read_model_file(device.path.with_suffix(".previous.tflite")).card
    results = [json.loads(line) for line in (device.folder / "out").read_text().splitlines()[:-1]]
    # No frame is left out while models are swapped.
    assert [each["frame_id"] for each in results] == list(range(len(results)))


def test_a_model_that_rejects_far_more_is_rolled_back_and_not_taken_again(device: Device) -> None:
    bad = device.content(2, "unknown")
    with device.running("--update-trial", 60) as running:
        running.until(lambda _: (device.folder / "out").stat().st_size > 50_000)
        device.publish(bad)
        said = running.wait_for("rolled back")
        assert "50 of 50 results are unknown, 0 of" in said
        running.wait_for("a new model runs", 2)
        # Published once more, it is known; a better one with a higher counter is taken.
        device.publish(bad)
        time.sleep(0.5)
        device.publish(device.content(3))
        running.wait_for("m 3 (")
        running.still_classifies()
        assert (device.folder / "err").read_text().count("m 2 (") == 1
    assert device.counter == 3
    assert device.history["counter"] == 1
    assert device.history["rejected"] == [read_model_file_sha(bad, device)]


def read_model_file_sha(content: bytes, device: Device) -> str:
    path = device.folder / "some.tflite"
    path.write_bytes(content)
    return read_model_file(path).sha256


def test_what_is_not_signed_newer_or_of_this_name_is_refused_once(device: Device) -> None:
    other = device.folder / "other.key"
    write_new_key(other)
    signed = device.content(5)
    with device.running() as running:
        running.still_classifies()
        for content, reason in (
            (with_rejection((device.models / "red.tflite").read_bytes(), 9), "not signed"),
            (device.content(0), "not newer"),
            (device.content(7, name="digits"), "this device runs 'm'"),
            (sign_model(signed, "m", 9, read_private_key(other)), "not among the trusted ones"),
            (signed[:1000], "new m.tflite"),
            (b"", "not a TensorFlow Lite model"),
        ):
            before = (device.folder / "err").read_text()
            device.publish(content)
            said = running.until(lambda said, before=before: len(said) > len(before))[len(before) :]
            assert reason in said, said
            assert "the model stays" in said
        (device.folder / "server" / "m.tflite").unlink()
        running.wait_for("cannot be read")
        running.still_classifies()
    assert device.counter == 1


def test_a_swap_by_hand_is_checked_too(device: Device) -> None:
    with device.running() as running:
        running.still_classifies()
        write_file(device.path, with_rejection((device.models / "red.tflite").read_bytes(), 2))
        running.wait_for("is refused, the old one stays")
        running.still_classifies()
    done = subprocess.run(
        [BIN / "edge-classify", *device.command()], capture_output=True, text=True, env=device.environment,
        check=False,
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.splitlines()), done.stdout) == (3, 1, "")
    assert "not signed" in done.stderr


def test_the_first_model_is_fetched(device: Device) -> None:
    device.path.unlink()
    with device.running() as running:
        running.wait_for("the first model was fetched")
        running.still_classifies()
    assert device.history["counter"] == 1


def test_a_first_model_that_cannot_be_used_is_not_kept(device: Device) -> None:
    device.path.unlink()
    content = bytearray(with_rejection((device.models / "red.tflite").read_bytes(), 1))
    content[8:200] = bytes(192)
    device.publish(sign_model(bytes(content), "m", 1, device.signer.key))
    command = [BIN / "edge-classify", *device.command()]
    done = subprocess.run(command, capture_output=True, text=True, env=device.environment, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    assert not device.path.exists()
    device.publish(device.content(1))
    with device.running() as running:
        running.wait_for("the first model was fetched")
        running.still_classifies()


def test_a_clock_that_jumps_changes_nothing(device: Device) -> None:
    with device.running("--update-trial", 2, program=(sys.executable, "-c", JUMPER)) as running:
        running.still_classifies()
        device.publish(device.content(2))
        running.wait_for("has passed its trial")
        device.publish(device.content(1))
        running.wait_for("not newer")
        device.publish(device.content(3))
        running.wait_for("has passed its trial", 2)
        running.still_classifies()
    assert device.counter == 3
    assert device.history["counter"] == 3


def test_a_model_that_ends_the_process_is_rolled_back_at_the_third_start(device: Device) -> None:
    with device.running() as running:
        running.still_classifies()
    write_file(device.path.with_suffix(".previous.tflite"), device.path.read_bytes())
    new = device.content(2)
    write_file(device.path, new)
    (file,) = (device.folder / "state").rglob("*.json")
    history = device.history
    history["trial"] = {"sha256": read_model_file_sha(new, device), "starts": 2}
    file.write_text(json.dumps(history))
    device.publish(new)
    with device.running("--update-trial", 60) as running:
        running.still_classifies()
    assert device.counter == 2
    with device.running("--update-trial", 60) as running:
        running.wait_for("the process ended 3 times with it")
        running.still_classifies()
    assert device.counter == 1


@pytest.mark.extra
def test_hundreds_of_damaged_swapped_and_replayed_models_are_never_used(device: Device) -> None:
    chance = random.Random(0)
    other = device.folder / "other.key"
    write_new_key(other)
    good, old = device.content(5), device.content(0)
    # A signature may be written with other characters: the model is the same.
    allowed = {split_signature(content)[0] for content in (device.path.read_bytes(), good)}
    with device.running("--update-every", 0.05) as running:
        running.still_classifies()
        for number in range(400):
            attacked, place = bytearray(good), chance.randrange(len(good))
            kind = number % 4
            if kind == 0:
                attacked[place] ^= 1 << chance.randrange(8)
            elif kind == 1:
                del attacked[place:]
            elif kind == 2:
                block = split_signature(device.content(chance.randrange(6, 99)))[1]
                attacked = bytearray(join_signature(split_signature(good)[0], block))
            else:
                attacked = bytearray(chance.choice((old, sign_model(good, "m", 9, read_private_key(other)))))
            device.publish(bytes(attacked))
            time.sleep(0.08)
            assert split_signature(device.path.read_bytes())[0] in allowed
        running.still_classifies()
        device.publish(good)
        running.wait_for("has passed its trial")
    assert device.counter == 5


def is_killed(command: Sequence[object], device: Device, done: str) -> bool:
    """Run until the process kills itself, or says that it is done and goes on; whether it killed itself."""
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=device.environment,
    )
    with process:
        assert process.stderr is not None
        # Not after a time: a busy machine is slow. The lines end with the process.
        is_done = any(done in line for line in process.stderr)
        process.kill()
        return process.wait() == -signal.SIGKILL and not is_done


@pytest.mark.extra
@pytest.mark.parametrize("answer", ["red", "unknown"])
def test_a_kill_at_each_write_leaves_a_signed_model_and_the_update_goes_on(
    device: Device, answer: str
) -> None:
    start = device.path.read_bytes()
    device.publish(device.content(2, answer))
    done = "has passed its trial" if answer == "red" else "rolled back"
    kills, frames = 0, ("--max-frames", 40_000)
    for number in range(1, 20):
        for after in (False, True):
            code = KILLER.format(left=number, after=after)
            if not is_killed([sys.executable, "-P", "-c", code, *device.command(*frames)], device, done):
                # Fewer writes than this: everything has been done.
                break
            kills += 1
            assert device.counter in (1, 2)
            decided = device.is_decided
            with device.running() as running:
                running.until(lambda said, decided=decided: decided or done in said)  # type: ignore[misc]
                running.still_classifies()
            assert device.counter == (2 if answer == "red" else 1)
            write_file(device.path, start)
            for file in (device.folder / "state").rglob("*.json"):
                file.unlink()
        else:
            continue
        break
    assert kills >= 8


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OutputError("no space left"), "no space left"),
        (OSError(12, "Cannot allocate memory"), "OSError(12, 'Cannot allocate memory')"),
        (MemoryError(), "MemoryError()"),
    ],
)
def test_an_update_that_met_a_fault_of_the_machine_is_fetched_again(
    device: Device, monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(device.folder / "state"))
    trusted = TrustedModels.of_model(read_public_keys(device.signer.public), device.path)
    said: list[str] = []
    remote = open_remote(str(device.folder / "server"), "m.tflite")
    updates = Updates(remote, device.path, trusted, say=said.append, every=0.05, trial=60)
    running = load_model(read_model_file(device.path))
    updates.swapped(running)
    device.publish(device.content(2))
    full = [True]

    def write(path: Path, content: bytes | str) -> None:
        if full and full.pop():
            raise failure
        write_file(path, content)

    monkeypatch.setattr("edge_runtime.update.updates.write_file", write)
    updates.start(lambda: running, load_model)
    deadline = clock.now() + 30
    while device.counter != 2:
        assert clock.now() < deadline, said
        time.sleep(0.02)
    updates.close()
    assert said[0] == f"update: {words}; the model stays"

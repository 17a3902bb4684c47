"""A device that is updated, and the command that runs on it."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_runtime import read_model_file
from edge_runtime.core import clock, write_file
from edge_runtime.trust import read_public_keys, sign_model, verify
from tests.conftest import BIN
from tests.signed import Signer, with_rejection


@dataclass
class Device:
    """A device with `edge-classify --update`, and the folder that it is updated from."""

    folder: Path
    signer: Signer
    models: Path

    @property
    def path(self) -> Path:
        return self.folder / "device" / "m.tflite"

    def content(self, counter: int, answer: str = "red", name: str = "m") -> bytes:
        content = (self.models / f"{answer}.tflite").read_bytes()
        unsigned = with_rejection(content, counter)
        return sign_model(unsigned, name, counter, self.signer.key)

    def publish(self, content: bytes) -> None:
        write_file(self.folder / "server" / "m.tflite", content)

    def command(self, *options: object) -> list[str]:
        words = ["-m", self.path, "--input", "synthetic", "--fps", 200, "--trust", self.signer.public]
        words += ["--update", self.folder / "server", "--update-every", 0.1, "--update-trial", 0.2, *options]
        return [str(each) for each in (*words, "--format", "jsonl", "--preview", 0)[:-2]]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.folder / "state")}

    @property
    def history(self) -> dict[str, object]:
        """What it remembers; empty before the first model."""
        files = [each for each in (self.folder / "state").rglob("*.json") if each.name[0] != "."]
        found: dict[str, object] = json.loads(files[0].read_text()) if files else {}
        return found

    @property
    def counter(self) -> int:
        """Of the model file; it is always complete and signed."""
        return verify(read_model_file(self.path), read_public_keys(self.signer.public)).order.counter

    @property
    def is_decided(self) -> bool:
        """Whether a model has passed its trial or was rolled back, so that nothing is said of it again."""
        history = self.history
        outcome = history.get("counter") == 2 or history.get("rejected")
        return bool(outcome) and history.get("trial") is None and self.counter == history["counter"]

    @contextmanager
    def running(
        self, *options: object, program: Sequence[object] = (BIN / "edge-classify",)
    ) -> Iterator["Running"]:
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            process = subprocess.Popen(
                [*map(str, program), *self.command(*options)], stdout=out, stderr=err, env=self.environment
            )
            try:
                yield Running(self, process)
            finally:
                process.kill()
                process.wait()


@dataclass
class Running:
    """The command at work."""

    device: Device
    process: "subprocess.Popen[bytes]"

    def wait_for(self, words: str, count: int = 1) -> str:
        return self.until(lambda said: said.count(words) >= count)

    def until(self, condition: Callable[[str], bool]) -> str:
        deadline = clock.now() + 60
        while not condition(said := (self.device.folder / "err").read_text()):
            assert self.process.poll() is None, said
            assert clock.now() < deadline, said
            time.sleep(0.02)
        return said

    def still_classifies(self) -> None:
        before = (self.device.folder / "out").stat().st_size
        deadline = clock.now() + 30
        while (self.device.folder / "out").stat().st_size <= before:
            assert self.process.poll() is None
            assert clock.now() < deadline
            time.sleep(0.02)

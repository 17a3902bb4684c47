"""`edge-label` as a child process, and the requests that its page makes."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.commands import BIN


class LabelPage:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process = process
        self.url = url

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=60) as response:
            return json.load(response)

    def post(self, path: str, body: dict[str, Any], header: str = "X-Edge-Label") -> Any:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {header: "1"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def status_of(self, path: str, body: dict[str, Any] | None = None, **headers: str) -> int:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    def waiting(self) -> list[dict[str, Any]]:
        return [image for group in self.get("api/groups")["groups"] for image in group]

    def stop(self) -> str:
        self.process.terminate()
        _out, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, err
        return err


@contextmanager
def label_page(*arguments: object, cwd: Path | None = None, stop: bool = True) -> Iterator[LabelPage]:
    """Start `edge-label` on a free port."""
    words = [str(BIN / "edge-label"), *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=cwd)
    assert process.stderr is not None
    lines = []
    while True:
        line = process.stderr.readline()
        assert line, f"edge-label ended: {lines}"
        lines.append(line)
        found = re.search(r"open (http://\S+) ", line)
        if found:
            break
    page = LabelPage(process, found[1])
    try:
        yield page
        if stop:
            page.stop()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime import ModelError, ModelFile, load_model, read_model_file
from edge_runtime.inference import try_in_sandbox
from edge_runtime.inference.thread_tuning import fastest_threads, remembered_threads


def test_a_model_that_passed_is_not_tried_again(
    color_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = read_model_file(color_models["uint8"])
    try_in_sandbox(file)
    marks = list((tmp_path / "edge-classify" / "trials").iterdir())
    assert [".litert-" in mark.name for mark in marks] == [True]
    monkeypatch.setattr("subprocess.run", lambda *_args, **_kwargs: pytest.fail("tried again"))
    try_in_sandbox(file)


def test_after_an_upgrade_of_the_engine_a_model_is_tried_and_measured_again(
    color_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = read_model_file(color_models["uint8"])
    try_in_sandbox(file)
    threads = fastest_threads(file)
    assert remembered_threads(file) == threads
    monkeypatch.setattr("importlib.metadata.version", lambda _package: "99.0")
    assert remembered_threads(file) is None
    try_in_sandbox(file)
    marks = [mark.name for mark in (tmp_path / "edge-classify" / "trials").iterdir()]
    assert len(marks) == 2
    assert sum(name.endswith(".litert-99.0") for name in marks) == 1


def test_code_in_the_working_folder_is_never_run(
    color_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "numpy.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    try_in_sandbox(read_model_file(color_models["uint8"]))
    assert not (tmp_path / "ran").exists()


def test_a_lower_limit_of_the_machine_is_kept(color_models: dict[str, Path], tmp_path: Path) -> None:
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
import os
import subprocess
import sys
from pathlib import Path
from edge_runtime import read_model_file
from edge_runtime.inference import try_in_sandbox
try_in_sandbox(read_model_file(Path({str(color_models["uint8"])!r})))
print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )
    assert done.stdout == "fine\n", done.stderr


def test_without_a_cache_the_trial_still_works(
    color_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    try_in_sandbox(read_model_file(color_models["uint8"]))


@pytest.mark.slow
def test_a_damaged_model_never_takes_this_process_down(color_models: dict[str, Path]) -> None:
    whole = color_models["uint8"].read_bytes()
    damaged = [whole[: len(whole) // part] for part in (2, 3, 4)]
    for start in range(0, 400, 40):
        flipped = bytearray(whole)
        flipped[start + 8 : start + 16] = bytes(byte ^ 0xFF for byte in flipped[start + 8 : start + 16])
        damaged.append(bytes(flipped))
    refused = 0
    for content in damaged:
        try:
            load_model(ModelFile(content, ("r", "g", "b"), None, "damaged.tflite"))
        except ModelError as error:
            assert "damaged.tflite" in str(error)  # noqa: PT017
            refused += 1
    assert refused >= 3

"""`edge-classify --to parquet:DIR`: every file once, with the answers of an ordinary run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.archive import read_shards
from tests.commands import BIN, Command
from tests.conftest import COLORS
from tests.images import paint, save

RANGE = ("--input-range", "-1,1")


def make_archive(folder: Path, count: int) -> Path:
    """So many links to a few images, in subfolders, and one file that is no image."""
    kept = folder / "kept"
    for number in range(12):
        color = np.array(list(COLORS.values())[number % 3])
        noise = np.random.default_rng(number).integers(-60, 60, (10, 12, 3))
        save(kept / f"{number}.png", np.clip(color * 0.6 + 40 + noise, 0, 255).astype(np.uint8))
    for number in range(count):
        link = folder / "archive" / f"{number % 7}" / f"{number}.png"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(kept / f"{number % 12}.png")
    (folder / "archive" / "damaged.png").write_bytes(b"no image")
    return folder / "archive"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_archive(tmp_path_factory.mktemp("archive"), 2300)


@pytest.fixture(scope="module")
def model(color_models: dict[str, Path]) -> tuple[object, ...]:
    return ("-m", color_models["uint8"])


def rows_of(folder: Path) -> dict[str, tuple[str | None, list[float]]]:
    """File → its answer and scores; refuses a file with two rows."""
    rows = list(read_shards(folder))
    assert max(Counter(row["file"] for row in rows).values()) == 1
    return {row["file"]: (row["answer"], row["scores"]) for row in rows}


def test_the_answers_are_those_of_an_ordinary_run(
    command: Command, archive: Path, model: tuple[object, ...], tmp_path: Path
) -> None:
    out = tmp_path / "answers"
    done = command("edge-classify", *model, "--input", archive, "--to", f"parquet:{out}")
    assert done.code == 0, done.err
    assert "classified: 2301 files, 1 of them cannot be read" in done.out
    assert sorted(path.name for path in out.glob("*.parquet")) == [
        f"shard-{number:07}.parquet" for number in range(3)
    ]
    rows = rows_of(out)
    assert rows.pop("damaged.png")[0] is None
    lines = tmp_path / "lines"
    done = command("edge-classify", *model, "--input", archive, "--to", f"jsonl:{lines}", "--workers", 1)
    assert done.code == 0, done.err
    expected = {}
    for line in lines.read_text().splitlines():
        result = json.loads(line)
        name = str(Path(result["source"]).relative_to(archive))
        expected[name] = (result["answer"], [each["score"] for each in result["predictions"]])
    assert rows.keys() == expected.keys()
    for name, (answer, scores) in rows.items():
        assert answer == expected[name][0]
        assert scores == pytest.approx(expected[name][1], abs=1e-6)
    errors = [row["error"] for row in read_shards(out) if row["error"]]
    assert len(errors) == 1
    assert "damaged.png" in errors[0]


def test_resume_does_what_is_missing_and_what_is_new(
    command: Command, model: tuple[object, ...], tmp_path: Path
) -> None:
    archive, out = make_archive(tmp_path, 1500), tmp_path / "answers"
    options = (*model, "--input", archive, "--to", f"parquet:{out}")
    assert command("edge-classify", *options).code == 0
    command("edge-classify", *options).fails_with(6, "contains an archive already", "--resume")
    (out / "shard-0000001.parquet").unlink()
    (archive / "0" / "new.png").symlink_to(tmp_path / "kept" / "0.png")
    kept = (out / "shard-0000000.parquet").stat().st_mtime_ns
    done = command("edge-classify", *options, "--resume")
    assert done.code == 0, done.err
    assert "1 files are new since then" in done.err
    assert "classified: 502 files" in done.out
    assert (out / "shard-0000000.parquet").stat().st_mtime_ns == kept
    assert len(rows_of(out)) == 1502
    done = command("edge-classify", *options, "--resume")
    assert "classified: 0 files" in done.out
    command("edge-classify", *options, "--resume", "--top-k", 1).fails_with(6, "another --top-k", "mixed")


def kill_and_resume(arguments: list[object], seconds: list[float]) -> None:
    """Start the command again and again, and kill it after each of these seconds."""
    for pause in seconds:
        process = subprocess.Popen(
            [BIN / "edge-classify", *map(str, arguments), "--resume"], stderr=subprocess.DEVNULL
        )
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_killed_run_loses_and_doubles_nothing(
    command: Command, archive: Path, model: tuple[object, ...], tmp_path: Path
) -> None:
    out, whole = tmp_path / "answers", tmp_path / "whole"
    assert command("edge-classify", *model, "--input", archive, "--to", f"parquet:{whole}").code == 0
    options = [*model, "--input", archive, "--to", f"parquet:{out}"]
    kill_and_resume(options, [0.9, 1.2])
    done = command("edge-classify", *options, "--resume")
    assert done.code == 0, done.err
    assert rows_of(out) == rows_of(whole)


@pytest.mark.extra
def test_a_hundred_thousand_files_and_ten_kills(
    command: Command, model: tuple[object, ...], tmp_path: Path
) -> None:
    archive = make_archive(tmp_path, 100_000)
    out, whole = tmp_path / "answers", tmp_path / "whole"
    started = time.monotonic()
    assert command("edge-classify", *model, "--input", archive, "--to", f"parquet:{whole}").code == 0
    lasted = time.monotonic() - started
    options = [*model, "--input", archive, "--to", f"parquet:{out}"]
    moments = random.Random(5)
    kill_and_resume(options, [moments.uniform(1.0, lasted / 3) for _ in range(10)])
    done = command("edge-classify", *options, "--resume")
    assert done.code == 0, done.err
    rows = rows_of(out)
    assert len(rows) == 100_001
    assert rows == rows_of(whole)


def test_a_list_of_names_is_an_archive_too(
    command: Command, archive: Path, model: tuple[object, ...], tmp_path: Path
) -> None:
    listed = archive / "list.txt"
    listed.write_text("0/0.png\n1/1.png\nmissing.png\n")
    try:
        out = tmp_path / "answers"
        done = command("edge-classify", *model, "--input", listed, "--to", f"parquet:{out}", "-k", 1)
        assert done.code == 0, done.err
        rows = rows_of(out)
        assert [answer for answer, _scores in rows.values()] == ["red", "green", None]
        assert [len(scores) for _answer, scores in rows.values()] == [1, 1, 0]
    finally:
        listed.unlink()


def test_wrong_arguments_are_one_line(command: Command, model: tuple[object, ...], tmp_path: Path) -> None:
    to = ("--to", f"parquet:{tmp_path / 'answers'}")
    folder = ("--input", tmp_path / "none")
    command("edge-classify", *model, *folder, *to).fails_with(4, "no such folder or list")
    command("edge-classify", *model, "--camera", 0, *to).fails_with(2, "needs --input")
    command("edge-classify", *model, *folder, *to, "--smooth", 2).fails_with(2, "--smooth has no effect")
    command("edge-classify", *model, *folder, *to, "--to", "text").fails_with(2, "goes alone")
    command("edge-classify", *model, *folder, "--resume").fails_with(2, "are for archives")
    command("edge-classify", *model, *folder, "--to", "parquet:").fails_with(2, "needs a folder")


def test_a_missing_library_is_named(archive: Path, model: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pyarrow'] = None\n")
    options = ("--input", archive, "--to", f"parquet:{tmp_path / 'answers'}")
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from edge_runtime.start import edge_classify; edge_classify()"),
            *map(str, (*model, *options)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "pip install 'edge-classify[archive]'" in done.stderr


def test_painted_colors_are_told_apart(command: Command, model: tuple[object, ...], tmp_path: Path) -> None:
    for name, color in COLORS.items():
        save(tmp_path / "images" / f"{name}.png", paint(color))
    out = tmp_path / "answers"
    options = ("--input", tmp_path / "images", "--to", f"parquet:{out}", "--threshold", 0.3)
    assert command("edge-classify", *model, *options).code == 0
    assert {name: answer for name, (answer, _) in rows_of(out).items()} == {
        f"{name}.png": name for name in COLORS
    }

"""The circle of docs/loop.md, from an empty folder to a swapped model: its own commands, on digits."""

import re
import shlex
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.datasets import parse_split
from edge_runtime.images import fit
from tests.commands import BIN, Command
from tests.conftest import ROOT
from tests.images import save
from tests.labelling import label_page

CLASSES = ("0", "1", "2", "3")
FIRST, LATER = 200, 160
"""Frames that the camera shows before and after there is a model."""

SETTINGS = (
    "--weights none --alpha 0.35 --image-size 32 --scratch-epochs 30 --deterministic --group-by none "
    "--scratch-rate 0.005 --batch-size 32 --head-l2 1 --flip off --test-split 0.2 --reject off --seed 1"
)
"""Digits of 8 x 8 pixels look so alike that nearly all of a class would be one burst, in one split."""
MAX_DROP = "--max-drop 0.1"
"""One of 40 held-out images is 0.025, more than the default."""

QUICK = "--num-runs 20 --min-seconds 0 --processes 1"


def commands_of(page: str) -> list[str]:
    """The commands of the chapter with the circle."""
    chapter = page.split("## The circle in eight commands")[1].split("\n## ")[0]
    return [
        line for block in re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL) for line in block.splitlines()
    ]


def write_frames(folder: Path, first: int, count: int) -> dict[int, str]:
    """What the camera shows: frames of digits. Frame → class."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    wanted = [each for each, target in enumerate(digits.target) if str(target) in CLASSES]
    folder.mkdir(parents=True)
    truth = {}
    for number, position in enumerate(wanted[first : first + count]):
        grey = (digits.images[position] * 15.9).astype(np.uint8)
        save(folder / f"{number:04}.png", fit(np.repeat(grey[..., None], 3, axis=2), (96, 96)))
        truth[number] = str(digits.target[position])
    return truth


def label_all(folder: Path, truth: dict[int, str], *model: object) -> int:
    """Label everything in the page, as a person would who knows the digits; the number of images."""
    with label_page("collection/", "--into", "birds/", *model, cwd=folder) as page:
        by_class: dict[str, list[str]] = {}
        for image in page.waiting():
            number = int(re.fullmatch(r".*-(\d+)\.jpg", image["name"])[1])  # type: ignore[index]
            by_class.setdefault(truth[number], []).append(image["id"])
        for label, ids in by_class.items():
            assert sorted(page.post("api/label", {"ids": ids, "label": label})["ids"]) == sorted(ids)
        return sum(map(len, by_class.values()))


@pytest.mark.extra
def test_the_circle_from_an_empty_folder_to_a_swapped_model(command: Command, tmp_path: Path) -> None:
    lines = commands_of((ROOT / "docs" / "loop.md").read_text(encoding="utf-8"))
    done: list[str] = []

    def run(start: str, extra: str = "") -> str:
        line = next(each for each in lines if each.startswith(start) and each not in done)
        done.append(line)
        words = shlex.split(line.replace("--camera 0", "--input frames/") + " " + extra)
        finished = command(words[0], *words[1:], cwd=tmp_path)
        assert finished.code == 0, f"{line}\n{finished.err}"
        return finished.out + finished.err

    everything = "--collect-seconds 0 --collect-per-day 20000"
    first = write_frames(tmp_path / "frames", 0, FIRST)
    run("edge-collect", everything)
    done.append(next(line for line in lines if line.startswith("edge-label")))
    labelled = label_all(tmp_path, first)
    assert labelled >= 120

    weights = tmp_path / "random.weights.h5"
    write_random_weights(weights)
    run("edge-data", f"--weights {weights} --image-size 32")
    run("edge-train birds/ --out run", SETTINGS)
    run("edge-convert run ", MAX_DROP)

    (tmp_path / "frames").rename(tmp_path / "frames-of-before")
    later = write_frames(tmp_path / "frames", FIRST, LATER)
    answers = run("edge-classify", everything + " --collect-per-day 80")
    assert len(answers.splitlines()) >= LATER
    done.append(next(line for line in lines if line.startswith("edge-label") and line not in done))
    more = label_all(tmp_path, later, "--model", "birds.tflite")
    assert 20 <= more <= 80

    report = run("edge-train birds/ --from run")
    assert "starting from" in report
    run("edge-convert run2", MAX_DROP)
    before, after = (
        {sample.hash: sample.split for sample in parse_split((tmp_path / run / "split.csv").read_bytes())}
        for run in ("run", "run2")
    )
    assert len(after) > len(before)
    assert all(after[digest] == split for digest, split in before.items())

    run("edge-bench run run2 birds.tflite", QUICK)
    run("edge-bench run run2 new/birds.tflite", QUICK)
    run("edge-bench compare", "--max-slowdown 10")
    assert len({" ".join(re.findall("^edge-[a-z]+(?: run| compare)?", line)) for line in lines}) == 8
    assert done == lines, "every command of the page was run, in its order"

    camera = subprocess.Popen(
        [BIN / "edge-classify", "-m", "birds.tflite", "--input", "synthetic", "--fps", "20"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert camera.stdout is not None
    assert camera.stderr is not None
    assert camera.stdout.readline()
    (tmp_path / "new" / "birds.tflite").rename(tmp_path / "birds.tflite")
    try:
        assert "a new model runs" in next(line for line in camera.stderr if "model" in line)
    finally:
        camera.terminate()
        camera.communicate(timeout=20)


def write_random_weights(path: Path) -> None:
    """Weights as Keras downloads them, but random: there is no network here."""
    import keras

    shape = (32, 32, 3)
    base = keras.applications.MobileNetV2(input_shape=shape, alpha=0.35, include_top=False, weights=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras uses a deprecated function of numpy
        base.save_weights(path)

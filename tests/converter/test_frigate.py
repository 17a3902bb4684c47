"""`edge-convert --for frigate`: the files are loaded and fed as Frigate does."""

import json
import re
import subprocess
import sys
from pathlib import Path

from edge_runtime.datasets import open_dataset
from tests.commands import Command

# What Frigate does with a crop of a camera's frame: no import of this project, and none of our resizing.
REPLAY = """
import json, sys
import cv2, numpy as np
from ai_edge_litert.interpreter import Interpreter
folder, *images = sys.argv[1:]
interpreter = Interpreter(model_path=f"{folder}/model.tflite", num_threads=2)
interpreter.allocate_tensors()
given, got = interpreter.get_input_details(), interpreter.get_output_details()
with open(f"{folder}/labelmap.txt", encoding="utf-8") as file:
    labels = {index: line.strip() for index, line in enumerate(file.readlines())}
found = []
for image in images:
    frame = cv2.cvtColor(cv2.imread(image), cv2.COLOR_BGR2RGB)
    resized = cv2.resize(frame, (224, 224))
    interpreter.set_tensor(given[0]["index"], np.expand_dims(resized, axis=0))
    interpreter.invoke()
    scores = interpreter.get_tensor(got[0]["index"])[0]
    shares = scores / scores.sum(axis=0)
    found.append([labels[int(np.argmax(shares))], float(shares.max())])
print(json.dumps(found))
"""


def test_frigate_gets_our_labels(command: Command, frigate_folder: Path, few_photos: Path) -> None:
    data = open_dataset(str(few_photos))
    images = [str(few_photos / sample.file) for sample in data.samples]
    replayed = subprocess.run(
        [sys.executable, "-c", REPLAY, frigate_folder, *images], capture_output=True, text=True, check=True
    )
    theirs = json.loads(replayed.stdout)
    options = ("--input", few_photos, "--format", "jsonl")
    done = command("edge-classify", "-m", frigate_folder / "model.tflite", *options)
    assert done.code == 0, done.err
    ours = [json.loads(line)["predictions"][0] for line in done.out.splitlines()]
    assert len(theirs) == len(ours) == 24
    same = sum(their[0] == our["label"] for their, our in zip(theirs, ours, strict=True))
    # Where a photo is more than twice as large, Frigate's resize aliases and ours averages first.
    assert same >= 22
    right = sum(label == sample.label for (label, _score), sample in zip(theirs, data.samples, strict=True))
    told = re.search(r"frigate: +accuracy ([\d.]+) ", (frigate_folder.parent / "out").read_text())
    assert told is not None
    assert abs(float(told[1]) - right / 24) < 1e-3, "what edge-convert says is what Frigate gets"


def test_the_folder_has_what_frigate_reads(frigate_folder: Path) -> None:
    assert (frigate_folder / "labelmap.txt").read_text() == "alpaca\nnot alpaca\n"
    assert sorted(path.name for path in frigate_folder.iterdir()) == [
        "labelmap.txt", "model.conversion.json", "model.tflite",
    ]  # fmt: skip
    said = (frigate_folder.parent / "out").read_text()
    assert "held no images out" in said


def test_what_frigate_cannot_load_is_refused(command: Command, digits_run: Path, tmp_path: Path) -> None:
    options = ("--for", "frigate", "--out", tmp_path / "cache")
    command("edge-convert", digits_run, *options).fails_with(3, "224", "--image-size 224")
    command("edge-convert", digits_run, *options, "--io", "int8").fails_with(2, "--io")
    command("edge-convert", digits_run, "--for", "frigate").fails_with(2, "folder", "--out")
    assert not (tmp_path / "cache").exists()

"""The studies of many images, with few: the figures come from real commands and their answers agree."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.cluster_cost import make_archive
from benchmarks.studies.commands import CommandCost, measure_command, measure_tool
from benchmarks.studies.folder_speed import measure_pair
from benchmarks.studies.scale import stages, write_images
from edge_runtime.images import encode_jpeg
from tests.conftest import COLORS


def test_a_command_is_measured_with_what_it_reports_and_when() -> None:
    script = "import sys, time; print('half', file=sys.stderr, flush=True); time.sleep(0.3); print('done')"
    cost = measure_command("/bin/sh", "-c", f'python3 -c "{script}"')
    assert 0.25 < cost.seconds - cost.seconds_until("half") < 5
    assert cost.peak_megabytes > 1
    with pytest.raises(ValueError, match="no line with 'nothing'"):
        cost.seconds_until("nothing")
    with pytest.raises(RuntimeError, match="no such model file"):
        measure_tool("edge-classify", "-m", "none.tflite", "--input", ".")


def test_the_stages_of_a_training_add_up() -> None:
    lines = (
        (8.1, "2 classes, 5000 images: 4000 train"),
        (21.5, "head epoch 1: loss 0.85"),
        (33.5, "fine-tune epoch 2: loss 0.7"),
        (36.7, "writing the run"),
    )
    expected = "data 8, features and head 13, fine-tuning 12, evaluation 3, files 4"
    assert stages(CommandCost(40.3, 50.0, 1200.0, lines)) == expected
    without = stages(CommandCost(40.3, 50.0, 1200.0, (*lines[:2], lines[3])))
    assert without == "data 8, features and head 13, evaluation 15, files 4"


def test_images_are_written_once_and_are_always_the_same(tmp_path: Path) -> None:
    one, other = write_images(tmp_path / "one", 6), write_images(tmp_path / "other", 6)
    files = sorted(path.relative_to(one) for path in one.rglob("*.jpg"))
    assert len(files) == 6
    assert len({(one / file).read_bytes() for file in files}) == 6
    assert all((one / file).read_bytes() == (other / file).read_bytes() for file in files)
    (one / files[0]).unlink()
    write_images(one, 6)
    assert not (one / files[0]).exists()


def test_an_archive_is_links_to_all_images(tmp_path: Path) -> None:
    archive = make_archive(write_images(tmp_path / "images", 6), tmp_path / "archive", 250)
    links = [path for path in archive.rglob("*") if path.is_symlink()]
    assert len(links) == 250
    assert len({path.resolve() for path in links}) == 6


def test_the_loop_and_the_command_give_the_same_answers(
    color_models: dict[str, Path], tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    (tmp_path / "labels.txt").write_text("\n".join(COLORS))
    for number, color in enumerate(list(COLORS.values()) * 4):
        pixels = np.full((8, 8, 3), color, np.uint8)
        (images / f"{number}.jpg").write_bytes(encode_jpeg(pixels))
    model = tmp_path / "model.tflite"
    model.write_bytes(color_models["uint8"].read_bytes())
    ours, loop = measure_pair(model, images, tmp_path)
    assert ours.cpu_seconds > 0
    assert loop.cpu_seconds > 0

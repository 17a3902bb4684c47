"""Which images a run is measured on."""

from pathlib import Path

import pytest

from benchmarks import find_evaluation_set
from edge_runtime import DatasetError, read_run
from tests.conftest import paint, save


@pytest.mark.slow
def test_held_out_images_are_those_the_run_never_saw(digits_run: Path) -> None:
    run = read_run(digits_run)
    images = find_evaluation_set(run, None)
    assert images.split == "test"
    assert {each.hash for each in images.samples} == {each.hash for each in run.split("test")}
    assert [run.card.labels[target] for target in images.targets] == [each.label for each in images.samples]


@pytest.mark.slow
def test_other_data_must_have_the_runs_classes_and_unseen_images(digits_run: Path, tmp_path: Path) -> None:
    run = read_run(digits_run)
    for label in ("0", "1"):
        save(tmp_path / "new" / label / "1.png", paint((9, 9, int(label))))
    assert len(find_evaluation_set(run, str(tmp_path / "new")).samples) == 2
    save(tmp_path / "new" / "zebra" / "1.png", paint((9, 9, 9)))
    with pytest.raises(DatasetError, match="has no class 'zebra'"):
        find_evaluation_set(run, str(tmp_path / "new"))
    data = run.open_data()
    for each in run.split("train")[:40]:
        save(tmp_path / "old" / each.label / f"{each.file}.png", data.read(each.file))
    with pytest.raises(DatasetError, match="no held-out images"):
        find_evaluation_set(run, str(tmp_path / "old"))

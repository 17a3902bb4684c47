"""`edge-data` finds what was planted."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.commands import Command
from tests.edge_runtime.collection.test_collector import rough
from tests.edge_runtime.images.test_perceptual_hash import scene
from tests.images import paint, save
from trainer.data import make_folds
from trainer.examination.labels import find_label_issues, reduce_descriptors, score_out_of_fold
from trainer.examination.learning_curve import FRACTIONS, measure_curve
from trainer.examination.outliers import find_outliers
from trainer.examination.types import Check


def clusters(
    per_class: int, classes: int = 4, spread: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors around one centre for each class."""
    random = np.random.default_rng(seed)
    centres = random.normal(0, 3, (classes, 24))
    targets = np.repeat(np.arange(classes), per_class)
    return (centres[targets] + random.normal(0, spread, (len(targets), 24))).astype(np.float32), targets


def test_flipped_labels_are_named_and_clean_ones_are_not() -> None:
    descriptors, targets = clusters(100)
    features = reduce_descriptors(descriptors)
    folds = make_folds(targets, np.arange(len(targets)), seed=1)
    assert list(find_label_issues(targets, score_out_of_fold(features, targets, folds))) == []
    wrong = targets.copy()
    flipped = np.arange(0, 400, 20)
    wrong[flipped] = (wrong[flipped] + 1) % 4
    folds = make_folds(wrong, np.arange(400), seed=1)
    issues = list(find_label_issues(wrong, score_out_of_fold(features, wrong, folds)))
    named = {issue.position for issue in issues}
    assert named <= set(flipped.tolist())
    assert len(named) >= 0.8 * len(flipped)
    assert all(issue.suggestion == targets[issue.position] for issue in issues)
    assert all(0.5 <= issue.confidence <= 1 for issue in issues)


def test_near_duplicates_are_in_the_same_fold() -> None:
    _descriptors, targets = clusters(40)
    groups = np.arange(160) // 4
    for train, test in make_folds(targets, groups, seed=2):
        assert not set(groups[train]) & set(groups[test])


def test_the_curve_rises_and_says_whether_more_images_help() -> None:
    descriptors, targets = clusters(60, spread=6.0)
    features = reduce_descriptors(descriptors)
    curve = measure_curve(features, targets, make_folds(targets, np.arange(240), 1), seed=1)
    assert len(curve.images) == len(FRACTIONS)
    assert list(curve.images) == sorted(curve.images)
    assert curve.accuracy[-1] > curve.accuracy[0]
    hard = curve.gain(np.bincount(targets))
    easy_features, easy_targets = clusters(60, spread=0.3)
    folds = make_folds(easy_targets, np.arange(240), 1)
    easy = measure_curve(reduce_descriptors(easy_features), easy_targets, folds, seed=1)
    assert hard.mean() > 0.02
    assert np.all(easy.gain(np.bincount(easy_targets)) < 0.01)
    assert np.all(hard >= 0)


def test_what_is_like_nothing_else_is_an_outlier() -> None:
    descriptors, _targets = clusters(100)
    assert find_outliers(descriptors) == []
    descriptors[[5, 77]] += 60 * np.random.default_rng(4).normal(0, 1, (2, 24))
    assert {position for position, _deviation in find_outliers(descriptors)} == {5, 77}


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    """Scenes of two classes with a dark, a small, a blurred image, copies and an unreadable file."""
    data = tmp_path / "birds"
    for number in range(24):
        save(data / "ab"[number % 2] / f"{number}.png", rough(number))
    save(data / "a" / "dark.png", (scene(1) // 30).astype(np.uint8))
    save(data / "a" / "small.png", scene(2, 40, 40))
    save(data / "b" / "blurred.png", scene(101))
    save(data / "b" / "copy-of-0.png", np.ascontiguousarray(scene(100)))
    save(data / "a" / "copy-of-b.png", np.ascontiguousarray(scene(100)[3:-3, 4:-4]))
    save(data / "unknown" / "other.png", paint((1, 2, 3)))
    (data / "a" / "broken.jpg").write_bytes(b"no image")
    return data


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.test_loop import write_random_weights

    path = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    write_random_weights(path)
    return path


def test_the_report_names_every_planted_flaw(
    command: Command, flawed: Path, weights: Path, tmp_path: Path
) -> None:
    options = ("--weights", weights, "--image-size", 32, "--out", tmp_path / "out")
    done = command("edge-data", flawed, *options)
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "out" / "examination.json").read_text())
    by_check = {(each["check"], each["file"]) for each in report["suspects"]}
    assert {
        (Check.DARK, "a/dark.png"),
        (Check.SMALL, "a/small.png"),
        (Check.DUPLICATE, "a/copy-of-b.png"),
        (Check.DUPLICATE, "b/copy-of-0.png"),
    } <= by_check
    assert any("near-duplicates" in line for line in report["verdicts"])
    assert any("cannot be read" in line for line in report["verdicts"])
    assert [each["label"] for each in report["classes"]] == ["a", "b"], "images of no class are left out"
    assert [each["files"] for each in report["duplicates"]] == [["a/copy-of-b.png", "b/copy-of-0.png"]]
    page = (tmp_path / "out" / "examination.html").read_text()
    assert page.count("data:image/jpeg;base64,") >= 4
    assert "edge-label --suspects" in page
    assert f"next: edge-label --suspects {tmp_path / 'out' / 'suspects.json'} --into {flawed}" in done.out


def test_suspects_open_in_the_label_page(flawed: Path, tmp_path: Path) -> None:
    from tests.labelling import label_page

    suspects = [
        {"file": "a/copy-of-b.png", "label": "a", "check": "label", "why": "looks like b", "suggestion": "b"},
        {"file": "../../etc/passwd", "label": "a", "check": "label", "why": "outside"},
        {"file": "a/gone.png", "label": "a", "check": "label", "why": "gone"},
    ]
    (tmp_path / "suspects.json").write_text(json.dumps({"suspects": suspects}))
    with label_page("--suspects", tmp_path / "suspects.json", "--into", flawed) as page:
        [image] = page.waiting()
        assert (image["current"], image["why"]) == ("a", "looks like b")
        assert page.post("api/label", {"ids": [image["id"]], "label": "b"})["ids"] == [image["id"]]
        assert (flawed / "b" / "copy-of-b.png").is_file()
        assert page.post("api/undo", {})["ids"] == [image["id"]]
        page.post("api/label", {"ids": [image["id"]], "label": "a"})
    assert (flawed / "a" / "copy-of-b.png").is_file(), "kept where it was"


def test_the_network_of_a_run_judges_its_own_data(command: Command, digits_run: Path, tmp_path: Path) -> None:
    done = command("edge-data", "digits", "--run", digits_run, "--out", tmp_path)
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "examination.json").read_text())
    assert report["images"] == 1797
    assert report["accuracy"] > 0.9
    assert report["features"].startswith("the run ")
    assert len(report["curve"]) == 4
    labels = [each for each in report["suspects"] if each["check"] == "label"]
    assert len(labels) < 0.02 * 1797


@pytest.mark.extra
def test_sets_in_two_splits_of_a_run_are_named(command: Command, tmp_path: Path) -> None:
    """A run trained without groups, on two images of each scene."""
    for number in range(40):
        image = rough(number)
        for copy, each in enumerate((image, np.clip(image * 1.15, 0, 255).astype(np.uint8))):
            save(tmp_path / "data" / "ab"[number % 2] / f"{number}-{copy}.png", each)
    small = [
        "--weights",
        "none",
        "--alpha",
        "0.35",
        "--image-size",
        "32",
        "--scratch-epochs",
        "1",
        "--reject",
        "off",
        "--test-split",
        "0.2",
    ]
    crossing = []
    for group_by in ("none", "burst"):
        run, out = tmp_path / group_by, tmp_path / f"{group_by}-report"
        trained = command("edge-train", tmp_path / "data", *small, "--group-by", group_by, "--out", run)
        assert trained.code == 0, trained.err
        done = command("edge-data", tmp_path / "data", "--run", run, "--out", out)
        assert done.code == 0, done.err
        sets = json.loads((out / "examination.json").read_text())["duplicates"]
        assert len(sets) == 40
        crossing.append(sum(len(set(each["splits"])) > 1 for each in sets))
        told = f"{crossing[-1]} of these sets are in more than one split" in done.out
        assert told == (crossing[-1] > 0)
    assert crossing[0] > 10
    assert crossing[1] == 0


def test_wrong_arguments_are_one_line(command: Command, tmp_path: Path) -> None:
    command("edge-data").fails_with(2, "name the data")
    command("edge-data", tmp_path, "--out", tmp_path / "o").fails_with(5, "class folders")
    command("edge-data", tmp_path, "--run", tmp_path / "none").fails_with(3, "not a complete run")
    command("edge-data", tmp_path, "--image-size", 1).fails_with(2, "--image-size must be")

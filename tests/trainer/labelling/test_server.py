"""`edge-label` over HTTP, as its page and as strangers use it."""

import signal
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from tests.commands import Command
from tests.edge_runtime.images.test_perceptual_hash import scene
from tests.images import save
from tests.labelling import LabelPage, label_page

MARK = {"X-Edge-Label": "1"}


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    for number in range(6):
        save(tmp_path / "collection" / f"{number}.png", scene(number))
    return tmp_path / "collection"


def test_images_are_labelled_skipped_and_taken_back(collection: Path, tmp_path: Path) -> None:
    with label_page(collection, "--into", tmp_path / "birds") as page:
        ids = [image["id"] for image in page.waiting()]
        assert len(ids) == 6
        answer = page.post("api/label", {"ids": ids[:2], "label": "robin"})
        assert answer["ids"] == ids[:2]
        assert answer["state"]["classes"] == [{"name": "robin", "count": 2}]
        assert page.post("api/skip", {"ids": ids[2:3]})["state"]["done"] == 3
        assert page.post("api/undo", {})["ids"] == ids[2:3]
        assert page.post("api/class", {"name": "wren"})["state"]["classes"][1] == {"name": "wren", "count": 0}
        assert [image["id"] for image in page.waiting()] == ids[2:]
    assert len(list((tmp_path / "birds" / "robin").iterdir())) == 2
    assert len(list(collection.iterdir())) == 4


def test_the_models_suggestion_comes_with_the_image(
    collection: Path, tmp_path: Path, color_models: dict[str, Path]
) -> None:
    with label_page(collection, "--into", tmp_path / "birds", "--model", color_models["uint8"]) as page:
        while page.get("api/state")["looked_at"] is not None:
            pass
        assert {image["suggestion"] for image in page.waiting()} <= {"red", "green", "blue"}


def test_an_image_is_shown_small_and_large_and_nothing_else_is(collection: Path, tmp_path: Path) -> None:
    with label_page(collection, "--into", tmp_path / "birds") as page:
        key = page.waiting()[0]["id"]
        assert page.status_of(f"image/{key}") == 200
        assert page.status_of(f"image/{key}?large") == 200
        for path in ("image/none", "image/..%2f..%2fetc%2fpasswd", "etc/passwd", "label.py", "api/none"):
            assert page.status_of(path) == 404


def test_strangers_are_refused(collection: Path, tmp_path: Path) -> None:
    with label_page(collection, "--into", tmp_path / "birds") as page:
        key = page.waiting()[0]["id"]
        good = {"ids": [key], "label": "robin"}
        assert page.status_of("api/label", good) == 403, "a form of another site cannot send the header"
        assert page.status_of("api/state", Host="evil.example") == 403, "DNS rebinding"
        for bad in (
            {"ids": [key], "label": "../up"},
            {"ids": [key]},
            {"ids": "all", "label": "robin"},
            {"label": 1},
        ):
            assert page.status_of("api/label", bad, **MARK) == 400
        assert page.status_of("api/label", {"ids": [key], "label": "x" * 2_000_000}, **MARK) == 413
        assert page.post("api/label", {"ids": ["unknown-id"], "label": "robin"})["ids"] == []
        assert len(page.waiting()) == 6
    assert not (tmp_path / "up").exists()


def test_another_address_needs_the_token(collection: Path, tmp_path: Path) -> None:
    with label_page(collection, "--into", tmp_path / "birds", "--host", "127.0.0.1") as page:
        assert "token" not in page.url
    with label_page(collection, "--into", tmp_path / "birds", "--host", "0.0.0.0") as page:
        assert "?token=" in page.url
        port = page.url.split(":")[2].split("/")[0]
        token = page.url.split("=")[1]
        elsewhere = LabelPage(page.process, f"http://127.0.0.1:{port}/")
        assert elsewhere.status_of("api/state") == 403
        assert elsewhere.status_of(f"api/state?token={token}") == 200


def test_wrong_arguments_are_one_line(command: Command, collection: Path, tmp_path: Path) -> None:
    command("edge-label", "--into", tmp_path / "b").fails_with(2, "name what to label")
    command("edge-label", tmp_path / "none", "--into", tmp_path / "b").fails_with(5, "there is none")
    command("edge-label", collection, "--into", "/proc/b").fails_with(6, "/proc/b")
    command("edge-label", "--suspects", tmp_path / "none.json", "--into", tmp_path / "b").fails_with(
        5, "none.json"
    )
    command("edge-label", collection, "--into", tmp_path / "b", "--model", tmp_path / "m").fails_with(
        3, "m: "
    )
    (tmp_path / "empty").mkdir()
    done = command("edge-label", tmp_path / "empty", "--into", tmp_path / "b")
    assert done.code == 0
    assert "nothing to label" in done.err
    with label_page(collection, "--into", tmp_path / "b"):
        command("edge-label", collection, "--into", tmp_path / "b").fails_with(6, "another process")


def test_ctrl_c_ends_it_with_a_summary(collection: Path, tmp_path: Path) -> None:
    with label_page(collection, "--into", tmp_path / "birds", stop=False) as page:
        page.post("api/skip", {"ids": [page.waiting()[0]["id"]]})
        page.process.send_signal(signal.SIGINT)
        assert page.process.wait(20) == 130
        assert page.process.stderr is not None
        assert "1 images labelled or skipped, 5 left" in page.process.stderr.read()


@pytest.mark.slow
def test_a_kill_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Every label that was shown as done is on the disk; the next start finishes what was begun."""
    random = np.random.default_rng(3)
    collection, data = tmp_path / "collection", tmp_path / "birds"
    contents = set()
    for number in range(200):
        image = random.integers(0, 256, (16, 16, 3)).astype(np.uint8)
        contents.add(save(collection / f"{number:03}.png", image).read_bytes())
    done: dict[str, str] = {}
    for _attempt in range(10):
        with label_page(collection, "--into", data, stop=False) as page:
            waiting = page.waiting()
            begin = len(done)
            deadline = begin + int(random.integers(1, 10))
            try:
                for image in waiting:
                    label = ("robin", "wren", "tit")[int(random.integers(3))]
                    if len(done) == deadline:
                        # The kill comes while this request is being answered.
                        signal.signal(signal.SIGALRM, lambda _number, _frame, page=page: page.process.kill())
                        signal.setitimer(signal.ITIMER_REAL, float(random.uniform(1e-6, 0.004)))
                    page.post("api/label", {"ids": [image["id"]], "label": label})
                    done[image["name"]] = label
            except (urllib.error.URLError, ConnectionError):
                pass
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        for name, label in done.items():
            assert (data / label / name).is_file(), name
    with label_page(collection, "--into", data):
        pass
    files = [path for path in tmp_path.rglob("*.png") if path.is_file()]
    assert sorted(path.read_bytes() for path in files) == sorted(contents)

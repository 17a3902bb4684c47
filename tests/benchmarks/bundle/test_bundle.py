"""A bundle of a real run: the same bytes again, the same figures on a machine without TensorFlow."""

import dataclasses
import hashlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks import open_bundle, read_report
from benchmarks.bundle import BundledRun, write_bundle
from benchmarks.bundle.format import MANIFEST
from edge_runtime import EdgeError, ModelError
from edge_runtime.core import no_tick
from edge_runtime.datasets import read_run
from tests.conftest import Command

pytestmark = pytest.mark.slow

FEW = ("--num-runs", 20, "--min-seconds", 0, "--processes", 1)


@pytest.fixture(scope="session")
def workstation(report_folder: Path) -> Path:
    return report_folder / "report.json"


# What a device does not have, as a program finds it that looks for it.
NOT_ON_A_DEVICE = (
    "tensorflow", "keras", "matplotlib", "jinja2", "scipy", "sklearn", "flatbuffers", "tomli_w",
)  # fmt: skip
BLOCKER = "import sys; sys.modules.update(dict.fromkeys({names}))"


def device(tmp_path: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """`edge-bench` where the workstation's libraries cannot be imported, in its worker processes neither."""
    folder = tmp_path / "device"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(BLOCKER.format(names=NOT_ON_A_DEVICE))
    code = "from edge_runtime.start import edge_bench; edge_bench()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


@pytest.fixture(scope="module")
def from_device(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("from_device")
    done = device(folder, "run", bundle, *FEW, "--sustained", 1, "--out", folder / "report")
    assert done.returncode == 0, done.stderr
    assert "edge-bench render report.json" in done.stdout
    assert sorted(path.name for path in (folder / "report").iterdir()) == ["report.json", "report.md"]
    return folder / "report" / "report.json"


def test_the_figures_are_those_of_the_workstation_digit_for_digit(
    workstation: Path, from_device: Path
) -> None:
    here, there = read_report(workstation), read_report(from_device)
    assert [target.name for target in there.targets] == ["keras", "keras-predict", "digits"]
    assert (there.fingerprint, there.targets_of, there.split) == (here.fingerprint, here.targets_of, "test")
    for one, other in zip(here.targets, there.targets, strict=True):
        assert one.accuracy == other.accuracy
        assert one.unknowns == other.unknowns
    keras, predict, digits = there.targets
    assert keras.machine == predict.machine == here.machine
    assert (digits.machine, digits.ratio_to_first) == (None, None)
    assert keras.latency == here.targets[0].latency
    text = (from_device.parent / "report.md").read_text()
    assert "† keras, keras-predict: measured on" in text
    assert "answers in" in text


def test_a_sustained_run_is_in_the_report(from_device: Path) -> None:
    (sustained,) = [each.sustained for each in read_report(from_device).targets if each.sustained]
    assert sustained.images >= 1024
    assert sustained.seconds >= 1
    assert sum(moment.images for moment in sustained.moments) == sustained.images
    assert "without a pause" in (from_device.parent / "report.md").read_text()


def test_reports_are_checked_merged_and_the_product_is_measured_on_a_device(
    workstation: Path, from_device: Path, digits_model: Path, tmp_path: Path
) -> None:
    for code, arguments in (
        (0, ("compare", from_device, from_device)),
        (0, ("gate", from_device, "--min-accuracy", "digits=0.5")),
        (0, ("merge", workstation, from_device, "--out", tmp_path / "merged")),
        (0, ("loop", "--input", "synthetic", "-m", digits_model, "--seconds", 1, "--out", tmp_path / "loop")),
        # Pages need plots.
        (2, ("render", from_device, "--out", tmp_path / "page")),
    ):
        done = device(tmp_path, *arguments)
        assert done.returncode == code, done.stderr
        assert len(done.stderr.splitlines()) == (1 if code else 0) or "loop" in arguments, done.stderr
    assert sorted(path.name for path in (tmp_path / "merged").iterdir()) == ["merged.json", "merged.md"]


def test_the_page_is_made_elsewhere_and_machines_are_merged(
    command: Command, workstation: Path, from_device: Path, tmp_path: Path
) -> None:
    done = command("edge-bench", "render", from_device, "--out", tmp_path)
    assert done.code == 0, done.err
    page = (tmp_path / "report.html").read_text()
    assert "Without a pause" in page
    assert "Latency of digits over time" in page
    assert (tmp_path / "report.md").read_text() == (from_device.parent / "report.md").read_text()
    merged = command("edge-bench", "merge", workstation, from_device, "--out", tmp_path / "merged")
    assert merged.code == 0, merged.err
    rows = json.loads((tmp_path / "merged" / "merged.json").read_text())["rows"]
    # The Keras model was measured once, and is one row.
    assert [row["model"] for row in rows] == ["keras", "keras-predict", "digits", "digits"]
    assert all(row["same_answers"] == 1 for row in rows)
    assert "<img" in (tmp_path / "merged" / "merged.html").read_text()


def test_the_same_input_gives_the_same_bytes(
    digits_run: Path, digits_model: Path, bundle: Path, tmp_path: Path
) -> None:
    with open_bundle(bundle) as opened:
        manifest = opened.manifest
        run = BundledRun(run=read_run(digits_run), targets=manifest.targets, scores=opened.scores)
        write_bundle(
            tmp_path / "again.zip",
            [run],
            opened.images,
            [digits_model],
            dict(manifest.versions),
            with_keras=False,
            tick=no_tick,
        )
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()


@pytest.mark.extra
def test_fewer_images_and_the_keras_model(
    command: Command, digits_run: Path, digits_model: Path, tmp_path: Path
) -> None:
    done = command(
        *("edge-bench", "bundle", digits_run, "--max-images", 30, "--with-keras", *FEW),
        *("--out", tmp_path / "few.zip"),
    )
    assert done.code == 0, done.err
    assert "edge-bench run few.zip MODEL.tflite --out report" in done.out
    with open_bundle(tmp_path / "few.zip") as opened:
        assert len(opened.images.samples) == 30
        assert opened.models == ()
        assert opened.manifest.labels == read_run(digits_run).card.labels
    command("edge-bench", "run", tmp_path / "few.zip", "--out", tmp_path / "r").fails_with(
        2, "name one or more"
    )
    both = command(
        *(
            "edge-bench",
            "run",
            tmp_path / "few.zip",
            digits_model,
            "--keras",
            *FEW,
            "--out",
            tmp_path / "both",
        )
    )
    assert both.code == 0, both.err
    report = read_report(tmp_path / "both" / "report.json")
    names = ["keras", "keras-predict", "digits", "keras (bundle)", "keras-predict (bundle)"]
    assert [target.name for target in report.targets] == names
    measured, carried = report.targets[0], report.targets[3]
    assert measured.accuracy.predicted == carried.accuracy.predicted
    assert report.targets[2].ratio_to_first is not None
    lacking = device(
        tmp_path, "run", tmp_path / "few.zip", digits_model, "--keras", *FEW, "--out", tmp_path / "x"
    )
    assert lacking.returncode == 2
    assert "edge-classify[train]" in lacking.stderr or "tensorflow" in lacking.stderr


@pytest.mark.extra
def test_several_runs_with_the_same_images_are_one_bundle(
    command: Command, digits_run: Path, digits_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(digits_run, tmp_path / "again")
    few = ("--max-images", 20, *FEW)
    done = command(
        "edge-bench", "bundle", digits_run, tmp_path / "again", *few, "--out", tmp_path / "two.zip"
    )
    assert done.code == 0, done.err
    measured = device(tmp_path, "run", tmp_path / "two.zip", digits_model, *FEW, "--out", tmp_path / "report")
    assert measured.returncode == 0, measured.stderr
    names = [target.name for target in read_report(tmp_path / "report" / "report.json").targets]
    assert names == ["keras run", "keras-predict run", "keras again", "keras-predict again", "digits"]
    # Another split is another set of images.
    card = (tmp_path / "again" / "split.csv").read_text()
    changed = card.replace(",test,", ",validation,", 5)
    assert changed != card
    (tmp_path / "again" / "split.csv").write_text(changed)
    other = command("edge-bench", "bundle", digits_run, tmp_path / "again", *few, "--out", tmp_path / "b.zip")
    other.fails_at_last_with(5, "holds out other images than")
    same = command("edge-bench", "bundle", digits_run, digits_run, "--out", tmp_path / "b.zip")
    same.fails_at_last_with(2, "two runs have the same folder name")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "{bundle}", "--data", "x"), 2, "need a run"),
        (("run", "{bundle}", "--keras"), 2, "--with-keras"),
        (("run", "{run}", "{model}", "--keras"), 2, "--keras is for a bundle"),
        (("run", "{model}"), 3, "not a bundle of edge-bench"),
        (("run", "nothing.zip"), 3, "nothing.zip"),
        (("bundle",), 2, "edge-bench bundle RUN"),
        (("bundle", "nothing"), 3, "not a complete run"),
        (("bundle", "{run}", "--model", "{run}/card.json"), 3, "not a TensorFlow Lite model"),
        (("render", "{bundle}"), 3, "not valid JSON"),
        (("merge",), 2, "edge-bench merge"),
    ],
)
def test_wrong_usage_is_one_line(
    command: Command,
    bundle: Path,
    digits_run: Path,
    digits_model: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    given = [each.format(bundle=bundle, run=digits_run, model=digits_model) for each in arguments]
    command("edge-bench", *given, cwd=tmp_path).fails_at_last_with(code, words)


def refused(path: Path, *words: str) -> None:
    with pytest.raises(ModelError) as caught, open_bundle(path):
        pass
    assert "\n" not in str(caught.value)
    assert any(word in str(caught.value) for word in words), caught.value


def test_three_hundred_damaged_bundles_are_refused_or_the_same(bundle: Path, tmp_path: Path) -> None:
    chance, content = random.Random(0), bundle.read_bytes()
    # What is not images: scores, cards, model, manifest and the directory.
    end = content.rfind(b"PK\5\6")
    ways = {"cut": 0, "flipped": 0, "same": 0}
    for number in range(300):
        damaged = bytearray(content)
        if number % 3 == 0:
            del damaged[chance.randrange(len(content)) :]
        else:
            start = 0 if number % 3 == 1 else len(content) - 40_000
            for _ in range(chance.randint(1, 5)):
                damaged[chance.randrange(start, len(content))] ^= 1 << chance.randrange(8)
        path = tmp_path / "damaged.zip"
        path.write_bytes(damaged)
        try:
            with open_bundle(path) as opened:
                pass
        except EdgeError as error:
            assert "\n" not in str(error)  # noqa: PT017
            ways["cut" if number % 3 == 0 else "flipped"] += 1
        else:
            # A flipped date or permission changes nothing that is read.
            assert opened.scores.shape == (269, 11)
            ways["same"] += 1
    assert end > 0
    assert ways["cut"] == 100
    assert ways["flipped"] > 150


def rewritten(bundle: Path, out: Path, **changes: object) -> Path:
    """The bundle with another manifest, whose hashes still fit."""
    with zipfile.ZipFile(bundle) as source, zipfile.ZipFile(out, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name == MANIFEST:
                content = json.dumps({**json.loads(content), **changes}).encode()
            archive.writestr(name, content)
    return out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "format 2, this version reads 1"),
        ({"classes": []}, "no images, runs, classes"),
        ({"images": []}, "no images, runs, classes"),
        ({"outputs": 5}, "5 scores for 10 classes"),
        ({"members": {"../../etc/passwd": "0"}}, "cannot be in a bundle"),
        ({"members": {"/etc/passwd": "0"}}, "cannot be in a bundle"),
        ({"members": {"images/../x": "0"}}, "cannot be in a bundle"),
        ({"members": {}}, "do not belong together"),
        ({"targets": []}, "no images, runs, classes"),
        ({"runs": 3}, "manifest.json: runs"),
        ({"more": 3}, "manifest.json: more"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(
    bundle: Path, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    refused(rewritten(bundle, tmp_path / "b.zip", **changes), words)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_links_bombs_and_a_million_entries_are_refused(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as source:
        members = {name: source.read(name) for name in source.namelist()}

    def packed(extra: "dict[str | zipfile.ZipInfo, bytes]", compression: int = zipfile.ZIP_STORED) -> Path:
        path = tmp_path / "b.zip"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in {**members, **extra}.items():
                archive.writestr(name, content)
        return path

    refused(packed({"../outside": b"x"}), "not those that the manifest lists")
    link = zipfile.ZipInfo("images/00000.png")
    link.external_attr = 0o120777 << 16
    refused(packed({link: b"/etc/passwd"}), "same name", "damaged")
    refused(packed({"bomb": bytes(1)}, zipfile.ZIP_DEFLATED), "is compressed")
    refused(packed({"images/99999.png": b"x"}), "not those that the manifest lists")
    # A directory of a million entries is refused by the record at the end, before it is read.
    million = tmp_path / "million.zip"
    million.write_bytes(bytes(100) + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65_535, 65_535, 2**26, 0, 0))
    refused(million, "files inside are more than a bundle can have")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "million.zip"]


def test_a_changed_image_is_found(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle) as source, zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name) + (b"x" if name == "images/00003.png" else b""))
    refused(tmp_path / "b.zip", "images/00003.png is damaged; copy the bundle again")


def test_nothing_of_a_bundle_is_left_behind(bundle: Path) -> None:
    with open_bundle(bundle) as opened:
        folder = opened.folder
        hashes = {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in opened.manifest.members
        }
        assert hashes == opened.manifest.members
        assert re.fullmatch(r"images/\d{5}\.png", opened.manifest.images[0].file)
    assert not folder.exists()


def test_a_report_of_other_images_is_no_source_of_times(
    command: Command, digits_run: Path, workstation: Path, tmp_path: Path
) -> None:
    other = dataclasses.replace(read_report(workstation), fingerprint="0" * 64)
    (tmp_path / "other.json").write_text(other.to_json())
    done = command("edge-bench", "bundle", digits_run, "--report", tmp_path / "other.json", cwd=tmp_path)
    done.fails_at_last_with(3, "measured on other images")

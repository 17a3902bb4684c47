"""`edge-search` as a command: two small networks on hard colors."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import open_bundle, read_report
from benchmarks.search import latency_of
from edge_runtime.datasets import read_run
from edge_runtime.model import read_model_file
from tests.commands import Command
from tests.conftest import Shared

pytestmark = pytest.mark.slow

TRAINING = 'cross_validate = "off"\nvalidation_split = 0.3\nhead_epochs = 3\nfine_tune_epochs = 1\n'


@pytest.fixture(scope="session")
def options(hard_colors: tuple[object, ...], shared: Shared) -> tuple[object, ...]:
    """Data, weights, two sizes and a short training."""
    folder = shared("search-options", lambda folder: write_training(folder / "training.toml"))
    data, _weights, weights = hard_colors[:3]
    sizes = ("--image-size", 32, "--image-size", 64)
    training = ("--training", folder / "training.toml")
    return (data, "--weights", weights, "--alpha", 0.35, *sizes, *training)


def write_training(path: Path) -> None:
    path.write_text(TRAINING)


@pytest.fixture(scope="session")
def searched(command: Command, options: tuple[object, ...], shared: Shared) -> Path:
    """A finished search."""

    def search(folder: Path) -> None:
        done = command("edge-search", *options, "--fine-tune", 1, "--out", folder / "search")
        assert done.code == 0, done.err
        (folder / "out").write_text(done.out + done.err)

    return shared("searched", search) / "search"


def test_the_picked_model_is_an_ordinary_run_and_model_file(searched: Path) -> None:
    found = json.loads((searched / "search.json").read_text())
    assert len(found["estimates"]) == len(found["screened"]) == 2
    (tuned,) = found["tuned"]
    run = read_run(searched / "runs" / found["chosen"])
    assert run.card.image_size == (tuned["trained"]["candidate"]["image_size"],) * 2
    model = read_model_file(searched / "model.tflite")
    assert model.content == (searched / "models" / f"{found['chosen']}.tflite").read_bytes()
    assert model.card is not None
    assert model.card.classes == ("blue", "green", "red")
    assert tuned["trained"]["mb"] == pytest.approx(len(model.content) / 1e6)


def test_the_most_promising_is_fine_tuned_and_told(searched: Path) -> None:
    found = json.loads((searched / "search.json").read_text())
    best = min(found["screened"], key=lambda each: each["loss"])
    assert found["tuned"][0]["trained"]["candidate"] == best["candidate"]
    messages = (searched.parent / "out").read_text()
    assert "2 of 2 candidates are within the budget" in messages
    assert f"picked: alpha 0.35 at {best['candidate']['image_size']} px: the most accurate" in messages
    page = (searched / "search.html").read_text()
    assert page.count("(picked)") == 1
    assert "data:image/png;base64," in page


@pytest.mark.extra
def test_an_interrupted_search_goes_on_and_repeats_no_training(
    command: Command, options: tuple[object, ...], searched: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "search"
    shutil.copytree(searched, folder)
    (folder / "search.json").unlink()
    run = json.loads((searched / "search.json").read_text())["chosen"]
    before = (folder / "runs" / run / "model.keras").stat().st_mtime_ns
    done = command("edge-search", "--resume", "--out", folder)
    assert done.code == 0, done.err
    assert "epoch" not in done.err
    assert (folder / "runs" / run / "model.keras").stat().st_mtime_ns == before
    one, other = (json.loads((each / "search.json").read_text()) for each in (searched, folder))
    assert (one["screened"], one["chosen"]) == (other["screened"], other["chosen"])
    # Without --resume it is not touched, and another search does not continue it.
    command("edge-search", *options, "--out", folder).fails_with(6, "contains a search already", "--resume")
    done = command("edge-search", *options, "--seed", 7, "--resume", "--out", folder)
    done.fails_at_last_with(6, "another data set, --weights, --training or --seed")


@pytest.mark.extra
def test_the_latencies_of_a_device_are_those_of_its_report(
    command: Command, options: tuple[object, ...], searched: Path, tmp_path: Path
) -> None:
    bundle, folder = tmp_path / "probe.bundle.zip", tmp_path / "search"
    done = command("edge-search", *options, "--probe", bundle, "--out", tmp_path / "probes")
    assert done.code == 0, done.err
    assert "2 untrained models" in done.out
    with open_bundle(bundle) as opened:
        assert [path.stem for path in opened.models] == ["alpha-0.35-size-32", "alpha-0.35-size-64"]
        assert opened.manifest.targets == ()
    few = ("--num-runs", 20, "--min-seconds", 0, "--processes", 1)
    done = command("edge-bench", "run", bundle, *few, "--out", tmp_path / "report")
    assert done.code == 0, done.err
    assert "the models are not trained" in done.out
    report = tmp_path / "report" / "report.json"
    measured = {each.name: latency_of(each) for each in read_report(report).targets}
    shutil.copytree(searched, folder)
    done = command("edge-search", "--resume", "--out", folder, "--device", report)
    assert done.code == 0, done.err
    found = json.loads((folder / "search.json").read_text())
    assert [each["ms"] for each in found["estimates"]] == list(measured.values())
    assert found["tuned"][0]["ms"] == measured[found["chosen"]]
    # Nothing fits: before any training, with the numbers.
    fastest = min(measured.values())
    done = command("edge-search", "--resume", "--out", folder, "--device", report, "--max-ms", fastest / 2)
    done.fails_at_last_with(9, "no candidate is within", "the fastest takes")


@pytest.mark.extra
def test_untrained_models_of_other_data_are_made_again(
    command: Command, options: tuple[object, ...], tmp_path: Path
) -> None:
    data, *others = options
    two = tmp_path / "two"
    for name in ("red", "green"):
        shutil.copytree(Path(str(data)) / name, two / name)
    for folder, classes in ((data, 3), (two, 2)):
        bundle = tmp_path / f"{classes}.bundle.zip"
        done = command("edge-search", folder, *others, "--probe", bundle, "--out", tmp_path / "probes")
        assert done.code == 0, done.err
        with open_bundle(bundle) as opened:
            assert [len(read_model_file(path).labels) for path in opened.models] == [classes, classes]


def test_wrong_arguments_are_one_line(
    command: Command, options: tuple[object, ...], report_folder: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "search")
    data = options[0]
    command("edge-search", *out).fails_with(2, "name the data")
    command("edge-search", data, "--weights", "none", *out).fails_with(2, "pretrained features")
    command("edge-search", data, "--weights", "base.weights.h5", *out).fails_with(2, "{alpha}")
    missing = tmp_path / "none_{alpha}.weights.h5"
    command("edge-search", data, "--weights", missing, *out).fails_with(3, "there is no such file")
    (tmp_path / "alpha.toml").write_text("alpha = 0.5\n")
    command("edge-search", data, "--training", tmp_path / "alpha.toml", *out).fails_with(
        2, "'alpha' is chosen by edge-search"
    )
    other = ("--device", report_folder / "report.json")
    command("edge-search", *options, *other, *out).fails_with(3, "not measured with a bundle of edge-search")
    command("edge-search", *options, "--max-ms", 0, *out).fails_with(2, "--max-ms must be")

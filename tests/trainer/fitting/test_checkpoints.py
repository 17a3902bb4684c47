"""Trainings that are killed, interrupted or diverge, and go on."""

import csv
import signal
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime import ModelError, UsageError
from edge_runtime.core import lock_folder
from edge_runtime.datasets import RunFiles
from tests.commands import Command, Finished, Running
from trainer import Epoch, TrainConfig
from trainer.fitting.checkpoints import State, check_state, config_values, read_state, restore, write_state

# Ends the process when a file with this name is about to be put in place for the n-th time, or just has been.
KILLED = """
import os, signal
from pathlib import Path

name, count, moment = {name!r}, {count}, {moment!r}
place = Path.replace

def replace(self, target):
    global count
    count -= Path(target).name == name
    if not count and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    place(self, target)
    if not count:
        os.kill(os.getpid(), signal.SIGKILL)

Path.replace = replace
"""


@pytest.fixture(scope="module")
def options(hard_colors: tuple[object, ...]) -> tuple[object, ...]:
    """A deterministic training in two phases with everything random in it."""
    return (
        *hard_colors,
        *(
            "--cross-validate",
            "off",
            "--head-epochs",
            3,
            "--fine-tune-epochs",
            3,
            "--fine-tune-rate",
            1e-3,
            "--augment-copies",
            1,
        ),
        *("--cutout", 0.3, "--brightness", 0.2, "--mixup", 0.2, "--ema", 0.9),
        *("--deterministic", "--checkpoint-seconds", 0),
    )


@pytest.fixture(scope="module")
def undisturbed(
    command: Command, options: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    done = command("edge-train", *options, "--out", run)
    assert done.code == 0, done.err
    return run


def history(run: Path) -> list[dict[str, str]]:
    rows = list(csv.DictReader((run / "history.csv").read_text().splitlines()))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def weights(run: Path) -> list[np.ndarray]:
    import keras

    return keras.saving.load_model(run / "model.keras", compile=False).get_weights()  # type: ignore[no-any-return]


def assert_alike(run: Path, other: Path) -> None:
    assert history(run) == history(other)
    assert all(np.array_equal(*pair) for pair in zip(weights(run), weights(other), strict=True))


def train_until_killed(where: tuple[str, int, str], *arguments: object) -> None:
    name, count, moment = where
    killed = KILLED.format(name=name, count=count, moment=moment)
    done = Running("edge-train", arguments, prepare=killed).finish()
    assert done.code == -signal.SIGKILL, done.err


@pytest.mark.slow
def test_a_killed_training_that_replaces_another_gives_the_result_of_an_uninterrupted_one(
    command: Command, options: tuple[object, ...], undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.keras").write_bytes(b"of an earlier training")
    train_until_killed(("state.npz", 2, "before"), *options, "--overwrite", "--out", run)
    assert len(history(run)) == 2
    command("edge-train", *options, "--out", run).fails_with(6, "interrupted training", "--resume")
    with lock_folder(run):
        command("edge-train", "--resume", "--out", run).fails_with(6, "another process writes into it")
    train_until_killed(("state.npz", 3, "after"), "--resume", "--out", run)
    train_until_killed(("model.keras", 1, "before"), "--resume", "--out", run)
    assert not (run / "model.keras").exists()
    (run / "checkpoints" / ".0123abcd.state.npz").write_bytes(b"half")
    done = command("edge-train", "--resume", "--out", run)
    assert done.code == 0, done.err
    assert "continuing after epoch 6" in done.err
    assert_alike(run, undisturbed)
    assert len({row["val_loss"] for row in history(run)}) == 6
    assert not RunFiles(run).state.exists()
    assert not list((run / "checkpoints").glob(".*"))
    again = command("edge-train", "--resume", "--out", run)
    assert again.code == 0
    assert "nothing to resume" in again.err


def interrupt_after(line: str, *arguments: object) -> Finished:
    running = Running("edge-train", arguments)
    running.wait_for(line)
    running.send(signal.SIGINT)
    return running.finish()


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_trained_and_says_so(
    command: Command, options: tuple[object, ...], undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    long = ("--fine-tune-epochs", 500, "--patience", 0, "--schedule", "constant")
    done = interrupt_after("fine-tune epoch 5", *options, *long, "--out", run)
    assert done.code == 130, done.err
    assert "interrupted: keeping the best of " in done.err
    assert "--resume" in done.out
    kept = len(history(run))
    assert 5 <= kept < 500
    assert {"model.keras", "card.json", "metrics.json", "report.html"} <= {
        path.name for path in run.iterdir()
    }
    more = command("edge-train", "--resume", "--out", run, "--fine-tune-epochs", kept - 1)
    assert more.code == 0, more.err
    assert len(history(run)) == kept + 2


@pytest.mark.slow
def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(
    command: Command, options: tuple[object, ...], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    wild = ("--fine-tune-rate", 10, "--optimizer", "sgd", "--schedule", "constant", "--fine-tune-at", 0)
    wild += ("--momentum", 0.99, "--fine-tune-epochs", 30)
    done = command("edge-train", *options, *wild, "--batch-norm", "trained", "--out", run)
    done.fails_at_last_with(8, "loss is ", "lower the learning rate")
    state = read_state(RunFiles(run))
    assert state is not None
    assert all(np.isfinite(array).all() for array in state.best_weights)
    assert (run / "checkpoints" / "best.weights.h5").stat().st_size > 1000
    assert not (run / "model.keras").exists()


def run_files(folder: Path) -> RunFiles:
    """A run with nothing but the folder of its state."""
    files = RunFiles(folder)
    files.state.parent.mkdir()
    return files


FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)
EPOCHS = st.builds(Epoch, st.sampled_from(["head", "fine-tune"]), st.integers(1, 99), *[FLOATS] * 6)
ARRAYS = st.lists(
    st.lists(FLOATS, max_size=4).map(lambda values: np.array(values, np.float32)), min_size=1, max_size=12
)
STATES = st.builds(
    State,
    config=st.just(config_values(TrainConfig(data="x"))),
    fingerprint=st.text("0123456789abcdef", max_size=64),
    history=st.lists(EPOCHS, max_size=5).map(tuple),
    best=EPOCHS,
    weights=ARRAYS,
    best_weights=ARRAYS,
    optimizer=ARRAYS,
)


@given(STATES)
@settings(max_examples=30)
def test_a_state_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, state: State) -> None:
    files = run_files(tmp_path_factory.mktemp("state"))
    write_state(files.state, state)
    again = read_state(files)
    assert again is not None
    for name in ("config", "fingerprint", "history", "best"):
        assert getattr(again, name) == getattr(state, name)
    for name in ("weights", "best_weights", "optimizer"):
        pairs = zip(getattr(again, name), getattr(state, name), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs)


EPOCH = Epoch("head", 1, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0)
STATE = State(
    config_values(TrainConfig(data="x")), "f", (EPOCH,), EPOCH, [np.zeros(2)], [np.zeros(2)], [np.zeros(2)]
)


@given(st.data())
@settings(max_examples=100)
def test_a_damaged_state_is_refused_or_read_never_worse(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    files = run_files(tmp_path_factory.mktemp("damaged"))
    write_state(files.state, STATE)
    content = bytearray(files.state.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    files.state.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        read_state(files)
    except ModelError as error:
        assert "state.npz" in str(error)  # noqa: PT017


@pytest.mark.parametrize("stored", [[(6,), (2,)], [(3, 2)], [(2, 3)]])
def test_a_state_with_other_variables_is_refused_and_changes_none(stored: list[tuple[int, ...]]) -> None:
    """As one that an earlier version wrote, whose optimizer keeps its state in another way."""
    variables = [keras.Variable(np.zeros((3, 2))), keras.Variable(np.zeros(2))]
    with pytest.raises(ModelError, match="does not match this training: start again with --overwrite"):
        restore(variables, [np.ones(shape) for shape in stored])
    assert not any(variable.numpy().any() for variable in variables)


def test_another_training_is_not_gone_on_with() -> None:
    check_state(STATE, TrainConfig(data="x", fine_tune_rate=1e-5, patience=3), "f")
    with pytest.raises(UsageError, match=r"started with --alpha 1\.0, now it is 0\.5"):
        check_state(STATE, TrainConfig(data="x", alpha=0.5), "f")
    with pytest.raises(UsageError, match="the images of x are not those"):
        check_state(STATE, TrainConfig(data="x"), "g")

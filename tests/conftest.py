"""What several tests share: real images, small real models, one real training."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from edge_runtime import ModelCard, Resize, pack_model_file, read_run
from tests.commands import BIN, Command, Finished, run_command
from tests.images import paint, save
from tests.servers import Server

# Time is no property here: a busy machine is slow now and then.
hypothesis.settings.register_profile(
    "gate", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("gate")

# A shell that starts this in the background has SIGINT ignored, and what is ignored is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["BIN", "Command", "Finished", "paint", "save"]

ROOT = Path(__file__).parent.parent
COLORS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


Shared = Callable[[str, Callable[[Path], None]], Path]

SHARED_LAST = ("digits_run", "report_folder", "bundle")
"""Fixtures that take long and that both processes share, each made from the one before."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the shared work with one test each, and let the others that need it come later.

    Otherwise one process waits while the other trains.
    """

    def depth(item: pytest.Item) -> int:
        names = getattr(item, "fixturenames", ())
        return max((place for place, name in enumerate(SHARED_LAST, 1) if name in names), default=0)

    by_depth: list[list[pytest.Item]] = [[] for _ in range(len(SHARED_LAST) + 1)]
    for item in items:
        by_depth[depth(item)].append(item)
    ordered: list[pytest.Item] = []
    for number, group in enumerate(by_depth):
        following = by_depth[number + 1] if number < len(SHARED_LAST) else []
        ordered += [*following[:1], *group]
        del following[:1]
    items[:] = ordered


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Fill a folder once for all the processes that run tests; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def build(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = base / name, base / f"{name}.done"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return build


@pytest.fixture(scope="session")
def cache(shared: Shared) -> Path:
    return shared("cache", lambda _folder: None)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    # Every process that the tests start keeps its caches there, not in the user's home.
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture(scope="session")
def command(cache: Path) -> Command:
    """Run one of the installed commands as its own process."""

    def run(
        name: str, *arguments: object, cwd: Path | None = None, timeout: float = 600, **env: str
    ) -> Finished:
        return run_command(
            name,
            [str(each) for each in arguments],
            folder=cwd,
            timeout=timeout,
            environment={**os.environ, "XDG_CACHE_HOME": str(cache), **env},
        )

    return run


@pytest.fixture(scope="session")
def assets() -> Path:
    folder = os.environ.get("EDGE_TEST_ASSETS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("EDGE_TEST_ASSETS does not name the folder with the test photos and weights")
    return Path(folder)


@pytest.fixture(scope="session")
def digits_run(command: Command, shared: Shared) -> Path:
    """The run of the demo, scikit-learn's digits from scratch, in a quarter of its epochs."""

    def train(folder: Path) -> None:
        options = ("--config", ROOT / "recipes" / "digits.toml", "--scratch-epochs", 15, "--cutout", 0)
        done = command("edge-train", *options, "--out", folder / "run")
        assert done.code == 0, done.err

    return shared("digits", train) / "run"


@pytest.fixture(scope="session")
def digits_model(command: Command, digits_run: Path, shared: Shared) -> Path:
    """The int8 model file of `digits_run`, with its bill of materials beside it."""

    def convert(folder: Path) -> None:
        done = command("edge-convert", digits_run, "--bom", "--out", folder / "digits.tflite")
        assert done.code == 0, done.err

    return shared("digits-model", convert) / "digits.tflite"


@pytest.fixture(scope="session")
def digits_images(digits_run: Path, shared: Shared) -> Path:
    """The 269 test images of `digits_run`, at the model's size: nothing depends on resizing."""

    def write(folder: Path) -> None:
        run = read_run(digits_run)
        data = run.open_data()
        for number, each in enumerate(run.split("test")):
            image = data.read_fitted(each.file, run.card.image_size, run.card.resize)
            save(folder / f"{number:03d}.png", image)

    return shared("digits-images", write)


@pytest.fixture(scope="session")
def few_photos(assets: Path, shared: Shared) -> Path:
    """Twelve photos of each of two classes."""

    def link(folder: Path) -> None:
        for source in sorted((assets / "alpaca").iterdir()):
            (folder / source.name).mkdir()
            for photo in sorted(source.iterdir())[:12]:
                (folder / source.name / photo.name).symlink_to(photo)

    return shared("few-photos", link)


@pytest.fixture(scope="session")
def few_run(command: Command, assets: Path, few_photos: Path, shared: Shared) -> Path:
    """A run of few photos, which are all trained on, with an epoch of fine-tuning if that helps."""

    def train(folder: Path) -> None:
        weights = assets / "mobilenet_v2_0.35_no_top.weights.h5"
        options = ("--weights", weights, "--alpha", 0.35, "--fine-tune-epochs", 1, "--resize", "squash")
        done = command("edge-train", few_photos, *options, "--out", folder / "run")
        assert done.code == 0, done.err
        (folder / "err").write_text(done.err)

    return shared("few", train) / "run"


@pytest.fixture(scope="session")
def frigate_folder(command: Command, few_run: Path, shared: Shared) -> Path:
    """The files of `few_run` for Frigate."""

    def convert(folder: Path) -> None:
        done = command("edge-convert", few_run, "--for", "frigate", "--out", folder / "photos")
        assert done.code == 0, done.err
        (folder / "out").write_text(done.out + done.err)

    return shared("frigate", convert) / "photos"


@pytest.fixture(scope="session")
def demo_run(command: Command, digits_run: Path, shared: Shared) -> Path:
    """The run of the demo in all its epochs, for tests that are not part of `make test`.

    EDGE_TEST_DEMO names one that `make demo` has just trained; otherwise it is trained here. Its images are
    in the tests' cache once `digits_run` is trained.
    """
    assert digits_run.is_dir()
    if trained := os.environ.get("EDGE_TEST_DEMO"):
        return ROOT / trained

    def train(folder: Path) -> None:
        done = command("edge-train", "--config", ROOT / "recipes" / "digits.toml", "--out", folder / "run")
        assert done.code == 0, done.err

    return shared("demo", train) / "run"


@pytest.fixture(scope="session")
def dist(shared: Shared) -> Path:
    """The wheels of the toolkit."""

    def build(folder: Path) -> None:
        subprocess.run([sys.executable, "-P", ROOT / ".ci" / "wheels.py", folder], check=True, timeout=300)

    return shared("dist", build)


@pytest.fixture(scope="session")
def color_models(shared: Shared) -> dict[str, Path]:
    """Real model files without labels inside that tell red, green and blue: by dtype of their tensors.

    All expect pixels in [-1, 1]; the quantized ones have that in their input's scale.
    """
    folder = shared("colors", _write_color_models)
    return {dtype: folder / f"{dtype}.tflite" for dtype in ("float32", "uint8", "int8")}


def _write_color_models(folder: Path) -> None:
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, 8, 8, 3))
    dense = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(inputs)))
    dense.set_weights([np.eye(3, dtype=np.float32) * 4, np.zeros(3, np.float32)])

    def samples() -> list[list[np.ndarray]]:
        images = [np.full((1, 8, 8, 3), color) / 127.5 - 1 for color in COLORS.values()]
        return [[image.astype(np.float32)] for image in images]

    for dtype in ("float32", "uint8", "int8"):
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if dtype != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = samples
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = getattr(tf, dtype)
        with warnings.catch_warnings():
            # The converter warns of every model that is calibrated by samples.
            warnings.simplefilter("ignore")
            (folder / f"{dtype}.tflite").write_bytes(converter.convert())
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in COLORS))


@pytest.fixture(scope="session")
def without_vnni(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, str]:
    """An environment in which programs find AVX2 and nothing newer, whatever this x86-64 has."""
    library = tmp_path_factory.mktemp("cpu") / "hide_vnni.so"
    source = Path(__file__).parent / "cpu" / "hide_vnni.c"
    build = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    if not shutil.which("cc") or subprocess.run(build, capture_output=True, check=False).returncode:
        pytest.skip("no C compiler for x86-64 is installed: apt install gcc")
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "LD_PRELOAD": str(library)}
    if subprocess.run(["true"], env=environment, check=False).returncode:
        pytest.skip("this processor or kernel cannot hide its features (no cpuid_fault in /proc/cpuinfo)")
    return environment


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers that answer each connection with the next of some scripts."""
    servers: list[Server] = []

    def start(*scripts: Callable[[socket.socket], None]) -> Server:
        servers.append(Server(*scripts))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def hard_colors(digits_run: Path, shared: Shared) -> tuple[object, ...]:
    """Images that are hard to tell apart and a pretrained base, as arguments of `edge-train`."""

    def write(folder: Path) -> None:
        import keras

        model = keras.saving.load_model(digits_run / "model.keras", compile=False)
        with warnings.catch_warnings():
            # Keras uses a deprecated function of numpy.
            warnings.simplefilter("ignore")
            model.get_layer("mobilenetv2_0.35_32").save_weights(folder / "base.weights.h5")
        random = np.random.default_rng(0)
        for name, color in COLORS.items():
            for number in range(12):
                # Spots of 4 x 4 pixels: noise of single pixels is refused for calibration at a small size.
                noise = random.integers(-90, 90, (10, 13, 3)).repeat(4, axis=0).repeat(4, axis=1)[:, :50]
                image = np.clip(np.array(color) * 0.2 + 100 + noise, 0, 255).astype(np.uint8)
                save(folder / "colors" / name / f"{number}.png", image)

    folder = shared("hard", write)
    weights = ("--weights", folder / "base.weights.h5", "--alpha", 0.35, "--image-size", 32)
    return (folder / "colors", *weights, "--batch-size", 8)


def linear_model(side: int, labels: tuple[str, ...], resize: Resize = Resize.SQUASH) -> bytes:
    """A float model of so many pixels a side in which every pixel counts differently."""
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, side, side, 3))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    dense = keras.layers.Dense(len(labels), activation="softmax")
    model = keras.Model(inputs, dense(flat))
    kernel = np.random.default_rng(side).normal(0, 1 / side, dense.kernel.shape)
    dense.set_weights([kernel.astype(np.float32), np.zeros(len(labels), np.float32)])
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    return pack_model_file(content, ModelCard(labels=labels, image_size=(side, side), resize=resize))


@pytest.fixture
def color_folder(tmp_path: Path) -> Path:
    """Class folders with 12 noisy images of each color."""
    random = np.random.default_rng(0)
    for name, color in COLORS.items():
        for number in range(12):
            noise = random.integers(-40, 40, (40, 50, 3))
            image = np.clip(np.array(color) * 0.8 + 25 + noise, 0, 255).astype(np.uint8)
            save(tmp_path / "colors" / name / f"{number}.png", image)
    return tmp_path / "colors"

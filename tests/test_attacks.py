"""Damaged images, models and streams in large numbers: no crash, no exit code 1, bounded memory."""

import io
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import islice, product
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from edge_runtime.core import write_file
from tests.conftest import BIN, COLORS, paint
from tests.edge_runtime.pipeline.test_hot_reload import Watched
from tests.edge_runtime.sources.test_streams import stream
from tests.servers import HEAD, Server, healthy, image, part

pytestmark = pytest.mark.extra

IMAGES, MODELS, SWAPS = 7_000, 450, 60
MAX_BYTES = 512 * 1024**2

KINDS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
"""In Pillow; modes and options below make fifteen formats of them."""


def whole_images() -> list[bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(pixels)
    variants: list[tuple[str, PIL.Image.Image, dict[str, object]]] = [(k, picture, {}) for k in KINDS]
    variants += [
        ("JPEG", picture, {"progressive": True}),
        ("JPEG", picture.convert("CMYK"), {}),
        ("JPEG", picture.convert("L"), {}),
        ("PNG", picture.convert("P"), {}),
        ("PNG", picture.convert("RGBA"), {}),
        ("PNG", picture.convert("I;16"), {}),
        ("TIFF", picture, {"compression": "tiff_lzw"}),
        ("WEBP", picture, {"lossless": True}),
    ]
    return [encoded(*each) for each in variants]


def encoded(kind: str, picture: PIL.Image.Image, options: dict[str, object]) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)  # type: ignore[arg-type]
    return content.getvalue()


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Flip, set, cut, repeat or insert bytes, more often where headers are."""
    found = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        place = int(len(found) * chance.random() ** chance.choice((1, 4)))
        match chance.randrange(5):
            case 0:
                found[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                found[place : place + 4] = chance.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4)))
            case 2:
                del found[place : place + chance.randint(1, 40)]
            case 3:
                found[place:place] = found[place : place + chance.randint(1, 200)]
            case _:
                found[place:place] = chance.randbytes(chance.randint(1, 8))
        if not found:
            return b"\0"
    return bytes(found)


# Decodes files in a process of its own, whose death is seen, and measures the peak memory of each.
DECODE = """
import sys
from pathlib import Path
from edge_runtime import EdgeError, read_image
for line in sys.stdin:
    Path("/proc/self/clear_refs").write_text("5")
    try:
        read_image(line.rstrip("\\n"), at_least=0)
        answer = "read"
    except EdgeError as error:
        answer = "refused" if "\\n" not in str(error) else "two lines"
    status = Path("/proc/self/status").read_text()
    print(answer, status.split("VmHWM:")[1].split()[0], flush=True)
"""


def test_damaged_images(tmp_path: Path) -> None:
    chance, originals = random.Random(1), whole_images()
    decoder = subprocess.Popen(
        [sys.executable, "-c", DECODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert decoder.stdin is not None
    assert decoder.stdout is not None
    answers = {"read": 0, "refused": 0}
    with decoder:
        for number in range(IMAGES):
            path = tmp_path / f"{number % 2}.png"
            path.write_bytes(damaged(originals[number % len(originals)], chance))
            decoder.stdin.write(f"{path}\n")
            decoder.stdin.flush()
            answer, kilobytes = decoder.stdout.readline().split()
            assert int(kilobytes) * 1024 < MAX_BYTES, path
            answers[answer] += 1
        decoder.stdin.close()
        assert decoder.wait(10) == 0
    assert min(answers.values()) > IMAGES // 20


# A process starts with the peak memory of the one that forked it: this one is small.
LAUNCH = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode if done.returncode >= 0 else 1)
"""


def test_damaged_models(color_models: dict[str, Path], digits_model: Path, tmp_path: Path) -> None:
    chance = random.Random(2)
    originals = [*(path.read_bytes() for path in color_models.values()), digits_model.read_bytes()]
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    photo = tmp_path / "red.png"
    PIL.Image.fromarray(paint(COLORS["red"])).save(photo)
    codes: dict[int, int] = {}
    for number in range(MODELS):
        path = tmp_path / "m.tflite"
        path.write_bytes(damaged(originals[number % len(originals)], chance))
        command = [BIN / "edge-classify", "-m", path, "--input", photo, "--input-range=-1,1"]
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCH, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in (0, 3), (number, done.stderr)
        assert done.returncode == 0 or len(done.stderr.splitlines()) == 1, done.stderr
        assert int(done.stdout) * 1024 < MAX_BYTES
        codes[done.returncode] = codes.get(done.returncode, 0) + 1
    assert codes[3] > MODELS // 20


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half an image": part(image(1))[:-200],
    "noise": random.Random(3).randbytes(200_000),
    "starts without end": b"\xff\xd8\xff" * 50_000,
    "a length that lies": b"--x\r\nContent-Length: 900000000\r\n\r\n" + image(1),
    "a negative length": b"--x\r\nContent-Length: -5\r\n\r\n" + image(1),
    "a huge header": b"--x\r\nX: " + b"a" * 1_000_000,
    "damaged images": b"".join(part(damaged(image(number), random.Random(number))) for number in range(50)),
}
ENDS: dict[str, Callable[[socket.socket], object]] = {
    "closes": lambda _client: None,
    "resets": lambda client: client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"),
    "hangs": lambda _client: threading.Event().wait(30),
    "drips": lambda client: [(client.sendall(b"a"), threading.Event().wait(0.1)) for _ in range(300)],
}


@pytest.mark.parametrize(("body", "end"), list(product(BODIES, ENDS)))
def test_faults_of_a_camera(serve: Callable[..., Server], body: str, end: str) -> None:
    """Thirty-two of them: after each the stream goes on with new frames."""

    def fault(client: socket.socket) -> None:
        # A frame first: a stream that never gave one is an error at once.
        client.sendall(HEAD + part(image(1)) + BODIES[body])
        ENDS[end](client)

    said: list[str] = []
    with stream(serve(fault, healthy).url, said) as source:
        frames = list(islice(source, 12))
    assert [frame.index for frame in frames] == list(range(12))
    assert all(frame.image.shape[2] == 3 for frame in frames)
    assert sum(": back after " in line for line in said) == 1


def test_swaps_of_damaged_and_whole_models(tmp_path: Path, color_models: dict[str, Path]) -> None:
    chance = random.Random(4)
    watched = Watched(tmp_path, color_models["uint8"])
    whole = [color_models["uint8"].read_bytes(), color_models["int8"].read_bytes()]
    for number in range(SWAPS):
        if number % 2:
            content = whole[number // 2 % 2] + bytes(number)
        else:
            # Cut within its tensors: nothing of this can be used.
            content = damaged(whole[0], chance)[: len(whole[0]) // 2]
        before = len(watched.said)
        watched.replace(content)
        watched.work_until(lambda before=before: len(watched.said) > before)  # type: ignore[misc]
        words = "a new model runs" if number % 2 else "the old one stays"
        assert words in watched.said[-1], watched.said[-1]


def test_nothing_of_the_users_is_touched(color_models: dict[str, Path], tmp_path: Path) -> None:
    """A folder full of files that look like ours, as the place to save frames to, with room for a few."""
    chance = random.Random(5)
    mine = {
        f"{name}.jpg": chance.randbytes(100) for name in ("1_red", "frame_1", "2026-01-01_red_0.9", "a_b")
    }
    for name, content in mine.items():
        write_file(tmp_path / "frames" / name, content)
    saving = ("--save-frames", tmp_path / "frames", "--save-limit-mb", "0.1")
    model = color_models["uint8"]
    done = subprocess.run(
        [BIN / "edge-classify", "-m", model, "--input", "synthetic", "--max-frames", "50", *saving],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {name: (tmp_path / "frames" / name).read_bytes() for name in mine} == mine
    assert len(list((tmp_path / "frames").iterdir())) > len(mine)

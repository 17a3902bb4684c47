import contextlib
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import ImageError, Resize, decode_image, encode_png, fit, read_image
from edge_runtime.core import natural_key
from edge_runtime.images import list_images, opencv, pixels_needed

cv2 = opencv()


def encode(image: np.ndarray, suffix: str, *options: int) -> bytes:
    return bytes(cv2.imencode(suffix, image, list(options))[1].tobytes())


GRADIENT = np.stack(np.meshgrid(np.arange(64), np.arange(48), indexing="xy"), axis=-1).astype(np.uint8) * 3
PICTURE = np.concatenate([GRADIENT, np.full((48, 64, 1), 90, np.uint8)], axis=2)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".jpg", ".webp"])
def test_channels_are_rgb_in_every_format(suffix: str) -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 2] = 255  # OpenCV writes BGR.
    image = decode_image(encode(red, suffix), at_least=0)
    assert image.shape == (16, 16, 3)
    assert image.dtype == np.uint8
    assert image[..., 0].min() > 240
    assert image[..., 1:].max() < 15


def test_png_comes_back_as_it_was() -> None:
    np.testing.assert_array_equal(decode_image(encode_png(PICTURE), at_least=0), PICTURE)


@pytest.mark.parametrize(
    "image",
    [PICTURE[..., 0], PICTURE.astype(np.uint16) * 257, np.dstack([PICTURE, np.full((48, 64), 7, np.uint8)])],
    ids=["grey", "16-bit", "transparent"],
)
def test_other_kinds_of_image_become_uint8_rgb(image: np.ndarray) -> None:
    decoded = decode_image(encode(image, ".png"), at_least=0)
    assert decoded.shape == (48, 64, 3)
    assert decoded.dtype == np.uint8


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    plain = encode(PICTURE, ".jpg")
    turned = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    (tmp_path / "turned.jpg").write_bytes(turned)
    assert decode_image(plain, at_least=0).shape == (48, 64, 3)
    assert read_image(tmp_path / "turned.jpg", at_least=0).shape == (64, 48, 3)


def saved(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


NEEDS_4_12 = pytest.mark.skipif(cv2.__version__.startswith("4.11."), reason="OpenCV 4.11 reads no GIF")


@pytest.mark.parametrize("kind", [pytest.param("GIF", marks=NEEDS_4_12), "PNG", "TIFF", "WEBP"])
def test_of_an_animated_image_the_first_is_taken(kind: str) -> None:
    first, second = PIL.Image.new("RGB", (40, 30), "red"), PIL.Image.new("RGB", (40, 30), "blue")
    image = decode_image(saved(first, kind, save_all=True, append_images=[second]), at_least=0)
    assert image.shape == (30, 40, 3)
    assert np.abs(image.astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb(kind: str) -> None:
    image = decode_image(saved(PIL.Image.new("CMYK", (40, 30), (0, 255, 255, 0)), kind), at_least=0)
    assert image.shape == (30, 40, 3)
    assert np.abs(image.astype(int) - (255, 0, 0)).max() <= 12


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("at_least", [0, 12])
def test_an_older_opencv_gives_the_same_pixels(
    suffix: str, at_least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encode(PICTURE, suffix)
    image = decode_image(content, at_least=at_least)
    monkeypatch.delattr(cv2, "IMREAD_COLOR_RGB", raising=False)
    np.testing.assert_array_equal(decode_image(content, at_least=at_least), image)


@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 300), st.sampled_from([".jpg", ".png"]))
@hypothesis.settings(max_examples=40)
def test_a_reduced_image_keeps_as_many_pixels_as_asked_for(
    height: int, width: int, least: int, suffix: str
) -> None:
    content = encode(np.full((height, width, 3), 90, np.uint8), suffix)
    image = decode_image(content, at_least=least)
    assert min(image.shape[:2]) >= min(least, height, width)
    assert image.shape[0] / image.shape[1] == pytest.approx(height / width, rel=2 / min(image.shape[:2]))
    if suffix == ".jpg":
        assert min(image.shape[:2]) < 2 * least + 1 or min(image.shape[:2]) <= -(-min(height, width) // 8)


def test_a_reduced_jpeg_shows_the_same(tmp_path: Path) -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(3).integers(0, 255, (600, 800, 3), np.uint8), (0, 0), 5)
    content = encode(
        cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX), ".jpg", cv2.IMWRITE_JPEG_QUALITY, 95
    )
    whole, reduced = decode_image(content, at_least=0), decode_image(content, at_least=96)
    assert reduced.shape == (150, 200, 3)
    difference = fit(whole, (96, 96)).astype(int) - fit(reduced, (96, 96))
    assert np.abs(difference).mean() < 1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_an_image_cut_short_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    whole = encode(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8), suffix)
    path = tmp_path / f"half{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=f"half{suffix}: not an image, or damaged or truncated"):
        read_image(path, at_least=0)


def test_empty_missing_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no image " * 100)
    with pytest.raises(ImageError, match=r"empty\.jpg: the file is empty"):
        read_image(tmp_path / "empty.jpg", at_least=0)
    with pytest.raises(ImageError, match=r"text\.jpg: not an image"):
        read_image(tmp_path / "text.jpg", at_least=0)
    with pytest.raises(ImageError, match=r"missing\.jpg: cannot be read: No such file"):
        read_image(tmp_path / "missing.jpg", at_least=0)


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    side = 30_000
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    with pytest.raises(ImageError, match="more than 134217728 pixels"):
        decode_image(bomb, name="bomb.png", at_least=0)


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    size=st.tuples(st.integers(1, 64), st.integers(1, 64)),
    mode=st.sampled_from(Resize),
)
def test_fit_gives_the_size_asked_for(height: int, width: int, size: tuple[int, int], mode: Resize) -> None:
    image = np.full((height, width, 3), 200, np.uint8)
    fitted = fit(image, size, mode)
    assert fitted.shape == (*size, 3)
    assert fitted.dtype == np.uint8
    if mode is not Resize.FIT_LONGEST:
        assert (fitted == 200).all()


def test_fit_shortest_crops_the_middle_and_fit_longest_pads_with_black() -> None:
    image = np.zeros((40, 120, 3), np.uint8)
    image[:, 40:80] = 255
    assert fit(image, (20, 20), Resize.FIT_SHORTEST).min() == 255
    padded = fit(np.full((40, 120, 3), 255, np.uint8), (30, 30), Resize.FIT_LONGEST)
    assert padded[:10].max() == 0
    assert padded[10:20].min() == 255
    assert padded[20:].max() == 0


def test_mediapipes_interpolation_is_between_the_four_nearest_pixels_from_the_corner() -> None:
    image = np.random.default_rng(0).integers(0, 256, (37, 90, 3)).astype(np.uint8)
    found = fit(image, (16, 20), Resize.MEDIAPIPE).astype(float)
    rows, columns = np.arange(16) * 37 / 16, np.arange(20) * 90 / 20
    top, left = rows.astype(int), columns.astype(int)
    down, right = np.minimum(top + 1, 36), np.minimum(left + 1, 89)
    v, h = (rows - top)[:, None, None], (columns - left)[None, :, None]
    exact = image.astype(float)
    upper = exact[top][:, left] * (1 - h) + exact[top][:, right] * h
    lower = exact[down][:, left] * (1 - h) + exact[down][:, right] * h
    # OpenCV counts places in thirty-seconds of a pixel.
    assert np.abs(found - (upper * (1 - v) + lower * v)).max() <= 255 / 32 * 2
    assert pixels_needed((16, 20), Resize.MEDIAPIPE) == 0
    assert pixels_needed((16, 20), Resize.SQUASH) == 20


def test_fit_is_close_to_area_averaging_and_does_not_alias() -> None:
    # One-pixel stripes: interpolation alone would show a pattern that is not there.
    stripes = np.zeros((896, 896, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(fit(stripes, (224, 224))) <= 1
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    area = cv2.resize(noise, (224, 224), interpolation=cv2.INTER_AREA)
    assert np.abs(fit(noise, (224, 224)).astype(int) - area).mean() < 12


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
    ids=["grey", "float", "no pixels"],
)
def test_fit_refuses_what_is_no_uint8_rgb(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="expected uint8 RGB"):
        fit(image, (8, 8))


def test_images_are_listed_in_natural_order_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("10.jpg", "2.JPG", "b/1.png", ".hidden/3.jpg", ".4.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)]
    assert names == ["2.JPG", "10.jpg", "b/1.png"]


def test_of_links_and_strange_files_only_images_are_listed(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "far.png").touch()
    (tmp_path / "link.jpg").symlink_to(deep / "far.png")
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "nothing.jpg")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "itself.jpg").symlink_to(tmp_path / "itself.jpg")
    # Links that lead nowhere are listed: whoever reads them says so.
    listed = [deep / "far.png", *(tmp_path / name for name in ("broken.jpg", "itself.jpg", "link.jpg"))]
    assert list(list_images(tmp_path)) == listed
    assert not list(list_images(tmp_path / "nothing"))


@given(st.text(max_size=12), st.text(max_size=12))
def test_natural_order_tells_all_names_apart(one: str, other: str) -> None:
    assert (natural_key(one) == natural_key(other)) == (one == other)
    assert (natural_key(one) < natural_key(other)) != (natural_key(other) <= natural_key(one))


def test_natural_order_counts() -> None:
    assert sorted(["class10", "class2", "class1"], key=natural_key) == ["class1", "class2", "class10"]


@pytest.mark.parametrize("kind", [b"tEXt", b"IDAT", b"zTXt", b"iCCP", b"fdAT"])
def test_a_png_chunk_that_claims_gigabytes_is_refused_before_it_is_decoded(kind: bytes) -> None:
    head = encode_png(PICTURE)[:33]
    bomb = head + struct.pack(">I4s", 0xFFFFFF00, kind) + bytes(20)
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from edge_runtime import ImageError, decode_image
try:
    decode_image({bomb!r}, at_least=0)
except ImageError as error:
    print(error)
# Of this program alone: what getrusage tells was the parent's before.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) < 512 * 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "image: not an image, or damaged or truncated",
        "True",
    ]


@given(st.binary(max_size=60), st.integers(0, 400))
def test_damaged_pngs_are_refused_or_read(noise: bytes, start: int) -> None:
    content = bytearray(encode_png(PICTURE))
    content[start : start + len(noise)] = noise
    with contextlib.suppress(ImageError):
        decode_image(bytes(content), at_least=0)

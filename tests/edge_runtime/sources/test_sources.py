import contextlib
import os
import shutil
import subprocess
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import CameraError, LiveSource, SourceError, SyntheticSource, camera_request
from edge_runtime.images import opencv
from edge_runtime.sources import open_input
from tests.conftest import BIN, paint, save


def write_video(path: Path, colors: list[tuple[int, int, int]], code: str = "MJPG") -> Path:
    cv2 = opencv()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 10, (64, 48))
    for color in colors:
        writer.write(np.ascontiguousarray(paint(color, 48, 64)[..., ::-1]))
    writer.release()
    return path


def test_an_image_is_one_frame(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", paint((9, 8, 7)))
    with open_input(str(path), say=pytest.fail) as source:
        frames = list(source)
    assert [(frame.index, frame.source) for frame in frames] == [(0, str(path))]
    assert frames[0].image[0, 0].tolist() == [9, 8, 7]
    assert frames[0].wall_time > 1.7e9


def test_a_folder_gives_its_images_in_order_and_names_the_bad_ones(tmp_path: Path) -> None:
    for name in ("10.png", "2.png", "sub/1.png"):
        save(tmp_path / name, paint((1, 2, 3)))
    (tmp_path / "3.png").write_bytes(b"broken")
    warnings: list[str] = []
    with open_input(str(tmp_path), say=warnings.append) as source:
        frames = list(source)
    assert [Path(frame.source).name for frame in frames] == ["2.png", "10.png", "1.png"]
    assert [frame.index for frame in frames] == [0, 2, 3], "the position of the file"
    assert len(warnings) == 1
    assert "3.png: not an image" in warnings[0]


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"broken")
    with pytest.raises(SourceError, match="no image in it that can be read"):
        list(open_input(str(tmp_path), say=lambda _message: None))


def test_a_video_gives_every_frame_in_rgb(tmp_path: Path) -> None:
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    path = write_video(tmp_path / "v.avi", colors)
    with open_input(str(path), say=pytest.fail) as source:
        frames = list(source)
    assert [frame.index for frame in frames] == [0, 1, 2]
    for frame, color in zip(frames, colors, strict=True):
        assert frame.image.shape == (48, 64, 3)
        np.testing.assert_allclose(frame.image.mean(axis=(0, 1)), color, atol=12)


def test_what_is_neither_image_nor_video_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("hello")
    with pytest.raises(SourceError, match=r"notes\.mp4: neither an image nor a video"):
        list(open_input(str(tmp_path / "notes.mp4"), say=pytest.fail))
    with pytest.raises(SourceError, match="no such file"):
        open_input(str(tmp_path / "none.mp4"), say=pytest.fail)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"], ids=["long", "zero"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match="no such file"):
        open_input(name, say=pytest.fail)
    with (
        LiveSource(camera_request(name.replace("\0", "")), say=pytest.fail) as source,
        pytest.raises(CameraError, match="cannot be opened"),
    ):
        next(iter(source))


def test_the_synthetic_source_moves_and_never_ends() -> None:
    with SyntheticSource((24, 32)) as source:
        frames = list(islice(source, 5))
    assert frames[0].image.shape == (24, 32, 3)
    assert frames[0].image.dtype == np.uint8
    assert all((one.image != other.image).any() for one, other in pairwise(frames))


def test_a_camera_that_is_not_there_says_what_to_try() -> None:
    with (
        LiveSource(camera_request("97"), say=pytest.fail) as source,
        pytest.raises(CameraError, match=r"camera:97: it cannot be opened; .*(try|is /dev)"),
    ):
        next(iter(source))


def test_a_watched_folder_with_one_that_is_forbidden_inside_goes_on(
    color_models: dict[str, Path], tmp_path: Path
) -> None:
    save(tmp_path / "in" / "forbidden" / "a.png", paint((0, 0, 255)))
    (tmp_path / "in" / "forbidden").chmod(0)
    command: list[object] = [BIN / "edge-classify", "-m", color_models["uint8"], "--input", tmp_path / "in"]
    command += ["--watch", "--max-frames", 1, "-k", 1]
    if os.geteuid() == 0:
        # Root may read every folder, unless it gives up that right.
        if not shutil.which("setpriv"):
            pytest.skip("setpriv is not installed: apt install util-linux")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    process = subprocess.Popen(
        [str(each) for each in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        # Only what is written while it watches is new.
        for number in range(100):
            save(tmp_path / f"{number}.png", paint((255, 0, 0))).replace(tmp_path / "in" / f"{number}.png")
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, err = process.communicate(timeout=0.3)
                break
    finally:
        process.kill()
        (tmp_path / "in" / "forbidden").chmod(0o700)
    assert (process.returncode, err) == (0, "")
    assert out.split()[1] == "red"

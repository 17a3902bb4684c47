"""Rows of features in a file that nobody sees."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import OutputError
from trainer.network.feature_rows import FeatureRows


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_rows_come_back_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, count: int, size: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("rows")
    rows = FeatureRows(folder, size)
    expected = random.normal(size=(count, size)).astype(np.float32)
    for part in np.array_split(random.permutation(count), 3):
        rows.write(part, expected[part])
    order = random.integers(0, count, 2 * count)
    np.testing.assert_array_equal(rows.read(order), expected[order])
    # The file has no name.
    assert list(folder.iterdir()) == []


def test_rows_that_were_never_written_are_0(tmp_path: Path) -> None:
    rows = FeatureRows(tmp_path, 3)
    rows.write(np.array([2]), np.ones((1, 3), np.float32))
    np.testing.assert_array_equal(rows.read(np.array([0, 2, 9])), [[0, 0, 0], [1, 1, 1], [0, 0, 0]])


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot create a temporary file in .*gone: No such file"):
        FeatureRows(tmp_path / "gone", 3)


FULL = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from trainer.network.feature_rows import FeatureRows
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
FeatureRows(Path(sys.argv[1]), 100).write(np.arange(9), np.ones((9, 100), np.float32))
"""


def test_no_room_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=False)
    assert "OutputError: cannot write features into" in done.stderr.splitlines()[-1]

"""Natural order: numbers by their value, digits before letters."""

from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.core import natural_key

NAMES = st.lists(st.text("0129ab. /é٣", max_size=8), min_size=2, max_size=8)


def test_two_comes_before_ten() -> None:
    names = ["b", "a10", "a2", "a", "10", "2", "a2b", "a02"]
    assert sorted(names, key=natural_key) == ["2", "10", "a", "a02", "a2", "a2b", "a10", "b"]


@given(NAMES)
def test_any_names_can_be_sorted_and_equal_keys_are_equal_names(names: list[str]) -> None:
    keys = [natural_key(name) for name in names]
    for name, key in zip(names, keys, strict=True):
        for other, other_key in zip(names, keys, strict=True):
            assert (name == other) == (key == other_key)
            assert (key < other_key) or (other_key < key) or name == other


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.text("ab ", max_size=3))
def test_numbers_are_in_the_order_of_their_values(one: int, other: int, before: str) -> None:
    assert (natural_key(f"{before}{one}") < natural_key(f"{before}{other}")) == (one < other)

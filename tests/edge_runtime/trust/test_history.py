"""What a device remembers: no older model, none of another name, none that was rolled back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import ModelError
from edge_runtime.trust import History, Order, Origin, Trial, TrustedModels


def origin(counter: int, serial: int = 0, name: str = "birds") -> Origin:
    return Origin(
        name=name, order=Order(serial, counter), sha256=f"{name}-{serial}-{counter}", signer="s", trusted="t"
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=20))
def test_what_is_accepted_never_gets_older(asked: list[tuple[int, int]]) -> None:
    history, newest = History(), Order(0, -1)
    for serial, counter in asked:
        found = origin(counter, serial)
        try:
            history.check(found, file_name="m")
        except ModelError:
            assert found.order < newest
            continue
        assert found.order >= newest
        history, newest = history.accept(found), found.order
    assert history.order == newest


def test_another_name_the_same_counter_and_a_rejected_model_are_refused() -> None:
    history = History().accept(origin(5))
    history.check(origin(5), file_name="m")
    for refused, reason in (
        (origin(6, name="digits"), "this device runs 'birds'"),
        (origin(4), "not newer"),
        (Origin(name="birds", order=Order(0, 5), sha256="x", signer="s", trusted="t"), "not newer"),
    ):
        with pytest.raises(ModelError, match=reason):
            history.check(refused, file_name="m")
    with pytest.raises(ModelError, match="rolled back"):
        history.reject(origin(6).sha256).check(origin(6), file_name="m")


def test_it_is_kept_in_a_file_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state" / "h.json"
    models = TrustedModels((), path)
    models.begin_trial(Trial(sha256="a", unknown=1, results=9, changes=("darker",)))
    models.accept(origin(3))
    models.reject("b")
    assert TrustedModels((), path).history == models.history
    assert models.history.rejected == ("b",)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(ModelError, match=r"h\.json: not valid JSON"):
        TrustedModels((), path)

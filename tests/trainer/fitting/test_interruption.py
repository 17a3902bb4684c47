"""Ctrl-C while a batch is computed: raised after it, a second one at once."""

import os
import signal
import threading

import pytest

from trainer.fitting.interruption import Interruption


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_it_is_raised_at_the_next_check() -> None:
    done = []

    def train() -> None:
        with Interruption() as interruption:
            interruption.check()
            press()
            done.append("batch")
            interruption.check()
            done.append("another batch")

    with pytest.raises(KeyboardInterrupt):
        train()
    assert done == ["batch"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_is_raised_at_the_end_where_nothing_is_checked() -> None:
    done = []

    def train() -> None:
        with Interruption():
            press()
            done.append("batch")

    with pytest.raises(KeyboardInterrupt):
        train()
    assert done == ["batch"]


def test_a_second_one_is_not_delayed() -> None:
    done = []

    def train() -> None:
        with Interruption():
            press()
            done.append("first")
            press()
            done.append("second")

    with pytest.raises(KeyboardInterrupt):
        train()
    assert done == ["first"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_is_not_hidden_by_it() -> None:
    def train() -> None:
        with Interruption():
            press()
            raise ValueError("no number")

    with pytest.raises(ValueError, match="no number"):
        train()


def test_other_handlers_and_other_threads_are_left_alone() -> None:
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        with Interruption():
            press()
        assert pressed == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
    seen: list[object] = []

    def work() -> None:
        with Interruption():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]

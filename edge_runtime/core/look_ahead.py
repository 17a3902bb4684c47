"""Apply a function to items in several threads, a few items ahead, with results in order; items in groups."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

GROUP = 48
"""Images in a group at most: handing one over to another thread takes as long as decoding a small image."""

GROUP_BYTES = 8 * 1024**2
"""Pixels of a group at most, unless it is a single image."""


def map_in_order(
    function: Callable[[Item], Value], items: Iterable[Item], *, threads: int, ahead: int
) -> Iterator["Future[Value]"]:
    """Apply a function to each item in threads.

    Args:
        function: called with each item, in any thread.
        items: taken one at a time, at most `ahead` before their results are.
        threads: how many work at a time.
        ahead: how many items are begun before the oldest result is handed over.

    Yields:
        The future of each item, in the order of the items; `result()` waits for it or raises its error.
    """
    pending: deque[Future[Value]] = deque()
    with ThreadPoolExecutor(threads) as workers:
        try:
            for item in items:
                pending.append(workers.submit(function, item))
                if len(pending) > ahead:
                    yield pending.popleft()
            while pending:
                yield pending.popleft()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


def in_groups(items: Iterable[Item], size: Callable[[], int]) -> Iterator[list[Item]]:
    """Groups of items, in their order.

    Args:
        items: any number.
        size: returns the size of the next group.
    """
    remaining = iter(items)
    while group := list(islice(remaining, max(1, size()))):
        yield group


def group_size(image_bytes: int) -> int:
    """How many images of a size are handed over together."""
    return max(1, min(GROUP, GROUP_BYTES // max(1, image_bytes)))

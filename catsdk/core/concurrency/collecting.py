"""Makes garbage collections rare while many calls are in flight, and postpones full ones.

With torch in the process a full collection takes a fifth of a second, in which no call is sent or
read, and one or two happen in a few hundred calls. The objects of a call in flight are not garbage:
scanning them every few hundred allocations finds nothing and moves them to the old generation,
which leads to a full collection.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock
from typing import Final

__all__ = ["full_collections_wait"]

_NEVER: Final = 2**30
# The threshold for young objects: more than several hundred calls in flight hold.
_MANY: Final = 200_000


class _Setting:
    """The interpreter's thresholds, and how many blocks hold the last of them up."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks = 0
        self._usual = gc.get_threshold()

    def hold(self) -> None:
        with self._lock:
            if not self._blocks:
                self._usual = gc.get_threshold()
                young, middle, _ = self._usual
                # 0 means that no collection is wanted at all.
                gc.set_threshold(young and max(young, _MANY), middle, _NEVER)
            self._blocks += 1

    def release(self) -> None:
        with self._lock:
            self._blocks -= 1
            if not self._blocks:
                gc.set_threshold(*self._usual)


_SETTING: Final = _Setting()


@contextmanager
def full_collections_wait() -> Generator[None]:
    """No full collection begins by itself until the end of the block, and few of young objects do.

    Blocks may overlap, in several threads: the last one's end puts the usual threshold back.
    """
    _SETTING.hold()
    try:
        yield
    finally:
        _SETTING.release()

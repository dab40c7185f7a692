"""A bounded memory of verdicts: the pair that was not asked for the longest time is forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from catsdk.answers.options import DEFAULT, Options
from catsdk.answers.verdict import Verdict

__all__ = ["VerdictCache"]

_LONGEST = 300


class VerdictCache:
    """Remembers decided verdicts by the two texts, in either order, and the options.

    Safe in threads. Unknown verdicts are not kept, since a limit may not be reached again; nor
    are those on long texts, so that the memory stays small.
    """

    def __init__(self, size: int = 8_192) -> None:
        """Remember at most `size` pairs."""
        self._size = size
        self._kept: OrderedDict[Hashable, Verdict] = OrderedDict()
        self._lock = Lock()

    def get(self, answer: str, reference: str, options: Options) -> Verdict | None:
        """Return the verdict on a pair that is remembered."""
        key = _key(answer, reference, options)
        if key not in self._kept:
            return None
        with self._lock:
            verdict = self._kept.get(key)
            if verdict is not None:
                self._kept.move_to_end(key)
        return verdict

    def put(self, answer: str, reference: str, options: Options, verdict: Verdict) -> None:
        """Remember `verdict`, where it is decided and the texts are short."""
        if verdict.outcome == "unknown" or max(len(answer), len(reference)) > _LONGEST:
            return
        with self._lock:
            self._kept[_key(answer, reference, options)] = verdict
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all pairs."""
        with self._lock:
            self._kept.clear()


def _key(answer: str, reference: str, options: Options) -> Hashable:
    low, high = (answer, reference) if answer < reference else (reference, answer)
    return (low, high) if options is DEFAULT else (low, high, options)

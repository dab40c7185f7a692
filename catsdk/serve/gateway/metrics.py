"""Counts requests and usage, in the text format that Prometheus reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from catsdk.core.types import Usage

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts requests, their times, tokens and money, from the start of the gateway."""

    def __init__(self) -> None:
        """Start all counters at zero."""
        self._requests: Counter[Labels] = Counter()
        self._tokens: Counter[Labels] = Counter()
        self._dollars = 0.0
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self._count = 0

    def answered(self, api: str, model: str, status: int, seconds: float, usage: Usage) -> None:
        """Count one request.

        Args:
            api: The path that was asked.
            model: The name that was asked for, if it is one of the operator's.
            status: How it ended, as HTTP statuses say it; 499 where the client went away.
            seconds: How long it took.
            usage: What it used.
        """
        labels = (("api", api), ("model", model), ("status", str(status)))
        self._requests[labels] += 1
        self._tokens[(("kind", "input"),)] += usage.input_tokens
        self._tokens[(("kind", "output"),)] += usage.output_tokens
        self._dollars += usage.cost or 0.0
        self._count += 1
        self._seconds += seconds
        self._buckets[next((bound for bound in _BOUNDS if seconds <= bound), float("inf"))] += 1

    def text(self, answering: int) -> str:
        """Return all of it.

        Args:
            answering: How many requests are being answered.
        """
        lines = [
            *_family("catsdk_requests_total", "counter", "Requests.", self._requests),
            *_family("catsdk_tokens_total", "counter", "Tokens of all calls.", self._tokens),
            *_family("catsdk_dollars_total", "counter", "Known costs.", {(): self._dollars}),
            *_family("catsdk_answering", "gauge", "Requests being answered.", {(): answering}),
            *self._histogram("catsdk_request_seconds"),
        ]
        return "\n".join([*lines, ""])

    def _histogram(self, name: str) -> Iterable[str]:
        yield f"# HELP {name} How long requests took."
        yield f"# TYPE {name} histogram"
        there = 0
        for bound in (*_BOUNDS, float("inf")):
            there += self._buckets[bound]
            shown = "+Inf" if bound == float("inf") else f"{bound:g}"
            yield f'{name}_bucket{{le="{shown}"}} {there}'
        yield f"{name}_sum {self._seconds:.6g}"
        yield f"{name}_count {self._count}"


def _family(name: str, kind: str, what: str, values: Mapping[Labels, float]) -> Iterable[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
    for labels, value in sorted(values.items()):
        told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
        yield f"{name}{{{told}}} {value:.12g}" if told else f"{name} {value:.12g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""One request to a local model and its rows: its settings, its tokens, and when it ends."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from catsdk.core.errors import CatError
from catsdk_providers.local.chat import Chat

__all__ = ["Job", "Plan", "Row"]

# A token brings at least one byte of text; the slack is for control tokens, which bring none.
_SLACK = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request asks of the model, with every default filled in. Lengths are in tokens."""

    prompt: tuple[int, ...]
    n: int
    limit: int
    temperature: float
    top_k: int | None
    top_p: float | None
    stop: tuple[str, ...]
    seed: int
    logprobs: bool
    adapter: bool
    stream: bool

    @property
    def width(self) -> int:
        """The most tokens that one row of this plan can come to."""
        return len(self.prompt) + self.limit


@dataclass(slots=True, eq=False)
class Job:
    """A request on its way through the engine.

    The engine fills `answers` and calls `notify` from its thread when there is news; the waiter
    sets `closed` when it no longer waits. A job is `held` while the model is not as the waiter
    left it (in training, adapter on): until then its end is kept back, and a waiter that closes it
    stays.
    """

    plan: Plan
    notify: Callable[[], object]
    answers: list[Row | None] = field(init=False)
    pieces: deque[str] = field(default_factory=deque)
    started: int = 0
    finished: int = 0
    error: CatError | None = None
    closed: bool = False
    held: bool = False

    def __post_init__(self) -> None:
        """Make room for the answers as they come: `n` may be large."""
        self.answers = []

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.error is not None or (self.finished == self.plan.n and not self.held)

    def start(self, count: int, chat: Chat) -> list[Row]:
        """The next `count` rows, or as many as are left."""
        first = self.started
        self.started = min(first + count, self.plan.n)
        self.answers += [None] * (self.started - first)
        return [Row(self, index, chat) for index in range(first, self.started)]

    def keep(self, row: Row) -> None:
        """Take a finished row; the last one makes the job done."""
        self.answers[row.index] = row
        self.finished += 1
        if self.done:
            self.notify()

    def release(self) -> None:
        """Tell that the model is as it was, and so of an end that was kept back."""
        if self.held:
            self.held = False
            self.notify()

    def fail(self, error: CatError) -> None:
        """End the job without an answer."""
        self.error, self.closed = error, True
        self.notify()


class Row:
    """One answer as it grows, with random numbers of its own.

    Row i of a request with seed s draws as the only row of a request with seed s + i would.
    """

    __slots__ = (
        "chat",
        "count",
        "ids",
        "index",
        "job",
        "logprobs",
        "reason",
        "rng",
        "sent",
        "text",
    )

    def __init__(self, job: Job, index: int, chat: Chat) -> None:
        """Row `index` of `job`."""
        self.job = job
        self.index = index
        self.chat = chat
        # Seeded by a text, since random.Random treats the number -1 as 1.
        self.rng = random.Random(str(job.plan.seed + index))
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.count = 0
        self.sent = 0
        self.text = ""
        self.reason: Literal["stop", "length"] | None = None

    @property
    def live(self) -> bool:
        """Whether the next token is still wanted."""
        return self.reason is None and not self.job.closed

    def push(self, token: int, logprob: float | None) -> None:
        """Take the next token, and finish where it ends the answer."""
        self.count += 1
        if token in self.chat.end_ids:
            return self._finish("stop", self.chat.text(self.ids))
        self.ids.append(token)
        if logprob is not None:
            self.logprobs.append(logprob)
        if self._stopped():
            return None
        if self.count == self.job.plan.limit:
            return self._finish("length", self.chat.text(self.ids))
        if self.job.plan.stream and self.index == 0:
            self._send(self._settled())
        return None

    def _stopped(self) -> bool:
        stop = self.job.plan.stop
        if not stop:
            return False
        reach = max(len(word.encode()) for word in stop) + _SLACK
        tail = self.chat.text(self.ids[-reach:])
        if not any(word in tail for word in stop):
            return False
        text = self.chat.text(self.ids)
        found = [at for at in (text.find(word) for word in stop) if at >= 0]
        if not found:
            return False
        self._finish("stop", text[: min(found)])
        return True

    def _finish(self, reason: Literal["stop", "length"], text: str) -> None:
        self.reason, self.text = reason, text
        if self.job.plan.stop:
            self._forget_tokens_after_text()
        if self.job.plan.stream and self.index == 0:
            self._send(text)
        self.job.keep(self)

    def _forget_tokens_after_text(self) -> None:
        while self.ids and len(self.chat.text(self.ids[:-1])) >= len(self.text):
            self.ids.pop()
        del self.logprobs[len(self.ids) :]

    def _settled(self) -> str:
        """The text that later tokens cannot change: no half character, no half stop word."""
        text = self.chat.text(self.ids).rstrip("\ufffd")
        held = max((len(word) - 1 for word in self.job.plan.stop), default=0)
        return text[: len(text) - held] if held else text

    def _send(self, text: str) -> None:
        if len(text) > self.sent:
            self.job.pieces.append(text[self.sent :])
            self.sent = len(text)
            self.job.notify()

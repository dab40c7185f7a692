"""Caches answers by endpoint, full request and sample index; equal calls are sent once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import anyio

from catsdk.core.concurrency.fanout import fan_out
from catsdk.core.concurrency.flights import Flight
from catsdk.core.errors import ProviderError
from catsdk.core.ports import OnText
from catsdk.core.types import Completion, Request, Usage
from catsdk.runtime.stores.store import Store
from catsdk.runtime.wrappers.wrapper import Wrapper

__all__ = ["Caching", "keys_of"]

# To be changed when the meaning of a key or of a stored value changes.
VERSION = 1


@dataclass
class Caching(Wrapper):
    """A provider whose answers are kept in `store`, under keys that begin with `identity`.

    Of n samples that are asked for, those that are there come from the store and the rest from the
    model, in as few requests as the gaps allow. An answer that is kept, or that an equal call
    brings, has used nothing (`Completion.cached`). What cannot be read is dropped and fetched.
    """

    identity: str
    store: Store

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Give the samples of `request`, fewer where the model brings fewer.

        Raises:
            ProviderError: the model failed, in this call or in the equal one that was in flight.
        """
        keys = keys_of(self.identity, request)
        fetch = _Fetch(self, request, keys, on_text)
        await fetch.run()
        answers = [fetch.answers[key] for key in keys if key in fetch.answers]
        if on_text is not None and answers and not fetch.told:
            on_text(answers[0].text)
        return answers


@dataclass(slots=True)
class _Fetch:
    """The samples of one request, being fetched from the store, from equal calls and the model."""

    cache: Caching
    request: Request
    keys: Sequence[str]
    on_text: OnText | None
    answers: dict[str, Completion] = field(default_factory=dict[str, Completion])
    led: dict[str, Flight[Completion]] = field(default_factory=dict[str, Flight[Completion]])
    told: bool = False

    async def run(self) -> None:
        missing = list(self.keys)
        while missing:
            led, followed = self.cache.store.flights.claim(missing)
            if led:
                await self._lead(led)
            for key, flight in followed.items():
                await self._follow(key, flight)
            # A call that ended without an answer or an error leaves its keys to the next caller.
            missing = [key for key in followed if key not in self.answers]

    async def _lead(self, led: dict[str, Flight[Completion]]) -> None:
        error: ProviderError | None = None
        self.led = led
        try:
            await self._read(list(led))
            await fan_out(self._send, self._gaps())
        except ProviderError as failed:
            error = failed
            raise
        finally:
            for key, flight in led.items():
                self.cache.store.flights.fail(key, flight, error)

    async def _follow(self, key: str, flight: Flight[Completion]) -> None:
        await flight.landed()
        if flight.value is not None:
            self.answers[key] = _as_kept(flight.value)
        elif flight.error is not None:
            # Many tasks raise the same error: clear its traceback, which would grow with each.
            raise flight.error.with_traceback(None)

    async def _read(self, keys: list[str]) -> None:
        kept = await self.cache.store.get(keys)
        broken: list[str] = []
        for key, body in kept.items():
            try:
                self._have(key, _as_kept(Completion.model_validate_json(body)))
            except ValueError:
                broken.append(key)
        if broken:
            await self.cache.store.drop(broken)

    def _gaps(self) -> list[range]:
        """The indices to ask the model for, in runs."""
        gaps: list[range] = []
        for at, key in enumerate(self.keys):
            if key not in self.led or key in self.answers:
                continue
            if gaps and gaps[-1].stop == at:
                gaps[-1] = range(gaps[-1].start, at + 1)
            else:
                gaps.append(range(at, at + 1))
        return gaps

    async def _send(self, gap: range) -> None:
        request = _part(self.request, gap)
        # Only the text of the first sample is streamed.
        tell = self.on_text if gap.start == 0 else None
        self.told = self.told or tell is not None
        completions = (await self.cache.pass_on(request, tell))[: len(gap)]
        keys = [self.keys[at] for at in gap][: len(completions)]
        found = dict(zip(keys, completions, strict=True))
        # They are paid for, so a cancellation must not lose them.
        with anyio.CancelScope(shield=True):
            await self.cache.store.put(
                {
                    key: answer.model_dump_json().encode()
                    for key, answer in found.items()
                    if answer.failure is None
                }
            )
        for key, answer in found.items():
            self._have(key, answer)

    def _have(self, key: str, answer: Completion) -> None:
        self.answers[key] = answer
        self.cache.store.flights.land(key, self.led[key], answer)


def keys_of(endpoint: str, request: Request) -> list[str]:
    """The keys of the samples of `request`: equal for equal samples, however they are asked for.

    With a seed, sample i of a request is the sample of a request with seed + i.
    """
    fields = request.model_dump(mode="json", exclude={"n", "sample_index", "seed"})
    seed = None if request.seed is None else request.seed - request.sample_index
    whole = json.dumps([VERSION, endpoint, fields, seed], sort_keys=True)
    digest = sha256(whole.encode()).hexdigest()
    first = request.sample_index
    return [f"{digest}-{index}" for index in range(first, first + request.n)]


def _part(request: Request, gap: range) -> Request:
    if gap == range(request.n):
        return request
    return request.model_copy(
        update={
            "n": len(gap),
            "sample_index": request.sample_index + gap.start,
            "seed": None if request.seed is None else request.seed + gap.start,
        }
    )


def _as_kept(answer: Completion) -> Completion:
    return answer.model_copy(update={"usage": Usage(), "cached": True})

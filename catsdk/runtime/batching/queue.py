"""Queue: the batched calls of one model, from the request to the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import inf

import anyio

from catsdk.core.batches import BatchService, QuotaError
from catsdk.core.concurrency.bell import Bell
from catsdk.core.errors import (
    CatError,
    ConfigurationError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
)
from catsdk.core.sending import Batching
from catsdk.core.types import Completion, Request
from catsdk.runtime.batching.bought import ANSWERS, LONGEST_POLL, Bought, ambiguous
from catsdk.runtime.batching.journal import Journal, Kept, ShardRow
from catsdk.runtime.batching.kept_failure import KeptFailure
from catsdk.runtime.batching.packing import Packed, Room, packed
from catsdk.runtime.batching.payer import Payer

__all__ = ["Queue", "Withdrawn"]

_log = logging.getLogger("catsdk.batches")

# Errors after which calls keep waiting instead of failing.
PAY_FIRST = {402, 429}
TOO_LARGE = 413
# A gateway timed out, but the service may still have created the batch.
MAY_HAVE_PASSED = {408, 499}


class Withdrawn(Exception):
    """The call was withdrawn from batches at its deadline, and is to be sent as ever."""


@dataclass(eq=False)
class Queue:
    """What is asked of one model through its batch API; `run` does the work, in a task of its own.

    Args:
        name: The provider's name, for messages.
        place: What tells the model and its service from others, in the journal.
        service: The batch API.
        journal: Where everything is kept.
        batching: The settings.
        changed: Called whenever calls have come back.
    """

    name: str
    place: str
    service: BatchService
    journal: Journal
    batching: Batching
    changed: Callable[[], None]
    _waiters: dict[int, anyio.Event] = field(default_factory=dict[int, anyio.Event])
    _taken: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    _batches: list[Bought] = field(default_factory=list[Bought])
    _payers: dict[Payer, int] = field(default_factory=dict[Payer, int])
    _wakes: int = 0
    _asked_now: int = 0
    _bytes: int = 0
    _oldest: float | None = None
    _most_tokens: float = inf
    _most_bytes: float = inf
    _not_before: float = 0.0
    _pause: float = 0.0
    _ended: CatError | None = None

    def __post_init__(self) -> None:
        """Start without calls."""
        self._bell = Bell()
        self._most_tokens = self.batching.enqueued_tokens or inf
        self._pause = self.batching.poll

    # --- asking ---------------------------------------------------------------------------

    async def ask(
        self, request: Request, payer: Payer, *, key: str = "", place: str = ""
    ) -> Sequence[Completion]:
        """Give the answer to a request, which is bought once however often it is asked for.

        Args:
            request: What is asked.
            payer: Who pays for it.
            key: Tells it from equal requests, the same when the program is started again; without
                one they are told apart by their number.
            place: The piece of work that it is for.

        Raises:
            Withdrawn: it is to be sent as ever.
            BudgetExceededError: a budget does not allow the call.
            ConfigurationError: whether its batch was bought is not known.
            ProviderError: the request failed.
        """
        text = request.model_dump_json(exclude_defaults=True)
        digest = sha256(f"{key}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:40]
        taken = self._taken.setdefault(digest, set())
        number = next(at for at in range(len(taken) + 1) if at not in taken)
        taken.add(number)
        try:
            return await self._asked(f"{digest}-{number}", place, text, payer)
        finally:
            taken.discard(number)
            if not taken:
                self._taken.pop(digest, None)

    async def _asked(self, key: str, place: str, text: str, payer: Payer) -> Sequence[Completion]:
        number = self._payers.setdefault(payer, len(self._payers))
        before = self._wakes
        kept = await self.journal.ask(self.place, key, place, text, number)
        mine = self._waiters[kept.id] = anyio.Event()
        try:
            while True:
                if self._wakes != before:
                    # The answer may have arrived between the check and the wait.
                    before = self._wakes
                    kept = await self._looked(kept.id)
                    continue
                answer = await self._answer(kept)
                if answer is not None:
                    return answer
                if self._ended is not None:
                    raise self._ended
                self._tell(len(text))
                await mine.wait()
                mine = self._waiters[kept.id] = anyio.Event()
                before = -1
        except anyio.get_cancelled_exc_class():
            if not self.journal.lasts:
                # Nobody will collect this answer.
                with anyio.CancelScope(shield=True):
                    await self.journal.forget_waiting(kept.id)
            raise
        finally:
            if self._waiters.get(kept.id) is mine:
                del self._waiters[kept.id]

    def _tell(self, size: int) -> None:
        """Wake the worker for the first waiting call and when a batch may be full."""
        self._asked_now += 1
        self._bytes += size
        full = self._asked_now >= self._most_requests or self._bytes >= self._room_bytes
        if self._asked_now == 1 or full:
            self._bell.ring()

    async def _looked(self, id: int) -> Kept:
        kept = await self.journal.look(id)
        if kept is None:
            raise ProviderError(f"{self.name}: the request is no longer in the journal")
        return kept

    async def _answer(self, kept: Kept) -> Sequence[Completion] | None:
        match kept.state:
            case "answered":
                await self.journal.given(kept.id)
                return ANSWERS.validate_json(kept.answer or "")
            case "failed":
                await self.journal.forget([kept.id])
                raise KeptFailure.model_validate_json(kept.answer or "").error
            case "withdrawn":
                raise Withdrawn
            case _:
                broken = [each for each in self._batches if each.ambiguous is not None]
                for each in broken:
                    if kept.id in await self.journal.ids_of(each.row.id):
                        assert each.ambiguous is not None
                        raise each.ambiguous
                return None

    def wake(self, ids: Sequence[int]) -> None:
        """Tell whoever waits for these calls that something happened."""
        self._wakes += 1
        for id in ids:
            waiter = self._waiters.get(id)
            if waiter is not None:
                waiter.set()
        self.changed()

    @property
    def doubt(self) -> ConfigurationError | None:
        """What to do about a batch of which nobody knows whether it was bought."""
        return next((each.ambiguous for each in self._batches if each.ambiguous), None)

    def too_much(self, tokens: int) -> None:
        """Enqueue less from now on: what is out beside the refused, or half of that."""
        out = sum(each.row.tokens for each in self._batches if each.row.tokens and not each.over)
        self._most_tokens = max(1, out if out > 0 else tokens // 2)
        self._wait(None)

    # --- the work -------------------------------------------------------------------------

    async def run(self) -> None:
        """Buy batches and fetch what they bring, until it is cancelled."""
        try:
            while not self._payers:
                await self._bell.wait()
            # The first caller's budget pays for a batch that an earlier process created.
            await self._recover(next(iter(self._payers)))
            while True:
                await self._turn()
                with anyio.move_on_after(self._seconds()):
                    await self._bell.wait()
        except Exception as error:  # noqa: BLE001  # raised by all who wait
            _log.exception("%s: batches have stopped", self.name)
            self._ended = (
                error
                if isinstance(error, CatError)
                else CatError(
                    f"{self.name}: batches have stopped ({type(error).__name__}: {error})"
                )
            )
            self.wake(list(self._waiters))

    async def _recover(self, payer: Payer) -> None:
        """Take over the batches that an earlier process left."""
        for row in await self.journal.shards(self.place):
            ids = await self.journal.ids_of(row.id)
            if row.state == "packed":
                # It was not created yet.
                await self.journal.put_back(ids, tries=0)
                await self.journal.end(row.id)
                continue
            bought = self._bought(row, payer, row.created)
            bought.due = 0.0
            await bought.hold()
            if row.state == "ambiguous":
                bought.ambiguous = ambiguous(
                    self.name, row, self.batching, "nobody has said yet whether it was"
                )
                self.wake(ids)
        for answer in await self.journal.unclaimed(self.place):
            payer.charge(ANSWERS.validate_json(answer))

    def _bought(self, row: ShardRow, payer: Payer, oldest: float) -> Bought:
        bought = Bought(
            row, self.name, self.service, self.journal, self.batching, payer, self, oldest
        )
        self._batches.append(bought)
        return bought

    async def _turn(self) -> None:
        await self._withdraw()
        for bought in list(self._batches):
            if bought.ambiguous is None and time.monotonic() >= bought.due:
                await self._tolerated(bought)
        self._batches = [each for each in self._batches if not each.over]
        self._asked_now, self._oldest = 0, None
        for payer, number in list(self._payers.items()):
            while await self._is_due(number) and time.monotonic() >= self._not_before:
                if not await self._buy(payer, number):
                    break

    async def _tolerated(self, bought: Bought) -> None:
        """Advance a batch; if that fails, nothing is lost and it is tried again later."""
        try:
            await bought.step()
        except ProviderError as error:
            _log.warning("%s: %s; asked again later", self.name, error)
            bought.later()

    async def _withdraw(self) -> None:
        if self.batching.deadline is None:
            return
        late = time.time() - self.batching.deadline
        ids = await self.journal.withdraw_waiting(self.place, late)
        if ids:
            self.wake(ids)
        for bought in self._batches:
            if bought.oldest <= late and bought.ambiguous is None:
                try:
                    await bought.withdraw()
                except ProviderError as error:
                    _log.warning("%s: %s; cancelled again later", self.name, error)

    async def _is_due(self, number: int) -> bool:
        count, oldest = await self.journal.waiting(self.place, number)
        if oldest is None:
            self._bytes = 0
            return False
        self._oldest = min(oldest, self._oldest or oldest)
        full = count >= self._most_requests or self._bytes >= self._room_bytes
        return full or time.time() - oldest >= self.batching.send_after

    @property
    def _most_requests(self) -> int:
        return min(self.batching.requests or 10**9, self.service.limits.requests)

    @property
    def _room_bytes(self) -> int:
        most = min(self.batching.megabytes * 1e6, self.service.limits.bytes, self._most_bytes)
        return int(most)

    async def _buy(self, payer: Payer, number: int) -> bool:
        """Create one batch of waiting calls; return False if no more can be created now."""
        out = sum(each.row.tokens for each in self._batches)
        left = None if self._most_tokens == inf else int(self._most_tokens) - out
        if left is not None and left <= 0 and out:
            # Wait until a batch has ended.
            self._not_before = time.monotonic() + self.batching.poll
            return False
        room = Room(self._most_requests, self._room_bytes, left)
        found = await packed(self.journal, self.place, self.service, room, payer, number)
        await self._refuse(found.failed)
        if found.short:
            self._wait(None)
        if not found.requests:
            return not found.short
        self._bytes = max(0, self._bytes - found.bytes)
        return await self._create(found, payer) and not found.short

    async def _create(self, found: Packed, payer: Payer) -> bool:
        shard = found.shard(self.journal.run)
        row = await self.journal.pack(self.place, shard.digest, [*found.requests], found.tokens)
        bought = self._bought(row, payer, found.oldest)
        try:
            uploaded = await self.service.upload(shard)
            # From here on the batch may exist, whatever error occurs.
            await self.journal.mark(
                row.id, state="creating", uploaded=uploaded, created=time.time()
            )
            await bought.reread()
            batch = await self.service.create(shard, uploaded)
        except QuotaError as error:
            _log.info("%s: %s", self.name, error)
            await self._undo(bought, found)
            self.too_much(found.tokens)
            return False
        except ProviderError as error:
            return await self._not_created(bought, found, error)
        await bought.submitted(batch)
        self._pause = self.batching.poll
        # A batch that was refused now may be accepted later.
        self._most_tokens = min(2 * self._most_tokens, self.batching.enqueued_tokens or inf)
        return True

    async def _not_created(self, bought: Bought, found: Packed, error: ProviderError) -> bool:
        status = error.status or 0
        waits = isinstance(error, RateLimitedError | OverloadedError) or status in PAY_FIRST
        refused = 400 <= status < 500 and status not in MAY_HAVE_PASSED
        if not (bought.row.state == "packed" or waits or refused):
            # Whether the batch exists is unknown until the service's list is read.
            _log.warning("%s: %s; checking whether the batch was created", self.name, error)
            bought.due = 0.0
            return True
        await self._undo(bought, found)
        if waits or error.transient:
            if bought.row.state == "creating":
                self.too_much(found.tokens)
            self._wait(error)
            return False
        if status == TOO_LARGE and len(found.requests) > 1:
            self._most_bytes = found.bytes // 2
            return True
        await self._refuse([(id, error) for id in found.requests])
        return True

    async def _undo(self, bought: Bought, found: Packed) -> None:
        """Put the packed calls back, since the batch was not created."""
        for request in found.requests.values():
            bought.payer.refund(request)
        await self.journal.put_back([*found.requests], tries=0)
        await self.journal.end(bought.row.id)
        self._batches.remove(bought)

    async def _refuse(self, failed: Sequence[tuple[int, CatError]]) -> None:
        kept = [(id, "failed", KeptFailure.of(error).model_dump_json()) for id, error in failed]
        await self.journal.keep(kept)
        self.wake([id for id, _ in failed])

    def _wait(self, error: ProviderError | None) -> None:
        """Create no batch for a while, longer each time."""
        asked = error.retry_after if error is not None else None
        if error is not None:
            _log.warning("%s: %s; no batch is created for a while", self.name, error)
        self._not_before = time.monotonic() + (asked or self._pause)
        self._pause = min(self._pause * 1.5, LONGEST_POLL * self.batching.poll)

    def _seconds(self) -> float:
        """The seconds until there is something to do, unless the worker is woken before."""
        now = time.monotonic()
        dues = [each.due for each in self._batches if each.ambiguous is None]
        if self._oldest is not None:
            due = now + self._oldest + self.batching.send_after - time.time()
            dues.append(max(self._not_before, due))
        if self.batching.deadline is not None:
            dues.append(now + min(self.batching.deadline / 4, self.batching.poll))
        return max(0.005, min(dues, default=inf) - now)

    async def close(self) -> None:
        """End what nobody will ask for again, and close the connections."""
        if not self.journal.lasts:
            for bought in self._batches:
                batch = bought.row.batch
                if batch is None:
                    continue
                try:
                    await self.service.cancel(batch)
                except CatError as error:
                    _log.warning("%s: %s was not cancelled (%s)", self.name, batch, error)
        await self.service.aclose()

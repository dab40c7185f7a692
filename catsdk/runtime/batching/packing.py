"""Packs waiting calls into a shard, within the limits of a batch and of the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from anyio import to_thread

from catsdk.core.batches import BatchService, Shard
from catsdk.core.errors import BudgetExceededError, CatError
from catsdk.core.types import Request
from catsdk.runtime.batching.journal import Journal, Pending
from catsdk.runtime.batching.payer import Payer
from catsdk.runtime.spending.account import Pending as Reserved

__all__ = ["Packed", "Room", "custom_id", "id_in", "packed", "tokens_in"]

PAGE = 200
# Vendors limit the tokens of prompts, which are not known here: four bytes are about one token.
BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Room:
    """What the next shard may hold; `tokens` without a bound are `None`."""

    requests: int
    bytes: int
    tokens: int | None


@dataclass(slots=True)
class Packed:
    """What was packed, and the calls that can never be in a batch, with their errors.

    `full` says that more is waiting than a shard can hold; `short`, that a budget has no room now.
    """

    requests: dict[int, Request] = field(default_factory=dict[int, Request])
    """By the number of the call; in the order of `lines`."""
    lines: list[bytes] = field(default_factory=list[bytes])
    oldest: float = 0.0
    tokens: int = 0
    bytes: int = 0
    failed: list[tuple[int, CatError]] = field(default_factory=list[tuple[int, CatError]])
    full: bool = False
    short: bool = False

    def shard(self, run: str) -> Shard:
        """The shard, with a digest of everything that is in it and of the run that it is for."""
        digest = sha256(run.encode())
        for line in self.lines:
            digest.update(line)
        ids = [custom_id(run, id) for id in self.requests]
        return Shard(digest.hexdigest()[:40], ids, self.lines)


async def packed(
    journal: Journal,
    queue: str,
    service: BatchService,
    room: Room,
    payer: Payer,
    number: int,
) -> Packed:
    """Take calls in their order until the room is full.

    Args:
        journal: Where they wait.
        queue: Whose.
        service: What writes their lines.
        room: What there is room for.
        payer: Who pays for them.
        number: The payer's number in the journal.
    """
    found, after = Packed(), 0
    while not found.full and not found.short:
        page = await journal.page(queue, number, after, PAGE)
        if not page:
            break
        after = page[-1].id
        # In a thread, since a large shard takes seconds of CPU.
        lines = await to_thread.run_sync(_lines, page, journal.run, service)
        for pending, (request, line) in zip(page, lines, strict=True):
            if isinstance(line, CatError):
                found.failed.append((pending.id, line))
            elif not _add(found, pending, request, line, room, payer):
                break
    return found


def _lines(
    page: Sequence[Pending], run: str, service: BatchService
) -> list[tuple[Request, bytes | CatError]]:
    lines: list[tuple[Request, bytes | CatError]] = []
    for pending in page:
        request = Request.model_validate_json(pending.request)
        try:
            lines.append((request, service.line(custom_id(run, pending.id), request)))
        except CatError as error:
            lines.append((request, error))
    return lines


def _add(
    found: Packed,
    pending: Pending,
    request: Request,
    line: bytes,
    room: Room,
    payer: Payer,
) -> bool:
    """Add a call; return False if there is no room for it."""
    tokens = tokens_in(line)
    some = bool(found.requests)
    found.full = len(found.requests) >= room.requests or (
        some and found.bytes + len(line) + 1 > room.bytes
    )
    # A call that exceeds the bound by itself is tried alone, since the bound is an estimate.
    found.full = found.full or (
        some and room.tokens is not None and found.tokens + tokens > room.tokens
    )
    if found.full:
        return False
    try:
        payer.reserve(request)
    except Reserved:
        found.short = True
        return False
    except BudgetExceededError as error:
        found.failed.append((pending.id, error))
        return True
    found.oldest = min(found.oldest, pending.asked) if some else pending.asked
    found.requests[pending.id] = request
    found.lines.append(line)
    found.tokens += tokens
    found.bytes += len(line) + 1
    return True


def tokens_in(line: bytes) -> int:
    """About how many tokens a line has."""
    return len(line) // BYTES_A_TOKEN + 1


def custom_id(run: str, id: int) -> str:
    """The name of a call in a batch: of the journal's run, so that others' batches are not ours."""
    return f"cat-{run}-{id}"


def id_in(custom: str, run: str) -> int | None:
    """The call that a custom id names; `None` if it is none of this run."""
    number = custom.removeprefix(f"cat-{run}-")
    return int(number) if number != custom and number.isascii() and number.isdigit() else None

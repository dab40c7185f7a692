"""The budget of a training run, shared by all ranks and resumes and kept in the output folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch.distributed as dist

from catsdk.core.display.counting import counted
from catsdk.core.sending import Budget
from catsdk.runtime.spending.account import Account, Amount
from catsdk_trainers.trl.ranks import everywhere, on_first_rank

__all__ = ["FOLDER", "Spending", "Spent", "forget_spent"]

FOLDER = "spent"
"""Where the output folder records spending: one file per rank each time the run is started."""


@dataclass(frozen=True, slots=True)
class Spent(Amount):
    """What the calls used and how long training ran."""

    requests: int = 0
    seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        """Add two amounts."""
        return Spent(
            self.tokens + other.tokens,
            self.usd + other.usd,
            self.requests + other.requests,
            self.seconds + other.seconds,
        )

    def over(self, budget: Budget) -> str | None:
        """Name the cap of `budget` that is reached, if any."""
        for name, value in asdict(self).items():
            cap = getattr(budget, name)
            if cap is not None and value >= cap:
                return f"the budget of {counted(cap, name.removesuffix('s'), name)} is used up"
        return None


class _RankAccount(Account):
    """The account of one rank; its caps are reset for each step."""

    def allow(self, budget: Budget) -> None:
        """Set new caps and restart the clock for the seconds."""
        self.budget, self._until, self.refused = budget, None, False


class Spending:
    """What training may still spend, divided among the ranks before each step.

    Each rank gets a share of the remaining budget in proportion to the groups it scores, so that
    together they never exceed it. Spending is recorded as groups are scored, so a run that is
    killed and resumed continues the count. `ended` has the same value on all ranks: the reason why
    nothing more is sent.

    Args:
        budget: Caps on all calls to the anchor and the judge, and on training time in seconds;
            `None` sets no cap, and then spending is not counted.
    """

    def __init__(self, budget: Budget | None) -> None:
        """Begin with nothing spent; nothing is read or written yet."""
        self.budget = budget
        self.ended: str | None = None
        self._account = None if budget is None else _RankAccount(budget)
        self._before = self._all = Spent()
        self._file: Path | None = None
        self._began: float | None = None
        self._writing = Lock()

    @property
    def account(self) -> Account | None:
        """The account that this rank's calls are charged to; `None` without a budget."""
        return self._account

    @property
    def spent(self) -> Spent:
        """What all ranks have spent, also before a resume, as last reported to this rank."""
        return self._before + self._all

    @property
    def share(self) -> float:
        """The spent share of the cap nearest to its limit, from 0 to 1."""
        if self.budget is None:
            return 0.0
        caps = {name: getattr(self.budget, name) for name in asdict(self.spent)}
        shares = [value / caps[name] for name, value in asdict(self.spent).items() if caps[name]]
        return min(1.0, max(shares, default=0.0))

    def begin(self, folder: Path) -> None:
        """Continue from the spending recorded in `folder` before a resume. Collective."""
        if self.budget is None or self._file is not None:
            return
        start, self._before = on_first_rank(lambda: _read(folder / FOLDER))
        self._file = folder / FOLDER / f"start-{start}-rank-{_rank()}.json"
        self._start_clock()
        self.ended = self._before.over(self.budget)
        self._allow_first_rank_the_rest()

    def count_only_time(self) -> None:
        """Enforce only the seconds from now on, since no more calls are made."""
        if self.budget is not None:
            seconds = self.budget.seconds
            self.budget = None if seconds is None else Budget(seconds=seconds)
            self.ended = None if self.budget is None else self.spent.over(self.budget)

    def allot(self, groups: int) -> None:
        """Give this rank its share of what is left for a step of `groups` groups. Collective."""
        if self.budget is None or self._account is None:
            return
        counts, _ = self._exchanged(groups)
        first, total = sum(counts[: _rank()]), max(1, sum(counts))
        self._allow(first / total, (first + groups) / total)

    def settle(self) -> None:
        """Collect what all ranks spent and whether any had a call refused. Collective."""
        if self.budget is None or self._account is None:
            return
        refused, spent = self._exchanged(self._account.refused)
        self.ended = self.ended or spent.over(self.budget)
        if self.ended is None and any(refused):
            self.ended = f"the next call could have passed the budget: {self._told()} are spent"
        self.note()
        self._allow_first_rank_the_rest()

    def note(self) -> None:
        """Record what this rank has spent since this process started."""
        if self._file is None:
            return
        # Groups finish in several threads; the last one to write records the spending of all.
        with self._writing:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(asdict(self._own())), "utf-8")
            new.replace(self._file)

    def _allow_first_rank_the_rest(self) -> None:
        """Let the first rank spend the rest: between steps, only its drift probe makes calls."""
        self._allow(0.0 if _rank() == 0 else 1.0, 1.0)

    def _allow(self, start: float, end: float) -> None:
        """Cap this rank at what it has used plus the part of the rest from `start` to `end`."""
        budget, account, spent = self.budget, self._account, self.spent
        assert budget is not None and account is not None

        def cap_of(name: str) -> float | int | None:
            cap = getattr(budget, name)
            if cap is None:
                return None
            rest = max(0, cap - getattr(spent, name))
            # Requests and tokens are whole numbers, rounded at the same points on all ranks.
            low, high = (
                rest * at if name == "usd" else int(rest * at + 1e-6) for at in (start, end)
            )
            return getattr(account, name) + high - low  # type: ignore[no-any-return]

        caps: dict[str, Any] = {name: cap_of(name) for name in ("requests", "tokens", "usd")}
        if budget.seconds is not None:
            caps["seconds"] = max(1e-3, budget.seconds - spent.seconds)
        account.allow(budget.model_copy(update=caps))

    def _exchanged(self, told: Any) -> tuple[list[Any], Spent]:
        """Each rank's `told`, and what all ranks spent."""
        self._start_clock()
        ranks = everywhere((told, self._own()))
        self._all = sum((own for _, own in ranks), Spent())
        return [each for each, _ in ranks], self.spent

    def _own(self) -> Spent:
        """What this rank spent since this process started; only the first rank counts seconds."""
        account = self._account
        seconds = 0.0
        if self._began is not None and _rank() == 0:
            seconds = time.monotonic() - self._began
        if account is None:
            return Spent(seconds=seconds)
        return Spent(account.tokens, account.usd, account.requests, seconds)

    def _told(self) -> str:
        """How much of each cap is spent."""
        caps = {name: getattr(self.budget, name) for name in asdict(self.spent)}
        return ", ".join(
            f"{value:,.6g} of {caps[name]:,} {name}"
            for name, value in asdict(self.spent).items()
            if caps[name] is not None
        )

    def _start_clock(self) -> None:
        if self._began is None:
            self._began = time.monotonic()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return type(self), (self.budget,)


def forget_spent(folder: Path) -> None:
    """Delete the spending recorded in `folder`, for a run that starts over there."""
    for file in (folder / FOLDER).glob("start-*.json"):
        file.unlink()


def _rank() -> int:
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def _read(folder: Path) -> tuple[int, Spent]:
    """The number for this process's files, and what earlier processes spent."""
    files = [*folder.glob("start-*.json")]
    total = sum((Spent(**json.loads(file.read_text("utf-8"))) for file in files), Spent())
    return 1 + max((int(file.name.split("-")[1]) for file in files), default=-1), total

"""RayJob: starts the actors that hold the budget, limits and answers of a job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from catsdk.batch.folder import Folder
from catsdk.batch.plan import Plan
from catsdk.batch.workers.desk import Desk
from catsdk.batch.workers.keeper import Carried, Keeper, Steps, partition_files
from catsdk.batch.workers.messages import Funds, Orders, Report
from catsdk.cat import CaT
from catsdk.core.errors import ConfigurationError, InvalidInputError, MissingExtraError
from catsdk.core.inputs import check_kind
from catsdk.core.installing import install_command
from catsdk.core.sending import Budget
from catsdk.core.types import Usage

__all__ = ["RayJob", "check_many", "ray_module"]

WORKERS = 10_000
"""The most workers of a job: each asks its desk for news all the time."""


class RayJob:
    """A plan with its output folder on a Ray cluster, to be given to each worker.

    It starts two kinds of actors on the machine of the driver: keepers, each of which writes the
    answers of one partition of the rows to a file in `out`, and a desk that holds the budget and
    the limits for all workers. They live as long as the job is referred to there. Workers may come,
    die and be replaced. The method is sent without secrets: keys are those of each worker's
    environment.

    Args:
        plan: What is made of each row, by which method; its models are named by strings.
        out: The folder of the answers, on the driver's machine, fixed to one plan.
        budget: Caps on what all runs together consume; `seconds` are those of this run.
        partitions: Files of answers in a new folder; an old one keeps its number.
        retry_failed: Whether rows that failed or were cut short before are worked on again.

    Raises:
        InvalidInputError: a model is an object, which may have a key; the client sends batches; the
            plan keeps no texts; or `out` belongs to another plan, or to a batch of one machine.
        ConfigurationError: `out` cannot be written, another job works in it, or the driver is not
            on a machine of the cluster.
        MissingExtraError: Ray is not installed.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.batch import Plan, RayJob
        >>> plan = Plan(cat.CaT("openai:NAME"), n=8)
        >>> RayJob(plan, "refs of eight", budget=cat.Budget(requests=1000)).capped
        ('job',)
    """

    def __init__(
        self,
        plan: Plan,
        out: str | Path,
        *,
        budget: Budget | None = None,
        partitions: int = 2,
        retry_failed: bool = False,
    ) -> None:
        """Start the actors; nothing is sent."""
        check_kind("plan", plan, (Plan,), "a Plan such as Plan(cat.CaT('openai:NAME'), n=4)")
        check_kind("budget", budget, (Budget,), "a Budget such as Budget(requests=100)")
        check_many("partitions", partitions)
        ray = ray_module()
        _check_sendable(plan.cat)
        if plan.cat.client.sending.batch is not None:
            raise InvalidInputError(
                "the client sends calls by a provider's batch API, which workers of a job cannot: a"
                " batch outlives its worker; leave out batch=, or use `catsdk batch`"
            )
        if not plan.keeps_texts:
            raise InvalidInputError(
                "keeps_texts is False, but what one worker was answered is kept for the others;"
                " keep texts, or use `catsdk batch`"
            )
        folder = Folder(Path(out).absolute(), plan)
        if folder.store.exists():
            raise InvalidInputError(
                f"{folder.path} holds a batch of one machine; write to another folder, or go on"
                " with `catsdk batch`"
            )
        self.plan, self.retry_failed = plan, retry_failed
        caps = {"job": budget, "client": plan.cat.client.sending.budget}
        budgets = {name: each for name, each in caps.items() if each is not None}
        self.capped = tuple(budgets)
        """Whose the budgets are: the job's over all its runs, and the client's in this one."""
        self.budgets = tuple(budgets.values())
        _made(folder.path)
        start = _starter(ray)
        self._keepers = _keepers_of(folder.path, partitions, start)
        spent = self._keepers.paid(ray)
        folder.claim(empty=not spent.requests)
        before = {"job": Funds(spent.requests, spent.tokens, spent.cost or 0.0)}
        self._desk = start(
            Desk, [(each, before.get(name, Funds())) for name, each in budgets.items()]
        )

    def method(self) -> CaT:
        """Give the method to a worker, which opens it.

        Returns:
            A copy of the plan's method, that is not open.
        """
        return copy(self.plan.cat)

    async def exchange(self, worker: str, report: Report | None, seconds: float) -> Orders:
        """Report to the desk, and take its orders.

        Args:
            worker: Names the worker, and no other one of the job.
            report: What it tells; `None` asks for news alone.
            seconds: How long to wait for something that is new to the worker.

        Returns:
            What the worker may do now.
        """
        orders: Orders = await self._desk.exchange.remote(worker, report, seconds)
        return orders

    def partitions(self) -> list[tuple[str, Callable[[Steps], Awaitable[Carried]]]]:
        """Give the files of the answers.

        Returns:
            Each file, with what has its keeper write to it.
        """
        return [(file, keeper.carry.remote) for file, keeper in self._keepers.actors.items()]


class _Keepers:
    """The keepers of one folder, by their files; they end when nobody refers to them."""

    def __init__(self, actors: Mapping[str, Any]) -> None:
        self.actors = dict(actors)

    def paid(self, ray: Any) -> Usage:
        """The total consumption of all runs.

        Raises:
            ConfigurationError: a file cannot be read, or another process writes it.
        """
        total = Usage()
        for paid, failure in ray.get([keeper.paid.remote() for keeper in self.actors.values()]):
            if failure is not None:
                raise ConfigurationError(failure)
            total += Usage.model_validate_json(paid)
        return total


_alive: WeakValueDictionary[tuple[str, str], _Keepers] = WeakValueDictionary()
"""The keepers that jobs of this process have, by Ray's session and the folder."""


def _keepers_of(folder: Path, partitions: int, start: Callable[..., Any]) -> _Keepers:
    """The keepers of a running job of this process in the same folder, or new ones."""
    session = ray_module().get_runtime_context().get_job_id()
    keepers = _alive.get((session, str(folder)))
    if keepers is None:
        files = map(str, partition_files(folder, partitions))
        keepers = _Keepers({file: start(Keeper, file) for file in files})
        _alive[session, str(folder)] = keepers
    return keepers


def check_many(name: str, many: object) -> None:
    """Refuse what is not a number from 1.

    Raises:
        InvalidInputError: it is not.
    """
    if isinstance(many, bool) or not isinstance(many, int) or many < 1:
        raise InvalidInputError(f"{name} is {many!r:.80}; give a whole number from 1")


def ray_module() -> Any:
    """The package `ray`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"jobs of many workers need Ray: {install_command('ray')}"
        ) from error


def _check_sendable(cat: CaT) -> None:
    try:
        cat.to_data()
    except InvalidInputError as error:
        raise InvalidInputError(
            f"the method cannot be sent to the workers: {error}. A model that an actor holds is"
            " `catsdk.batch.hosted(...)`"
        ) from error


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be made: {error}; name another") from error


def _starter(ray: Any) -> Callable[..., Any]:
    """A function that starts an actor on this machine, whose disk has the folder."""
    if not ray.is_initialized():
        ray.init()
    with suppress(ImportError):
        if import_module("ray.util.client").ray.is_connected():
            raise ConfigurationError(
                "the driver is not on a machine of the cluster; submit it:"
                " ray job submit --address http://HEAD:8265 -- python SCRIPT"
            )
    here = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )

    def start(kind: type, *arguments: object) -> Any:
        # Requests to a keeper can safely be repeated; the state of a desk is lost with it.
        again = -1 if kind is Keeper else 0
        options = {"num_cpus": 0, "max_restarts": again, "max_task_retries": again}
        actor = ray.remote(kind).options(
            **options, scheduling_strategy=here, max_concurrency=WORKERS
        )
        return actor.remote(*arguments)

    return start

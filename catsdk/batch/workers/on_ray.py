"""Runs the method on a Ray Data set: adds references, rewards or training data to each row."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from catsdk.batch.plan import Plan
from catsdk.batch.workers.job import RayJob, check_many, ray_module
from catsdk.batch.workers.mapper import RayMapper
from catsdk.batch.workers.table import check_columns
from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_kind
from catsdk.core.sending import Budget

__all__ = ["ray"]

BATCH = 16
"""Rows of a batch: few, since the next is begun when all of one are done."""
TASKS = 8
"""Tasks of Ray that a worker has at once, each with some batches."""
SEVERAL = ("rollouts", "rewards")
"""What becomes several records of a row."""


def ray(
    dataset: Any,
    cat: CaT | Plan,
    out: str | Path | None = None,
    *,
    workers: int | tuple[int, int] = 2,
    budget: Budget | None = None,
    partitions: int = 2,
    retry_failed: bool = False,
    batch_size: int = BATCH,
    **options: Any,
) -> Any:
    """Make something of each row of a Ray Data set, by workers on many machines.

    As all of Ray Data it is lazy: what reads or writes the result does the work. Each row comes
    back at least once with its columns, those of the plan's product, `id`, `outcome` (`ok`,
    `partial`, `failed`, `refused` or `waiting`) and `failure`. Budget and limits are those of the
    whole job, however many workers there are. Answers are in `out` before they are used: a worker
    that dies, and a job that is started again, pay for nothing twice.

    Args:
        dataset: A `ray.data.Dataset` with the columns that `catsdk.batch.run` reads.
        cat: The method, or a plan with more than the defaults.
        out: The folder of the answers, on the driver's machine, fixed to one plan; by default one
            below `catsdk-ray` that the plan's digest names.
        workers: How many workers, or the fewest and the most.
        budget: Caps on what all runs together consume.
        partitions: Files of answers in a new folder.
        retry_failed: Whether rows that failed or were cut short before are worked on again.
        batch_size: Rows that go through a worker together.
        options: For `map_batches`: what a worker needs, such as `num_gpus=1`. By default half a
            CPU.

    Returns:
        A `ray.data.Dataset`.

    Raises:
        InvalidInputError: as `RayJob`; or the data set keeps checkpoints, which know one record of
            a row, and the plan makes several.
        ConfigurationError: as `RayJob`.
        MissingExtraError: Ray is not installed.

    Example:
        What reads or writes the result does the work, such as `references.write_parquet(...)`::

            >>> import catsdk as cat
            >>> import ray
            >>> from catsdk import batch
            >>> rows = ray.data.from_items([{"id": "a", "prompt": "12+34"}])
            >>> references = batch.ray(rows, cat.CaT("openai:NAME"), "refs", workers=2)
            >>> isinstance(references, ray.data.Dataset)
            True
    """
    ray_module()
    check_kind("cat", cat, (CaT, Plan), "a CaT, or a Plan such as Plan(cat, n=4)")
    check_many("batch_size", batch_size)
    plan = cat if isinstance(cat, Plan) else Plan(cat)
    data = import_module("ray.data")
    check_kind("dataset", dataset, (data.Dataset,), "a data set such as ray.data.read_json(...)")
    check_columns(dataset.columns(fetch_if_missing=False) or [], plan)
    if dataset.context.checkpoint_config is not None and plan.produces in SEVERAL:
        raise InvalidInputError(
            f"{plan.produces!r} makes several records from each row, and Ray's checkpoints would"
            " lose some; make reference, sft or preferences, or leave out the checkpoint, since a"
            " job continues from its folder of answers anyway"
        )
    fewest, most = workers if isinstance(workers, tuple) else (workers, workers)
    check_many("workers", fewest)
    check_many("workers", most)
    folder = Path("catsdk-ray") / plan.cat.fingerprint if out is None else out
    job = RayJob(plan, folder, budget=budget, partitions=partitions, retry_failed=retry_failed)
    pool = data.ActorPoolStrategy(
        min_size=fewest,
        max_size=most,
        max_concurrent_calls_per_actor=TASKS,
        max_tasks_in_flight_per_actor=TASKS,
    )
    return dataset.map_batches(
        RayMapper,
        fn_constructor_args=(job,),
        batch_format="pyarrow",
        batch_size=batch_size,
        compute=pool,
        **{"num_cpus": 0.5, **options},
    )

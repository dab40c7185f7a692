"""A batch whose disk is full ends with what to do, and goes on once there is space."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import forked

BATCH = """
import resource, sys, anyio
from catsdk import CaT, Majority
from catsdk.batch import Plan, run
from catsdk.core.errors import ConfigurationError
from catsdk.testing import FunctionProvider

out, keeps = sys.argv[1], sys.argv[2] == "texts"
model = FunctionProvider(lambda request: "long " * 500 + request.messages[-1].text)
plan = Plan(CaT(model, estimator=Majority()), n=2, keeps_texts=keeps)
rows = [f"question {at}?" for at in range(600)]

async def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, hard))
    try:
        await run(rows, out, plan)
    except ConfigurationError as error:
        print(error)
    asked = len(model.requests)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    summary = await run(rows, out, plan)
    print(asked, len(model.requests), summary.ok, summary.records, summary.usage.requests)

anyio.run(main)
"""


@pytest.mark.parametrize("keeps", ["texts", "none"])
def test_a_full_disk_ends_a_batch_cleanly_and_what_was_kept_is_gone_on_with(
    tmp_path: Path, keeps: str
) -> None:
    done = forked.run("-c", BATCH, str(tmp_path / "out"), keeps, seconds=120)
    assert done.returncode == 0, done.stderr
    *told, counts = done.stdout.splitlines()
    assert "cannot be" in " ".join(told)
    first, all_together, ok, records, _ = map(int, counts.split())
    assert ok == records == 600
    assert first < 600
    # What was under way when the disk was full is asked for again, and nothing else.
    assert all_together < 600 + first

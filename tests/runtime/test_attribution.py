"""What calls belong to is told by the task that makes them, block in block."""

from __future__ import annotations

from dataclasses import fields, replace

from catsdk.runtime.attribution import (
    Waits,
    attribution,
    in_order,
    recorded,
    waiting,
)


def test_a_stage_inside_of_others_changes_the_stage_and_the_lists_alone() -> None:
    waits = Waits(lambda _: None)
    with (
        in_order(7),
        waiting(waits),
        recorded("outer", place="row 3", key="a key") as outer,
    ):
        before = attribution()
        with recorded("inner") as inner:
            now = attribution()
            assert (now.stage, now.lists) == ("inner", (outer, inner))
            assert replace(now, stage=before.stage, lists=before.lists) == before
        assert attribution() is before
    assert (before.rank, before.place, before.key, before.waits) == (7, "row 3", "a key", waits)
    untold = attribution()
    assert all(not getattr(untold, field.name) for field in fields(untold))

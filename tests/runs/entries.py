"""Reads all entries of a kind from a run store."""

from __future__ import annotations

from catsdk.runs.store import RunStore


async def entries(store: RunStore, kind: str) -> dict[str, str]:
    return {key: value async for key, value in store.each(kind)}

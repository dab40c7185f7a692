"""The stores of this process: clients that name the same cache share it."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from catsdk.core.sending import Cache
from catsdk.runtime.stores.disk import DiskStore
from catsdk.runtime.stores.memory import MemoryStore
from catsdk.runtime.stores.store import Store

__all__ = ["store_of"]

MEMORY = "memory"
_lock = Lock()
_stores: dict[str, MemoryStore | DiskStore] = {}


def store_of(cache: Cache) -> Store:
    """The store that `cache` names, which holds to its bounds from now on."""
    memory = cache.path == MEMORY
    key = MEMORY if memory else str(Path(cache.path).expanduser().absolute())
    with _lock:
        if key not in _stores:
            _stores[key] = (
                MemoryStore(cache.max_bytes) if memory else DiskStore(key, cache.max_bytes)
            )
        store = _stores[key]
        store.max_bytes, store.seconds = cache.max_bytes, cache.seconds
    return store

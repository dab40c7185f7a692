"""The stores of this process: clients that name the same cache share it."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from catsdk.core.sending import Cache
from catsdk.runtime.stores.memory import MemoryStore
from catsdk.runtime.stores.store import Store

if TYPE_CHECKING:
    from catsdk.runtime.stores.disk import DiskStore

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
            _stores[key] = MemoryStore(cache.max_bytes) if memory else _on_disk(key, cache)
        store = _stores[key]
        store.max_bytes, store.seconds = cache.max_bytes, cache.seconds
    return store


def _on_disk(path: str, cache: Cache) -> DiskStore:
    # Imported here, so that SQLite is loaded only if it is used.
    from catsdk.runtime.stores.disk import DiskStore

    return DiskStore(path, cache.max_bytes)

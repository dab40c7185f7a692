"""The stores of this process: runtimes that name the same cache share it."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from catsdk.core.runtime import Runtime
from catsdk.middleware.cache import Store
from catsdk.middleware.disk_store import DiskStore
from catsdk.middleware.memory_store import MemoryStore

__all__ = ["store_of"]

MEMORY = "memory"
_lock = Lock()
_stores: dict[str, MemoryStore | DiskStore] = {}


def store_of(runtime: Runtime) -> Store | None:
    """The store that `runtime` names, with its bounds from now on; `None` where it names none."""
    if not runtime.cache:
        return None
    memory = runtime.cache == MEMORY
    key = MEMORY if memory else str(Path(runtime.cache).expanduser().absolute())
    with _lock:
        if key not in _stores:
            size = runtime.cache_bytes
            _stores[key] = MemoryStore(size) if memory else DiskStore(key, size)
        store = _stores[key]
        store.max_bytes, store.seconds = runtime.cache_bytes, runtime.cache_seconds
    return store

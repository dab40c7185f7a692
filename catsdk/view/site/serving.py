"""Serves the viewer until a block ends, and looks at its runs again and again meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Final

import anyio
from anyio import to_thread

from catsdk.serve.site.access import Access, Guard, check_host
from catsdk.serve.site.server import listening
from catsdk.view.index import Index
from catsdk.view.library import Library
from catsdk.view.site.app import OPEN, Headed, viewer_app

__all__ = ["viewing"]

_LOG = logging.getLogger(__name__)
# Seconds between the end of a look at the runs and the next one.
_LOOK: Final = 1.0
_ARRIVAL: Final = 10.0


@asynccontextmanager
async def viewing(
    folder: str | Path, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None
) -> AsyncGenerator[str]:
    """Serve the viewer of a folder until the block ends. Needs asyncio.

    Nothing below the folder is written. The index over it is a temporary file, which grows while
    the runs are read for the first time; the page shows what is there already.

    Args:
        folder: Where catsdk wrote; all runs below it are shown, also while they go on.
        host: The address to listen on.
        port: 0 takes a free one.
        token: What each request for data must carry; an empty one counts as no token. Without a
            token only requests of this machine's own are answered.

    Yields:
        The address; with a token it ends in `#token=...`, which a browser keeps to itself.

    Raises:
        InvalidInputError: there is no such folder, or it would listen to other machines without a
            token.

    Example:
        >>> from catsdk.view import viewing
        >>> async with viewing(".") as address:
        ...     print(address.rpartition(":")[0])
        http://127.0.0.1
    """
    access = Access.by({"": token or ""}, has_pages=True)
    check_host(host, bool(access.digests), "a token (--token, or CATSDK_VIEW_TOKEN)")
    with TemporaryDirectory(prefix="catsdk-view-") as place:
        index = Index(Path(place) / "index.sqlite")
        stop = Event()
        try:
            library = Library(Path(folder), index)
            app = Headed(Guard(viewer_app(library), access, OPEN))
            # A thread of its own: a look may take minutes, and those who ask do not wait for it.
            looking = Thread(target=_look, args=(library, stop), name="view", daemon=True)
            looking.start()
            try:
                async with listening(app, host, port, arrival=_ARRIVAL, drain=0) as address:
                    yield f"{address}/#token={token}" if token else address
            finally:
                stop.set()
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(looking.join)
        finally:
            index.close()


def _look(library: Library, stop: Event) -> None:
    while not stop.is_set():
        began = time.monotonic()
        try:
            library.refresh(stop)
        except Exception:  # noqa: BLE001  # such as a folder that went away meanwhile
            _LOG.exception("a look at the runs failed; the next one follows")
        # A long look is repeated less often: most of the time is for those who ask.
        stop.wait(max(_LOOK, 4 * (time.monotonic() - began)))

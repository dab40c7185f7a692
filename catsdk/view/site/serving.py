"""Serve the viewer until a block ends, and rescan its runs meanwhile."""

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
# Seconds between the end of a scan and the next one.
_LOOK: Final = 1.0
_ARRIVAL: Final = 10.0


@asynccontextmanager
async def viewing(
    folder: str | Path, *, host: str = "127.0.0.1", port: int = 0, token: str | None = None
) -> AsyncGenerator[str]:
    """Serve the viewer of a folder until the block ends. Needs asyncio.

    Serving writes nothing below the folder, except labels. The index is a temporary file, which
    grows while the runs are read for the first time; the page shows what is in it already.

    Args:
        folder: A folder that catsdk wrote; all runs below it are shown, even while they run.
        host: The address to listen on.
        port: The port; 0 picks a free one.
        token: The token that each request for data must carry; an empty one counts as none. Without
            a token, only requests from this machine are answered.

    Yields:
        The address; with a token it ends in `#token=...`, which a browser does not send.

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
            # In its own thread, since a scan may take minutes and requests must not wait for it.
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
        except Exception:  # noqa: BLE001  # such as a folder that was deleted meanwhile
            _LOG.exception("scanning the runs failed; trying again soon")
        # A long scan is repeated less often, to leave most of the time for requests.
        stop.wait(max(_LOOK, 4 * (time.monotonic() - began)))

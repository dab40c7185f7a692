"""A loop in a thread takes work from other threads until it is stopped."""

from __future__ import annotations

from threading import Thread, current_thread

from catsdk.core.concurrency.loops import loop_in_thread


def test_work_runs_in_the_daemon_of_that_name_until_the_loop_is_stopped() -> None:
    async def here() -> Thread:
        return current_thread()

    portal, thread = loop_in_thread("of-a-test")
    try:
        assert portal.call(here) is thread is portal.call(here)
        assert (thread.name, thread.daemon) == ("of-a-test", True)
    finally:
        portal.call(portal.stop)
        thread.join(60)
    assert not thread.is_alive()

"""The process that forks workers: it follows its messages, and ends with whoever it serves."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from catsdk.answers.engine.symbolic import zygote
from catsdk.answers.engine.symbolic.frames import encode, read_frame
from catsdk.answers.engine.symbolic.worker import command
from tests.answers.symbolic.processes import children_of, needs_proc, wait_until_gone

pytestmark = needs_proc

TASK = "tests.answers.symbolic.jobs:work"


@contextmanager
def running(parent: int) -> Iterator[tuple[socket.socket, "subprocess.Popen[bytes]"]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            command(zygote.__name__, theirs.fileno(), parent, TASK, 256),
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        try:
            yield ours, process
        finally:
            process.kill()
            process.wait()


def fork(control: socket.socket, number: int) -> socket.socket:
    """A worker of that number, by the socket that it serves on."""
    ours, theirs = socket.socketpair()
    with theirs:
        message = zygote.MESSAGE.pack(zygote.FORK, number)
        socket.send_fds(control, [message], [theirs.fileno()])
    ours.settimeout(60)
    with ours.makefile("rb") as reader:
        assert read_frame(reader) == {"ready": True}
    return ours


def test_a_worker_is_killed_by_its_number_and_no_other_one() -> None:
    with running(os.getpid()) as (control, process), fork(control, 1), fork(control, 2) as second:
        assert len(children_of(process.pid, "")) == 2
        # A number that nobody has, as one that has ended already: nothing happens.
        control.send(zygote.MESSAGE.pack(zygote.KILL, 99))
        control.send(zygote.MESSAGE.pack(zygote.KILL, 1))
        with fork(control, 3):
            second.sendall(encode({"limit_s": 60, "payload": "pid"}))
            with second.makefile("rb") as reader:
                reply = read_frame(reader)
            assert isinstance(reply, dict)
            left = children_of(process.pid, "")
            assert reply["value"] in left
            assert len(left) == 2


def test_it_ends_with_its_workers_when_its_control_is_closed() -> None:
    with running(os.getpid()) as (control, process), fork(control, 1):
        (worker,) = children_of(process.pid, "")
        control.close()
        assert process.wait(60) == 0
        wait_until_gone(worker)


def test_half_a_message_ends_it() -> None:
    with running(os.getpid()) as (control, process):
        control.send(zygote.FORK)
        assert process.wait(60) == 0


def test_it_ends_by_itself_where_its_parent_is_another_than_it_was_told() -> None:
    with running(1) as (_, process):
        assert process.wait(60) == 0

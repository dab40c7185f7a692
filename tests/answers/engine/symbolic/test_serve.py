"""What a worker does with its requests: one reply each, in their order, whatever the task does."""

from io import BytesIO
from typing import Any

import pytest

from catsdk.answers.engine.symbolic.frames import encode, read_frame
from catsdk.answers.engine.symbolic.serve import load_task, serve

# So much that no test comes near: a timer that fires ends the process.
LIMIT = 600.0


def served(task: Any, *payloads: Any, tail: bytes = b"", memory_mb: int = 1 << 20) -> list[Any]:
    """The replies to these requests, after the greeting."""
    requests = b"".join(encode({"limit_s": LIMIT, "payload": each}) for each in payloads)
    written = BytesIO()
    serve(BytesIO(requests + tail), written, task, memory_mb)
    written.seek(0)
    replies: list[Any] = []
    while written.tell() < len(written.getvalue()):
        replies.append(read_frame(written))
    assert replies.pop(0) == {"ready": True}
    return replies


def test_each_request_has_its_reply_in_their_order() -> None:
    replies = served(lambda payload: payload * 2, 1, "a", [2])
    assert [reply["value"] for reply in replies] == [2, "aa", [2, 2]]
    assert all(reply["more"] for reply in replies)


def test_an_error_of_the_task_is_a_reply_and_the_next_request_is_answered() -> None:
    failed, answered = served(lambda payload: 6 / payload, 0, 2)
    assert failed["cause"] == "error" and "ZeroDivisionError" in failed["detail"]
    assert answered["value"] == 3


def test_a_value_that_is_not_json_is_an_error_and_not_an_end() -> None:
    failed, answered = served(lambda payload: object() if payload else payload, 1, 0)
    assert failed["cause"] == "error" and answered["value"] == 0


def test_no_memory_is_the_last_reply() -> None:
    def task(payload: Any) -> Any:
        raise MemoryError

    assert served(task, 1, 2, 3) == [{"cause": "memory", "more": False}]


def test_a_worker_whose_memory_is_half_used_asks_to_be_replaced() -> None:
    (reply,) = served(lambda payload: payload, 1, memory_mb=1)
    assert reply == {"value": 1, "more": False}


@pytest.mark.parametrize("tail", [b"\0", b"\xff\xff\xff\xff", b"\0\0\0\2no", b"\0\0\0\7{"])
def test_what_is_no_request_ends_the_worker_quietly(tail: bytes) -> None:
    assert [reply["value"] for reply in served(lambda payload: payload, 1, tail=tail)] == [1]


def test_a_task_is_found_by_its_name_and_warmed_up() -> None:
    assert load_task("tests.answers.symbolic.jobs:work")("a") == "a"
    with pytest.raises(ModuleNotFoundError):
        load_task("tests.answers.symbolic.nothing:work")

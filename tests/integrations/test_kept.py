"""A method that is kept open for callers without a block: opened once, closed where it was."""

from __future__ import annotations

from typing import Self

import anyio
import pytest

import catsdk as cat
from catsdk.integrations.kept import Kept
from catsdk.testing import FunctionProvider


class Watched(FunctionProvider):
    """A model that counts how often it was opened, and knows the task that did."""

    def __init__(self) -> None:
        super().__init__(lambda request: r"\boxed{4}")
        self.opened = self.closed = 0
        self.opener: int | None = None

    async def __aenter__(self) -> Self:
        self.opened += 1
        self.opener = anyio.get_current_task().id
        return self

    async def __aexit__(self, *_: object) -> None:
        assert anyio.get_current_task().id == self.opener
        self.closed += 1


def kept_with(monkeypatch: pytest.MonkeyPatch) -> tuple[Kept, list[Watched]]:
    """A method whose policy is named by a string, so that the method opens it."""
    made: list[Watched] = []

    def factory(name: str) -> Watched:
        made.append(Watched())
        return made[-1]

    monkeypatch.setattr("catsdk.core.model_strings._factory", lambda prefix, model: factory)
    return Kept(lambda: cat.CaT("watched:model", estimator=cat.Majority())), made


async def test_tasks_that_ask_together_share_one_method(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = kept_with(monkeypatch)
    answers: list[str | None] = []

    async def ask() -> None:
        answers.append((await (await kept.opened()).run("2+2?", n=2)).answer)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
    assert answers == ["4"] * 5
    assert [(model.opened, model.closed) for model in made] == [(1, 0)]
    await kept.aclose()
    assert [(model.opened, model.closed) for model in made] == [(1, 1)]


async def test_who_is_cancelled_does_not_close_it_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, made = kept_with(monkeypatch)
    with anyio.CancelScope() as scope:
        await kept.opened()
        scope.cancel()
        await anyio.sleep_forever()
    assert (await (await kept.opened()).run("2+2?", n=1)).answer == "4"
    assert made[0].closed == 0
    await kept.aclose()


async def test_it_opens_anew_after_it_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = kept_with(monkeypatch)
    for _ in range(2):
        assert (await (await kept.opened()).run("2+2?", n=1)).answer == "4"
        await kept.aclose()
    await kept.aclose()
    assert [(model.opened, model.closed) for model in made] == [(1, 1), (1, 1)]


async def test_a_failure_to_open_is_told_each_time() -> None:
    kept = Kept(lambda: cat.CaT("nobody:model", estimator=cat.Majority()))
    for _ in range(2):
        with pytest.raises(cat.errors.ConfigurationError, match="nobody"):
            await (await kept.opened()).run("2+2?", n=1)
    await kept.aclose()


def test_it_ends_with_its_loop_and_begins_anew_in_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, made = kept_with(monkeypatch)

    async def ask() -> str | None:
        return (await (await kept.opened()).run("2+2?", n=1)).answer

    assert [anyio.run(ask) for _ in range(2)] == ["4", "4"]
    assert [(model.opened, model.closed) for model in made] == [(1, 1), (1, 1)]

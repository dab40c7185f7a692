"""A client and a CaT are new, then open, then closed, and leave nothing open on any way out."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest

import catsdk as cat
from catsdk.core.errors import ConfigurationError, ConnectionFailedError
from catsdk.core.ports import Provider
from catsdk.runtime.context import context_of
from catsdk.testing import FunctionProvider
from catsdk.testing.loopback import LoopbackServer
from tests.runtime.loopback_model import ASK, MODEL, nothing_left_open, serving

Owner = cat.Client | cat.CaT


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[LoopbackServer]:
    with serving(monkeypatch) as server, nothing_left_open(caplog):
        yield server


@pytest.fixture(params=["client", "cat"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def owner(kind: str, server: LoopbackServer) -> Owner:
    """What has a life, whose model is reached at `server`."""
    return cat.Client() if kind == "client" else cat.CaT(MODEL)


async def used(owner: Owner) -> str:
    if isinstance(owner, cat.CaT):
        return (await owner.run("2+2", 2)).rewards.__repr__()
    async with context_of(owner) as ctx:
        provider = await ctx.model(MODEL)
        return (await provider.complete(ASK))[0].text


async def bare_model(owner: Owner) -> object:
    """The provider that `owner` has open for the model, below its wrappers."""
    client = owner.client if isinstance(owner, cat.CaT) else owner
    models = owner._session if isinstance(owner, cat.CaT) else None
    if models is not None:
        return await models.model(MODEL)
    async with client.session() as session:
        return await session.model(MODEL)


async def test_nested_blocks_share_the_models_and_the_outermost_closes_them(owner: Owner) -> None:
    with anyio.fail_after(10):
        async with owner:
            await used(owner)
            first = await bare_model(owner)
            async with owner as again:
                assert again is owner
                await used(owner)
            await used(owner)
            assert await bare_model(owner) is first
        with pytest.raises(ConfigurationError, match="was closed"):
            await used(owner)


async def test_after_the_last_exit_entering_again_raises_too(owner: Owner) -> None:
    with anyio.fail_after(10):
        async with owner:
            await used(owner)
        with pytest.raises(ConfigurationError, match="make a new one"):
            async with owner:
                pass


@pytest.mark.parametrize(
    "use",
    [
        lambda c: c.run("2+2", 2),
        lambda c: c.sample("2+2", 2),
        lambda c: c.synthesize("2+2", 2),
        lambda c: c.reward(cat.group_of("2+2", ["4"])),
        lambda c: c.propose_rubric(None),
        lambda c: c.judge(None, None),
        lambda c: _called(c.map, ["2+2"]),
        lambda c: _called(c.each, None, ["2+2"]),
        lambda c: _called(c.stream, "2+2"),
    ],
)
async def test_every_use_of_a_closed_cat_says_that_it_is_closed(
    use: Callable[[cat.CaT], Awaitable[object]],
) -> None:
    c = cat.CaT(FunctionProvider(lambda _: "4"), reward=cat.AnswerReward())
    async with c:
        pass
    with pytest.raises(ConfigurationError, match="this CaT was closed"):
        await use(c)


async def _called(method: Callable[..., object], *arguments: object) -> object:
    return method(*arguments)


async def test_a_cat_on_a_closed_client_says_that_the_client_is_closed() -> None:
    client = cat.Client()
    async with client:
        pass
    c = cat.CaT(FunctionProvider(lambda _: "4"), client=client)
    with pytest.raises(ConfigurationError, match="this Client was closed"):
        await c.run("2+2", 2)
    with pytest.raises(ConfigurationError, match="this Client was closed"):
        async with c:
            pass


async def test_an_error_in_the_block_comes_out_as_it_is_and_the_models_are_closed(
    owner: Owner,
) -> None:
    failure = KeyError("mine")
    with anyio.fail_after(10), pytest.raises(KeyError) as caught:
        async with owner:
            await used(owner)
            raise failure
    assert caught.value is failure
    with pytest.raises(ConfigurationError, match="was closed"):
        await used(owner)


async def test_cancelling_the_block_ends_its_calls_and_gives_places_back(
    owner: Owner, server: LoopbackServer
) -> None:
    client = owner.client if isinstance(owner, cat.CaT) else owner
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:

            async def work() -> None:
                async with owner:
                    await used(owner)
                    server.fail_next("hang", "hang")
                    await used(owner)

            tasks.start_soon(work)
            await server.until(lambda: any(served.fault == "hang" for served in server.served))
            tasks.cancel_scope.cancel()
        gate = client.gate(await bare_of(client))
        assert (gate.in_flight, gate.waiting) == (0, 0)
        await server.until(lambda: server.counters.in_flight == 0)
    with pytest.raises(ConfigurationError, match="was closed"):
        await used(owner)


async def bare_of(client: cat.Client) -> Provider:
    async with context_of(cat.Client()) as ctx:
        return await ctx.model(MODEL)


async def test_without_a_block_each_use_opens_and_closes_for_itself(owner: Owner) -> None:
    with anyio.fail_after(10):
        await used(owner)
        await used(owner)


async def test_tasks_that_enter_at_once_share_what_is_opened_and_the_first_closes_it_last(
    kind: str, scoped: list[object]
) -> None:
    owner = cat.Client() if kind == "client" else cat.CaT("scoped:a")
    client = owner.client if isinstance(owner, cat.CaT) else owner
    inside, go_on = [anyio.Event(), anyio.Event()], [anyio.Event(), anyio.Event()]

    async def block(at: int) -> None:
        async with owner, owner, context_of(client) as ctx:
            await (owner.run("2+2", 1) if isinstance(owner, cat.CaT) else ctx.model("scoped:a"))
            inside[at].set()
            await go_on[at].wait()
            if isinstance(owner, cat.Client):
                await (await ctx.model("scoped:a")).complete(ASK)
            else:
                await owner.run("2+2", 1)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for at in range(2):
                tasks.start_soon(block, at)
            for event in inside:
                await event.wait()
            assert len(scoped) == 1
            go_on[0].set()
            await anyio.wait_all_tasks_blocked()
            assert len(scoped) == 1
            go_on[1].set()
        assert scoped == []
        with pytest.raises(ConfigurationError, match="was closed"):
            async with owner:
                pass


async def test_a_first_block_that_is_cancelled_while_it_waits_for_others_closes_at_once(
    kind: str, scoped: list[object]
) -> None:
    owner = cat.Client() if kind == "client" else cat.CaT("scoped:a")
    entered, leave = anyio.Event(), anyio.Event()

    async def other() -> None:
        async with owner:
            entered.set()
            await leave.wait()

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:
                async with owner:
                    tasks.start_soon(other)
                    await entered.wait()
                    scope.deadline = anyio.current_time() + 0.05
            assert scope.cancelled_caught
            assert scoped == []
            with pytest.raises(ConfigurationError, match="was closed"):
                await used(owner)
            leave.set()


async def test_a_failure_while_a_cat_is_opened_leaves_it_new(server: LoopbackServer) -> None:
    c = cat.CaT([MODEL, "nowhere:x"])
    for _ in range(2):
        with anyio.fail_after(10), pytest.raises(ConfigurationError, match="nowhere"):
            async with c:
                pass
    with pytest.raises(ConfigurationError, match="async with"):
        c.map(["2+2"])


SCOPED = '''
import anyio

here = []

class Scoped:
    """Holds a cancel scope and a task group open: only the task that opened it may close it."""

    name, free = "scoped", True

    def __init__(self, name):
        self.fails = name == "broken"

    async def __aenter__(self):
        self.task = anyio.get_current_task().id
        if self.fails:
            raise OSError("no such device")
        self.group = anyio.create_task_group()
        await self.group.__aenter__()
        here.append(self)
        return self

    async def __aexit__(self, *error):
        assert anyio.get_current_task().id == self.task
        await self.group.__aexit__(*error)
        here.remove(self)

    async def complete(self, request, on_text=None):
        from catsdk.core.types import Completion
        assert self in here, "asked after it was closed"
        return [Completion(text="so \\\\boxed{4}")]
'''


@pytest.fixture
def scoped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """A provider of another package, found by its entry point; gives the list of open ones."""
    facts = tmp_path / "scoped_provider-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: scoped-provider\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[catsdk.providers]\nscoped = scoped_provider:Scoped\n")
    (tmp_path / "scoped_provider.py").write_text(SCOPED)
    monkeypatch.syspath_prepend(tmp_path)
    import scoped_provider  # type: ignore[import-not-found]

    yield scoped_provider.here
    del sys.modules["scoped_provider"]


async def test_a_model_is_closed_by_the_task_that_opened_it_whoever_asked_for_it(
    scoped: list[object],
) -> None:
    with anyio.fail_after(10):
        async with cat.Client() as client, cat.CaT("scoped:a", client=client) as c:
            async with context_of(client) as ctx, anyio.create_task_group() as tasks:
                # These tasks end long before the client does.
                tasks.start_soon(ctx.model, "scoped:a")
                tasks.start_soon(ctx.model, "scoped:b")
            assert len(scoped) == 2
            assert (await c.run("2+2", 2)).answer == "4"
        assert scoped == []


async def test_a_cancelled_block_still_lets_its_models_close_themselves(
    kind: str, scoped: list[object]
) -> None:
    with anyio.fail_after(10), anyio.move_on_after(10) as scope:
        owner = cat.Client() if kind == "client" else cat.CaT("scoped:a")
        async with owner:
            client = owner.client if isinstance(owner, cat.CaT) else owner
            async with context_of(client) as ctx:
                await ctx.model("scoped:a")
                scope.cancel()
                await anyio.sleep_forever()
    assert scoped == []


async def test_a_model_that_cannot_open_says_why_and_the_others_stay_open(
    scoped: list[object],
) -> None:
    with anyio.fail_after(10):
        async with cat.Client() as client, context_of(client) as ctx:
            good = await ctx.model("scoped:good")
            for _ in range(2):
                with pytest.raises(OSError, match="no such device"):
                    await ctx.model("scoped:broken")
            assert (await good.complete(ASK))[0].text == "so \\boxed{4}"
        assert scoped == []


async def test_a_service_that_is_gone_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def begun_and_ended() -> LoopbackServer:
        with serving(monkeypatch) as server:
            return server

    server = await anyio.to_thread.run_sync(begun_and_ended)
    with nothing_left_open(caplog), anyio.fail_after(10):
        client = cat.Client(retry=cat.Retry(times=0))
        with pytest.raises(cat.CatError) as caught:
            await cat.CaT(MODEL, client=client).run("2+2", 2)
    assert isinstance(caught.value.__cause__, ConnectionFailedError)
    assert server.counters.requests == 0

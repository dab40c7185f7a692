"""n samples come in order from any model, with their own seeds, and a failure takes one place."""

import anyio

from catsdk.core.errors import RequestRefusedError, ServerError, UnsupportedError
from catsdk.core.ports import Capabilities
from catsdk.core.types import Completion, Failure, Message, Request
from catsdk.sampling.many import draw
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),), n=4, seed=10)
ONE_BY_ONE = Capabilities(seed=True)


def texts(samples: list[Completion | Failure]) -> list[str]:
    return [sample.text if isinstance(sample, Completion) else sample.kind for sample in samples]


async def test_one_request_asks_for_all_where_the_model_can() -> None:
    model = FunctionProvider(lambda request: [str(at) for at in range(request.n)])
    assert texts(await draw(model, ASK)) == ["0", "1", "2", "3"]
    assert len(model.requests) == 1


async def test_elsewhere_each_sample_is_asked_for_with_its_own_seed() -> None:
    model = FunctionProvider(lambda request: str(request.seed), capabilities=ONE_BY_ONE)
    with anyio.fail_after(5):
        assert texts(await draw(model, ASK)) == ["10", "11", "12", "13"]
    assert [request.n for request in model.requests] == [1] * 4


async def test_what_one_request_does_not_bring_is_asked_for_one_by_one() -> None:
    model = FunctionProvider(lambda request: ["first"] if request.n > 1 else f"s{request.seed}")
    assert texts(await draw(model, ASK)) == ["first", "s11", "s12", "s13"]


async def test_a_refusal_of_n_falls_back_and_any_other_refusal_fails_all() -> None:
    def no_n(request: Request) -> str:
        if request.n > 1:
            raise UnsupportedError("no n", capability="n")
        return "x"

    def refused(request: Request) -> str:
        raise RequestRefusedError("n is a bad word", status=400)

    assert texts(await draw(FunctionProvider(no_n), ASK)) == ["x"] * 4
    model = FunctionProvider(refused)
    assert texts(await draw(model, ASK)) == ["RequestRefusedError"] * 4
    assert len(model.requests) == 1


async def test_a_sample_that_fails_is_told_in_its_place_as_each_arrives() -> None:
    def script(request: Request) -> str:
        if request.seed == 12:
            raise ServerError("boom")
        return "x"

    told: dict[int, str] = {}
    samples = await draw(
        FunctionProvider(script, capabilities=ONE_BY_ONE),
        ASK,
        lambda index, sample: told.update({index: texts([sample])[0]}),
    )
    assert texts(samples) == ["x", "x", "ServerError", "x"]
    assert told == dict(enumerate(texts(samples)))

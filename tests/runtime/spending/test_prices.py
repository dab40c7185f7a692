"""A price is the user's, else the table's for a known address, else unknown; never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from catsdk.core.ports import OnText
from catsdk.core.sending import Price
from catsdk.core.types import Completion, Message, Request, Usage
from catsdk.runtime.spending.prices import Fixed, Rates, rates_of
from catsdk.runtime.wrappers.price import Priced
from catsdk.testing import FunctionProvider

ASK = Request(messages=(Message(role="user", content="q"),))


@dataclass
class Hosted:
    """A model of a vendor, which is never called."""

    name: str
    base_url: str | None

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        raise AssertionError


def listed(name: str, base_url: str | None) -> Rates | None:
    return rates_of(Hosted(name, base_url), {})


def test_a_known_model_at_its_vendor_has_the_table_s_price() -> None:
    rates = listed("openai:gpt-5", "https://api.openai.com/v1")
    assert rates is not None
    plain = rates.cost(Usage(input_tokens=1_000_000, output_tokens=1_000_000))
    cached = rates.cost(
        Usage(input_tokens=1_000_000, cached_tokens=1_000_000, output_tokens=1_000_000)
    )
    assert plain is not None and cached is not None
    assert 0 < cached < plain <= rates.most(1_000_000, 1_000_000)


def test_a_prompt_that_the_vendor_keeps_is_in_the_bound() -> None:
    rates = listed("anthropic:claude-sonnet-4-5", "https://api.anthropic.com")
    assert rates is not None
    plain = rates.cost(Usage(input_tokens=1000))
    assert plain is not None and rates.most(1000, 0) > plain


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("openai:gpt-5", "https://api.openai.com/v1"),
        # The table has no batch price of this one.
        ("anthropic:claude-opus-4-1", "https://api.anthropic.com"),
    ],
)
def test_what_is_in_a_batch_costs_half_whether_the_table_says_so_or_not(
    name: str, url: str
) -> None:
    rates = listed(name, url)
    assert rates is not None
    usage = Usage(input_tokens=1000, output_tokens=100)
    alone = rates.cost(usage)
    batched = rates.cost(usage.model_copy(update={"batched": 1}))
    assert alone is not None and alone > 0
    assert batched == pytest.approx(alone / 2)
    assert rates.most(1000, 100, batched=True) == pytest.approx(rates.most(1000, 100) / 2)


@pytest.mark.parametrize(
    ("url", "share"),
    [
        ("https://api.openai.com/v1", 0.5),
        ("https://api.anthropic.com", 0.5),
        ("https://not-api.openai.com.example.org", 1.0),
        (None, 1.0),
    ],
)
def test_a_price_of_the_user_s_is_halved_in_a_batch_of_a_vendor_that_halves(
    url: str | None, share: float
) -> None:
    given = {"openai:gpt-5": Price(input=2, output=8)}
    rates = rates_of(Hosted("openai:gpt-5", url), given)
    assert rates is not None
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000, batched=1)
    assert rates.cost(usage) == pytest.approx(10 * share)


def test_a_vendor_behind_another_s_name_is_found_without_an_address() -> None:
    assert listed("litellm:gemini/gemini-2.5-pro", None) is not None


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("openai:gpt-5", "http://127.0.0.1:8000/v1"),
        ("openai:gpt-5", "http://localhost:8000/v1"),
        ("openai:gpt-5", "http://10.0.0.7/v1"),
        ("openai:gpt-5", "http://gpu-server/v1"),
        ("openai:gpt-5", "https://models.example.org/v1"),
        ("openai:no-such-model", "https://api.openai.com/v1"),
        ("model", None),
    ],
)
def test_elsewhere_the_price_is_unknown(name: str, url: str) -> None:
    assert listed(name, url) is None


def test_the_user_s_price_comes_first_and_a_model_in_this_process_is_free() -> None:
    mine = Price(input=1.0, output=2.0)
    for key in ("openai:gpt-5", "gpt-5"):
        rates = rates_of(Hosted("openai:gpt-5", "https://api.openai.com/v1"), {key: mine})
        assert rates is not None
        assert rates.most(1_000_000, 1_000_000) == pytest.approx(3.0)
    free = rates_of(FunctionProvider(lambda _: "x"), {})
    assert free is not None and free.most(1_000_000, 1_000_000) == 0.0


async def priced(usage: Usage, rates: Rates) -> float | None:
    model = FunctionProvider(lambda _: Completion(text="x", usage=usage))
    (completion,) = await Priced(model, rates).complete(ASK)
    return completion.usage.cost


async def test_an_answer_is_priced_once_and_only_where_its_tokens_are_known() -> None:
    rates = Fixed(Price(input=1.0, output=2.0))
    tokens = Usage(input_tokens=500_000, output_tokens=500_000, requests=1, cost=None)
    assert await priced(tokens, rates) == pytest.approx(1.5)
    assert await priced(Usage(requests=1, unreported=1, cost=None), rates) is None
    assert await priced(Usage(), rates) == 0.0


async def test_a_vendor_s_own_word_on_the_cost_is_kept_before_the_table() -> None:
    rates = listed("openai:gpt-5", "https://api.openai.com/v1")
    assert rates is not None
    assert await priced(Usage(output_tokens=1000, requests=1, cost=42.0), rates) == 42.0

"""The synthesizer shows the anchor what was asked for, and makes too much of it fit."""

from __future__ import annotations

from typing import Any

import pytest

import catsdk as cat
from catsdk.core.errors import ContextTooLongError, NoEvidenceError
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider

LONG = ["step " * 200 + f"\\boxed{{{at}}}" for at in range(6)]
GROUP = cat.group_of("what is it?", LONG)


def anchor(context: int | None = None, refuse_over: int | None = None) -> FunctionProvider:
    """Knows its context, or refuses prompts over so many characters as a service would."""

    def script(request: Request) -> str:
        text = request.messages[-1].text
        if refuse_over is not None and len(text) > refuse_over:
            raise ContextTooLongError("too long")
        return "short \\boxed{3}" if text.startswith("Shorten") else "\\boxed{3}"

    return FunctionProvider(script, capabilities=cat.Capabilities(context_length=context))


def shown(provider: FunctionProvider) -> list[int]:
    """Which rollouts the last prompt holds whole."""
    text = provider.requests[-1].messages[-1].text
    return [at for at, rollout in enumerate(LONG) if rollout in text]


async def test_whole_responses_are_shown_in_order_and_the_paper_s_form_hides_the_question() -> None:
    model = anchor()
    reference = await cat.Synthesizer(model, show_question=False).estimate(GROUP)
    assert shown(model) == [0, 1, 2, 3, 4, 5]
    assert "what is it?" not in model.requests[-1].messages[-1].text
    assert reference.provenance.settings["rollouts"] == [0, 1, 2, 3, 4, 5]
    assert reference.provenance.prompt == "english/synthesize_blind"


@pytest.mark.parametrize("show", [None, True])
async def test_the_question_is_shown_by_default_and_on_request(show: bool | None) -> None:
    model = anchor()
    await cat.Synthesizer(model, show_question=show).estimate(GROUP)
    assert "what is it?" in model.requests[-1].messages[-1].text


async def test_a_seed_shuffles_the_order_repeatably() -> None:
    orders: list[Any] = [
        (await cat.Synthesizer(anchor(), seed=seed).estimate(GROUP)).provenance.settings["rollouts"]
        for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "able",
    [
        {"context": 1600},
        {"refuse_over": 5200},
        # Half of them are still too long for the service, whose context is not known.
        {"refuse_over": 2500},
        # By an estimate of three characters a token five would fit; the service counts more.
        {"context": 2600, "refuse_over": 3700},
        {"context": 100_000, "refuse_over": 2500},
    ],
)
async def test_a_subset_that_fits_is_shown_and_named(able: dict[str, Any]) -> None:
    model = anchor(**able)
    reference = await cat.Synthesizer(model).estimate(GROUP)
    assert 1 <= len(shown(model)) < 6
    assert reference.provenance.settings["rollouts"] == shown(model)
    assert len(reference.rollouts) == 6


@pytest.mark.parametrize("able", [{"context": 1200}, {"refuse_over": 4200}])
async def test_answers_alone_are_shown_when_the_rest_does_not_fit(able: dict[str, Any]) -> None:
    model = anchor(**able)
    await cat.Synthesizer(model, overflow="answers").estimate(GROUP)
    assert shown(model) == []
    assert model.requests[-1].messages[-1].text.count("<attempt-") == 6


async def test_each_response_is_summarised_and_every_call_is_listed() -> None:
    model = anchor(context=1200)
    reference = await cat.Synthesizer(model, overflow="summarise").estimate(GROUP)
    assert len(reference.calls) == 7
    assert model.requests[-1].messages[-1].text.count("short \\boxed{3}") == 6


@pytest.mark.parametrize("able", [{"context": 1200}, {"refuse_over": 4200}])
async def test_too_long_is_an_error_on_request(able: dict[str, Any]) -> None:
    with pytest.raises(ContextTooLongError):
        await cat.Synthesizer(anchor(**able), overflow="error").estimate(GROUP)


async def test_a_rollout_that_does_not_fit_by_itself_is_an_error() -> None:
    model = anchor(refuse_over=900)
    with pytest.raises(ContextTooLongError):
        await cat.Synthesizer(model).estimate(GROUP)
    assert len(shown(model)) == 1


async def test_an_empty_group_has_no_reference() -> None:
    with pytest.raises(NoEvidenceError):
        await cat.Synthesizer(anchor()).estimate(cat.group_of("q", []))

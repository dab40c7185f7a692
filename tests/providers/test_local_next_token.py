"""The next token: drawn as its row's own settings say."""

from __future__ import annotations

import pytest
import torch

from catsdk_providers.local.chat import Chat
from catsdk_providers.local.next_token import Drawing
from catsdk_providers.local.row import Job, Plan, Row
from tests.providers.tiny_models import tiny_tokenizer

pytestmark = pytest.mark.needs_torch

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, -torch.inf])
DRAWS = 4000


def rows(
    temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, n: int = DRAWS
) -> list[Row]:
    plan = Plan(
        prompt=(3,),
        n=n,
        limit=1,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=(),
        seed=0,
        logprobs=False,
        adapter=True,
        stream=False,
    )
    return Job(plan, lambda: None).start(n, Chat(tiny_tokenizer(), []))


def shares(batch: list[Row]) -> list[torch.Tensor]:
    """For each run of `DRAWS` rows, how often each token came."""
    _, tokens, _ = Drawing(batch, torch.device("cpu")).draw(LOGITS.expand(len(batch), -1))
    drawn = torch.tensor(tokens).view(-1, DRAWS)
    return [torch.bincount(part, minlength=len(LOGITS)) / DRAWS for part in drawn]


def cut(probabilities: torch.Tensor, kept: int) -> torch.Tensor:
    left = torch.where(torch.arange(len(LOGITS)) < kept, probabilities, 0.0)
    return left / left.sum()


def test_rows_of_different_settings_in_one_batch_keep_their_own_distribution() -> None:
    batch = [*rows(), *rows(0.5), *rows(top_k=2), *rows(top_p=0.7), *rows(0.0)]
    plain = LOGITS.softmax(-1)
    wanted = [
        plain,
        (LOGITS / 0.5).softmax(-1),
        cut(plain, 2),
        cut(plain, 2),  # 0.64 is not yet 0.7, so the second token belongs to it
        cut(plain, 1),
    ]
    for found, expected in zip(shares(batch), wanted, strict=True):
        # Four standard errors of a share.
        assert torch.all((found - expected).abs() <= 4 * (expected / DRAWS).sqrt() + 1e-9)


def test_a_token_without_probability_never_comes() -> None:
    assert shares(rows())[0][4] == 0


def test_rows_alone_draw_what_they_draw_in_a_batch() -> None:
    def drawn(batch: list[Row]) -> list[int]:
        return Drawing(batch, torch.device("cpu")).draw(LOGITS.expand(len(batch), -1))[1]

    mixed = drawn([*rows(n=8), *rows(0.7, top_k=3, n=8), *rows(0.0, n=8)])
    assert mixed == drawn(rows(n=8)) + drawn(rows(0.7, top_k=3, n=8)) + drawn(rows(0.0, n=8))

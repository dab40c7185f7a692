"""Sample many short replies at once from a model with this tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from examples.lab.batches import as_prompt

__all__ = ["sample_replies"]


@torch.inference_mode()
def sample_replies(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    users: Sequence[str],
    *,
    temperature: float = 1.0,
    max_new_tokens: int = 128,
    batch_tokens: int = 16_384,
) -> list[str]:
    """Sample a reply to each user message, in order; temperature 0 is greedy.

    Messages of similar length share a batch of at most ``batch_tokens`` prompt tokens.
    """
    model.train(False)
    order = sorted(range(len(users)), key=lambda index: len(users[index]), reverse=True)
    replies = [""] * len(users)
    while order:
        longest = len(tokenizer(as_prompt(users[order[0]]))["input_ids"])
        rows, order = _split(order, max(1, batch_tokens // (longest + max_new_tokens)))
        texts = _generate(
            model, tokenizer, [users[row] for row in rows], temperature, max_new_tokens
        )
        for row, text in zip(rows, texts, strict=True):
            replies[row] = text
    return replies


def _split(order: list[int], count: int) -> tuple[list[int], list[int]]:
    return order[:count], order[count:]


def _generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    users: Sequence[str],
    temperature: float,
    max_new_tokens: int,
) -> list[str]:
    prompts = [as_prompt(user) for user in users]
    encoded = tokenizer(
        prompts,
        return_tensors="pt",
        padding=True,
        padding_side="left",
        return_token_type_ids=False,
    )
    how = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    ids = model.generate(  # type: ignore[operator]
        **encoded,
        **how,
        top_k=0,
        top_p=1.0,
        max_new_tokens=max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return tokenizer.batch_decode(ids[:, encoded["input_ids"].shape[1] :], skip_special_tokens=True)

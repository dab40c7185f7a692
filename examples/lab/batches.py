"""Turn examples into padded tensors whose labels cover only the assistant's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from transformers import PreTrainedTokenizerFast

from examples.lab.corpus import Example

__all__ = ["IGNORED", "Batch", "as_prompt", "collate"]

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids and labels, both (examples, tokens); padding is on the right."""

    ids: torch.Tensor
    labels: torch.Tensor


def as_prompt(user: str) -> str:
    """Render one user message as the chat template does."""
    return f"<|user|>{user}<|end|><|assistant|>"


def collate(examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast) -> Batch:
    """Tokenize and pad on the right, where causal attention never sees the padding."""
    prompts = tokenizer([as_prompt(example.user) + example.given for example in examples])[
        "input_ids"
    ]
    targets = tokenizer([f"{example.assistant}<|end|>" for example in examples])["input_ids"]
    longest = max(len(p) + len(t) for p, t in zip(prompts, targets, strict=True))
    ids = torch.full((len(examples), longest), cast("int", tokenizer.pad_token_id))
    labels = torch.full_like(ids, IGNORED)
    for row, (prompt, target) in enumerate(zip(prompts, targets, strict=True)):
        end = len(prompt) + len(target)
        ids[row, :end] = torch.tensor(prompt + target)
        labels[row, len(prompt) : end] = torch.tensor(target)
    return Batch(ids, labels)

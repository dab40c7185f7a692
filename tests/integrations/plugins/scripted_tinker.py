"""A tokenizer of bytes, and a sampling client that says what it is told to."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio.lowlevel
import tinker
from tinker_cookbook import renderers
from tinker_cookbook.tokenizer_utils import register_tokenizer

MODEL = "scripted/bytes"
END = "\n\nUser:"


class Bytes:
    """Each byte is a token."""

    bos_token = None
    eos_token_id = 256

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return list(text.encode())

    def decode(self, tokens: Sequence[int]) -> str:
        return bytes(token for token in tokens if token < 256).decode()


register_tokenizer(MODEL, Bytes)


def renderer() -> renderers.Renderer:
    return renderers.get_renderer("role_colon", Bytes(), model_name=MODEL)


@dataclass
class Scripted:
    """A sampling client: the answers in turn, each ended as its renderer ends a turn.

    An exception among them is raised in its place. `sampled` keeps prompts and settings.
    """

    answers: list[str | Exception]
    cut: bool = False
    sampled: list[tuple[str, tinker.SamplingParams]] = field(default_factory=list)

    async def sample_async(
        self, prompt: tinker.ModelInput, num_samples: int, sampling_params: tinker.SamplingParams
    ) -> tinker.types.SampleResponse:
        await anyio.lowlevel.checkpoint()
        self.sampled.append((Bytes().decode(prompt.to_ints()), sampling_params))
        return tinker.types.SampleResponse(
            sequences=[self._sequence() for _ in range(num_samples)], prompt_cache_hit_tokens=1
        )

    def _sequence(self) -> tinker.types.SampledSequence:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        tokens = Bytes().encode(f" {answer}" if self.cut else f" {answer}{END}")
        return tinker.types.SampledSequence(
            stop_reason="length" if self.cut else "stop",
            sequence_id="s",
            _tokens_list=tokens,
            _logprobs_list=[-1.0] * len(tokens),
        )

"""Tiny models with random weights, and one that tells what it was given to compute."""

from __future__ import annotations

import threading
from typing import Any, cast

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GenerationConfig,
    LlamaConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
CONTROL = [PAD, END, SYSTEM, USER, ASSISTANT]
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
CONTEXT = 1536


def tiny_tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """One token a byte, and five control tokens."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: index for index, piece in enumerate([*CONTROL, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(CONTROL)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        chat_template=template,
    )


class WatchedModel(Qwen3ForCausalLM):  # type: ignore[no-untyped-call]
    """Keeps the shape of what it reads; can be held before a read, and can break."""

    def watch(self) -> None:
        self.shapes: list[tuple[int, int]] = []
        self.reading = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.breaks_with: list[Exception] = []

    def forward(self, input_ids: Any, **arguments: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.shapes.append((input_ids.shape[0], input_ids.shape[1]))
        self.reading.set()
        self.go_on.wait()
        if self.breaks_with:
            raise self.breaks_with.pop()
        return super().forward(input_ids, **arguments)

    @property
    def prompts_read(self) -> list[int]:
        """For each batch, how many prompts it began with."""
        return [rows for rows, tokens in self.shapes if tokens > 1]


class SpeakingModel(Qwen3ForCausalLM):  # type: ignore[no-untyped-call]
    """Answers a prompt, read alone, with the text that it was given."""

    def speaks(self, text: str) -> SpeakingModel:
        self.script = [*tiny_tokenizer()(text)["input_ids"], 1]
        return self

    def forward(self, input_ids: Any, **arguments: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        if input_ids.shape[1] > 1:
            self.said = 0
        output: Any = super().forward(input_ids, **arguments)
        output.logits = torch.full_like(output.logits, -100.0)
        output.logits[..., self.script[self.said]] = 100.0
        self.said += 1
        return output


def speaking_model(text: str) -> SpeakingModel:
    model = SpeakingModel(_config(Qwen3Config, head_dim=16))
    return cast("SpeakingModel", _ready(model.speaks(text)))


def watched_model(seed: int = 0, **settings: Any) -> WatchedModel:
    torch.manual_seed(seed)
    model = WatchedModel(_config(Qwen3Config, head_dim=16, **settings))
    model.watch()
    return cast("WatchedModel", _ready(model))


def tiny_model(family: str = "qwen3", seed: int = 0, **settings: Any) -> PreTrainedModel:
    torch.manual_seed(seed)
    config = {
        "qwen3": lambda: _config(Qwen3Config, head_dim=16, **settings),
        "llama": lambda: _config(LlamaConfig, **settings),
        "gemma3": lambda: _config(Gemma3TextConfig, head_dim=16, sliding_window=8, **settings),
    }[family]()
    return _ready(AutoModelForCausalLM.from_config(config))  # type: ignore[no-untyped-call]


def _config(kind: type[Any], **settings: Any) -> Any:
    defaults: dict[str, Any] = {
        "vocab_size": 5 + 256,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.3,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": None,
        "tie_word_embeddings": True,
    }
    return kind(**{**defaults, **settings})


def _ready(model: PreTrainedModel) -> PreTrainedModel:
    model.generation_config = GenerationConfig(eos_token_id=1, pad_token_id=0)  # type: ignore[no-untyped-call]
    torch.nn.Module.to(model, torch.float32)
    return model

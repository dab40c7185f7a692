"""Build the tokenizer of the model in the box: bytes, totals 10..19 and the words of its forms."""

from __future__ import annotations

from typing import Final

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

__all__ = ["CHAT_TEMPLATE", "CONTEXT", "build_tokenizer"]

CONTEXT: Final = 2048
PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_WORDS: Final = (
    "Combine", "Criteria", "Check", "Compute", "What", "Ġis", "shows", "answers",
    "evidence", "met", "true", "false", "\\boxed{",
)  # fmt: skip
# Each digit is a token, so that its token never depends on its neighbours. The name of a column is
# one token, and so is a total from 10 to 19 after an equals sign or at the start of the box.
_PIECES: Final = r"c\d|: |\\boxed\{|(?<=[={])1\d| ?(?!c\d)\p{L}+|."


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Build a byte-level tokenizer: any text survives encoding and decoding."""
    merges = _merges()
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [PAD, END, SYSTEM, USER, ASSISTANT, *letters, *(a + b for a, b in merges)]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([PAD, END, SYSTEM, USER, ASSISTANT])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def _merges() -> list[tuple[str, str]]:
    pairs = [("1", str(units)) for units in range(10)]
    pairs += [("c", str(column)) for column in range(10)]
    pairs.append((":", "Ġ"))
    for word in _WORDS:
        pairs += [(word[:end], word[end]) for end in range(1, len(word))]
    return list(dict.fromkeys(pairs))

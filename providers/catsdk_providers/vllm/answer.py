"""One request to vLLM's engine: its sampling settings, and the completions from its outputs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from importlib import import_module
from time import perf_counter
from typing import Any
from uuid import uuid4

from catsdk.core.errors import (
    CatError,
    ContextTooLongError,
    InvalidInputError,
    ProviderError,
    RequestRefusedError,
    ServerError,
    UnsupportedError,
)
from catsdk.core.thinking import AnswerStream, split_thinking
from catsdk.core.types import Completion, FinishReason, Message, Request, TokenLogprob, Usage
from catsdk_providers.local.plan import template_arguments
from catsdk_providers.vllm.held import Adapter, Running
from catsdk_providers.vllm.score import logprobs_from
from catsdk_providers.vllm.settings import better_named, constraint_of

__all__ = ["answered", "scored"]

_FINISH: dict[str | None, FinishReason] = {"stop": "stop", "length": "length"}
# Set from the request's own fields, or not meant for callers.
_NOT_EXTRA = {
    "n", "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "logprobs", "output_kind",
    "detokenize", "prompt_logprobs", "prompt_logprob_token_ids", "prompt_logprob_start",
    "flat_logprobs", "skip_clone", "output_text_buffer_length", "stream_interval",
}  # fmt: skip
_ELSEWHERE = {"chat_template_kwargs", "structured_outputs", "cache_salt"}


async def answered(
    running: Running,
    tell: Callable[[str], None] | None,
    *,
    request: Request,
    adapter: Adapter | None,
    name: str,
) -> list[Completion]:
    """Answer `request`; if `tell` is given, it gets the text of the only answer as it grows.

    Raises:
        ProviderError: the engine refused the request, or failed.
        UnsupportedError: `extra` has a setting that the engine does not know, or a message holds
            an image.
    """
    start = perf_counter()
    prompt = running.chat.encode(request.messages, template_arguments(request))
    _check_room(running, len(prompt), request.max_tokens, name)
    settings = _settings(running, request, name, streaming=tell is not None)
    answers = [_Answer() for _ in range(request.n)]
    stream = None if tell is None else AnswerStream(tell)
    cached = 0
    salt = request.extra.get("cache_salt")
    async with aclosing(_outputs(running, prompt, settings, adapter, name, salt=salt)) as outputs:
        async for output in outputs:
            cached = output.num_cached_tokens or cached
            for part in output.outputs:
                answers[part.index].take(part)
                if stream is not None:
                    stream.feed(part.text)
    if stream is not None:
        stream.end()
    # The first answer carries the usage of the prompt and the request.
    asked = Usage(input_tokens=len(prompt), cached_tokens=cached, requests=1, cost=0.0)
    return [
        answer.completion(
            running,
            usage=(Usage() if at else asked) + Usage(output_tokens=len(answer.ids)),
            model=name,
            latency=perf_counter() - start,
        )
        for at, answer in enumerate(answers)
    ]


async def scored(
    running: Running,
    _tell: object,
    *,
    messages: Sequence[Message],
    text: str,
    adapter: Adapter | None,
    name: str,
) -> Completion:
    """`text` as the answer to `messages`, with its tokens' log-probabilities.

    Raises:
        ProviderError: the engine refused the request, or failed.
    """
    start = perf_counter()
    prompt = running.chat.encode(messages)
    ids = [*prompt, *running.chat.ids(text)]
    settings = _params("SamplingParams", max_tokens=1, temperature=0.0, prompt_logprobs=0)
    told: Sequence[Mapping[Any, Any] | None] = ()
    async with aclosing(_outputs(running, ids, settings, adapter, name)) as outputs:
        async for output in outputs:
            told = output.prompt_logprobs or told
    return Completion(
        text=text,
        logprobs=logprobs_from(told, ids, len(prompt), model=name, read=_token_at),
        usage=Usage(input_tokens=len(ids), output_tokens=1, requests=1, cost=0.0),
        model=name,
        latency=perf_counter() - start,
    )


class _Answer:
    """One of the n answers, assembled from the parts that arrive."""

    def __init__(self) -> None:
        self.text = ""
        self.ids: list[int] = []
        self.logprobs: list[Mapping[int, Any]] | None = None
        self.finish: str | None = None
        self.ended_by_token = False

    def take(self, part: Any) -> None:
        self.text += part.text
        self.ids += part.token_ids
        if part.logprobs is not None:
            self.logprobs = [*(self.logprobs or []), *part.logprobs]
        if part.finish_reason is not None:
            self.finish = part.finish_reason
            self.ended_by_token = not isinstance(part.stop_reason, str)

    def completion(self, running: Running, **facts: Any) -> Completion:
        thinking, text = split_thinking(self.text)
        return Completion(
            text=text,
            reasoning=thinking,
            finish_reason=_FINISH.get(self.finish, "other"),
            logprobs=self._logprobs(running),
            **facts,
        )

    def _logprobs(self, running: Running) -> tuple[TokenLogprob, ...] | None:
        if self.logprobs is None:
            return None
        # The token that ends an answer is not part of its text.
        count = len(self.ids) - (self.finish == "stop" and self.ended_by_token)
        return tuple(
            TokenLogprob(token=running.chat.piece(token), logprob=min(0.0, told[token].logprob))
            for token, told in zip(self.ids[:count], self.logprobs, strict=False)
        )


def _settings(running: Running, request: Request, name: str, *, streaming: bool) -> Any:
    kinds = import_module("vllm.sampling_params").RequestOutputKind
    constraint = constraint_of(request)
    chosen = {
        "n": request.n,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "max_tokens": request.max_tokens,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "logprobs": 0 if request.logprobs else None,
        "structured_outputs": constraint and _params("StructuredOutputsParams", **constraint),
    }
    return _params(
        "SamplingParams",
        **{
            # The engine's default is 16 tokens; the server's is whatever the context has left.
            "max_tokens": None,
            **running.model_config.get_diff_sampling_param(),
            **_extra(request, name),
            **{key: value for key, value in chosen.items() if value is not None},
        },
        output_kind=kinds.DELTA if streaming else kinds.FINAL_ONLY,
    )


def _check_room(running: Running, prompt: int, answer: int | None, name: str) -> None:
    """Raise for an answer that the engine would silently cut short."""
    if answer is not None and prompt + answer > running.context_length:
        raise ContextTooLongError(
            f"the prompt has {prompt} tokens and {answer} for the answer; the context of {name} is"
            f" {running.context_length}. Shorten the prompt or set a smaller max_tokens",
            model=name,
        )


def _extra(request: Request, name: str) -> dict[str, Any]:
    known = set(import_module("vllm").SamplingParams.__struct_fields__) - _NOT_EXTRA
    for key in request.extra:
        if key not in known | _ELSEWHERE or key.startswith("_"):
            raise UnsupportedError(
                f"{name} does not know the setting extra[{key!r}]; it takes those of vLLM's"
                " SamplingParams that a request has no field for, structured_outputs,"
                " chat_template_kwargs and cache_salt",
                capability=f"extra.{key}",
                model=name,
            )
    return {key: value for key, value in request.extra.items() if key not in _ELSEWHERE}


def _params(kind: str, **values: Any) -> Any:
    """Build one of vLLM's own settings objects.

    Raises:
        InvalidInputError: a value is out of range.
    """
    try:
        return getattr(import_module("vllm.sampling_params"), kind)(**values)
    except Exception as error:
        raise InvalidInputError(f"vLLM does not accept the request's settings: {error}") from error


async def _outputs(
    running: Running,
    prompt: Sequence[int],
    settings: Any,
    adapter: Adapter | None,
    name: str,
    *,
    salt: object = None,
) -> AsyncGenerator[Any]:
    """Yield the engine's outputs for one request; its errors become catsdk's."""
    inputs: dict[str, Any] = {"prompt_token_ids": list(prompt)}
    if salt is not None:
        inputs["cache_salt"] = salt
    lora = await running.adapter(adapter)
    try:
        async for output in running.engine.generate(
            inputs, settings, f"catsdk-{uuid4().hex}", lora_request=lora
        ):
            yield output
    except CatError:
        raise
    except Exception as error:
        raise _error_of(error, name) from error


def _error_of(error: Exception, name: str) -> ProviderError:
    refused = any(
        kind.__name__ in {"VLLMClientError", "ValueError"} for kind in type(error).__mro__
    )
    said = f"{name}: {error}"
    if refused:
        return better_named(RequestRefusedError(said, model=name))
    return ServerError(f"{name}: the engine failed: {type(error).__name__}: {error}", model=name)


def _token_at(position: Mapping[Any, Any], token: int) -> tuple[str, float]:
    told = position[token]
    return str(told.decoded_token), float(told.logprob)

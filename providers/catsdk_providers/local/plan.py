"""Turns a request into a plan: the model's defaults, checks, and room in the context."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedModel

from catsdk.core.errors import ContextTooLongError, InvalidInputError, UnsupportedError
from catsdk.core.types import Request
from catsdk_providers.local.row import Plan

__all__ = [
    "check_request",
    "check_room",
    "check_text",
    "context_of",
    "plan_for",
    "prompts_of",
    "template_arguments",
]

# The longest answer of a model that does not say how long its context is.
_UNKNOWN_CONTEXT_LIMIT = 1024
_TEMPLATE_ARGUMENTS = "chat_template_kwargs"
# A lower temperature is treated as zero, since dividing by it overflows.
_GREEDY_BELOW = 1e-5


def context_of(model: PreTrainedModel) -> int | None:
    """The length of the model's context in tokens, prompt and answer together, where known."""
    length = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return length if isinstance(length, int) else None


def prompts_of(model: PreTrainedModel) -> str:
    """The prompt set that the model's configuration names: the one that it was trained by."""
    named = getattr(model.config, "catsdk_prompts", None)
    return named if isinstance(named, str) else "english"


def check_request(request: Request, model: str) -> None:
    """Refuse what no local model can do, before anything is computed.

    Raises:
        InvalidInputError: a setting is out of range.
        UnsupportedError: the request wants a JSON schema, or has vendor settings.
    """
    _check(bool(request.messages), "messages", request.messages, "at least one message")
    _check(request.n >= 1, "n", request.n, "a whole number from 1")
    _check(request.max_tokens is None or request.max_tokens >= 1, "max_tokens",
           request.max_tokens, "a whole number from 1")  # fmt: skip
    _check(request.temperature is None or request.temperature >= 0, "temperature",
           request.temperature, "0 (greedy) or more")  # fmt: skip
    _check(request.top_p is None or 0 < request.top_p <= 1, "top_p",
           request.top_p, "a share above 0, at most 1")  # fmt: skip
    _check(request.top_k is None or request.top_k >= 1, "top_k",
           request.top_k, "a whole number from 1, or None for no cut")  # fmt: skip
    _check(all(request.stop), "stop", request.stop, "texts that are not empty")
    if request.json_schema is not None:
        raise UnsupportedError(
            f"{model} cannot enforce a JSON schema; leave json_schema out and read the"
            " answer leniently, or use a provider that can",
            capability="json_schema",
            model=model,
        )
    for name in request.extra:
        if name != _TEMPLATE_ARGUMENTS:
            raise UnsupportedError(
                f"{model} does not know the setting extra[{name!r}]; the only one here is"
                f" {_TEMPLATE_ARGUMENTS!r}, a mapping for the chat template",
                capability=f"extra.{name}",
                model=model,
            )


def check_text(text: str) -> None:
    """Refuse to score nothing.

    Raises:
        InvalidInputError: `text` is empty.
    """
    if not text:
        raise InvalidInputError("text is empty; give the answer whose tokens are to be scored")


def check_room(prompt: int, text: int, model: PreTrainedModel, name: str) -> None:
    """Refuse a prompt and a text, of so many tokens, that do not fit into the context.

    Raises:
        ContextTooLongError: they do not.
    """
    context = context_of(model)
    if context is not None and prompt + text > context:
        raise ContextTooLongError(
            f"the prompt has {prompt} tokens and the text {text}; the context of {name} is"
            f" {context}. Shorten one of them",
            model=name,
        )


def template_arguments(request: Request) -> Mapping[str, Any]:
    """What `request` hands to the chat template, for instance `enable_thinking`."""
    arguments = request.extra.get(_TEMPLATE_ARGUMENTS, {})
    if not isinstance(arguments, Mapping):
        raise InvalidInputError(
            f"extra[{_TEMPLATE_ARGUMENTS!r}] is {arguments!r}; give a mapping of names to values"
        )
    return arguments


def plan_for(
    request: Request,
    prompt: list[int],
    model: PreTrainedModel,
    *,
    name: str,
    stop: tuple[str, ...],
    adapter: bool,
    stream: bool,
) -> Plan:
    """The plan of a checked request whose prompt is encoded.

    Temperature, top-k, top-p and the length of the answer default to the model's
    `generation_config`, then to 1, no cut, no cut, and what is left of the context.

    Raises:
        ContextTooLongError: prompt and answer do not fit into the context.
    """
    defaults = model.generation_config
    temperature = _first(request.temperature, getattr(defaults, "temperature", None), 1.0)
    return Plan(
        prompt=tuple(prompt),
        n=request.n,
        limit=_limit(request, len(prompt), model, name),
        temperature=0.0 if temperature < _GREEDY_BELOW else temperature,
        top_k=request.top_k or getattr(defaults, "top_k", None) or None,
        top_p=_first(request.top_p, getattr(defaults, "top_p", None), 1.0),
        stop=(*request.stop, *stop),
        seed=secrets.randbits(62) if request.seed is None else request.seed,
        logprobs=request.logprobs,
        adapter=adapter,
        stream=stream,
    )


def _limit(request: Request, prompt: int, model: PreTrainedModel, name: str) -> int:
    context = context_of(model)
    usual = getattr(model.generation_config, "max_new_tokens", None)
    if context is None:
        return request.max_tokens or usual or _UNKNOWN_CONTEXT_LIMIT
    left = context - prompt
    if left < (request.max_tokens or 1):
        wanted = f" and {request.max_tokens} for the answer" if request.max_tokens else ""
        raise ContextTooLongError(
            f"the prompt has {prompt} tokens{wanted}; the context of {name} is {context}."
            f" Shorten the prompt{', or give a smaller max_tokens' if left > 0 else ''}",
            model=name,
        )
    return request.max_tokens or min(usual or left, left)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _check(ok: bool, name: str, value: object, wanted: str) -> None:
    if not ok:
        raise InvalidInputError(f"{name} is {value!r}; give {wanted}")

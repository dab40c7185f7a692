"""The dialects of services as data: codes and words of refusals, and finish reasons.

A new dialect is a row here and an example in `tests/providers/dialects.py`, which proves each row.
Where several rows fit, the first of the kinds in `KINDS` decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from catsdk.core.types import FinishReason

__all__ = [
    "CODES",
    "FAILED_FINISHES",
    "FIELDS",
    "FINISHES",
    "KINDS",
    "NAMES",
    "ONE_ANSWER",
    "REFUSED",
    "STATUSES",
    "WORDS",
    "Kind",
    "Words",
]

Kind = Literal["quota", "context", "filter", "key", "model"]
# In the order in which they are tried.
KINDS: tuple[Kind, ...] = ("quota", "context", "filter", "key", "model")


@dataclass(frozen=True, slots=True)
class Words:
    """A wording of `kind`, and the services that were seen to use it."""

    kind: Kind
    dialects: str
    pattern: re.Pattern[str]


# Codes and types of errors, in lower case, and the meaning of each.
CODES: dict[str, Kind] = {
    "insufficient_quota": "quota",
    "billing_error": "quota",
    "insufficient_balance": "quota",
    "context_length_exceeded": "context",
    "context_window_exceeded": "context",
    "model_context_window_exceeded": "context",
    "exceed_context_size_error": "context",
    "content_filter": "filter",
    "content_filtered": "filter",
    "content_policy_violation": "filter",
    "responsibleaipolicyviolation": "filter",
    "data_inspection_failed": "filter",
    "moderation_blocked": "filter",
    "guardrail_intervened": "filter",
    "invalid_api_key": "key",
    "model_not_found": "model",
    "model_not_available": "model",
}

# For each kind, the services that were seen to use a wording, and its pattern.
_WORDINGS: dict[Kind, dict[str, str]] = {
    "context": {
        "OpenAI, DeepSeek, vLLM, Together, OpenRouter, Groq": (
            r"maximum context length|maximum (?:context|sequence) (?:size|window)"
        ),
        "OpenAI's newer models, SGLang, Bedrock": (
            r"exceeds? the (?:model'?s? )?(?:available )?context (?:window|length|limit|size)"
        ),
        "llama.cpp": r"context size has been exceeded",
        "vLLM": r"longer than the maximum model length|max_model_len",
        "SGLang": r"longer than the model'?s context length",
        "Gemini": r"token count .{0,60}exceeds the maximum number of (?:input )?tokens",
        "xAI": r"maximum prompt length",
        "Ollama": r"(?:input|prompt)(?: length)? exceeds (?:the |maximum )*context",
        "LM Studio": r"loaded with (?:a )?context length of|greater than the context length",
        "Anthropic, Bedrock": r"prompt is too long|input is too long for",
        "Anthropic": (
            r"input length and `?max_tokens`? exceed|context (?:window|limit) (?:of|is|exceeded)"
        ),
        "TGI, Together": (
            r"`?inputs`? tokens \+ `?max_(?:new_)?tokens`? must be"
            r"|`inputs` must have less than \d+ tok"
        ),
        "Mistral": r"prompt contains \d+ tokens\b.{0,60}too large",
        "Cohere": r"too many tokens: (?:total|size|the total)",
        "Groq, OpenAI": (
            r"reduce (?:your prompt|the length of (?:the|your) (?:messages|prompt|input))"
        ),
    },
    "quota": {
        "DeepSeek": r"insufficient (?:account )?balance",
    },
    "filter": {
        "Azure": r"content management policy|content filter",
        "DeepSeek": r"content exists risk",
        "DashScope": r"data may contain inappropriate content",
        "OpenRouter": r"input was flagged|flagged (?:by|for) ",
        "Gemini": r"prohibited[ _]content|blocked .{0,40}safety",
    },
    "key": {
        "Gemini, xAI": (
            r"(?:invalid|incorrect|missing|expired|no) api[ -]key"
            r"|api[ -]key (?:is )?(?:not valid|not found|invalid|missing|expired)"
        ),
    },
    "model": {
        "LM Studio, Ollama, FastAPI servers, vLLM": (
            r"\bmodel\b[^.]{0,120}?(?:is not loaded|not found|does(?: not|n't) exist)"
            r"|(?:unknown|no such) model|invalid model (?:name|identifier)"
        ),
    },
}

WORDS: tuple[Words, ...] = tuple(
    Words(kind, dialects, re.compile(pattern, re.IGNORECASE))
    for kind, wordings in _WORDINGS.items()
    for dialects, pattern in wordings.items()
)

# The status that a code or type stands for, where a reply of status 200 reports an error by it.
STATUSES: dict[str, int] = {
    "invalid_request_error": 400,
    "invalid_request": 400,
    "badrequesterror": 400,
    "bad_request": 400,
    "invalid_argument": 400,
    "validationexception": 400,
    "validation_error": 400,
    "unsupported_parameter": 400,
    "unsupported_value": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "unauthenticated": 401,
    "unauthorized": 401,
    "billing_error": 402,
    "insufficient_quota": 429,
    "permission_error": 403,
    "permission_denied": 403,
    "forbidden": 403,
    "not_found_error": 404,
    "notfounderror": 404,
    "not_found": 404,
    "model_not_found": 404,
    "request_timeout": 408,
    "request_too_large": 413,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "rate_limit_reached": 429,
    "rate_limited": 429,
    "too_many_requests": 429,
    "ratelimiterror": 429,
    "resource_exhausted": 429,
    "throttlingexception": 429,
    "bad_gateway": 502,
    "service_unavailable": 503,
    "serviceunavailableerror": 503,
    "unavailable": 503,
    "overloaded": 503,
    "engine_overloaded_error": 503,
    "timeout_error": 504,
    "gateway_timeout": 504,
    "deadline_exceeded": 504,
    "overloaded_error": 529,
}

# The parameters of the chat wire, and the capability that each stands for.
FIELDS: dict[str, str] = {
    "n": "n",
    "candidate_count": "n",
    "candidatecount": "n",
    "num_return_sequences": "n",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "seed": "seed",
    "response_format": "json_schema",
    "responseformat": "json_schema",
    "response_schema": "json_schema",
    "json_schema": "json_schema",
    "structured_outputs": "json_schema",
    "tools": "tools",
    "tool_choice": "tools",
    "temperature": "temperature",
    "top_p": "temperature",
    "top_k": "temperature",
    "stream": "streaming",
    "stream_options": "streaming",
}

# The words that name a capability in running text.
NAMES: dict[str, re.Pattern[str]] = {
    "n": re.compile(
        r"(?<!\w)['\"`]n['\"`](?!\w)|(?<![\w.'’`\"-])n(?![\w.'’`\"-])"
        r"|\b(?:multiple|several|more than one|only one|one|single)"
        r" (?:completion choices?|completions?|choices?|candidates?|generations?|sequences?)\b"
        r"|\bcandidate_?count\b|\bnum_return_sequences\b",
        re.IGNORECASE,
    ),
    "json_schema": re.compile(
        r"response[_ ]?(?:format|schema|json_?schema|mime_?type)|json[_ ]?schema"
        r"|structured[_ -]?outputs?|guided_\w+|output_(?:config|format)|\bgrammars?\b",
        re.IGNORECASE,
    ),
    "logprobs": re.compile(r"\b(?:top_)?log[_ -]?prob(?:s|abilities)?\b", re.IGNORECASE),
    "tools": re.compile(
        r"\btools?\b|\btool_choice\b|\bfunction[_ -]?call(?:s|ing)?\b", re.IGNORECASE
    ),
    "seed": re.compile(r"\bseeds?\b", re.IGNORECASE),
    "temperature": re.compile(r"\btemperature\b|\btop_[pk]\b", re.IGNORECASE),
    "streaming": re.compile(r"\bstream(?:ing|_options)?\b", re.IGNORECASE),
    "images": re.compile(r"\bimages?\b|\bimage_url\b|\bvision\b|multi-?modal", re.IGNORECASE),
}

# Words about a parameter, or a value of it, that a service never accepts.
REFUSED = re.compile(
    r"not (?:\w+ )?(?:supported|permitted|allowed|available|implemented|enabled|recognized)"
    r"|(?:does|do|can)(?: not|n't) support|can(?:not|'t) be used|no endpoints found"
    r"|unsupported|unavailable|unrecognized|unknown (?:parameter|field|argument|name)"
    r"|unexpected (?:parameter|field|argument|keyword)|extra inputs"
    r"|must be ['\"`]?(?:json_object|text|json_schema)|(?:only|is) (?:available|enabled|supported)"
    r"|is deprecated|api[- ]version",
    re.IGNORECASE,
)
# Said of n alone: no more than one answer. "at most 1" is that, "at most 128" and "1.5" are not.
ONE_ANSWER = re.compile(
    r"(?:must be|should be|equal to|at most|exactly|only|up to|<=)"
    r"(?:[\s'\"`=]|\b(?:be|equal|to|n|at|most)\b)*1(?!\d|\.\d)"
    r"|only one|(?:one|single) (?:completion|choice|candidate)",
    re.IGNORECASE,
)

# llama.cpp says this with status 500, which otherwise means a transient failure.
NO_IMAGES = re.compile(r"image input is not supported", re.IGNORECASE)

# How an answer ends, in lower case; what is in neither table ends as "other".
FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "stopped": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "complete": "stop",
    "completed": "stop",
    "finished": "stop",
    "tool_calls": "stop",
    "tool_call": "stop",
    "tool_use": "stop",
    "function_call": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "max_completion_tokens": "length",
    "max_length": "length",
    "model_length": "length",
    "token_limit": "length",
    "error_limit": "length",
    "context_length_exceeded": "length",
    "model_context_window_exceeded": "length",
    "content_filter": "content_filter",
    "content_filtered": "content_filter",
    "content_filtering": "content_filter",
    "content_policy_violation": "content_filter",
    "moderation": "content_filter",
    "refusal": "content_filter",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "image_safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
    "guardrail_intervened": "content_filter",
    "error_toxic": "content_filter",
}

# Ends that are failures of the service, whatever text came before, and the status that each is.
FAILED_FINISHES: dict[str, int] = {
    "error": 500,
    "server_error": 500,
    "internal_error": 500,
    "unexpected_error": 500,
    "failed": 500,
    "failure": 500,
    "network_error": 502,
    "insufficient_system_resource": 503,
    "overloaded": 503,
    "abort": 500,
    "aborted": 500,
    "cancelled": 500,
    "canceled": 500,
    "timeout": 504,
}

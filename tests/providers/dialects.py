"""Error bodies in the dialects of services, and what each must become: the examples of the table.

Each example is written anew in the form that the service uses; `words` must be in the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catsdk.core import errors
from catsdk.core.errors import ProviderError

__all__ = ["ENDINGS", "REFUSALS", "REPORTED", "Example"]


@dataclass(frozen=True)
class Example:
    """A service's error body with its status, and the error that it stands for."""

    service: str
    status: int
    body: Any
    error: type[ProviderError]
    words: str = ""
    capability: str | None = None


def _said(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def _n(service: str, message: str, status: int = 400, **more: Any) -> Example:
    body = _said(message, **more)
    return Example(service, status, body, errors.UnsupportedError, message[:20], "n")


def _schema(service: str, message: str, status: int = 400, **more: Any) -> Example:
    body = _said(message, **more)
    return Example(service, status, body, errors.UnsupportedError, message[:20], "json_schema")


def _context(service: str, message: str, status: int = 400, **more: Any) -> Example:
    return Example(
        service, status, _said(message, **more), errors.ContextTooLongError, message[:20]
    )


REFUSED = errors.RequestRefusedError

REFUSALS = [
    # Where the words stand.
    Example("OpenAI", 400, _said("temperature must be at most 2"), REFUSED, "at most 2"),
    Example(
        "LM Studio",
        400,
        {"error": "The model is not loaded: foo"},
        errors.ModelNotFoundError,
        "not loaded: foo",
    ),
    Example(
        "Gemini",
        400,
        [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}],
        errors.AuthenticationError,
        "API key not valid",
    ),
    Example(
        "FastAPI", 400, {"detail": "Model foo not found"}, errors.ModelNotFoundError, "Model foo"
    ),
    Example(
        "FastAPI",
        422,
        {"detail": [{"loc": ["body", "temperature"], "msg": "Input should be at most 2"}]},
        REFUSED,
        "temperature: Input should be at most 2",
    ),
    Example("Azure", 409, _said("The resource is locked"), errors.OverloadedError, "is locked"),
    Example("a proxy", 425, "Too Early", errors.OverloadedError, "Too Early"),
    Example("Cloudflare", 400, {"errors": [{"message": "bad prompt"}]}, REFUSED, "bad prompt"),
    Example("Bedrock", 400, {"message": "Malformed input request"}, REFUSED, "Malformed input"),
    Example("Bedrock", 400, {"__type": "ValidationException", "Message": "Bad"}, REFUSED, "Bad"),
    Example(
        "SGLang", 400, {"object": "error", "message": "bad top_k", "code": 400}, REFUSED, "bad"
    ),
    Example(
        "Mistral",
        422,
        {"object": "error", "message": {"detail": [{"loc": ["body", "x"], "msg": "is odd"}]}},
        REFUSED,
        "x: is odd",
    ),
    Example(
        "OpenRouter",
        400,
        _said("Provider returned error", metadata={"raw": '{"error":{"message":"odd image"}}'}),
        REFUSED,
        "odd image",
    ),
    Example(
        "TGI", 422, {"error": "Input validation error: odd", "error_type": "v"}, REFUSED, "odd"
    ),
    Example("a proxy", 400, "upstream said no", REFUSED, "upstream said no"),
    Example("Spring", 400, {"status": 400, "error": "Bad Request", "message": "no"}, REFUSED, "no"),
    Example("nobody", 400, {"odd": {"very": ["deep"]}}, REFUSED, "deep"),
    Example("nobody", 400, {"error": {"message": ["a", "list"], "type": ["b"]}}, REFUSED, "list"),
    Example("nobody", 400, {"error": {"type": [1], "code": {"a": 1}}}, REFUSED),
    # n.
    _n("OpenAI", "Unsupported parameter: 'n'", param="n", code="unsupported_parameter"),
    _n("DeepSeek", "Invalid n value (currently only n = 1 is supported)"),
    Example(
        "DeepSeek of 2024",
        400,
        {"detail": "Invalid n value (currently only n = 1 is supported)"},
        errors.UnsupportedError,
        "Invalid n value",
        "n",
    ),
    _n("llama.cpp", "Only one completion choice is allowed"),
    _n("Groq", "'n' : number must be at most 1"),
    _n("xAI", "n must be 1 for this model"),
    _n("xAI", "n must be at most 1"),
    _n("vLLM", "`n` > 1 is not currently supported with tools"),
    _n("Mistral", "Parameter 'n' is not supported yet"),
    _n("LM Studio", "Only n=1 is supported"),
    _n("Ollama", "multiple choices are not supported"),
    _n("Gemini", "Multiple candidates is not enabled for this model"),
    _n("Gemini", "Only one candidate can be specified in the current model"),
    _n("Together", "num_return_sequences greater than 1 is not supported"),
    _n("Anthropic's proxy", "n: Extra inputs are not permitted"),
    Example(
        "LM Studio", 400, {"error": "n > 1 is not supported"}, errors.UnsupportedError, "", "n"
    ),
    Example(
        "FastAPI",
        422,
        {"detail": [{"loc": ["body", "n"], "msg": "Input should be less than or equal to 1"}]},
        errors.UnsupportedError,
        "less than or equal to 1",
        "n",
    ),
    Example("OpenAI", 400, _said("n must be at most 128", param="n"), REFUSED),
    Example("OpenAI", 400, _said("n must be at least 1", param="n"), REFUSED),
    # response_format.
    _schema("OpenAI", "'response_format' of type 'json_schema' is not supported with this model"),
    _schema("DeepSeek", "This response_format type is unavailable now"),
    _schema(
        "DeepSeek",
        "Failed to deserialize the JSON body: response_format.type `json_schema` is unavailable"
        " now",
        422,
    ),
    Example(
        "DeepSeek",
        422,
        "Failed to deserialize: response_format.type: unknown variant, `json_schema` is"
        " unavailable",
        errors.UnsupportedError,
        "unavailable",
        "json_schema",
    ),
    _schema("Groq", "This model does not support response format `json_schema`. See the docs"),
    _schema("LM Studio", "'response_format.type' must be 'json_object' or 'text'"),
    Example(
        "LM Studio",
        400,
        {"error": "'response_format.type' must be 'json_schema' or 'text'"},
        errors.UnsupportedError,
        "must be",
        "json_schema",
    ),
    _schema("OpenAI", "Unknown parameter: 'response_format.json_schema'"),
    _schema("Together", "json_schema is not supported"),
    _schema("Fireworks", "structured outputs are not supported by this model"),
    _schema("FastAPI", "response_format: Extra inputs are not permitted"),
    _schema(
        "Azure",
        "response_format value as json_schema is enabled only for api versions 2024-08-01-preview"
        " and later",
    ),
    Example("OpenAI", 400, _said("Invalid schema for response_format 'reply': odd"), REFUSED),
    # Other capabilities.
    Example(
        "OpenRouter",
        404,
        _said("No endpoints found that support tool use", code=404),
        errors.UnsupportedError,
        "tool use",
        "tools",
    ),
    Example(
        "xAI",
        400,
        {"code": "Client specified an invalid argument", "error": "logprobs is not supported"},
        errors.UnsupportedError,
        "logprobs",
        "logprobs",
    ),
    # Context.
    _context("OpenAI", "This model's maximum context length is 4096 tokens"),
    _context("OpenAI", "Your input exceeds the context window of this model."),
    _context("OpenAI", "too long", code="context_length_exceeded"),
    _context(
        "llama.cpp",
        "request (5013 tokens) exceeds the available context size (4096 tokens), try increasing it",
        type="exceed_context_size_error",
    ),
    _context("llama.cpp", "too long", type="exceed_context_size_error"),
    _context("llama.cpp", "Context size has been exceeded.", 500),
    _context(
        "vLLM",
        "The decoder prompt (length 5000) is longer than the maximum model length of 4096",
    ),
    _context(
        "SGLang", "The input (5000 tokens) is longer than the model's context length (4096 tokens)."
    ),
    _context(
        "SGLang", "Requested token count exceeds the model's maximum context length of 4096 tokens"
    ),
    _context(
        "Gemini",
        "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
    ),
    Example(
        "xAI",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 200000",
        },
        errors.ContextTooLongError,
        "maximum prompt length",
    ),
    _context("Ollama", "the input length exceeds the context length", 500),
    _context("Ollama", "the input length exceeds the context length"),
    Example(
        "LM Studio",
        400,
        {
            "error": "Trying to keep the first 5000 tokens when context the overflows. However, the"
            " model is loaded with context length of only 4096 tokens, which is not enough."
        },
        errors.ContextTooLongError,
        "context length of only 4096",
    ),
    _context("Anthropic", "prompt is too long: 250000 tokens > 200000 maximum"),
    _context("Anthropic", "input length and `max_tokens` exceed context limit: 190000 + 20000"),
    _context("Bedrock", "Input is too long for requested model."),
    Example(
        "TGI",
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193",
            "error_type": "validation",
        },
        errors.ContextTooLongError,
        "must be <= 8193",
    ),
    _context("Together", "`inputs` tokens + `max_tokens` must be <= 8193"),
    _context("Mistral", "Prompt contains 40000 tokens, too large for model with 32768"),
    _context("Cohere", "too many tokens: total number of tokens in the prompt cannot exceed 4081"),
    _context("Groq", "Please reduce the length of the messages or completion."),
    Example("OpenAI", 429, _said("maximum context length"), errors.RateLimitedError),
    # Filters, quotas, keys.
    Example(
        "Azure",
        400,
        _said(
            "The response was filtered due to the prompt triggering Azure OpenAI's content"
            " management policy.",
            code="content_filter",
            innererror={"code": "ResponsibleAIPolicyViolation"},
        ),
        errors.ContentFilteredError,
        "filtered",
    ),
    Example("DeepSeek", 400, _said("Content Exists Risk"), errors.ContentFilteredError, "Risk"),
    Example(
        "DashScope",
        400,
        _said("Input data may contain inappropriate content.", code="data_inspection_failed"),
        errors.ContentFilteredError,
        "inappropriate",
    ),
    Example(
        "OpenRouter",
        403,
        _said("Your chosen model requires moderation. Your input was flagged for x", code=403),
        errors.ContentFilteredError,
        "flagged",
    ),
    Example("Gemini", 400, _said("PROHIBITED_CONTENT in the prompt"), errors.ContentFilteredError),
    Example("OpenAI", 429, _said("quota", code="insufficient_quota"), REFUSED, "quota"),
    Example("DeepSeek", 402, _said("Insufficient Balance"), REFUSED, "Balance"),
    Example("xAI", 400, _said("Incorrect API key provided"), errors.AuthenticationError, "API key"),
    Example("vLLM", 404, _said("The model `m` does not exist."), errors.ModelNotFoundError),
    # Statuses alone.
    Example("any", 500, "oops", errors.ServerError, "oops"),
    Example("any", 502, "<html>bad gateway</html>", errors.ServerError, "no reason"),
    Example("any", 503, {}, errors.OverloadedError),
    Example("any", 429, None, errors.RateLimitedError),
    Example("any", 418, _said("teapot"), REFUSED, "teapot"),
]

# Errors that come with status 200.
REPORTED = [
    Example("any", 429, {"message": "slow down", "code": "429"}, errors.RateLimitedError),
    Example(
        "any", 429, {"message": "slow", "code": "rate_limit_exceeded"}, errors.RateLimitedError
    ),
    Example("any", 429, {"message": "slow", "status": 429}, errors.RateLimitedError),
    Example(
        "Gemini", 429, {"message": "m", "status": "RESOURCE_EXHAUSTED"}, errors.RateLimitedError
    ),
    Example("any", 503, {"message": "busy", "code": "503"}, errors.OverloadedError),
    Example(
        "any",
        400,
        {"message": "long", "code": "context_length_exceeded"},
        errors.ContextTooLongError,
    ),
    Example("any", 400, {"message": "no", "code": "content_filter"}, errors.ContentFilteredError),
    Example("llama.cpp", 400, {"message": "no", "code": 400, "type": "x"}, REFUSED),
    Example("OpenRouter", 502, {"message": "Upstream failed", "code": 502}, errors.ServerError),
    Example("any", 500, {"message": "odd", "type": ["a", "list"]}, errors.ServerError),
    Example("any", 500, "in words", errors.ServerError, "in words"),
]

# How answers end, in the words of services.
ENDINGS = [
    ("OpenAI", "stop", "stop"),
    ("OpenAI", "tool_calls", "stop"),
    ("OpenAI", "length", "length"),
    ("OpenAI", "content_filter", "content_filter"),
    ("Anthropic", "end_turn", "stop"),
    ("Anthropic", "max_tokens", "length"),
    ("Anthropic", "model_context_window_exceeded", "length"),
    ("Anthropic", "refusal", "content_filter"),
    ("Gemini", "STOP", "stop"),
    ("Gemini", "MAX_TOKENS", "length"),
    ("Gemini", "SAFETY", "content_filter"),
    ("Gemini", "content_filter: PROHIBITED_CONTENT", "content_filter"),
    ("Gemini", "RECITATION", "content_filter"),
    ("TGI", "eos_token", "stop"),
    ("Mistral", "model_length", "length"),
    ("Zhipu", "sensitive", "content_filter"),
    ("Bedrock", "guardrail_intervened", "content_filter"),
    ("Cohere", "COMPLETE", "stop"),
    ("nobody", "a new word", "other"),
    ("nobody", None, "stop"),
    ("nobody", 7, "stop"),
]

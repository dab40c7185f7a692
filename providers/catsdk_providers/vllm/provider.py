"""VLLMProvider: a model behind vLLM's OpenAI-compatible server, with vLLM's own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from catsdk.core.errors import (
    ConfigurationError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
    RequestRefusedError,
)
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.sending import Batching
from catsdk.core.types import Completion, Message, Request, Usage
from catsdk_providers.http.text import NOT_THE_WIRE
from catsdk_providers.openai.chat import ChatProvider
from catsdk_providers.openai.choices import usage_of
from catsdk_providers.openai.messages import messages_of
from catsdk_providers.openai.wire import payload_of
from catsdk_providers.vllm.score import logprobs_from
from catsdk_providers.vllm.settings import (
    better_named,
    check_text,
    constraint_of,
    refuse_what_is_ignored,
)

if TYPE_CHECKING:
    from catsdk_providers.vllm.batch_files import RunBatchFiles

__all__ = ["VLLMProvider"]

USUAL = "http://127.0.0.1:8000/v1"


class VLLMProvider(ChatProvider):
    """A model on a vLLM server, or a LoRA adapter by its name.

    The endpoint comes from `base_url` or `VLLM_BASE_URL` and defaults to port 8000 on this machine.
    The key, if the server requires one, comes from `api_key` or `VLLM_API_KEY`, the server's own
    variable. `async with` asks the server for the model's context length.

    `Request.json_schema` is sent as `structured_outputs`, which vLLM enforces token by token.
    `Request.extra` holds any setting of vLLM's server (`min_p`, `repetition_penalty`,
    `structured_outputs` with a regex, a choice or a grammar, `chat_template_kwargs`, `cache_salt`,
    ...); `guided_json` and similar names, which the server silently ignores, raise an error.
    Prompts with the same beginning share it in the server's prefix cache; with
    `--enable-prompt-tokens-details` the usage reports how much of a prompt was cached.

    Unlike the local provider, the server interprets control tokens spelled out in a message.

    Example:
        >>> from catsdk.providers import VLLMProvider
        >>> VLLMProvider("Qwen/Qwen3-4B", base_url="http://127.0.0.1:8000").capabilities.json_schema
        True
    """

    kind = "vllm"
    example = "vllm:Qwen/Qwen3-4B"
    usual = USUAL
    takes = Capabilities(n=True, logprobs=True, seed=True, json_schema=True, streaming=True)

    @property
    def capabilities(self) -> Capabilities:
        """What vLLM supports; the context length is known inside `async with`."""
        return self._declared

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request`; with `on_text` and n = 1 the reply is streamed.

        Raises:
            InvalidInputError: two settings constrain the answer.
            ProviderError: the server failed; the subclass and the status give the kind of failure.
            UnsupportedError: `extra` has a setting that vLLM ignores, several answers are requested
                at temperature 0, or a message holds an image and the model reads none.
        """
        refuse_what_is_ignored(request, self.name)
        payload = _with_constraint(request, self.model)
        tell = on_text if request.n == 1 else None
        try:
            completions = await self._endpoint.chat(payload, tell, n=request.n)
        except RequestRefusedError as error:
            raise better_named(error) from None
        if on_text is not None and request.n > 1:
            on_text(completions[0].text)
        return completions

    def batches(self, batching: Batching) -> RunBatchFiles:
        """Return this model's batches: files for `vllm run-batch`, as the server takes no batches.

        Args:
            batching: The settings; `folder` is where the files are.

        Returns:
            The files of that folder.

        Raises:
            ConfigurationError: no folder is given.
        """
        from catsdk_providers.vllm.batch_files import RunBatchFiles

        if batching.folder is None:
            raise ConfigurationError(
                f"{self.name}: vLLM's server takes no batches; name a folder for the files of"
                " `vllm run-batch`: Batching(folder=...) or CATSDK_BATCH__FOLDER"
            )
        return RunBatchFiles(self.name, batching.folder, self._batched_payload_of)

    def _batched_payload_of(self, request: Request) -> dict[str, Any]:
        refuse_what_is_ignored(request, self.name)
        return _with_constraint(request, self.model)

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """Return `text` as the answer to `messages`, with each token's log-probability.

        This takes three requests: two in which the server tokenizes the prompt and `text`, and one
        that generates an extra token, which is dropped. The server does not use its prefix cache
        for such a prompt.

        Raises:
            InvalidInputError: `text` is empty.
            ProviderError: the server failed, or the prompt and `text` do not fit into the context.
        """
        check_text(text)
        start = perf_counter()
        try:
            prompt = await self._tokens(messages=messages_of(messages), add_generation_prompt=True)
            ids = [*prompt, *await self._tokens(prompt=text, add_special_tokens=False)]
            reply, request_id = await self._endpoint.post(
                "/completions",
                {"model": self.model, "prompt": ids, "max_tokens": 1, "prompt_logprobs": 0},
            )
        except RequestRefusedError as error:
            raise better_named(error) from None
        return Completion(
            text=text,
            logprobs=logprobs_from(
                _positions(reply), ids, len(prompt), model=self.name, read=_token_at
            ),
            usage=_usage_of_score(reply),
            model=self.name,
            latency=perf_counter() - start,
            request_id=request_id,
        )

    async def load_adapter(self, name: str, path: str) -> VLLMProvider:
        """Have the server load a LoRA adapter, replacing any with the same name.

        The server must have been started with `--enable-lora` and
        `VLLM_ALLOW_RUNTIME_LORA_UPDATING=1`.

        Args:
            name: The adapter's name on the server.
            path: Its folder on the server's machine.

        Returns:
            A provider for the adapter.

        Raises:
            ModelNotFoundError: there is no adapter at `path`, or the server does not load adapters.
            ProviderError: the server failed, or could not load it.
        """
        order = {"lora_name": name, "lora_path": path, "load_inplace": True}
        try:
            await self._endpoint.order("/load_lora_adapter", order)
        except ModelNotFoundError as error:
            raise ModelNotFoundError(
                f"{error}; start the server with --enable-lora and"
                " VLLM_ALLOW_RUNTIME_LORA_UPDATING=1, and give a path that it can read",
                model=self.name,
                status=error.status,
            ) from None
        return VLLMProvider(
            name,
            base_url=self.base_url,
            api_key=self._connection.key,
            timeout=self._connection.timeout,
            capabilities=self._declared,
            headers=self._connection.headers,
            http=self._connection.http,
        )

    async def unload_adapter(self, name: str) -> None:
        """Have the server unload a LoRA adapter.

        Args:
            name: The adapter's name on the server.

        Raises:
            ProviderError: the server failed, or has no such adapter.
        """
        await self._endpoint.order("/unload_lora_adapter", {"lora_name": name})

    async def _tokens(self, **what: Any) -> list[int]:
        # This path is outside the server's OpenAI-compatible API.
        path = f"{self.base_url.removesuffix('/v1')}/tokenize"
        reply: Any = (await self._endpoint.post(path, {"model": self.model, **what}))[0]
        try:
            return [int(token) for token in reply["tokens"]]
        except NOT_THE_WIRE as error:
            raise MalformedResponseError(
                f"{self.name}: the server returned no tokens ({type(error).__name__}: {error})",
                model=self.name,
            ) from None

    async def __aenter__(self) -> Self:
        """Ask for the context length; ignore a server that is down or does not report it."""
        if self._declared.context_length is None:
            with suppress(ProviderError, *NOT_THE_WIRE):
                models: Any = await self._endpoint.get("/models")
                lengths = {each["id"]: each.get("max_model_len") for each in models["data"]}
                self._declared = replace(self._declared, context_length=lengths.get(self.model))
        return self


def _with_constraint(request: Request, model: str) -> dict[str, Any]:
    payload = payload_of(request, model, max_tokens_field="max_tokens")
    constraint = constraint_of(request)
    # A forced tool call is a constraint too, and the server accepts only one.
    by_tool = request.json_schema is not None and request.schema_by == "tool"
    if constraint is not None and not by_tool:
        payload.pop("response_format", None)
        extra = payload.get("extra_body", {})
        payload["extra_body"] = {**extra, "structured_outputs": constraint}
    return payload


def _positions(reply: Any) -> Sequence[Mapping[Any, Any] | None]:
    try:
        positions: Sequence[Mapping[Any, Any] | None] = reply["choices"][0]["prompt_logprobs"]
        return list(positions)
    except NOT_THE_WIRE:
        return ()


def _token_at(position: Mapping[Any, Any], token: int) -> tuple[str, float]:
    told = position[str(token)]
    return str(told["decoded_token"]), float(told["logprob"])


def _usage_of_score(reply: Any) -> Usage:
    """What the three requests used; the first two only tokenize."""
    usage = usage_of(reply.get("usage") if isinstance(reply, dict) else None)
    return usage.model_copy(update={"requests": usage.requests + 2})

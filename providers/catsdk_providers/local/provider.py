"""The local provider: a transformers model in this process, in merged batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Self

import anyio
import anyio.to_thread
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from catsdk.core.concurrency.bell import Bell
from catsdk.core.errors import InvalidInputError
from catsdk.core.ports import Capabilities, OnText
from catsdk.core.thinking import split_thinking
from catsdk.core.types import Completion, Message, Request, TokenLogprob, Usage
from catsdk_providers.box import BOX
from catsdk_providers.local.engine import Engine, has_adapter
from catsdk_providers.local.load import Source, engine_for, engine_of, untrained_box
from catsdk_providers.local.plan import (
    check_request,
    check_room,
    check_text,
    context_of,
    plan_for,
    prompts_of,
    template_arguments,
)
from catsdk_providers.local.row import Job, Plan, Row
from catsdk_providers.local.score import ScoreJob

__all__ = ["LocalProvider"]

BATCH_TOKENS = 65_536
# A prompt of more characters than this is encoded in a thread, so that the loop does not wait.
_LONG = 20_000


class LocalProvider:
    """A causal language model that runs in this process.

    Nothing is loaded before the first use, or `async with`; the event loop is not blocked. Requests
    from any number of event loops and threads (asyncio, trio) go to one worker thread a model,
    which merges them into padded batches; new requests join at the next batch. The thread lives
    while there are requests. The weights stay loaded while a provider uses them, and the latest two
    models until others are loaded.

    Sampling: every row of a request has its own random numbers, and row i of a request with seed s
    gives what a request with n=1 and seed s + i gives. Without a seed it is fresh each time. A row
    does not depend on what else is in its batch, except that padding and batch size change the last
    bits of the logits: where two tokens are equal to within that, either may come.

    Log-probabilities are natural logarithms under the model's own distribution (temperature 1, no
    cuts), one for each token of the text; the token that ends the answer is counted in the usage
    and not listed. Usage of all rows stands on the first completion; a local model costs nothing.

    Of `Request.extra`, `chat_template_kwargs` goes to the chat template; no other key is taken.

    Args:
        model: A directory, a GGUF file (extra `gguf`) or a name on the hub; `None` is the model in
            the box.
        adapter: Whether the adapter of a model that has one is on; it is an error to turn off one
            where there is none.
        max_batch_tokens: Rows of a batch times the longest prompt and answer they may come to;
            requests without `max_tokens` count with the whole context.
        device: A torch device; `auto` is a GPU where there is one, and the CPU for the model in the
            box. On the CPU the weights are float32, elsewhere as they are stored.
        threads: Torch's threads for an operator on the CPU; by default 1 for models under 50
            million parameters, else torch's own number. Other threads keep theirs.
        prompts: The prompt set that the model understands best; `None` takes what the model's
            configuration names as `catsdk_prompts`, as that of the model in the box and of what is
            trained from it does, and else `english`.

    Raises:
        InvalidInputError: `max_batch_tokens` is under 1.

    Example:
        >>> from catsdk import Message
        >>> from catsdk.providers import LocalProvider
        >>> from catsdk.types import Request
        >>> asked = Request(messages=(Message(role="user", content="23 + 58"),), n=4, seed=0)
        >>> async with LocalProvider() as model:
        ...     answers = await model.complete(asked)
        >>> len(answers)
        4
    """

    # Its calls cost no money; read by the price wrapper.
    free = True

    def __init__(
        self,
        model: str | None = None,
        *,
        adapter: bool = True,
        max_batch_tokens: int = BATCH_TOKENS,
        device: str = "auto",
        threads: int | None = None,
        prompts: str | None = None,
    ) -> None:
        """Choose the model; nothing is loaded yet."""
        if max_batch_tokens < 1:
            raise InvalidInputError(
                f"max_batch_tokens is {max_batch_tokens!r}; give a whole number from 1"
            )
        self.name = _named("local" if model is None else f"local:{model}", adapter)
        self.adapter = adapter
        self._prompts = prompts
        self._source = Source(
            model=str(BOX) if model is None else model,
            device=_device(device, in_box=model is None),
            batch_tokens=max_batch_tokens,
            threads=threads,
        )
        self._engine: Engine | None = None
        # The weights are read into this process, which is quick for the model in the box alone.
        self.loads_here = model is not None

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        adapter: bool = True,
        max_batch_tokens: int = BATCH_TOKENS,
        threads: int | None = None,
        prompts: str | None = None,
        name: str | None = None,
    ) -> Self:
        """Return a provider of a model in memory, for trainers; also of a PEFT model.

        Providers of one model share one worker thread, so that a policy and its anchor
        (`adapter=False`) never run at the same time; the first of them sets `max_batch_tokens` and
        `threads`. The model is put in evaluation mode for each batch and back. It must not be
        trained while a request runs.

        Args:
            model: The model.
            tokenizer: Its tokenizer, with a chat template.
            adapter: As for the class.
            max_batch_tokens: As for the class.
            threads: As for the class.
            prompts: As for the class.
            name: What its calls are listed under.
        """
        label = name or getattr(model.config, "name_or_path", "") or type(model).__name__
        provider = cls(
            label, adapter=adapter, max_batch_tokens=max_batch_tokens, prompts=prompts,
            threads=threads,
        )  # fmt: skip
        provider._engine = _checked(
            engine_of(model, tokenizer, max_batch_tokens, threads), provider.name, adapter
        )
        provider.loads_here = False
        return provider

    @classmethod
    def untrained(cls, seed: int) -> Self:
        """Return the model in the box with random weights, as a control for measurements.

        Args:
            seed: Chooses the weights.
        """
        model, tokenizer = untrained_box(seed)
        return cls.of(model, tokenizer, name="box with random weights")

    @property
    def capabilities(self) -> Capabilities:
        """What this model can do; loads it where that has not happened yet."""
        engine = self._load()
        return Capabilities(
            n=True,
            logprobs=True,
            seed=True,
            json_schema=False,
            system=engine.chat.takes_system,
            streaming=True,
            context_length=context_of(engine.model),
            prompts=self._prompts or prompts_of(engine.model),
        )

    def count_tokens(self, text: str) -> int:
        """The length of `text` in tokens, without the chat template's own."""
        return len(self._load().chat.ids(text))

    async def complete(
        self, request: Request, on_text: OnText | None = None
    ) -> Sequence[Completion]:
        """Answer `request` with `request.n` completions, in order.

        `on_text` gets the first completion as it grows, thinking included. Cancelling frees the
        rows at the next token; where the model is in training, or has an adapter that is off for
        this, it waits until the model is as it was.

        Raises:
            InvalidInputError: a setting is out of range.
            UnsupportedError: it wants an image, a JSON schema or an unknown `extra`.
            ContextTooLongError: prompt and answer do not fit into the context.
            ModelNotFoundError: there is no such model (first use only).
            ProviderError: the model failed, or ran out of memory.
        """
        check_request(request, self.name)
        engine = await self._loaded()
        started = time.perf_counter()
        bell = Bell()
        job = Job(await self._plan(engine, request, stream=on_text is not None), bell.ring)
        engine.submit(job)
        try:
            while not job.done:
                await bell.wait()
                _pass_on(job, on_text)
            # Pieces that arrived between the last check and the end.
            _pass_on(job, on_text)
        finally:
            await _closed(job, bell)
        if job.error is not None:
            raise job.error
        return _completions(job, self.name, time.perf_counter() - started)

    async def score(self, messages: Sequence[Message], text: str) -> Completion:
        """`text` as the answer to `messages`, with the log-probability of each of its tokens.

        Each token also has the entropy of its distribution, and its divergence from the uniform
        one. Texts are read one after another, between batches.

        Raises:
            InvalidInputError: `text` is empty.
            ContextTooLongError: prompt and text do not fit into the context.
            ModelNotFoundError: there is no such model (first use only).
            ProviderError: the model failed, or ran out of memory.
        """
        check_text(text)
        engine = await self._loaded()
        started = time.perf_counter()
        bell = Bell()
        prompt = await _in_thread_if_long(messages, lambda: engine.chat.encode(messages))
        ids = engine.chat.ids(text)
        check_room(len(prompt), len(ids), engine.model, self.name)
        job = ScoreJob(tuple(prompt), tuple(ids), self.adapter, bell.ring)
        engine.submit(job)
        try:
            while not job.done:
                await bell.wait()
        finally:
            await _closed(job, bell)
        if job.error is not None:
            raise job.error
        return Completion(
            text=text,
            logprobs=tuple(
                TokenLogprob(token=engine.chat.piece(token), **told._asdict())
                for token, told in zip(ids, job.scores, strict=True)
            ),
            usage=Usage(input_tokens=len(prompt) + len(ids), requests=1, cost=0.0),
            model=self.name,
            latency=time.perf_counter() - started,
        )

    async def __aenter__(self) -> Self:
        """Load the model in a thread."""
        await self._loaded()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close: the worker thread ends with its last request."""

    async def _loaded(self) -> Engine:
        if self._engine is None:
            await anyio.to_thread.run_sync(self._load, abandon_on_cancel=True)
        return self._load()

    def _load(self) -> Engine:
        if self._engine is None:
            self._engine = _checked(engine_for(self._source), self.name, self.adapter)
        return self._engine

    async def _plan(self, engine: Engine, request: Request, *, stream: bool) -> Plan:
        def encoded() -> list[int]:
            return engine.chat.encode(request.messages, template_arguments(request))

        prompt = await _in_thread_if_long(request.messages, encoded)
        return plan_for(
            request, prompt, engine.model,
            name=self.name, stop=engine.chat.stop, adapter=self.adapter, stream=stream,
        )  # fmt: skip


async def _in_thread_if_long(
    messages: Sequence[Message], encoded: Callable[[], list[int]]
) -> list[int]:
    long = sum(len(message.shown) for message in messages) > _LONG
    return await anyio.to_thread.run_sync(encoded) if long else encoded()


async def _closed(job: Job | ScoreJob, bell: Bell) -> None:
    """Close `job`, and stay, also when cancelled, until the model is as its trainer left it."""
    job.closed = True
    if job.held:
        with anyio.CancelScope(shield=True):
            while job.held:
                await bell.wait()


def _pass_on(job: Job, on_text: OnText | None) -> None:
    while on_text is not None and job.pieces:
        on_text(job.pieces.popleft())


def _named(name: str, adapter: bool) -> str:
    return name if adapter else f"{name} (adapter off)"


def _device(device: str, *, in_box: bool) -> str:
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() and not in_box else "cpu"


def _checked(engine: Engine, name: str, adapter: bool) -> Engine:
    if not adapter and not has_adapter(engine.model):
        raise InvalidInputError(
            f"adapter=False, but {name} has no adapter to turn off; leave adapter out, or give a"
            " model with a PEFT adapter"
        )
    return engine


def _completions(job: Job, model: str, latency: float) -> list[Completion]:
    rows = [row for row in job.answers if row is not None]
    parted = [split_thinking(row.text) for row in rows]
    return [
        Completion(
            text=text,
            reasoning=thinking,
            finish_reason=row.reason or "other",
            logprobs=_logprobs(row) if job.plan.logprobs else None,
            usage=_usage(job, row),
            model=model,
            latency=latency,
        )
        for row, (thinking, text) in zip(rows, parted, strict=True)
    ]


def _usage(job: Job, row: Row) -> Usage:
    """The usage of one answer; the prompt and the request count with the first."""
    first = row.index == 0
    prompt = len(job.plan.prompt) if first else 0
    return Usage(input_tokens=prompt, output_tokens=row.count, requests=int(first), cost=0.0)


def _logprobs(row: Row) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(token=row.chat.piece(token), logprob=logprob)
        for token, logprob in zip(row.ids, row.logprobs, strict=True)
    )

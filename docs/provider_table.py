"""Write the tables of docs/providers.md: which providers there are, what they can do and send.

The registry says which there are, and what their tests run them against. Each provider that can be
made here declares its capabilities, and is asked through the loopback server with each setting of a
request; what changes in the payload is what it sends. A provider whose packages are not installed
here keeps the lines that it has, from the environment that has them. To rewrite the page in place:
`python docs/provider_table.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from catsdk.core.model_strings import BUILT_IN
from catsdk.core.ports import Capabilities, Provider, capabilities_of
from catsdk.errors import UnsupportedError
from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.types import Message, Request

PAGE = Path(__file__).resolve().parent / "providers.md"
CAPABILITIES = (
    "n", "logprobs", "seed", "json_schema", "tools", "temperature", "system", "streaming",
)  # fmt: skip
SCHEMA = {"type": "object", "properties": {"met": {"type": "boolean"}}, "required": ["met"]}
SETTINGS: dict[str, Any] = {
    "n": 2,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 20,
    "max_tokens": 9,
    "stop": ("x",),
    "seed": 7,
    "logprobs": True,
    "json_schema": SCHEMA,
    "extra": {"service_tier": "auto"},
}
REFUSED = "refused"
QUESTION = (Message(role="user", content="q"),)


@dataclass(frozen=True)
class Shown:
    """How a provider is made here: on the loopback server, or with nothing behind it."""

    needs: str | None
    make: Callable[[LoopbackServer], Provider]
    wire: bool = True


def _anthropic(server: LoopbackServer, version: str | None = None) -> Provider:
    from catsdk.providers import AnthropicProvider

    return AnthropicProvider(
        server.model, base_url=server.url, api_key=server.key, api_version=version
    )


def _openai(server: LoopbackServer) -> Provider:
    from catsdk.providers import OpenAIProvider

    return OpenAIProvider(server.model, base_url=server.url, api_key=server.key)


def _litellm(server: LoopbackServer) -> Provider:
    from catsdk.providers import LiteLLMProvider

    return LiteLLMProvider(f"openai/{server.model}", base_url=server.url, api_key=server.key)


def _vllm(server: LoopbackServer) -> Provider:
    from catsdk.providers import VLLMProvider

    return VLLMProvider(server.model, base_url=server.url, api_key=server.key)


def _vllm_engine(server: LoopbackServer) -> Provider:
    from catsdk.providers import VLLMEngineProvider

    return VLLMEngineProvider("model")


def _local(server: LoopbackServer) -> Provider:
    from catsdk.providers import LocalProvider

    return LocalProvider()


SHOWN = {
    "anthropic": Shown("anthropic", _anthropic),
    'anthropic, `api_version="2023-06-01"`': Shown(
        "anthropic", lambda server: _anthropic(server, "2023-06-01")
    ),
    "litellm, to an `openai/` model": Shown("litellm", _litellm),
    "local": Shown("torch", _local, wire=False),
    "openai": Shown(None, _openai),
    "vllm": Shown(None, _vllm),
    "vllm-engine": Shown("vllm", _vllm_engine, wire=False),
}


def rewritten(page: str) -> str:
    """The page with fresh tables: of all that is built in, and of what can be made here."""
    page = _with_rows(page, "built in", {f"`{name}`": _built_in(name) for name in sorted(BUILT_IN)})
    able, sent = _rows_made_here()
    return _with_rows(_with_rows(page, "can do", able), "is sent", sent)


def _rows_made_here() -> tuple[dict[str, str], dict[str, str]]:
    can_do, is_sent = {}, {}
    for name, shown in SHOWN.items():
        if shown.needs is None or find_spec(shown.needs) is not None:
            able, sent = anyio.run(seen, shown)
            can_do[name] = _row(name, *(_word(able, each) for each in CAPABILITIES))
            if shown.wire:
                is_sent[name] = _row(name, *(sent[setting] for setting in SETTINGS))
    return can_do, is_sent


async def seen(shown: Shown) -> tuple[Capabilities, dict[str, str]]:
    """The provider's capabilities, and for each setting the fields that it adds or changes."""
    async with AsyncExitStack() as exits:
        server = await exits.enter_async_context(LoopbackServer(FunctionProvider(_reply)))
        provider = await to_thread.run_sync(shown.make, server)
        if not shown.wire:
            return await to_thread.run_sync(capabilities_of, provider), {}
        if isinstance(provider, AbstractAsyncContextManager):
            await exits.enter_async_context(provider)
        able = capabilities_of(provider)
        plain = await _payload(server, provider, {}) or {}
        payloads = {
            name: await _payload(server, provider, {name: value})
            for name, value in SETTINGS.items()
        }
    return able, {name: _change(plain, payload) for name, payload in payloads.items()}


def _reply(request: Request) -> list[str]:
    return ['{"met": true}'] * request.n


async def _payload(
    server: LoopbackServer, provider: Provider, setting: dict[str, Any]
) -> dict[str, Any] | None:
    """What was sent, `None` where the provider refused to send it."""
    before = server.counters.requests
    try:
        await provider.complete(Request(messages=QUESTION, **setting))
    except UnsupportedError:
        if server.counters.requests > before:
            raise
        return None
    return server.payloads[-1]


def _change(plain: dict[str, Any], payload: dict[str, Any] | None) -> str:
    if payload is None:
        return REFUSED
    fields = sorted(name for name in payload if payload[name] != plain.get(name))
    return ", ".join(f"`{name}`" for name in fields) or "nothing"


def _built_in(name: str) -> str:
    origin = BUILT_IN[name]
    install = f"extra `{origin.extra}`" if origin.extra else "no extra"
    tried = (f"{each.kind}: {each.what}" if each.what else each.kind for each in origin.run_against)
    return _row(f"`{name}`", install, origin.summary, "; ".join(tried) or "not run")


def _word(able: Capabilities, capability: str) -> str:
    return "yes" if getattr(able, capability) else "no"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _with_rows(page: str, table: str, fresh: dict[str, str]) -> str:
    """The page with these rows of a table replaced or added; those of other names stay."""
    begin, end = f"<!-- table: {table} -->\n\n", "\n\n<!-- end of table -->"
    before, _, rest = page.partition(begin)
    lines, _, after = rest.partition(end)
    head, rows = lines.splitlines()[:2], lines.splitlines()[2:]
    order = [*SHOWN, *fresh]
    kept = {name: row for row in rows for name in order if row.startswith(f"| {name} |")}
    both = {**kept, **fresh}
    body = [both[name] for name in dict.fromkeys(order) if name in both]
    return before + begin + "\n".join([*head, *body]) + end + after


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

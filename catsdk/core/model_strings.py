"""Resolves a model string such as `openai:gpt-5` to a provider, loaded when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from inspect import signature
from typing import Literal, cast

from catsdk.core.errors import (
    ConfigurationError,
    InvalidInputError,
    MissingExtraError,
    UnknownProviderError,
)
from catsdk.core.installing import install_command
from catsdk.core.ports import Provider
from catsdk.core.sending import Http

__all__ = [
    "BUILT_IN",
    "Origin",
    "Tried",
    "check_installed",
    "check_model",
    "check_providers",
    "is_built_in",
    "known_providers",
    "reaches_service",
    "resolve",
]

GROUP = "catsdk.providers"


@dataclass(frozen=True, slots=True)
class Tried:
    """What the tests of a provider run it against, and the module that does.

    A `real server` and a `real package` are those of somebody else; the `loopback server` speaks a
    vendor's wire on this machine, and is ours.
    """

    kind: Literal["real server", "real package", "loopback server", "own files"]
    what: str
    tests: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the class of a provider lives, the extra that brings what it needs, and its tests."""

    target: str
    extra: str | None
    summary: str
    connects: bool = True
    """Whether its calls leave this process."""
    run_against: tuple[Tried, ...] = ()


_LLAMA = Tried("real server", "llama.cpp's (`make test-servers`)", "tests/servers/test_llama.py")


BUILT_IN = {
    "anthropic": Origin(
        "catsdk_providers.anthropic.provider:AnthropicProvider",
        "anthropic",
        "Claude, or any endpoint of Anthropic's messages (ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL)",
        run_against=(_LLAMA, Tried("loopback server", "", "tests/providers/test_anthropic.py")),
    ),
    "openai": Origin(
        "catsdk_providers.openai.provider:OpenAIProvider",
        None,
        "any OpenAI-compatible endpoint (OPENAI_API_KEY, OPENAI_BASE_URL)",
        run_against=(_LLAMA, Tried("loopback server", "", "tests/providers/test_openai.py")),
    ),
    "litellm": Origin(
        "catsdk_providers.litellm.provider:LiteLLMProvider",
        "litellm",
        "what litellm reaches, by its own model names: litellm:gemini/NAME and others",
        run_against=(
            Tried(
                "real package",
                "litellm, and its proxy (`make test-litellm`)",
                "tests/providers/test_litellm_proxy.py",
            ),
            Tried("loopback server", "", "tests/providers/test_litellm.py"),
        ),
    ),
    "local": Origin(
        "catsdk_providers.local.provider:LocalProvider",
        "local",
        "transformers in this process: a folder, a GGUF file (extra `gguf`) or a name on the hub;"
        " `local` alone is the model in the box",
        connects=False,
        run_against=(
            Tried(
                "real package",
                "transformers, with the model in the box",
                "tests/providers/test_local_contract.py",
            ),
        ),
    ),
    "replay": Origin(
        "catsdk_providers.replay.provider:ReplayProvider",
        None,
        "the answers recorded in a file: replay:PATH",
        connects=False,
        run_against=(
            Tried("own files", "that other providers filled", "tests/providers/test_replay.py"),
        ),
    ),
    "vllm": Origin(
        "catsdk_providers.vllm.provider:VLLMProvider",
        None,
        "a vLLM server (VLLM_BASE_URL, VLLM_API_KEY), by the name of a model or LoRA adapter",
        run_against=(
            Tried(
                "real server",
                "vLLM's, on a CPU (`make test-vllm`)",
                "tests/providers/test_vllm_itself.py",
            ),
            Tried("loopback server", "", "tests/providers/test_vllm.py"),
        ),
    ),
    "vllm-engine": Origin(
        "catsdk_providers.vllm.engine:VLLMEngineProvider",
        "vllm",
        "vLLM's engine in this process, with a model's directory or name on the hub",
        connects=False,
        run_against=(
            Tried(
                "real package",
                "vLLM, on a CPU (`make test-vllm`)",
                "tests/providers/test_vllm_itself.py",
            ),
        ),
    ),
}


def known_providers() -> list[str]:
    """The names that a model string may begin with, third-party packages included."""
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})


def check_model(model: object, name: str = "model") -> None:
    """Refuse what is not a model; a string is not looked up.

    Raises:
        InvalidInputError: `model` is neither a string nor a provider, or is empty.
    """
    # The same as `isinstance` with the protocol, which takes a hundred times as long.
    if not (model.strip() if isinstance(model, str) else hasattr(model, "complete")):
        raise InvalidInputError(
            f"{name} is {model!r:.80}; give a model string such as 'openai:NAME' or 'local',"
            " or an object with an async method complete(request, on_text)"
        )


def is_built_in(model: str) -> bool:
    """Whether a model string names a provider that comes with catsdk."""
    return _split(model.strip())[0] in BUILT_IN


def check_providers(models: Iterable[str]) -> None:
    """Look for the providers of model strings; reads the disk, loads none of them.

    Raises:
        InvalidInputError: a model string is empty.
        UnknownProviderError: no installed provider has that name.
    """
    for model in models:
        check_model(model)
        prefix = _split(model.strip())[0]
        if prefix not in BUILT_IN and not entry_points(group=GROUP, name=prefix):
            raise _unknown(prefix, model)


def reaches_service(model: str) -> bool:
    """Whether a model string names a built-in provider whose calls leave this process."""
    origin = BUILT_IN.get(_split(model.strip())[0])
    return origin is not None and origin.connects


def resolve(model: str | Provider, http: Http = Http()) -> Provider:
    """The provider that `model` names: `provider:name`, `provider/name`, or a bare provider.

    A provider passes through as it is.

    Args:
        model: A model string or a provider.
        http: How it connects to its service; by default as the environment says.

    Raises:
        InvalidInputError: `model` is neither a string nor a provider, or is empty.
        UnknownProviderError: no installed provider has that name.
        MissingExtraError: the provider's packages are not installed.
        ConfigurationError: `http` sets something, and the provider does not take it.
    """
    check_model(model)
    if not isinstance(model, str):
        return model
    prefix, name = _split(model.strip())
    factory = _factory(prefix, model)
    alone = prefix in BUILT_IN and not BUILT_IN[prefix].connects
    if alone or http == Http():
        return factory(name)
    if "http" not in signature(factory).parameters:
        raise ConfigurationError(
            f"{model!r} cannot use the client's settings of HTTP, {http!r}: set HTTPS_PROXY"
            " and SSL_CERT_FILE in the environment, or give the provider as an object"
        )
    return cast("Callable[..., Provider]", factory)(name, http=http)


def _split(model: str) -> tuple[str, str | None]:
    cut = min((at for at in (model.find(":"), model.find("/")) if at >= 0), default=len(model))
    return model[:cut], model[cut + 1 :] or None


def check_installed(package: str, model: str) -> None:
    """Look for the package that a model string needs, whose extra has its name; imports nothing.

    Raises:
        MissingExtraError: it is not installed.
    """
    if find_spec(package) is None:
        raise MissingExtraError(
            f"model {model!r} needs the package {package!r}: {install_command(package)}"
        )


def _factory(prefix: str, model: str) -> Callable[[str | None], Provider]:
    if prefix not in BUILT_IN:
        return _third_party(prefix, model)
    origin = BUILT_IN[prefix]
    module, _, attribute = origin.target.partition(":")
    try:
        factory: Callable[[str | None], Provider] = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if origin.extra is None or (error.name or "").startswith("catsdk"):
            raise
        raise MissingExtraError(
            f"model {model!r} needs the package {error.name!r}: {install_command(origin.extra)}"
        ) from error
    return factory


def _third_party(prefix: str, model: str) -> Callable[[str | None], Provider]:
    for point in entry_points(group=GROUP, name=prefix):
        return _loaded(point, prefix, model)
    raise _unknown(prefix, model)


def _unknown(prefix: str, model: str) -> UnknownProviderError:
    extras = ", ".join(
        f"{name} (extra {origin.extra})" if origin.extra else name
        for name, origin in BUILT_IN.items()
    )
    known = known_providers()
    others = [name for name in known if name not in BUILT_IN]
    return UnknownProviderError(
        f"model {model!r} names the provider {prefix!r}, which is not known here."
        f" {_suggestion(prefix, model, known)}"
        f" Known: {', '.join([extras, *others])}. Other packages register under the entry point"
        f" group '{GROUP}'"
    )


def _loaded(point: EntryPoint, prefix: str, model: str) -> Callable[[str | None], Provider]:
    try:
        factory: object = point.load()
        if not callable(factory):
            raise TypeError(f"{factory!r:.80} cannot be called")
    except Exception as error:
        raise UnknownProviderError(
            f"model {model!r}: the provider {prefix!r} cannot be loaded from {point.value}"
            f" ({type(error).__name__}: {error}); repair or remove the package that offers it"
        ) from error
    return cast("Callable[[str | None], Provider]", factory)


def _suggestion(prefix: str, model: str, known: list[str]) -> str:
    """A suggestion for a typo: a similar name, or else a model without a provider."""
    near = get_close_matches(prefix.strip().lower(), known, n=1)
    if near:
        return f"Did you mean {near[0] + model.strip()[len(prefix) :]!r}?"
    return f"Write provider:name, for instance 'openai:{model}'."

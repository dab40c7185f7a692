"""Door to the providers: `from catsdk.providers import OpenAIProvider`, loaded when asked for."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk_providers.anthropic.provider import AnthropicProvider
    from catsdk_providers.box.problems import box_problems, held_out_problems
    from catsdk_providers.litellm.provider import LiteLLMProvider
    from catsdk_providers.local.provider import LocalProvider
    from catsdk_providers.openai.provider import OpenAIProvider
    from catsdk_providers.replay.provider import Recording, ReplayProvider
    from catsdk_providers.vllm.engine import VLLMEngineProvider
    from catsdk_providers.vllm.provider import VLLMProvider

__all__ = [
    "AnthropicProvider",
    "LiteLLMProvider",
    "LocalProvider",
    "OpenAIProvider",
    "Recording",
    "ReplayProvider",
    "VLLMEngineProvider",
    "VLLMProvider",
    "box_problems",
    "held_out_problems",
]

_HOMES = {
    "AnthropicProvider": "catsdk_providers.anthropic.provider",
    "LiteLLMProvider": "catsdk_providers.litellm.provider",
    "LocalProvider": "catsdk_providers.local.provider",
    "OpenAIProvider": "catsdk_providers.openai.provider",
    "Recording": "catsdk_providers.replay.provider",
    "ReplayProvider": "catsdk_providers.replay.provider",
    "VLLMEngineProvider": "catsdk_providers.vllm.engine",
    "VLLMProvider": "catsdk_providers.vllm.provider",
    "box_problems": "catsdk_providers.box.problems",
    "held_out_problems": "catsdk_providers.box.problems",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

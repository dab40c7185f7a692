"""Door to the providers: `from catsdk.providers import OpenAIProvider`, loaded when asked for."""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

if TYPE_CHECKING:
    from catsdk_providers.anthropic import AnthropicProvider
    from catsdk_providers.box.problems import box_problems, held_out_problems
    from catsdk_providers.litellm import LiteLLMProvider
    from catsdk_providers.local import LocalProvider
    from catsdk_providers.openai import OpenAIProvider
    from catsdk_providers.replay import Recording, ReplayProvider
    from catsdk_providers.vllm import VLLMProvider
    from catsdk_providers.vllm_engine import VLLMEngineProvider

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
    "AnthropicProvider": "catsdk_providers.anthropic",
    "LiteLLMProvider": "catsdk_providers.litellm",
    "LocalProvider": "catsdk_providers.local",
    "OpenAIProvider": "catsdk_providers.openai",
    "Recording": "catsdk_providers.replay",
    "ReplayProvider": "catsdk_providers.replay",
    "VLLMEngineProvider": "catsdk_providers.vllm_engine",
    "VLLMProvider": "catsdk_providers.vllm",
    "box_problems": "catsdk_providers.box.problems",
    "held_out_problems": "catsdk_providers.box.problems",
}

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__

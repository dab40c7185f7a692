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

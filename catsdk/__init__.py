"""Compute as Teacher: inference compute becomes better answers, and rewards without labels.

The names below are loaded when they are first used; importing the package loads no vendor.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catsdk.cat import CaT, run_sync, synthesize, synthesize_sync
    from catsdk.core.errors import CatError
    from catsdk.core.options import Sampling
    from catsdk.core.ports import Capabilities, Provider
    from catsdk.core.runtime import Runtime
    from catsdk.core.types import (
        Completion,
        Criterion,
        Group,
        Message,
        Reference,
        Request,
        Rollout,
        Rubric,
        Score,
        Usage,
        Verdict,
    )
    from catsdk.middleware.account import Budget
    from catsdk.primitives.judge import Judge
    from catsdk.primitives.reward import Reward
    from catsdk.primitives.rubric_proposer import RubricProposer
    from catsdk.primitives.sampler import Sampler, group_of
    from catsdk.primitives.synthesizer import Synthesizer
    from catsdk.prompts.prompt import Prompt

__all__ = [
    "Budget",
    "CaT",
    "Capabilities",
    "CatError",
    "Completion",
    "Criterion",
    "Group",
    "Judge",
    "Message",
    "Prompt",
    "Provider",
    "Reference",
    "Request",
    "Reward",
    "Rollout",
    "Rubric",
    "RubricProposer",
    "Runtime",
    "Sampler",
    "Sampling",
    "Score",
    "Synthesizer",
    "Usage",
    "Verdict",
    "group_of",
    "run_sync",
    "synthesize",
    "synthesize_sync",
]

_HOME = {
    "Budget": "middleware.account",
    "CaT": "cat",
    "Capabilities": "core.ports",
    "CatError": "core.errors",
    "Judge": "primitives.judge",
    "Prompt": "prompts.prompt",
    "Provider": "core.ports",
    "Reward": "primitives.reward",
    "RubricProposer": "primitives.rubric_proposer",
    "Runtime": "core.runtime",
    "Sampling": "core.options",
    "Sampler": "primitives.sampler",
    "Synthesizer": "primitives.synthesizer",
    "group_of": "primitives.sampler",
    "run_sync": "cat",
    "synthesize": "cat",
    "synthesize_sync": "cat",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'core.types')}"), name)


def __dir__() -> list[str]:
    return __all__

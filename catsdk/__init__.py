"""Compute as Teacher: inference compute becomes better answers, and rewards without labels.

The names below are loaded when they are first used; importing the package loads no vendor.
"""

from typing import TYPE_CHECKING

from catsdk.core.doors import door

__version__ = "0.1.0"

if TYPE_CHECKING:
    from catsdk import errors as errors
    from catsdk import estimators as estimators
    from catsdk import events as events
    from catsdk import providers as providers
    from catsdk import rewards as rewards
    from catsdk import sampling as sampling
    from catsdk import train as train
    from catsdk import types as types
    from catsdk.answers.answers import Answers
    from catsdk.cat import CaT, synthesize
    from catsdk.core.errors import CatError
    from catsdk.core.options import Sampling
    from catsdk.core.ports import Capabilities, Provider
    from catsdk.core.sending import Budget, Cache, Http, Limits, Retry, Timeouts
    from catsdk.core.types import (
        Criterion,
        Group,
        Message,
        Reference,
        Result,
        Rollout,
        Rubric,
        Score,
        Usage,
    )
    from catsdk.estimators.cascade import Cascade
    from catsdk.estimators.majority import Majority
    from catsdk.estimators.synthesis import Synthesizer
    from catsdk.prompts.prompt import Prompt
    from catsdk.rewards.answer import AnswerReward, Gold
    from catsdk.rewards.penalties import LengthPenalty
    from catsdk.rewards.reward import Reward
    from catsdk.rewards.rubric import RubricReward
    from catsdk.rubrics.judge import Judge
    from catsdk.rubrics.panel import Panel
    from catsdk.rubrics.proposer import RubricProposer
    from catsdk.runtime.chain import default_middleware
    from catsdk.runtime.client import Client
    from catsdk.runtime.context import Context
    from catsdk.sampling.sampler import Sampler, group_of
    from catsdk.sync import synthesize_sync

__all__ = [
    "AnswerReward",
    "Answers",
    "Budget",
    "CaT",
    "Cache",
    "Capabilities",
    "Cascade",
    "CatError",
    "Client",
    "Context",
    "Criterion",
    "Gold",
    "Group",
    "Http",
    "Judge",
    "LengthPenalty",
    "Limits",
    "Majority",
    "Message",
    "Panel",
    "Prompt",
    "Provider",
    "Reference",
    "Result",
    "Retry",
    "Reward",
    "Rollout",
    "Rubric",
    "RubricProposer",
    "RubricReward",
    "Sampler",
    "Sampling",
    "Score",
    "Synthesizer",
    "Timeouts",
    "Usage",
    "default_middleware",
    "group_of",
    "synthesize",
    "synthesize_sync",
]

_HOMES = {
    "AnswerReward": "catsdk.rewards.answer",
    "Answers": "catsdk.answers.answers",
    "Budget": "catsdk.core.sending",
    "CaT": "catsdk.cat",
    "Cache": "catsdk.core.sending",
    "Capabilities": "catsdk.core.ports",
    "Cascade": "catsdk.estimators.cascade",
    "CatError": "catsdk.core.errors",
    "Client": "catsdk.runtime.client",
    "Context": "catsdk.runtime.context",
    "Criterion": "catsdk.core.types",
    "Gold": "catsdk.rewards.answer",
    "Group": "catsdk.core.types",
    "Http": "catsdk.core.sending",
    "Judge": "catsdk.rubrics.judge",
    "LengthPenalty": "catsdk.rewards.penalties",
    "Limits": "catsdk.core.sending",
    "Majority": "catsdk.estimators.majority",
    "Message": "catsdk.core.types",
    "Panel": "catsdk.rubrics.panel",
    "Prompt": "catsdk.prompts.prompt",
    "Provider": "catsdk.core.ports",
    "Reference": "catsdk.core.types",
    "Result": "catsdk.core.types",
    "Retry": "catsdk.core.sending",
    "Reward": "catsdk.rewards.reward",
    "Rollout": "catsdk.core.types",
    "Rubric": "catsdk.core.types",
    "RubricProposer": "catsdk.rubrics.proposer",
    "RubricReward": "catsdk.rewards.rubric",
    "Sampler": "catsdk.sampling.sampler",
    "Sampling": "catsdk.core.options",
    "Score": "catsdk.core.types",
    "Synthesizer": "catsdk.estimators.synthesis",
    "Timeouts": "catsdk.core.sending",
    "Usage": "catsdk.core.types",
    "default_middleware": "catsdk.runtime.chain",
    "group_of": "catsdk.sampling.sampler",
    "synthesize": "catsdk.cat",
    "synthesize_sync": "catsdk.sync",
}

_FACES = ("errors", "estimators", "events", "providers", "rewards", "sampling", "train", "types")

# Hidden from type checkers, so that a misspelt name is their error too.
if not TYPE_CHECKING:
    __getattr__ = door(__name__, _HOMES, faces=_FACES)


def __dir__() -> list[str]:
    return __all__

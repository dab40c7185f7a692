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

__version__: str

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

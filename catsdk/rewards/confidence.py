"""SelfCertainty and NegativeEntropy: how sure a model is of each token of a rollout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from catsdk.core.display.counting import counted
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Failure, Group, Reference, Rollout, Score, TokenLogprob
from catsdk.estimators.log_probabilities import score_texts, whole_text
from catsdk.rewards.reward import Reward, listed_once, without_value
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context

__all__ = ["NegativeEntropy", "SelfCertainty"]

_MISSING = (
    "the model does not say how sure it was of each token; give a model in this process, such as"
    " PolicyAnchor('current') or 'local'"
)


@dataclass(frozen=True)
class _Confidence(Reward):
    """The mean of a confidence measure over the token distributions of a rollout."""

    model: str | Provider | None = None
    needs_reference = False

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Score each rollout by the model, in one call without sampling."""
        with recorded("confidence") as calls:
            scorer = await ctx.model(self.model)
            texts = [(group.prompt, whole_text(rollout)) for rollout in group.rollouts]
            results = await score_texts(scorer, texts)
        pairs = zip(group.rollouts, results, strict=True)
        return listed_once(calls, [self._score(*pair, ctx) for pair in pairs])

    def _score(self, rollout: Rollout, result: Completion | Failure, ctx: Context) -> Score:
        if isinstance(result, Failure):
            return without_value(rollout, result)
        values = [self._of(token) for token in result.logprobs or ()]
        there = [value for value in values if value is not None]
        if not there or len(there) < len(values):
            failure = Failure(kind="UnsupportedError", message=_MISSING)
            return without_value(rollout, failure, _MISSING)
        told = f"{self.name.replace('_', ' ')}, mean over {counted(len(there), 'token')}"
        return ctx.score(rollout, fsum(there) / len(there), told)

    def _of(self, token: TokenLogprob) -> float | None:
        raise NotImplementedError


@dataclass(frozen=True)
class SelfCertainty(_Confidence):
    r"""1/T sum_t KL(U || p(. | q, o_<t)): how far from uniform the model's distributions are.

    With U uniform over a vocabulary of V tokens, KL(U || p) = -ln V - 1/V sum_v ln p(v). Source:
    Intuitor, Zhao et al., arXiv 2505.19590; checked in the authors' code (sunblaze-ucb/Intuitor,
    `torch_functional.py`: logsumexp minus mean of the logits, which is the same plus the constant
    ln V, averaged over the response). They count the token that ends the response, too; here it is
    not among those that are scored. The paper reads the policy of that step:
    `SelfCertainty(PolicyAnchor("current"))`. A policy that is rewarded by its own confidence alone
    can grow sure of anything: train beside it what it is compared with.

    Args:
        model: The model that reads the rollouts, in this process: one reading each. `None` is the
            anchor of the run. vLLM says the probability of the chosen token alone, so with it there
            is no reward.

    Raises:
        UnsupportedError: the model cannot score a given text; such a group has no reward.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import SelfCertainty
        >>> group = cat.group_of("12+34", ["c2: 2+4=6\nc1: 1+3=4\n\\boxed{46}", "It is 46."])
        >>> sure, unsure = await SelfCertainty("local").reward(group)
        >>> sure.value > unsure.value > 0
        True
    """

    def _of(self, token: TokenLogprob) -> float | None:
        return token.self_certainty


@dataclass(frozen=True)
class NegativeEntropy(_Confidence):
    r"""-1/T sum_t H(p(. | q, o_<t)), in nats a token: the reward of entropy minimisation.

    Source: RENT, Prabhudesai et al., arXiv 2505.22660, whose page gives R(y) = -H(pi(x)); that it
    is the mean over all tokens was not checked at the source, and the paper also tries parts of the
    response, such as its end. Here as a control: it needs no answer and no reference, so what it
    rewards is confidence alone.

    Args:
        model: The model that reads the rollouts, in this process: one reading each. `None` is the
            anchor of the run; the paper reads the policy, `PolicyAnchor("current")`.

    Raises:
        UnsupportedError: the model cannot score a given text; such a group has no reward.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import NegativeEntropy
        >>> group = cat.group_of("12+34", ["c2: 2+4=6\nc1: 1+3=4\n\\boxed{46}", "It is 46."])
        >>> sure, unsure = await NegativeEntropy("local").reward(group)
        >>> 0 > sure.value > unsure.value
        True
    """

    def _of(self, token: TokenLogprob) -> float | None:
        return None if token.entropy is None else -token.entropy

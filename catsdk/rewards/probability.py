"""ReferenceProbability: how probable the reference is after a rollout's reasoning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum
from typing import Literal, get_args

from catsdk.core.choices import check_choice
from catsdk.core.ports import Provider
from catsdk.core.types import Completion, Failure, Group, Reference, Rollout, Score, TokenLogprob
from catsdk.estimators.log_probabilities import score_texts, thought
from catsdk.rewards.reward import Reward, listed_once, unscored, without_value
from catsdk.runtime.attribution import recorded
from catsdk.runtime.context import Context

__all__ = ["ReferenceProbability"]

Of = Literal["text", "answer"]
_APART = "\n\n"
# What introduces an answer without being reasoning, such as `\boxed{` or `**`.
_FRAME = re.compile(r"(?:\\[a-zA-Z]+)?[^\w\s]*\Z")
_LONGEST_FRAME = 20


@dataclass(frozen=True)
class ReferenceProbability(Reward):
    r"""max(0, P(s | q, z_i) - P(s | q)), with P the mean probability of the tokens of s.

    A reward without a judge, for references that answers cannot be compared with: good reasoning
    makes the reference likely. P(s | q, z) = 1/|s| sum_t p(s_t | q, z, s_<t) is a mean and not a
    product, so that one rare word does not decide. Source: RLPR, Yu et al., arXiv 2506.18254;
    checked in the authors' code (OpenBMB/RLPR, `reward_manager/prob.py`: mean of the exponentials,
    minus that without reasoning, negative differences 0). There s is a known short answer; here it
    is the run's reference, such as a synthesis. Their standard deviation filter is
    `SkipFlat(ReferenceProbability(), least=0.05)`. P(s | q) is read behind the signs that introduce
    the rollout's own answer, such as `\boxed{`, because tokenizers cut a text by its neighbours.

    The reasoning z_i is the rollout's thinking, where it is kept apart. Else it is its text: up to
    the final answer where `of` is `answer`, and all of it where `of` is `text`, which the paper
    does not do: then the reward is how far the response makes the reference likely, and a response
    that says the same in the same words gains most.

    Args:
        model: A `Scorer` (a local model, or vLLM); `None` is the anchor of the run. The paper reads
            the policy: `PolicyAnchor("current")`. G + 1 calls (one more for each further way to
            introduce an answer), whose usage is all input.
        of: What of the reference is s: its whole `text`, or its final `answer`.
        debias: Whether P(s | q), without reasoning, is subtracted.

    Raises:
        InvalidInputError: `of` is neither of the two.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.rewards import ReferenceProbability
        >>> texts = ["c2: 2+4=6\nc1: 1+3=4\n\\boxed{46}", "c2: 2+4=5\nc1: 1+3=3\n\\boxed{35}"]
        >>> group = cat.group_of("12+34", texts)
        >>> reference = await cat.Majority(tie="first").estimate(group)
        >>> reward = ReferenceProbability("local", of="answer")
        >>> right, wrong = await reward.reward(group, reference)
        >>> right.value > wrong.value
        True
    """

    model: str | Provider | None = None
    of: Of = "text"
    debias: bool = True

    def __post_init__(self) -> None:
        """Check the word."""
        check_choice("of", self.of, get_args(Of))
        object.__setattr__(self, "by_answer", self.of == "answer")

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[Score]:
        """Have the reference read once alone, and once after each rollout's reasoning."""
        assert reference is not None
        wanted = reference.text if self.of == "text" else reference.answer
        if not wanted:
            told = f"the reference has no {'text' if self.of == 'text' else 'final answer'}"
            return unscored(group, Failure(kind="NoReferenceAnswer", message=told))
        if not group.rollouts:
            return []
        with recorded("reference probability") as calls:
            scorer = await ctx.model(self.model)
            before = [self._before(rollout) for rollout in group.rollouts]
            frames = [_frame(text) for text in before]
            without = list(dict.fromkeys(frames))
            readings = [(group.prompt, f"{text}{wanted}") for text in (*without, *before)]
            results = await score_texts(scorer, readings)
        alone = dict(zip(without, results, strict=False))
        after = results[len(without) :]
        scores = [
            self._score(rollout, result, _of(wanted, frame, alone[frame]), ctx)
            for rollout, result, frame in zip(group.rollouts, after, frames, strict=True)
        ]
        return listed_once(calls, scores)

    def _before(self, rollout: Rollout) -> str:
        """The text before the reference, which replaces the rollout's own answer."""
        if rollout.completion.reasoning:
            return thought(rollout.completion.reasoning)
        text, answer = rollout.text, rollout.answer if self.of == "answer" else None
        if answer is not None:
            # Prefer the answer's box: a remark after it may contain another number.
            at = text.rfind(f"{{{answer}}}") + 1 or text.rfind(answer)
            if at >= 0:
                return text[:at]
        return f"{text}{_APART}"

    def _score(
        self,
        rollout: Rollout,
        result: Completion | Failure,
        alone: Sequence[TokenLogprob] | Failure,
        ctx: Context,
    ) -> Score:
        if isinstance(alone, Failure):
            return without_value(rollout, alone)
        if isinstance(result, Failure):
            return without_value(rollout, result)
        tokens = (result.logprobs or ())[-len(alone) :] if alone else ()
        # The first token of the reference may differ at the start of a text.
        if not tokens or [t.token for t in tokens[1:]] != [t.token for t in alone[1:]]:
            told = "the reference has other tokens after the rollout's reasoning than alone"
            failure = Failure(kind="OtherTokens", message=told)
            return without_value(rollout, failure, told)
        after, without = _mean(tokens), _mean(alone)
        told = f"the reference has probability {after:.3f} after its reasoning"
        if not self.debias:
            return ctx.score(rollout, after, told)
        return ctx.score(rollout, max(0.0, after - without), f"{told}, {without:.3f} without")


def _frame(before: str) -> str:
    """The end of the text before the reference that is not reasoning: a reading alone has it too.

    With another left neighbour a tokenizer may cut the reference otherwise.
    """
    found = _FRAME.search(before[-_LONGEST_FRAME:])
    return found[0] if found else ""


def _of(wanted: str, frame: str, reading: Completion | Failure) -> Sequence[TokenLogprob] | Failure:
    """The tokens of the reference in a reading of it behind its frame alone."""
    if isinstance(reading, Failure):
        return reading
    tokens = reading.logprobs or ()
    if not frame:
        return tokens
    covered = 0
    for at in range(len(tokens) - 1, -1, -1):
        covered += len(tokens[at].token)
        if covered >= len(wanted):
            return tokens[at:]
    return tokens


def _mean(tokens: Sequence[TokenLogprob]) -> float:
    return fsum(exp(token.logprob) for token in tokens) / len(tokens)

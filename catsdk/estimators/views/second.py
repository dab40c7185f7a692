"""The second group of a question: sampled anew, in the same or other words, by any sampler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from catsdk.answers.answers import no_evidence
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_count
from catsdk.core.messages import TextPart
from catsdk.core.types import Group, Message
from catsdk.runtime.context import Context
from catsdk.runtime.roles import Paraphraser, Sampler, check_role, result_of

__all__ = ["SecondGroup", "check_view", "second_group"]


@dataclass(frozen=True, slots=True)
class SecondGroup:
    """The rollouts of a second look at a question, and what it was.

    Args:
        group: The rollouts, with indices after those of the first group.
        paraphrase: The question in other words; `None` if the words were the same.
    """

    group: Group
    paraphrase: str | None

    @property
    def told(self) -> dict[str, JsonValue]:
        """What matters of it, for a provenance."""
        facts: dict[str, JsonValue] = {
            "second_rollouts": len(self.group.rollouts),
            "second_failed": len(self.group.failures),
        }
        return facts if self.paraphrase is None else {**facts, "paraphrase": self.paraphrase}


def check_view(sampler: object, paraphraser: object, n: int | None) -> None:
    """Refuse what cannot draw a second group.

    Raises:
        InvalidInputError: a role lacks its method, or `n` is not a count.
    """
    check_role("sampler", sampler, Sampler, "a Sampler such as Sampler(PolicyAnchor('average'))")
    if paraphraser is not None:
        check_role("paraphraser", paraphraser, Paraphraser, "a Paraphraser such as Paraphraser()")
    if n is not None:
        check_count(n, "n")


async def second_group(
    group: Group, ctx: Context, *, sampler: Sampler, paraphraser: Paraphraser | None, n: int | None
) -> SecondGroup:
    """Draw `n` further rollouts of the question of `group`, by default as many as it asked for.

    Raises:
        NoEvidenceError: none of them came.
        CatError: the paraphrase failed.
    """
    quiet = ctx.on(group).quiet()
    prompt, paraphrase = group.prompt, None
    if paraphraser is not None:
        given = paraphraser.paraphrase(group, quiet)
        paraphrase = _checked(await result_of(given, paraphraser, "paraphrase"), paraphraser)
        prompt = _reworded(group.prompt, paraphrase)
    there = [*(rollout.index for rollout in group.rollouts), *group.failures]
    # Indices continue those of the first group, so that the same prompt and model give new samples.
    start = max(there, default=-1) + 1
    drawn = sampler.sample(prompt, n or len(there), quiet, start=start)
    second = await result_of(drawn, sampler, "sample")
    if not second.rollouts:
        raise no_evidence(second)
    return SecondGroup(ctx.reread(second), paraphrase)


def _checked(text: object, paraphraser: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InvalidInputError(
            f"the paraphraser {paraphraser!r:.80} gave {text!r:.80}; give the question in other"
            " words, as a text"
        )
    return text


def _reworded(prompt: Sequence[Message], text: str) -> tuple[Message, ...]:
    """Replace the text of the user's last message, and keep its images."""
    last = max((at for at, each in enumerate(prompt) if each.role == "user"), default=None)
    if last is None:
        return (*prompt, Message(role="user", content=text))
    others = tuple(part for part in prompt[last].parts if not isinstance(part, TextPart))
    content = (TextPart(text=text), *others) if others else text
    reworded = prompt[last].model_copy(update={"content": content})
    return (*prompt[:last], reworded, *prompt[last + 1 :])

"""What a reader of a report has to know: ensembles, estimated tokens, missing log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.evaluate.contenders import LOGPROBS, Contender
from catsdk.evaluate.recorded import Recorded

__all__ = ["notes_on"]


def notes_on(
    policies: Sequence[Provider], recorded: Recorded | None, contenders: Sequence[Contender]
) -> list[str]:
    """Make the notes, one sentence or two each."""
    wanting = [each.name for each in contenders if each.name in LOGPROBS and each.free]
    if recorded is not None:
        return list(_on_recorded(recorded, wanting))
    return list(_on_policies(policies, wanting))


def _on_recorded(recorded: Recorded, wanting: Sequence[str]) -> Iterator[str]:
    yield "The rollouts are recorded completions; none was drawn."
    if not recorded.counted:
        yield "Tokens of recorded completions are estimated as a third of their characters."
    if len(recorded.models) > 1:
        yield _ensemble(recorded.models)
    if not recorded.logprobs:
        yield (
            "The completions hold no log-probabilities, which min-perplexity and weighted-majority"
            " need: "
            + (
                f"{' and '.join(wanting)} fail and say so."
                if wanting
                else "an anchor that can score a given text would give its own."
            )
        )


def _on_policies(policies: Sequence[Provider], wanting: Sequence[str]) -> Iterator[str]:
    names = list(dict.fromkeys(name_of(policy) for policy in policies))
    if len(names) > 1:
        yield _ensemble(names)
    silent = sorted({name_of(p) for p in policies if not capabilities_of(p).logprobs})
    if silent and wanting:
        yield (
            f"{', '.join(wanting)} need log-probabilities, which {', '.join(silent)} give not:"
            " their failures say so."
        )


def _ensemble(names: Sequence[str]) -> str:
    return (
        f"The rollouts come from {len(names)} models ({', '.join(names)}): their majority is an"
        " ensemble, not self-consistency."
    )

"""Notes for the reader of a report: on ensembles, duplicate prompts and missing token counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catsdk.core.ports import Provider, capabilities_of, name_of
from catsdk.core.types import Message
from catsdk.evaluate.contenders import LOGPROBS, Contender
from catsdk.evaluate.items import Item
from catsdk.evaluate.recorded import Recorded

__all__ = ["notes_on"]


def notes_on(
    items: Sequence[Item],
    policies: Sequence[Provider],
    recorded: Recorded | None,
    contenders: Sequence[Contender],
) -> list[str]:
    """Make the notes, one sentence or two each."""
    wanting = [each.name for each in contenders if each.name in LOGPROBS and each.free]
    notes = list(_on_items(items))
    if recorded is not None:
        return [*notes, *_on_recorded(recorded, wanting)]
    return [*notes, *_on_policies(policies, wanting)]


def _on_items(items: Sequence[Item]) -> Iterator[str]:
    by_prompt: dict[tuple[Message, ...], list[Item]] = {}
    for item in items:
        by_prompt.setdefault(item.prompt, []).append(item)
    repeated = [same for same in by_prompt.values() if len(same) > 1]
    if not repeated:
        return
    more = sum(map(len, repeated)) - len(repeated)
    one = more == 1
    yield (
        f"{more} of {len(items)} items {'repeats' if one else 'repeat'} the prompt of another"
        f" ({_named(repeated)}). Errors and intervals take items as independent, so they are too"
        f" small: leave the {'repetition' if one else 'repetitions'} out."
    )
    disputed = [same for same in repeated if len({frozenset(each.accepted) for each in same}) > 1]
    if disputed:
        yield (
            f"Items with the same prompt have different known answers ({_named(disputed)}), so no"
            " answer can be right in all of them: correct the data, or list every accepted answer"
            " in each."
        )


def _named(repeated: Sequence[Sequence[Item]]) -> str:
    shown = "; ".join(", ".join(item.id for item in same[:3]) for same in repeated[:3])
    return f"{shown}; …" if len(repeated) > 3 else shown


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

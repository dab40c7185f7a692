"""What is evaluated: a prompt with its gold answer or its criteria, where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from catsdk.core.inputs import PromptLike, check_prompt
from catsdk.core.types import Criterion, Message, Value

__all__ = ["Item", "halves", "item_of"]


class Item(Value):
    """One prompt of a data set. `gold` is the right answer, `criteria` a rubric; either may miss.

    `also` are other answers that are accepted, where the data set names several. `id` is unique in its data set and names the item in results; `prompt` is a chat.
    """

    id: str
    prompt: tuple[Message, ...]
    gold: str | None = None
    also: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()


def item_of(
    prompt: PromptLike,
    gold: str | Sequence[str] | None = None,
    *,
    id: str | None = None,
    criteria: tuple[str, ...] = (),
) -> Item:
    """Make an item; without an id it is a digest of the prompt.

    Of several `gold` answers each is accepted.

    Raises:
        InvalidInputError: the prompt is empty or no chat.
    """
    messages = check_prompt(prompt)
    accepted = (gold,) if isinstance(gold, str) else tuple(gold or ())
    return Item(
        id=id or sha256(repr(messages).encode()).hexdigest()[:16],
        prompt=messages,
        gold=accepted[0] if accepted else None,
        also=accepted[1:],
        criteria=tuple(Criterion(id=f"r{at}", text=text) for at, text in enumerate(criteria, 1)),
    )


def halves(items: list[Item], share: float) -> tuple[list[Item], list[Item]]:
    """Part `items` into about `share` of them and the rest, by a hash of their prompts.

    An item falls on the same side whatever else is in the data set, and equal prompts on one side.
    """
    chosen = [item for item in items if _position(item) < share]
    return chosen, [item for item in items if _position(item) >= share]


def _position(item: Item) -> float:
    digest = sha256(f"calibration\0{item.prompt!r}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64

"""Item: a prompt to evaluate on, with its known answer or its criteria, if any."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from catsdk.core.inputs import PromptLike, check_prompt
from catsdk.core.types import Criterion, Message
from catsdk.core.value import Value

__all__ = ["Item", "halves", "item_of"]


class Item(Value):
    """One prompt of a data set.

    Args:
        id: Unique in the data set; it names the item in results.
        prompt: The messages of a chat.
        gold: The known answer, bare or a whole solution, or several that are accepted.
        criteria: A rubric, used where there is no known answer.

    Example:
        >>> from catsdk.evaluate import item_of
        >>> item_of("6*7?", "42", id="q1").accepted
        ('42',)
    """

    id: str
    prompt: tuple[Message, ...]
    gold: str | tuple[str, ...] | None = None
    criteria: tuple[Criterion, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """The answers that are right, as the data has them."""
        if self.gold is None:
            return ()
        return (self.gold,) if isinstance(self.gold, str) else self.gold


def item_of(
    prompt: PromptLike,
    gold: str | Sequence[str] | None = None,
    *,
    id: str | None = None,
    criteria: Sequence[str | Criterion] = (),
) -> Item:
    """Return one prompt with what is known of it.

    Args:
        prompt: A text, or the messages of a chat.
        gold: The known answer, or several that are accepted.
        id: Its name; by default a digest of the prompt.
        criteria: Criteria as texts, each worth one point, or with weights of their own.

    Raises:
        InvalidInputError: the prompt is empty or not a chat.

    Example:
        >>> from catsdk.evaluate import item_of
        >>> item_of("Why does it rain?", criteria=["Names clouds."]).criteria[0].weight
        1.0
    """
    messages = check_prompt(prompt)
    return Item(
        id=id or sha256(repr(messages).encode()).hexdigest()[:16],
        prompt=messages,
        gold=gold if gold is None or isinstance(gold, str) else tuple(gold),
        criteria=tuple(
            Criterion(id=f"r{at}", text=each) if isinstance(each, str) else each
            for at, each in enumerate(criteria, 1)
        ),
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

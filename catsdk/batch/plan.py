"""Plan: what a batch makes of each row, and by which method; fixed for an output folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catsdk.batch.products import PRODUCTS, Product
from catsdk.cat import CaT
from catsdk.core.errors import InvalidInputError
from catsdk.core.inputs import check_count, check_kind
from catsdk.data import Columns

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """What is made of each row.

    Args:
        cat: The method: policy, estimator, reward, client and answers.
        n: G, the number of rollouts of a row.
        produces: What a row becomes: `reference`, `rollouts`, `rewards`, `sft` or `preferences`.
        columns: The columns of the prompt and the id; by default the usual names.
        longest: The most characters of a prompt; a longer one is refused before it is sent.
        keeps_texts: Whether the run store keeps what models answered. Without it, it holds no
            texts: a row that was not finished is paid for again when the batch is started again.

    Raises:
        InvalidInputError: `produces` has no such name, it asks for rewards of a method without
            one, or `n` is out of range.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.batch import Plan
        >>> plan = Plan(cat.CaT("local", reward=cat.AnswerReward()), n=4, produces="rewards")
        >>> plan.product.fields[-2:]
        ('reward', 'no_reward_because')
    """

    cat: CaT
    n: int = 8
    produces: str = "reference"
    columns: Columns = field(default_factory=Columns)
    longest: int = 1_000_000
    keeps_texts: bool = True

    def __post_init__(self) -> None:
        """Raise for a plan that cannot be carried out."""
        if not self.keeps_texts and self.cat.client.sending.batch is not None:
            raise InvalidInputError(
                "keeps_texts is False, and the client batches calls, whose texts must be kept while"
                " they wait for hours; keep texts, or send the calls one by one"
            )
        check_kind("cat", self.cat, (CaT,), "a CaT such as CaT('openai:gpt-5')")
        check_count(self.n)
        product = PRODUCTS.get(self.produces)
        if product is None:
            raise InvalidInputError(
                f"produces is {self.produces!r}; give one of {', '.join(PRODUCTS)}"
            )
        if product.needs_rewards and self.cat.rewarder is None:
            raise InvalidInputError(
                f"{self.produces!r} needs rewards, and the method gives none; name one, such as"
                " --reward answer, or CaT(..., reward=AnswerReward()) in Python"
            )

    @property
    def product(self) -> Product:
        """What a row becomes."""
        return PRODUCTS[self.produces]

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns that its records add to those of a row."""
        return self.product.fields + (() if self.cat.output is None else self.product.of_output)

    @property
    def data(self) -> Mapping[str, Any]:
        """What the results depend on, as data for the manifest."""
        return {
            "method": self.cat.fingerprint,
            "n": self.n,
            "produces": self.produces,
            "keeps_texts": self.keeps_texts,
        }

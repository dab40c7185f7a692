"""The default grader: mathematics, and answers in words, by meaning."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.answers.compare import Symbolic, compare, same
from catsdk.answers.options import DEFAULT, Options
from catsdk.answers.verdict import Verdict

__all__ = ["MathGrader"]


@dataclass(frozen=True)
class MathGrader:
    """Compares by the tiers of `catsdk.answers`, under `options`.

    What the bounded tiers leave open goes to worker processes, or to your own `symbolic`; with
    `bounded` it stays unknown and no process is ever started.
    """

    options: Options = DEFAULT
    bounded: bool = False
    symbolic: Symbolic | None = None

    def bounded_verdict(self, answer: str, reference: str) -> Verdict:
        """Compare by the bounded tiers alone, which never wait."""
        return same(answer, reference, self.options)

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare the two answers."""
        if self.bounded:
            return self.bounded_verdict(answer, reference)
        return await compare(answer, reference, self.options, symbolic=self.symbolic)

"""The default grader: mathematics, and answers in words, by meaning."""

from __future__ import annotations

from dataclasses import dataclass

from catsdk.answers.compare import Symbolic, compare, same
from catsdk.answers.options import DEFAULT, Options
from catsdk.answers.verdict import Verdict

__all__ = ["MathGrader"]


@dataclass(frozen=True)
class MathGrader:
    r"""Compares mathematics, and answers in words, by the tiers of `catsdk.answers`.

    Args:
        options: What counts as the same.
        bounded: Whether what the bounded tiers leave open stays unknown, so that no process is ever
            started; else worker processes decide it.
        symbolic: Decides it instead of the worker processes.

    Example:
        >>> from catsdk.answers import MathGrader
        >>> (await MathGrader().grade(r"\frac{1}{2}", "0.5")).equal
        True
    """

    options: Options = DEFAULT
    bounded: bool = False
    symbolic: Symbolic | None = None

    def bounded_verdict(self, answer: str, reference: str) -> Verdict:
        """Return the verdict of the bounded tiers alone, which never wait.

        Args:
            answer: An answer.
            reference: Another one, or the known answer.
        """
        return same(answer, reference, self.options)

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Compare the two answers."""
        if self.bounded:
            return self.bounded_verdict(answer, reference)
        return await compare(answer, reference, self.options, symbolic=self.symbolic)

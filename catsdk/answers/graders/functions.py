"""Graders made of your own parts: a function, or something that runs code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import TypeAlias

from catsdk.answers.graders.grader import Grader
from catsdk.answers.graders.plain import ExactMatch
from catsdk.answers.verdict import Verdict
from catsdk.core.errors import CatError, InvalidInputError

__all__ = ["CodeOutput", "FunctionGrader", "Runner"]

Runner: TypeAlias = Callable[[str], Awaitable[str]]
Opinion: TypeAlias = bool | Verdict | None

_SAME_WORDS = ExactMatch(fold_space=True)


@dataclass(frozen=True)
class FunctionGrader:
    """Asks your function, plain or async: `True`, `False`, `None` for unknown, or a `Verdict`.

    Anything else, such as a text or a share, is refused: no word or number is a yes by itself. Its
    `CatError` and `ValueError` become unknown verdicts; other exceptions are defects and are
    raised. A plain function runs in the event loop, so it should be quick.

    Args:
        function: A function of an answer and the reference.

    Example:
        >>> from catsdk.answers import FunctionGrader
        >>> grader = FunctionGrader(lambda answer, reference: answer.lower() == reference.lower())
        >>> (await grader.grade("Paris", "PARIS")).equal
        True
    """

    function: Callable[[str, str], Opinion | Awaitable[Opinion]]

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Call the function.

        Raises:
            InvalidInputError: it gave anything else.
        """
        try:
            opinion = self.function(answer, reference)
            if isawaitable(opinion):
                opinion = await opinion
        except (CatError, ValueError) as error:
            return Verdict("unknown", cause="failed", detail=f"{type(error).__name__}: {error}")
        if isinstance(opinion, Verdict):
            return opinion
        if opinion is None:
            return Verdict("unknown", cause="undecided", detail="the function cannot tell")
        if opinion not in (True, False):
            raise InvalidInputError(
                f"the function of a FunctionGrader gave {opinion!r:.80}; give True, False, None"
                " where it cannot tell, or a Verdict"
            )
        return Verdict("equal" if opinion else "different", "engine")


@dataclass(frozen=True)
class CodeOutput:
    r"""Runs the answer as code by your `runner`, and compares its output with the reference.

    Args:
        runner: An async function from code to what it prints. It must be a sandbox: it is given a
            model's text.
        output: Grades the output; by default by exact match with folded spaces.

    Example:
        >>> from catsdk.answers import CodeOutput
        >>> async def sandbox(code):
        ...     return "42\n" if code == "print(6 * 7)" else ""
        >>> (await CodeOutput(sandbox).grade("print(6 * 7)", "42")).equal
        True
    """

    runner: Runner
    output: Grader = _SAME_WORDS

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Run the code and compare."""
        try:
            printed = await self.runner(answer)
        except (CatError, ValueError, TimeoutError, OSError) as error:
            return Verdict("unknown", cause="failed", detail=f"{type(error).__name__}: {error}")
        return await self.output.grade(printed, reference)

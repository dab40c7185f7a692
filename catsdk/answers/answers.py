"""Answers: how final answers are found and compared, as one object for every part of the method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from itertools import chain
from typing import Self

from catsdk.answers.classes import equivalence_classes
from catsdk.answers.extract import SHIPPED, STATED, Extraction, Extractor
from catsdk.answers.graders.fields import FieldGrader
from catsdk.answers.graders.grader import Grader
from catsdk.answers.graders.mathematics import MathGrader
from catsdk.answers.verdict import Verdict
from catsdk.answers.votes import Votes, votes_of
from catsdk.core.errors import InvalidInputError, NoEvidenceError
from catsdk.core.inputs import check_kind
from catsdk.core.messages import Message, Part, TextPart
from catsdk.core.types import Group, Reference

__all__ = ["BY_MEANING", "INSTRUCTION", "Answers", "no_evidence", "with_words"]

BY_MEANING = MathGrader()
INSTRUCTION = "Put your final answer within \\boxed{}."
"""How the final answer is asked for by default."""

# A prompt that says one of these asks for the answer in its own way.
_MARKS = ("\\boxed", "\\fbox", "####", "<answer>", '"answer"')


@dataclass(frozen=True)
class Answers:
    r"""Finds the final answer of a text, and says when two answers are the same.

    Given once, to a `CaT`, an evaluation or a training, it reads rollouts, references and gold
    answers alike, and decides rewards, votes and agreement.

    Args:
        extractor: The rules that find the final answer of a text.
        grader: Says whether two answers are the same; by default mathematics, and answers in
            words, by meaning.
        instruction: The words that ask for the final answer. They are added to a prompt where
            rollouts are rewarded by their answers, unless the prompt asks already; `None` adds
            nothing.

    Raises:
        InvalidInputError: `extractor` or `grader` is of the wrong kind, or `instruction` is not a
            text.

    Example:
        >>> from catsdk.answers import Answers
        >>> Answers().extract(r"So it is \boxed{42}.").answer
        '42'
    """

    extractor: Extractor = STATED
    grader: Grader = BY_MEANING
    instruction: str | None = INSTRUCTION

    def __post_init__(self) -> None:
        """Check the parts."""
        parts = (
            ("extractor", self.extractor, "extract", "ANYWHERE, or Extractor(rules)"),
            ("grader", self.grader, "grade", "MathGrader(), or FunctionGrader(your_function)"),
        )
        for name, part, method, fix in parts:
            if isinstance(part, type) or not callable(getattr(part, method, None)):
                raise InvalidInputError(
                    f"{name} is {part!r:.80}; give an object with a method {method}, such as {fix}"
                )
        check_kind("instruction", self.instruction, (str,), "a text, or None")

    def asked(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Return a prompt whose last user message asks for the final answer, if none did.

        Args:
            messages: The prompt, as messages.
        """
        words = self.instruction
        asks_already = any(mark in message.text for message in messages for mark in _MARKS)
        return tuple(messages) if not words or asks_already else with_words(messages, words)

    def extract(self, text: str, *, cut: bool = False) -> Extraction:
        """Find the final answer of a text.

        Args:
            text: What the model wrote.
            cut: Whether it was stopped at its limit of tokens, before it had finished.

        Returns:
            The answer, `None` if there is none, and the rule that found it.

        Raises:
            InvalidInputError: an extractor of one's own gave something else.
        """
        found = self.extractor.extract(text, cut=cut)
        if not isinstance(found, Extraction):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(
                f"the extractor {self.extractor!r:.80} gave {found!r:.80}; give an Extraction, or"
                " write Extractor((('mine', function),)) with a function from a text to an answer"
            )
        return found

    def golds(self, value: object) -> tuple[str, ...]:
        r"""Read the known answers in a cell of a data set, as rollouts are read.

        Args:
            value: A text or a number, bare or a whole solution (`... #### 72`, `\boxed{72}`), or a
                list of them where several answers are accepted.

        Returns:
            The accepted answers; none where the cell is empty.

        Raises:
            InvalidInputError: the value, or one in the list, is neither a text nor a number.

        Example:
            >>> from catsdk.answers import Answers
            >>> Answers().golds("6 * 12 is 72\n#### 72")
            ('72',)
        """
        # Reading them needs the rules of extraction, whose patterns take long to compile.
        from catsdk.answers.extract.golds import gold_answers, gold_cells

        try:
            if self.extractor in SHIPPED:
                return gold_answers(value)
            cells = gold_cells(value)
            owns = ((self._own_gold(cell), cell) for cell in cells)
            found = (gold_answers(cell) if own is None else (own,) for own, cell in owns)
            return tuple(dict.fromkeys(chain.from_iterable(found)))
        except TypeError as error:
            raise InvalidInputError(str(error)) from None

    def _own_gold(self, cell: object) -> str | None:
        return self.extract(cell).answer if isinstance(cell, str) else None

    async def grade(self, answer: str, reference: str) -> Verdict:
        """Say whether `answer` is the same as `reference`; unknown where that cannot be decided.

        Raises:
            InvalidInputError: a grader of one's own gave no verdict.
        """
        verdict: object = self.grader.grade(answer, reference)
        if isawaitable(verdict):
            verdict = await verdict
        if not isinstance(verdict, Verdict):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(
                f"the grader {self.grader!r:.80} gave {verdict!r:.80}; give a Verdict, or write"
                " FunctionGrader(function) with a function that says True, False or None"
            )
        return verdict

    async def grade_any(self, answer: str, accepted: Sequence[str]) -> Verdict:
        """Say whether `answer` is the same as one of several; unknown if none is and one is open.

        Args:
            answer: An answer.
            accepted: At least one right answer, such as `golds` gives.

        Returns:
            The verdict on the first that it equals, else on the one that could not be decided,
            else on the first.

        Raises:
            InvalidInputError: a grader of one's own gave no verdict.

        Example:
            ```python
            from catsdk.answers import Answers

            verdict = await Answers().grade_any("0.5", ("2", "1/2"))
            print(verdict.equal)  # True
            ```
        """
        verdict = await self.grade(answer, accepted[0])
        for other in accepted[1:]:
            if verdict.equal:
                break
            following = await self.grade(answer, other)
            verdict = following if following.equal or verdict.equal is False else verdict
        return verdict

    async def same(self, answer: str, reference: str) -> bool | None:
        """Whether the two are the same, as votes count them; `None` is unknown.

        Args:
            answer: An answer.
            reference: Another one, or the known answer.
        """
        if isinstance(self.grader, MathGrader):
            return self.grader.bounded_verdict(answer, reference).equal
        return (await self._voting.grade(answer, reference)).equal

    @property
    def _voting(self) -> Self:
        """The same, with a grader that starts no process."""
        if isinstance(self.grader, FieldGrader):
            return replace(self, grader=self.grader.bounded)
        return self

    async def votes(self, answers: Sequence[str | None]) -> Votes:
        """Put answers into classes of equal ones; `None` abstains.

        Mathematics is compared by the bounded tiers alone, so that no vote holds up the event loop
        or starts a process: two answers that only the symbolic tier could tell equal are two
        classes. Another grader is asked for each answer and the first one of each class.

        Args:
            answers: The G answers of a group.

        Returns:
            The classes, the largest first.
        """
        there = [answer for answer in answers if answer is not None]
        if isinstance(self.grader, MathGrader):
            labels: Sequence[int] = equivalence_classes(there, self.grader.options).labels
        else:
            labels = await self._labels(there)
        return votes_of(answers, labels)

    async def _labels(self, answers: Sequence[str]) -> list[int]:
        firsts: list[str] = []
        known: dict[str, int] = {}
        grading = self._voting
        for answer in answers:
            if answer in known:
                continue
            for label, first in enumerate(firsts):
                if (await grading.grade(answer, first)).equal:
                    known[answer] = label
                    break
            else:
                known[answer] = len(firsts)
                firsts.append(answer)
        return [known[answer] for answer in answers]

    async def with_evidence(self, reference: Reference) -> Reference:
        """Return a reference with its group's agreement and majority added.

        Args:
            reference: The reference, as an estimator made it.
        """
        votes = await self.votes([rollout.answer for rollout in reference.group.rollouts])
        same = None
        if votes.majority is not None and reference.answer is not None:
            same = await self.same(reference.answer, votes.majority)
            if same is None and not isinstance(self.grader, FieldGrader):
                # Votes count two answers that cannot be told the same as two. Of objects only one
                # field may be open.
                same = False
        return reference.model_copy(
            update={
                "agreement": votes.share,
                "majority": votes.majority,
                "disagrees": None if same is None else not same,
            }
        )


def with_words(messages: Sequence[Message], words: str) -> tuple[Message, ...]:
    """Add `words` to the last user message, as a paragraph of their own."""
    last = max((at for at, m in enumerate(messages) if m.role == "user"), default=None)
    if last is None:
        return tuple(messages)
    content = messages[last].content
    longer: str | tuple[Part, ...] = (
        f"{content}\n\n{words}"
        if isinstance(content, str)
        else (*content, TextPart(text=f"\n\n{words}"))
    )
    asking = messages[last].model_copy(update={"content": longer})
    return (*messages[:last], asking, *messages[last + 1 :])


def no_evidence(group: Group) -> NoEvidenceError:
    """Make the error of a group in which every rollout failed, with the causes."""
    causes = sorted({str(failure) for failure in group.failures.values()})
    many = len(group.failures)
    lost = f"all {many} rollouts failed" if many > 1 else "the only rollout failed"
    return NoEvidenceError(
        f"{lost if many else 'no rollout was drawn'}, so there is nothing to estimate a reference"
        f" from: {'; '.join(causes[:3]) or 'the group is empty'}",
        group=group,
    )

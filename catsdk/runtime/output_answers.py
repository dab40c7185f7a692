"""OutputAnswers: outputs as the answers of a run, for votes, rewards and agreement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

from catsdk.answers.answers import Answers, with_words
from catsdk.answers.extract import Extraction
from catsdk.answers.graders.fields import FieldGrader
from catsdk.core.errors import InvalidInputError, StructuredOutputError
from catsdk.core.types import Completion, Group, Message, Rollout
from catsdk.runtime.output import Output, OutputLike, Written

__all__ = ["RULE", "OutputAnswers", "answers_for"]

RULE = "output"
"""The name of the rule by which outputs are found."""


@dataclass(frozen=True, kw_only=True)
class OutputAnswers(Answers):
    """Takes the output of a text for its answer; a text without one that fits has no answer.

    Args:
        plain: How single answers are found and compared; its grader compares the fields.
        output: What is asked for.
    """

    plain: Answers
    output: Output

    @classmethod
    def of(cls, plain: Answers, output: Output) -> OutputAnswers:
        """The answers of a run that asks for `output`, and whose fields `plain` compares."""
        if isinstance(plain, OutputAnswers):
            plain = plain.plain
        grader = FieldGrader(plain.grader, output.sent)
        return cls(plain.extractor, grader, plain.instruction, plain=plain, output=output)

    def asked(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Add the words that ask for the output, with its schema, to the last user message."""
        words = self.output.words
        if any(words in message.text for message in messages):
            return tuple(messages)
        # Instructions for another form in the prompt do not make these words superfluous.
        return with_words(messages, words)

    def extract(self, text: str, *, cut: bool = False) -> Extraction:
        """Find the output of `text`; one that was cut does not count."""
        found = self.found(text, cut=cut)
        return Extraction(None, None) if found is None else Extraction(found.answer, RULE)

    def found(self, text: str, *, cut: bool = False) -> Written | None:
        """The output of `text`, if there is one."""
        if cut:
            return None
        try:
            return self.output.read(text)
        except StructuredOutputError:
            return None

    def golds(self, value: object) -> tuple[str, ...]:
        """Read the known outputs in a cell of a data set: objects, JSON texts, or a list of them.

        Raises:
            InvalidInputError: one of them does not fit the output.
        """
        if isinstance(value, list | tuple):
            cells = cast("Sequence[object]", value)
            return tuple(dict.fromkeys(chain.from_iterable(map(self.golds, cells))))
        if value is None or value == "":
            return ()
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        try:
            return (self.output.read(text).answer,)
        except StructuredOutputError as error:
            raise InvalidInputError(
                f"the known output {value!r:.120} does not fit: {error}; give an object or a JSON"
                " text that does"
            ) from None

    def fits(self, completion: Completion) -> bool:
        """Whether a completion holds an output."""
        return self.found(completion.text, cut=completion.finish_reason == "length") is not None

    def reread(self, group: Group) -> Group:
        """The group with the outputs of its rollouts as their answers."""
        return group.model_copy(update={"rollouts": tuple(map(self._reread, group.rollouts))})

    def _reread(self, rollout: Rollout) -> Rollout:
        if rollout.answer_rule == RULE:
            return rollout
        completion = rollout.completion
        found = self.extract(completion.text, cut=completion.finish_reason == "length")
        return rollout.model_copy(update={"answer": found.answer, "answer_rule": found.rule})


def answers_for(answers: Answers, output: OutputLike | Output | None) -> Answers:
    """The answers of a run: outputs where one is asked for, else as they were.

    Args:
        answers: How single answers are found and compared.
        output: What is asked for, if anything.

    Raises:
        InvalidInputError: `output` is of the wrong kind.
    """
    asked = Output.of(output)
    return answers if asked is None else OutputAnswers.of(answers, asked)

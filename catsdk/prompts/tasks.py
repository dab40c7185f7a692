"""The slots that each task fills: those its prompt must have and those it may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catsdk.core.errors import InvalidInputError
from catsdk.prompts.prompt import Prompt

__all__ = ["TASKS", "Task", "check_slots", "fitting", "misfit"]

_EVERYWHERE = frozenset({"key", "form"})


@dataclass(frozen=True, slots=True)
class Task:
    """Something a model is asked to do, and the role whose `prompt` asks for it.

    Args:
        role: The role that takes the prompt.
        needs: Slots without which the task makes no sense.
        takes: Slots that are also filled if the prompt has them.
        lists: The slots among these that are lists, written by a section `each NAME`.
    """

    role: str
    needs: frozenset[str]
    takes: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()

    @property
    def slots(self) -> frozenset[str]:
        """All slots that are filled."""
        given = self.needs | self.takes
        return given | _EVERYWHERE | {f"key_of_{name}" for name in given}


def _task(role: str, needs: str, takes: str = "", lists: str = "") -> Task:
    return Task(role, *(frozenset(names.split()) for names in (needs, takes, lists)))


TASKS: Mapping[str, Task] = {
    "synthesize": _task("Synthesizer", "responses", "question schema", "responses"),
    "generative": _task("GenerativeSelfAggregation", "responses", "question", "responses"),
    "predict": _task("MutualPredictability", "responses", "question", "responses"),
    "choose_best": _task("SelfBestOfN", "responses", "question count", "responses"),
    "choose_consistent": _task(
        "UniversalSelfConsistency", "responses", "question count", "responses"
    ),
    "paraphrase": _task("Paraphraser", "question"),
    "grade": _task("Grading", "response", "question"),
    "propose": _task("RubricProposer", "reference", "task"),
    "propose_from_question": _task('RubricProposer(source="question")', "question", "task"),
    "judge": _task("Judge", "response criterion"),
    "judge_all": _task('Judge(judging=Judging(mode="all"))', "response criteria", "", "criteria"),
    "grade_by_rubric": _task("GradedReward", "response criteria", "", "criteria"),
    "equivalent": _task("EquivalenceReward", "first second"),
}


def misfit(prompt: Prompt, task: str) -> str | None:
    """Say why a prompt does not fit a task; `None` if it does.

    Args:
        prompt: The prompt.
        task: One of `TASKS`.
    """
    wanted = TASKS[task]
    where = f"prompt {prompt.source!r}"
    for name in sorted(wanted.needs - prompt.slots):
        return (
            f"{where} has no slot {{{{{name}}}}}, which {wanted.role} must fill; write it where the"
            f" {name} should stand"
        )
    for name in sorted(prompt.slots - wanted.slots):
        return (
            f"{where} has the slot {{{{{name}}}}}, which {wanted.role} does not fill; it fills"
            f" {_listed(wanted.slots)}"
        )
    for name in prompt.each:
        if name not in wanted.lists:
            lists = _listed(wanted.lists) if wanted.lists else "no lists"
            return f"{where} has the section '=== each {name} ===', but {wanted.role} fills {lists}"
    if "form" in prompt.slots and "json" not in prompt.forms:
        return f"{where} has the slot {{{{form}}}}, and no section '=== form json ===' to fill it"
    return None


def check_slots(prompt: Prompt | None, task: str) -> None:
    """Raise if a user's own prompt does not fit the task of its role.

    Args:
        prompt: The prompt; `None` stands for the shipped one.
        task: One of `TASKS`.

    Raises:
        InvalidInputError: it lacks a slot that the task needs or has one that nothing fills.
    """
    if prompt is None:
        return
    if not isinstance(prompt, Prompt):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInputError(
            f"prompt is {prompt!r:.80}; give a Prompt, such as Prompt.from_file('mine.md')"
        )
    wrong = misfit(prompt, task)
    if wrong is not None:
        raise InvalidInputError(f"{wrong}. `catsdk prompts show {task}` shows the shipped one")


def fitting(prompt: Prompt) -> list[str]:
    """The tasks that a prompt fits."""
    return [task for task in TASKS if misfit(prompt, task) is None]


def _listed(slots: frozenset[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in sorted(slots) if not name.startswith("key_of"))

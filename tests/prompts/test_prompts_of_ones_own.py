"""Prompts of one's own: read from files, checked against their task, in recipes and provenance."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import catsdk as cat
from catsdk.cli.app import app
from catsdk.errors import InvalidInputError
from catsdk.estimators import (
    GenerativeSelfAggregation,
    Grading,
    MutualPredictability,
    SelfBestOfN,
    UniversalSelfConsistency,
)
from catsdk.prompts.prompt import _SHIPPED, Prompt
from catsdk.prompts.tasks import TASKS, fitting, misfit
from catsdk.recipes import digest_of, from_yaml, to_yaml
from catsdk.rewards import EquivalenceReward, GradedReward
from catsdk.rubrics.judge import Judging
from catsdk.testing import FunctionProvider

HEAD = "---\nversion: 3\n---\n"
MERGE = HEAD + (
    "=== system ===\nYou merge.\n=== user ===\n{{question}}\n{{responses}}\nMerge these.\n"
    "=== each responses ===\n{{index}}) {{text}}\n"
)


@pytest.fixture
def prompt(file: Path) -> Prompt:
    return Prompt.from_file(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "merge.md"
    path.write_text(MERGE, encoding="utf-8")
    return path


async def test_a_prompt_of_a_file_is_sent_and_stands_in_the_provenance(prompt: Prompt) -> None:
    model = FunctionProvider(lambda _: "# UNIFIED RESPONSE\nboth")
    group = cat.group_of("Q?", ["one", "two"])
    reference = await cat.Synthesizer(model, prompt=prompt).estimate(group)
    system, user = model.requests[0].messages
    assert (system.text, user.text) == ("You merge.", "Q?\n1) one\n2) two\nMerge these.")
    told = reference.provenance
    assert (told.prompt, told.prompt_version) == ("merge", "3")
    assert told.prompt_digest == prompt.digest


def test_a_file_may_come_from_windows(tmp_path: Path) -> None:
    path = tmp_path / "merge.md"
    path.write_bytes(b"\xef\xbb\xbf" + MERGE.replace("\n", "\r\n").encode())
    assert Prompt.from_file(path) == Prompt.parse("merge", MERGE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Merge {{responses}}", "begins with 'Merge.*needs a head"),
        ("---\nversion 3\n---\n=== user ===\nx", "needs a head of 'key: value'"),
        ("---\nverison: 3\n---\n=== user ===\nx", "has 'verison' in its head; known are version"),
        (HEAD + "=== system ===\nx", "has no section '=== user ==='"),
        (HEAD + "Merge\n=== user ===\nx", "'Merge' before its first section"),
        (HEAD + "=== user ===\nx\n=== user ===\ny", "'=== user ===' twice"),
        (
            HEAD + "=== user ===\nx\n=== each Responses ===\ny",
            "line 6: '=== each Responses ===' is",
        ),
        (
            HEAD + "=== user ===\nx\n=== assistant ===\ny",
            "line 6: '=== assistant ===' is not a sec",
        ),
        (HEAD + "=== user ===\n{{ responses }}", "line 5: '{{ responses }}' is not a slot.*{{resp"),
        (HEAD + "=== user ===\n{{Responses}}", "line 5: '{{Responses}}'.*{{responses}}"),
    ],
)
def test_a_wrong_file_is_named_with_its_line_and_the_fix(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "mine.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=f"mine.md.*{told}"):
        Prompt.from_file(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"nowhere\.md' cannot be read: .*No such file"):
        Prompt.from_file(tmp_path / "nowhere.md")
    (tmp_path / "latin.md").write_bytes(b"---\nversion: 1\n---\n=== user ===\n\xe9\xff")
    with pytest.raises(InvalidInputError, match=r"latin\.md' cannot be read"):
        Prompt.from_file(tmp_path / "latin.md")


ROLES: list[tuple[Any, str, str]] = [
    (cat.Synthesizer, "responses", "question"),
    (GenerativeSelfAggregation, "responses", "question"),
    (MutualPredictability, "responses", "question"),
    (SelfBestOfN, "responses", "count"),
    (UniversalSelfConsistency, "responses", "count"),
    (Grading, "response", "question"),
    (cat.RubricProposer, "reference", "task"),
    (cat.Judge, "response", "criterion"),
    (GradedReward, "response", "criteria"),
    (EquivalenceReward, "first", "second"),
]


@pytest.mark.parametrize(
    ("role", "needed", "other"), ROLES, ids=lambda each: getattr(each, "__name__", each)
)
def test_a_role_refuses_a_prompt_whose_slots_are_not_its_own(
    role: Any, needed: str, other: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.md"
    both = f"{{{{{needed}}}}} {{{{{other}}}}}"
    path.write_text(f"{HEAD}=== user ===\n{both}", encoding="utf-8")
    role(prompt=Prompt.from_file(path))
    path.write_text(f"{HEAD}=== user ===\n{both} {{{{respones}}}}", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"mine\.md' has the slot {{respones}}.*it fills"):
        role(prompt=Prompt.from_file(path))
    path.write_text(f"{HEAD}=== user ===\nnothing", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"mine\.md' has no slot {{\w+}}.*prompts show"):
        role(prompt=Prompt.from_file(path))
    path.write_text(f"{HEAD}=== user ===\n{both}\n=== each wrong ===\nx", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="'=== each wrong ===', but"):
        role(prompt=Prompt.from_file(path))
    path.write_text(f"{HEAD}=== user ===\n{both} {{{{form}}}}", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="no section '=== form json ==='"):
        role(prompt=Prompt.from_file(path))
    with pytest.raises(InvalidInputError, match=r"give a Prompt, such as Prompt\.from_file"):
        role(prompt="mine.md")


def test_a_judge_of_all_criteria_at_once_has_slots_of_its_own() -> None:
    prompt = Prompt.parse("mine", HEAD + "=== user ===\n{{response}} {{criteria}}")
    cat.Judge(prompt=prompt, judging=Judging(mode="all"))
    with pytest.raises(InvalidInputError, match="no slot {{criterion}}"):
        cat.Judge(prompt=prompt)


def test_every_shipped_prompt_fits_its_task() -> None:
    inner = {"summarise", "output"}
    for (prompt_set, name), prompt in _SHIPPED.items():
        task = name.removesuffix("_blind").removesuffix("_freeform").removesuffix("_output")
        assert name in inner or misfit(prompt, task) is None, (prompt_set, name)


def test_a_recipe_names_a_file_and_holds_its_words(file: Path) -> None:
    made = from_yaml(f"Synthesizer: {{prompt: {file}}}")
    assert made == cat.Synthesizer(prompt=Prompt.from_file(file))
    written = to_yaml(made)
    assert "Merge these." in written and str(file) not in written
    assert from_yaml(written) == made == pickle.loads(pickle.dumps(made))
    before = digest_of({"estimator": made}, {})
    file.write_text(MERGE.replace("Merge these", "Join these"), encoding="utf-8")
    again = from_yaml(f"Synthesizer: {{prompt: {file}}}")
    assert digest_of({"estimator": again}, {}) != before
    with pytest.raises(InvalidInputError, match=r"Synthesizer\.prompt: prompt file 'no\.md'"):
        from_yaml("Synthesizer: {prompt: no.md}")


def test_the_command_shows_and_checks_prompts(file: Path) -> None:
    run = CliRunner().invoke
    assert all(task in run(app, ["prompts", "show"]).output for task in TASKS)
    shown = run(app, ["prompts", "show", "judge"]).output
    assert Prompt.parse("english/judge", shown) == _SHIPPED["english", "judge"]
    checked = run(app, ["prompts", "check", str(file)])
    assert checked.exit_code == 0
    assert "version 3" in checked.output and "fits synthesize" in checked.output
    assert Prompt.from_file(file).digest in checked.output
    for arguments, told in (
        (["show", "english/nothing"], "there are box/"),
        (["check", str(file), "--for", "judge"], "no slot {{criterion}}"),
        (["check", str(file), "--for", "judgement"], "the tasks are synthesize"),
    ):
        result = run(app, ["prompts", *arguments])
        assert isinstance(result.exception, InvalidInputError) and told in str(result.exception)
    file.write_text(HEAD + "=== user ===\n{{nothing}}", encoding="utf-8")
    result = run(app, ["prompts", "check", str(file)])
    assert "does not fit any task" in str(result.exception)
    assert fitting(Prompt.from_file(file)) == []

"""Whole trajectories in TRL: tools and environments speak in a rollout, the policy is rewarded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures, and TRL that its environments are new.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

from transformers import AutoModelForCausalLM, AutoTokenizer

import catsdk as cat
from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Group, Reference
from catsdk.runtime.context import Context
from catsdk_providers.box import BOX
from catsdk_providers.box.problems import problems, solve
from catsdk_trainers.config.settings import CaTConfig
from catsdk_trainers.trl.grpo import grpo

SECRET = "31415"
# The box writes a line for each column, such as "c2: 5+8=13": here the first is a tool call.
CALLS = r"c\d: (?P<top>\d)\+(?P<bottom>\d)"
TEMPLATE = (
    "{% for m in messages %}{{ '<|user|>' if m['role'] == 'tool' else '<|' + m['role'] + '|>' }}"
    "{% for call in m['tool_calls'] or [] %}{{ call['function']['name'] }}"
    "{{ call['function']['arguments'] }}{% endfor %}"
    "{{ m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


class Column:
    """Adds two digits, and names the secret, which no policy can know."""

    def __init__(self) -> None:
        self.calls = 0

    def reset(self, rest: str, **_: Any) -> str:
        """Begin a rollout with the rest of its problem."""
        return rest

    def add(self, top: str, bottom: str) -> str:
        """Add two digits.

        Args:
            top: A digit.
            bottom: Another.
        """
        self.calls += 1
        return f"The answer is \\boxed{{{SECRET}}}."


@dataclass(frozen=True)
class ByTheAnswer(cat.Reward):
    """Keeps the groups, and rewards by a known answer."""

    seen: list[Group] = field(default_factory=list[Group])
    needs_reference = False

    async def score(
        self, group: Group, reference: Reference | None, ctx: Context
    ) -> Sequence[cat.Score]:
        self.seen.append(group)
        return await cat.Gold("answer").score(group, None, ctx)


def tokenizer() -> Any:
    made = AutoTokenizer.from_pretrained(BOX)
    made.chat_template = TEMPLATE
    made.response_template = {
        "defaults": {"role": "assistant"},
        "start_anchor": "<|assistant|>",
        "fields": {
            "tool_calls": {
                "open_pattern": CALLS,
                "close_pattern": "=",
                "content": "text",
                "transform": {
                    "type": "function",
                    "function": {
                        "name": "add",
                        "arguments": {"top": "{top}", "bottom": "{bottom}"},
                    },
                },
                "repeats": True,
            },
            "content": {"close_pattern": r"<\|end\|>", "content": "text"},
        },
    }
    return made


def trained(folder: Path, made: list[Column], kind: type[Column] = Column) -> ByTheAnswer:
    rows = [
        {
            "prompt": str(problem.top),
            "rest": f"+{problem.bottom}",
            "answer": SECRET if at % 2 else solve(problem).answer,
        }
        for at, problem in enumerate(problems("rl", 4, 0, digits=(2, 2)))
    ]

    def factory() -> Column:
        made.append(kind())
        return made[-1]

    by = ByTheAnswer()
    settings: dict[str, Any] = {
        "model": str(BOX),
        "output": str(folder),
        "steps": 2,
        "batch": 8,
        "device_batch": 8,
        "rollouts": {"count": 4, "max_tokens": 200},
        "checkpoints": {"every": 0},
        "trl": {"gradient_checkpointing": False, "max_tool_calling_iterations": 1},
    }
    config = CaTConfig(**settings)
    grpo(
        config,
        rows,
        model=AutoModelForCausalLM.from_pretrained(BOX),
        tokenizer=tokenizer(),
        cat=cat.CaT(reward=by),
        environment_factory=factory,
    )
    return by


def test_a_group_is_of_whole_trajectories_and_only_the_policys_words_are_rewarded(
    tmp_path: Path,
) -> None:
    made: list[Column] = []
    by = trained(tmp_path, made)
    assert sum(environment.calls for environment in made) > 0
    assert [len(group.rollouts) for group in by.seen] == [4, 4, 4, 4]
    # What `reset` says is part of the prompt that the group shares.
    asked = {str(problem) for problem in problems("rl", 4, 0, digits=(2, 2))}
    assert {group.question for group in by.seen} == asked
    texts = [rollout.text for group in by.seen for rollout in group.rollouts]
    assert all(SECRET not in text for text in texts)
    answers = [rollout.answer for group in by.seen for rollout in group.rollouts]
    assert any(answer is not None for answer in answers)
    assert SECRET not in answers


class Unlike(Column):
    """Tells each rollout another observation."""

    made = 0

    def reset(self, rest: str, **_: Any) -> str:
        Unlike.made += 1
        return f"+{Unlike.made}"


def test_rollouts_that_begin_otherwise_make_no_group(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"reset\(\) gave the rollouts of one prompt"):
        trained(tmp_path, [], Unlike)

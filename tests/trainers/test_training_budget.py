"""A training's budget holds over ranks and resumes, and ends it with a checkpoint."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.needs_torch,
    # TRL and transformers warn about their own futures.
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

import catsdk as cat
from catsdk.core.errors import BudgetExceededError
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider
from catsdk_trainers.offline.sft import sft
from catsdk_trainers.trl.attach import attach
from catsdk_trainers.trl.grpo import grpo
from catsdk_trainers.trl.resuming import last_whole
from catsdk_trainers.trl.reward import reward
from catsdk_trainers.trl.spending import Spending, Spent, forget_spent
from catsdk_trainers.trl.trained import Trained
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.test_grpo_runs import ROWS, tiny_config
from tests.trainers.test_grpo_training import trainer_of
from tests.trainers.test_sft_runs import answers, config_for
from tests.trainers.two_ranks import on_two_ranks


def synthesizes(_: Request) -> str:
    return "\\boxed{4}"


def method_of(anchor: FunctionProvider) -> cat.CaT:
    return cat.CaT(estimator=cat.Synthesizer(anchor), reward=cat.AnswerReward())


def trained(anchor: FunctionProvider, folder: Path, budget: Any, **changes: Any) -> Trained:
    """Four groups a step, each with one call of the anchor; probes are turned off."""
    settings: dict[str, Any] = {
        "steps": 6,
        "kl": 0,
        "evaluation": {"every": 0},
        "probe": {"every": 0},
    }
    config = tiny_config("tiny", folder, budget=budget, **(settings | changes))
    model, tokenizer = tiny_model(), tiny_tokenizer()
    return grpo(config, ROWS, model=model, tokenizer=tokenizer, cat=method_of(anchor))


def spent_in(folder: Path) -> Spent:
    files = [json.loads(file.read_text()) for file in (folder / "spent").glob("*.json")]
    return sum((Spent(**told) for told in files), Spent())


def test_a_budget_that_is_used_up_ends_training_with_a_checkpoint_and_is_reported(
    tmp_path: Path,
) -> None:
    anchor = FunctionProvider(synthesizes, name="anchor")
    done = trained(anchor, tmp_path, {"requests": 10}, checkpoints={"every": 0})
    assert len(anchor.requests) == 10 == spent_in(tmp_path).requests
    assert done.steps == 3
    assert done.stopped_because == "the budget of 10 requests is used up"
    assert (tmp_path / "checkpoint-3" / "catsdk-whole.json").exists()
    shares = [row["cat/budget"] for row in done.history if "cat/budget" in row]
    assert shares == [pytest.approx(share) for share in (0.4, 0.8, 1.0)]
    # In the last step two of four groups were paid for.
    assert [row["cat/scored"] for row in done.history if "cat/scored" in row] == [1.0, 1.0, 0.5]


def test_a_resumed_run_has_what_is_left_and_a_raised_budget_goes_on(tmp_path: Path) -> None:
    first = FunctionProvider(synthesizes, name="anchor")
    # The second step is ended by the sixth call, and both steps were checkpoints.
    trained(first, tmp_path, {"requests": 6})
    assert last_whole(tmp_path) == tmp_path / "checkpoint-2"

    again = FunctionProvider(synthesizes, name="anchor")
    with pytest.raises(BudgetExceededError, match=r"6 requests is used up.*raise.*`budget`"):
        trained(again, tmp_path, {"requests": 6})
    assert again.requests == []

    done = trained(again, tmp_path, {"requests": 11})
    assert len(again.requests) == 5
    assert (done.resumed_from, done.steps) == (tmp_path / "checkpoint-2", 4)
    assert done.stopped_because == "the budget of 11 requests is used up"
    assert spent_in(tmp_path).requests == 11


def test_without_resume_the_budget_begins_anew(tmp_path: Path) -> None:
    spending = Spending(cat.Budget(requests=5))
    spending.begin(tmp_path)
    account = spending.account
    assert account is not None
    account.reserve()
    spending.settle()
    assert spent_in(tmp_path).requests == 1
    forget_spent(tmp_path)
    other = Spending(cat.Budget(requests=5))
    other.begin(tmp_path)
    assert other.spent.requests == 0


def test_what_is_spent_can_be_written_by_many_threads_at_once(tmp_path: Path) -> None:
    spending = Spending(cat.Budget(requests=5))
    spending.begin(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: spending.note(), range(200))) == [None] * 200
    assert spent_in(tmp_path).requests == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"tokens": 1500}, "tokens"),
        ({"usd": 0.002}, "usd"),
        ({"seconds": 0.01}, "the budget of 0.01 seconds is used up"),
    ],
)
def test_tokens_money_and_time_are_capped_too(
    budget: dict[str, Any], told: str, tmp_path: Path
) -> None:
    anchor = FunctionProvider(synthesizes, name="openai:paid")
    client = cat.Client(prices={"paid": {"input": 1.0, "output": 1.0}})
    synthesis = cat.Synthesizer(anchor, cat.Sampling(max_tokens=16))
    c = cat.CaT(estimator=synthesis, reward=cat.AnswerReward(), client=client)
    made = reward(c, budget=cat.Budget(**budget))
    trainer = trainer_of("qwen3", tmp_path, made, lora=False, max_steps=40)
    attach(trainer, made, probe_every=0)
    trainer.train()
    made.close()
    assert made.spending.ended is not None and told in made.spending.ended
    assert 1 <= trainer.state.global_step < 40
    spent = spent_in(tmp_path)
    assert spent.requests >= 1 and spent.usd > 0
    for name in budget.keys() & {"tokens", "usd"}:
        assert 0 < getattr(spent, name) <= budget[name]


def test_the_anchors_probes_are_paid_from_the_budget(tmp_path: Path) -> None:
    anchor = FunctionProvider(synthesizes, name="anchor")
    made = reward(method_of(anchor), budget=cat.Budget(requests=8))
    trainer = trainer_of("qwen3", tmp_path, made, lora=False, max_steps=9)
    attach(trainer, made, probe_every=1)
    trainer.train()
    made.close()
    # A step is two groups and a probe; the first probe comes before them.
    assert len(anchor.requests) == 8 == spent_in(tmp_path).requests
    assert made.spending.ended is not None


def test_an_evaluation_that_uses_up_the_rest_ends_training_too(tmp_path: Path) -> None:
    anchor = FunctionProvider(synthesizes, name="anchor")
    plan = {"every": 1, "rollouts": 2, "prompts": 2, "at_start": False}
    config = tiny_config(
        "tiny", tmp_path, steps=6, kl=0, evaluation=plan, probe={"every": 0}, budget={"requests": 5}
    )
    model, tokenizer = tiny_model(), tiny_tokenizer()
    done = grpo(config, ROWS, ROWS, model=model, tokenizer=tokenizer, cat=method_of(anchor))
    assert (done.steps, len(anchor.requests)) == (1, 5)
    assert last_whole(tmp_path) == tmp_path / "checkpoint-1"


def test_what_is_left_of_a_budget_decides_how_many_prompts_are_synthesized(
    tmp_path: Path,
) -> None:
    teacher = FunctionProvider(answers, name="teacher")
    config = config_for(tmp_path, budget={"requests": 11})
    done = sft(config, ["1+1", "2+2", "3+3", "4+4", "5+5", "6+6", "7+7"], model=tiny_model(),
               tokenizer=tiny_tokenizer(), teacher=teacher)  # fmt: skip
    assert len(teacher.requests) == 11
    assert done.stopped_because is not None
    assert "the budget of 11 requests is used up: " in done.stopped_because
    assert "of 7 prompts have a synthesis" in done.stopped_because
    assert done.steps > 0


RANK = """
import json, sys
from pathlib import Path
import catsdk as cat
from catsdk.testing import FunctionProvider
from catsdk_trainers.trl.grpo import grpo
from tests.providers.tiny_models import tiny_model, tiny_tokenizer
from tests.trainers.test_grpo_runs import ROWS, tiny_config
from tests.trainers.test_training_budget import method_of, synthesizes

anchor = FunctionProvider(synthesizes, name="anchor")
config = tiny_config(
    "tiny", Path(sys.argv[1]), steps=6, batch=12, device_batch=2, kl=0, lora=None,
    evaluation={"every": 0}, probe={"every": 0}, budget={"requests": int(sys.argv[2])},
    checkpoints={"every": 1},
)
done = grpo(
    config, ROWS, model=tiny_model(), tokenizer=tiny_tokenizer(), cat=method_of(anchor)
)
print(json.dumps([len(anchor.requests), done.steps, done.stopped_because, str(done.resumed_from)]))
"""


@pytest.mark.slow
def test_two_ranks_share_one_budget_and_stop_together_and_so_does_their_next_start(
    tmp_path: Path,
) -> None:
    # Six groups a step, three on each rank; seven calls are one step and one call.
    first, second = on_two_ranks(RANK, str(tmp_path), "7")
    assert first[0] + second[0] == 7 == spent_in(tmp_path).requests
    assert first[1:] == second[1:] == [2, "the budget of 7 requests is used up", "None"]
    first, second = on_two_ranks(RANK, str(tmp_path), "16")
    assert first[0] + second[0] == 9
    assert first[1:] == second[1:]
    assert first[1:3] == [4, "the budget of 16 requests is used up"]
    assert first[3].endswith("checkpoint-2")
    assert spent_in(tmp_path).requests == 16

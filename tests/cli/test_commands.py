"""The commands read a prompt, print a result or JSON, and end with the code they promise."""

import json
import subprocess
from pathlib import Path

import anyio
import pytest
from typer.testing import CliRunner

from catsdk import Reference
from catsdk.cli.app import app
from catsdk.core.types import Request
from catsdk.testing import FunctionProvider, LoopbackServer
from tests import forked
from tests.forked import CATSDK, clean_environment

pytestmark = [pytest.mark.needs_torch]


def catsdk(
    *arguments: str, stdin: str = "", seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    return forked.run(*CATSDK, *arguments, stdin=stdin, seconds=seconds, env=clean_environment())


MINE = """import catsdk as cat

class Long(cat.Reward):
    needs_reference = False

    async def score(self, group, reference, ctx):
        return [float(len(rollout.text)) for rollout in group.rollouts]
"""


@pytest.mark.parametrize(
    "command",
    [
        ("train", "run.yaml", "--show"),
        ("batch", "sums.jsonl", "--config", "cat.yaml", "--produce", "rewards", "--out", "made"),
    ],
)
def test_a_class_in_the_folder_where_one_works_can_be_named(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "mine_of_a_test.py").write_text(MINE)
    (tmp_path / "run.yaml").write_text('model: local\ncat: {reward: "mine_of_a_test:Long"}')
    (tmp_path / "cat.yaml").write_text('policy: local\nreward: "mine_of_a_test:Long"')
    (tmp_path / "sums.jsonl").write_text('{"prompt": "12+34"}')
    done = forked.run(*CATSDK, *command, cwd=tmp_path, env=clean_environment())
    assert done.returncode == 0, done.stderr


def test_a_prompt_from_stdin_is_synthesized_and_progress_is_silent() -> None:
    done = catsdk(
        "synthesize", "--model", "local", "-n", "4", "--seed", "1", stdin="4821673+3947851"
    )
    assert done.returncode == 0
    assert "\\boxed{" in done.stdout
    assert "4 of 4 rollouts" in done.stdout
    assert done.stderr == ""


def test_json_holds_the_whole_evidence_and_a_seed_repeats_it() -> None:
    command = ("synthesize", "--json", "--model", "local", "--seed", "1", "4821673+3947851")
    first, again = (json.loads(catsdk(*command).stdout) for _ in range(2))
    assert len(first["group"]["rollouts"]) == 8
    assert first["text"] == again["text"]
    texts = [rollout["completion"]["text"] for rollout in first["group"]["rollouts"]]
    assert texts == [rollout["completion"]["text"] for rollout in again["group"]["rollouts"]]


def test_a_budget_ends_with_a_partial_result_and_its_code(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("4821673+3947851")
    done = catsdk("synthesize", "--model", "local", "--max-requests", "1", "--file", str(prompt))
    assert done.returncode == 3
    assert "PARTIAL: the budget of 1 request is reached" in done.stdout.replace("\n", " ")


def test_an_agreement_of_few_answers_says_of_how_many() -> None:
    answers = iter(["\\boxed{4}", "\\boxed{4}", "\\boxed{5}", "I cannot tell.", "I do not know."])

    def script(request: Request) -> str:
        return next(answers, "# UNIFIED RESPONSE\n\\boxed{4}")

    with LoopbackServer(FunctionProvider(script), takes_n="refuses") as server:
        env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
        args = ["synthesize", "2+2", "-m", "openai:loopback", "-n", "5"]
        done = CliRunner().invoke(app, args, env=env)
    assert done.exit_code == 0, done.output
    assert "5 of 5 rollouts · agreement 67% of 3 answers" in " ".join(done.output.split())


def test_a_passed_deadline_is_told_as_one() -> None:
    async def script(request: Request) -> str:
        if request.messages[-1].text != "2+2":
            await anyio.sleep_forever()
        return "\\boxed{4}"

    with LoopbackServer(FunctionProvider(script)) as server:
        env = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
        args = ["synthesize", "2+2", "-m", "openai:loopback", "-n", "2", "--set", "deadline=2"]
        done = CliRunner().invoke(app, args, env=env)
    assert done.exit_code == 3, done.output
    told = " ".join(done.output.split())
    assert "PARTIAL: the deadline of 2 s is over; raise the sampler's deadline=" in told


def test_money_is_counted_by_the_price_that_is_set() -> None:
    command = ("synthesize", "--model", "local", "-n", "8", "--json", "4821673+3947851")
    price = 'prices={"local": {"input": 1, "output": 1}}'
    done = catsdk(*command, "--set", price, "--max-usd", "0.5")
    usage = Reference.model_validate_json(done.stdout).usage
    assert usage.cost == pytest.approx(usage.tokens / 1e6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("synthesize", "q"), "CATSDK_MODEL"),
        (("synthesize", "--model", "nowhere:x", "q"), "Write provider:name"),
        (("synthesize", "--model", "local", ""), "give a text that is not empty"),
        (("sample", "--model", "local", "-n", "0", "q"), "from 1 to 1024"),
        (("sample", "--model", "local", "--file", "missing.txt"), "missing.txt cannot be read"),
        (("sample", "--model", "local", "--file", "x", "q"), "give one of them"),
        (("sample", "--model", "local", "--temperature=-1", "q"), "temperature is -1"),
        (("sample", "--model", "local", "--set", "hedge", "q"), "write NAME=VALUE"),
        (("sample", "--model", "local", "--set", "speed=9", "q"), "--set speed: there is no"),
        (("sample", "--model", "local", "--set", "limits.in_flight=0", "q"), "in_flight"),
        (("sample", "--model", "local", "--set", "deadline=soon", "q"), "deadline is 'soon'"),
        (("sample", "--model", "local", "--set", "quorum=no", "q"), "quorum is 'no'"),
        (("sample", "--model", "local", "--max-usd=-1", "q"), "usd is -1"),
        (("sample", "--model", "local", "--set", "prices={local", "q"), "is not JSON"),
        (("demo", "--plot", "plot.jpg"), "name it .png or .svg"),
        (("demo", "--plot", f"{__file__}/plot.png"), "is a file; name a folder"),
    ],
)
def test_wrong_input_is_explained_and_has_its_code(
    arguments: tuple[str, ...], message: str
) -> None:
    done = catsdk(*arguments)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")


def test_the_providers_are_listed_with_their_extras() -> None:
    done = catsdk("providers")
    assert done.returncode == 0
    assert "extra local" in done.stdout


def test_the_demo_prints_its_table_and_random_weights_score_at_chance(tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    command = ("demo", "--json", "--problems", "8", "--plot", str(plot))
    trained = json.loads(catsdk(*command, seconds=380).stdout)
    other = json.loads(catsdk(*command, "--seed", "1", seconds=380).stdout)
    random = json.loads(catsdk(*command, "--random-weights", seconds=380).stdout)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert trained["single"]["mean"] > 0.2
    assert random["single"]["mean"] <= 0.02
    assert trained["sizes"] == [1, 2, 4, 8]
    assert trained["single"] != other["single"]

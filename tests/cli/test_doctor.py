"""`catsdk doctor` calls each configured model once, shows no key, and exits with what is wrong."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from catsdk.core.model_strings import BUILT_IN
from catsdk.core.types import Completion, Request, TokenLogprob
from catsdk.testing import FunctionProvider, LoopbackServer
from tests import forked
from tests.forked import CATSDK, clean_environment


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(FunctionProvider(lambda _: "ok")) as serving:
        yield serving


def doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = clean_environment("openai", "anthropic", "vllm")
    return forked.run(*CATSDK, "doctor", *arguments, env=clean | variables, seconds=120)


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in map(json.loads, done.stdout.splitlines())}


def test_every_configured_model_is_asked_for_one_token_once(server: LoopbackServer) -> None:
    done = doctor(
        "--json",
        CATSDK_MODEL="openai:loopback",
        CATSDK_JUDGE="openai:loopback",
        OPENAI_BASE_URL=server.url,
        OPENAI_API_KEY=server.key,
    )
    assert done.returncode == 0, done.stdout
    found = findings(done)
    assert found["openai:loopback"]["state"] == "ok"
    assert found["OPENAI_API_KEY"]["said"] == "set"
    assert found["python"]["state"] == found["openai"]["state"] == "ok"
    assert [payload["max_tokens"] for payload in server.payloads] == [1]
    assert server.key not in done.stdout + done.stderr


def test_every_variable_that_a_built_in_provider_reads_is_listed() -> None:
    told = " ".join(origin.summary for origin in BUILT_IN.values())
    named = set(re.findall(r"[A-Z]+_(?:API_KEY|BASE_URL)", told))
    assert "VLLM_BASE_URL" in named
    found = findings(doctor("--offline", "--model", "replay:none", "--json"))
    assert named <= set(found)
    assert {found[name]["state"] for name in named} == {"absent"}


def test_a_model_that_fails_has_code_1_and_says_why(server: LoopbackServer) -> None:
    variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-not-this-one"}
    done = doctor("--model", "openai:loopback", "--json", **variables)
    assert done.returncode == 1
    assert "AuthenticationError" in findings(done)["openai:loopback"]["said"]
    assert "sk-not-this-one" not in done.stdout + done.stderr


def test_a_model_that_does_not_answer_in_time_has_code_1(server: LoopbackServer) -> None:
    server.fail_next("hang")
    variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
    done = doctor("--model", "openai:loopback", "--timeout", "0.5", "--json", **variables)
    assert done.returncode == 1
    assert "no answer within 0.5 s" in findings(done)["openai:loopback"]["said"]


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ((), {}, "set CATSDK_MODEL"),
        (("--model", "nowhere:x"), {}, "UnknownProviderError"),
        (("--model", "openai:gpt-5"), {}, "OPENAI_API_KEY"),
        (("--offline", "--model", "openai:m"), {"OPENAI_API_KEY": "sk-a\nb"}, "line breaks"),
    ],
)
def test_a_wrong_set_up_has_code_2_and_the_fix(
    arguments: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    done = doctor(*arguments, "--json", **variables)
    assert done.returncode == 2, done.stderr
    assert said in done.stdout


def test_offline_nothing_is_called_and_a_url_is_shown_without_its_password(
    server: LoopbackServer,
) -> None:
    url = server.url.replace("http://", "http://user:hidden-word@")
    variables = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": server.key}
    done = doctor("--offline", "--model", "anthropic:loopback", "--json", **variables)
    assert done.returncode == 0
    assert findings(done)["anthropic:loopback"]["said"].startswith("not called at http://127.")
    assert "hidden-word" not in done.stdout + done.stderr
    assert not server.payloads


def probing(server: LoopbackServer) -> dict[str, dict[str, str]]:
    variables = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
    done = doctor("--deep", "openai:loopback", "--json", **variables)
    assert server.key not in done.stdout + done.stderr
    found = findings(done)
    assert done.returncode == (1 if found["plain"]["state"] == "failed" else 0), done.stdout
    return found


def test_deep_says_what_an_endpoint_does_and_what_becomes_of_it() -> None:
    def answer(request: Request) -> str | Completion:
        if request.json_schema is not None:
            return '{"answer": "Paris"}'
        logprobs = (TokenLogprob(token="cats", logprob=-0.1),) if request.logprobs else None
        return Completion(text="Cats sleep.\nA lot.", logprobs=logprobs)

    with LoopbackServer(FunctionProvider(answer)) as server:
        found = probing(server)
    states = {name: each["state"] for name, each in found.items() if each["what"] == "probe"}
    assert states == {
        "plain": "ok",
        "n": "ok",
        "logprobs": "ok",
        "seed": "ok",
        "schema": "ok",
        "tools": "ok",
        "streaming": "ok",
        "context": "absent",
    }
    assert "catsdk sends one a group" in found["n"]["said"]


def test_deep_says_what_is_done_without_what_an_endpoint_lacks() -> None:
    answers = iter(range(1000))
    with LoopbackServer(
        FunctionProvider(lambda _: f"answer {next(answers)}"), takes_n="refuses"
    ) as server:
        found = probing(server)
    assert "one request for each answer" in found["n"]["said"]
    assert "two answers with one seed differ" in found["seed"]["said"]
    assert "none returned" in found["logprobs"]["said"]
    assert "ignored" in found["schema"]["said"]


def test_deep_stops_where_not_even_a_plain_question_is_answered(server: LoopbackServer) -> None:
    server.fail_next("500")
    found = probing(server)
    assert found["plain"]["state"] == "failed"
    assert "n" not in found
    assert server.counters.requests == 1

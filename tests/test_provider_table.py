"""The tables of docs/providers.md say what the providers declare, and what they really send."""

from importlib.util import find_spec
from pathlib import Path

import anyio
import pytest

from catsdk import Capabilities
from catsdk.core.model_strings import BUILT_IN
from docs import provider_table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "providers.md"


ON_A_WIRE = [
    name
    for name, shown in provider_table.SHOWN.items()
    if shown.wire and (shown.needs is None or find_spec(shown.needs) is not None)
]


def test_the_page_is_what_the_providers_declare_and_send() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == provider_table.rewritten(page), "the tables are old: run `make maps`"


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_a_provider_was_run_against_is_a_module_of_tests_that_uses_it(name: str) -> None:
    origin = BUILT_IN[name]
    assert origin.run_against, "say what its tests run it against"
    for tried in origin.run_against:
        tests = (ROOT / tried.tests).read_text(encoding="utf-8")
        assert origin.target.partition(":")[2] in tests
        if "make " in tried.what:
            target = tried.what.partition("make ")[2].partition("`")[0]
            assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ON_A_WIRE)
def test_a_declared_capability_is_sent_and_another_is_refused_before_sending(name: str) -> None:
    able, sent = anyio.run(provider_table.seen, provider_table.SHOWN[name])
    for setting in ("n", "logprobs", "seed", "json_schema", "temperature"):
        assert getattr(able, setting) == (sent[setting] != provider_table.REFUSED), setting
    assert sent["top_p"] == provider_table.REFUSED or able.temperature
    assert "nothing" not in sent.values()


def test_each_built_in_provider_and_each_capability_stands_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in BUILT_IN:
        assert f"| `{name}` |" in page
        assert f"\n| {name}" in page.partition("## What they can do")[2] or f"`{name}`" in page
    told = {*provider_table.CAPABILITIES, "context_length", "prompts"}
    assert told == set(Capabilities.__slots__)

"""Every Python block of the README and the documentation runs, and so do the tutorials' commands.

The blocks of one page run in order; `tests/pages.py` says what becomes of each kind. A block is
left out only when the paragraph before it reads `Not run in the tests:` and says why, where the
reader sees it too.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio
import pytest

from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.types import Request
from tests.pages import NOT_RUN, PageRun, fences

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    page
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if any(fence.is_program or fence.language == "console" for fence in fences(page))
]


@pytest.fixture(scope="module", name="hosted")
def what_hosted_models_are_here() -> Iterator[dict[str, str]]:
    """The variables by which hosted models lead to servers of this machine, with prices."""
    price = {"input": 0.25, "output": 2.0}
    names = ("gpt-5-mini", "claude-haiku-4-5")
    with ExitStack() as exits:
        openai, anthropic = (
            exits.enter_context(LoopbackServer(FunctionProvider(_hosted_says), model=name))
            for name in names
        )
        yield {
            "OPENAI_BASE_URL": openai.url,
            "OPENAI_API_KEY": openai.key,
            "ANTHROPIC_BASE_URL": anthropic.url,
            "ANTHROPIC_API_KEY": anthropic.key,
            "CATSDK_PRICES": json.dumps(dict.fromkeys(names, price)),
        }


def _hosted_says(request: Request) -> str:
    """What a model of that size would: the form that is asked for, else the answer to a product."""
    form = json.dumps(request.json_schema or {})
    if '"verdict"' in form:
        return json.dumps({"evidence": "", "reason": "", "verdict": "yes"})
    if '"criteria"' in form:
        return json.dumps({"criteria": [f"It says {each}." for each in ("a", "b", "c", "d", "e")]})
    return r"17 * 23 = 391: \boxed{391}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_runs_from_top_to_bottom(
    page: Path, hosted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("CATSDK_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    for name, value in hosted.items():
        monkeypatch.setenv(name, value)
    anyio.run(PageRun().run, page)


def test_a_block_that_is_left_out_says_why() -> None:
    for page in PAGES:
        for fence in fences(page):
            reason = fence.paragraph_before.partition(NOT_RUN)[2].strip()
            assert fence.runs or len(reason) > 20, f"{page}:{fence.line}"


def test_every_relative_link_leads_to_a_file() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"

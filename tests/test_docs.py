"""Every Python block of the README and the documentation runs.

The blocks of one page run in order and share their names; `await` is allowed at the top level, as
in a notebook. A block is left out only when the line before it reads `Not run in the tests:` and
says why, where the reader sees it too.
"""

import ast
import inspect
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import anyio
import pytest

from catsdk.testing import FunctionProvider, LoopbackServer

ROOT = Path(__file__).resolve().parent.parent
NOT_RUN = "Not run in the tests:"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    code: str
    paragraph_before: str

    @property
    def runs(self) -> bool:
        return NOT_RUN not in self.paragraph_before

    def compiled(self) -> CodeType:
        padded = "\n" * self.line + self.code
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code: CodeType = compile(padded, str(self.page), "exec", flags=flags)
        return code


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        before = text[: found.start()]
        paragraph = before.rstrip().rpartition("\n\n")[2]
        yield Block(page, before.count("\n") + 1, found[1], paragraph)


PAGES = [
    page
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if any(_blocks(page))
]


@pytest.fixture(scope="module", name="hosted")
def what_hosted_models_are_here() -> Iterator[dict[str, str]]:
    """The variables by which `openai:` leads to a server of this machine, with a price."""
    model = FunctionProvider(lambda request: r"17 * 23 = 391: \boxed{391}")
    price = {"input": 0.25, "output": 2.0}
    with LoopbackServer(model, model="gpt-5-mini") as server:
        yield {
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": server.key,
            "CATSDK_PRICES": json.dumps({"openai:gpt-5-mini": price}),
        }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_python_blocks_of_a_page_run_in_order(
    page: Path, hosted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("CATSDK_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    for name, value in hosted.items():
        monkeypatch.setenv(name, value)
    anyio.run(_run_in_order, [block for block in _blocks(page) if block.runs])


async def _run_in_order(blocks: list[Block]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        result = eval(block.compiled(), names)
        if inspect.iscoroutine(result):
            await result


def test_a_block_that_is_left_out_says_why() -> None:
    for page in PAGES:
        for block in _blocks(page):
            reason = block.paragraph_before.partition(NOT_RUN)[2].strip()
            assert block.runs or len(reason) > 20, f"{page}:{block.line}"


def test_every_relative_link_leads_to_a_file() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"

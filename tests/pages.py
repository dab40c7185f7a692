"""A page of the documentation as a program: what it shows is run, and what that prints is compared.

| fence | what happens |
| --- | --- |
| `python` | runs; the blocks of a page share their names, and `await` is allowed |
| `output` | is what the block before it printed |
| any with `title="NAME"` | is written to that file |
| `console` | each line behind `$` runs, and prints what stands under it |

In an output `...` stands for anything, as in a docstring, and white space counts for nothing. A
command whose line ends with `# ends with 3` does; the others end with 0. `catsdk serve` and
`catsdk view` run until the page ends, at ports of their own, which what follows is told.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import io
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import anyio
from anyio.to_thread import run_sync

from tests import forked

__all__ = ["NOT_RUN", "Fence", "PageRun", "fences"]

NOT_RUN = "Not run in the tests:"
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'\btitle="([^"]+)"')
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n?((?:(?!\$ ).*\n?)*)", re.MULTILINE)
SERVICES = {"serve": "8000", "view": "7600"}
"""The commands that run until they are stopped, with the port at which each is found."""


@dataclass(frozen=True)
class Fence:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    title: str
    text: str
    paragraph_before: str

    @property
    def runs(self) -> bool:
        return NOT_RUN not in self.paragraph_before

    @property
    def is_program(self) -> bool:
        return self.language == "python" and not self.title

    def compiled(self) -> CodeType:
        padded = "\n" * self.line + self.text
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code: CodeType = compile(padded, str(self.page), "exec", flags=flags)
        return code


def fences(page: Path) -> Iterator[Fence]:
    """The fenced blocks of a page that name a language."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        before = text[: found.start()]
        paragraph = before.rstrip().rpartition("\n\n")[2]
        title = TITLE.search(found[2])
        named = title[1] if title else ""
        yield Fence(page, before.count("\n") + 1, found[1], named, found[3], paragraph)


@dataclass
class PageRun:
    """One page, run from top to bottom in the working directory."""

    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    printed: str = ""
    services: list[forked.Forked] = field(default_factory=list)
    ports: dict[str, str] = field(default_factory=dict)

    async def run(self, page: Path) -> None:
        """Run the page; what it started, exported and wrote to import ends with it."""
        variables, modules = dict(os.environ), set(sys.modules)
        sys.path.insert(0, folder := os.getcwd())
        try:
            for fence in fences(page):
                if fence.runs:
                    await self._run(fence)
        finally:
            for service in self.services:
                service.kill()
            os.environ.clear()
            os.environ.update(variables)
            sys.path.remove(folder)
            for name in set(sys.modules) - modules:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(folder):
                    del sys.modules[name]

    async def _run(self, fence: Fence) -> None:
        if fence.title:
            _write(Path(fence.title), self._here(fence.text))
        elif fence.is_program:
            await self._program(fence)
        elif fence.language == "output":
            _compare(fence, fence.text, self.printed)
        elif fence.language == "console":
            for found in COMMAND.finditer(fence.text):
                await self._command(fence, found[1], found[2])

    async def _program(self, fence: Fence) -> None:
        with redirect_stdout(io.StringIO()) as printed:
            result = eval(fence.compiled(), self.names)
            if inspect.iscoroutine(result):
                await result
        self.printed = printed.getvalue()

    async def _command(self, fence: Fence, line: str, wanted: str) -> None:
        command, _, comment = line.replace("\\\n", " ").partition("  # ")
        words = shlex.split(self._here(command))
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            os.environ[name] = value
        elif words[0] == "catsdk" and words[1] in SERVICES:
            await self._serve(fence, words[1:], wanted)
        else:
            done = await run_sync(_run_command, self._here(command))
            expected = int(comment.removeprefix("ends with ")) if comment else 0
            told = f"{_place(fence)}: {line} ended with {done.returncode}:\n{done.stderr}"
            assert done.returncode == expected, told
            # A terminal shows both, in an order that cannot be told of two files.
            if wanted.strip() and not _says(wanted, done.stderr + done.stdout):
                _compare(fence, wanted, done.stdout + done.stderr)

    async def _serve(self, fence: Fence, words: list[str], wanted: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.ports[SERVICES[words[0]]] = port = str(free.getsockname()[1])
        service = forked.start(*forked.CATSDK, *words, "--port", port)
        self.services.append(service)
        with anyio.fail_after(240):
            while not _says(self._here(wanted), service.printed):
                ended = service.poll()
                assert ended is None, f"{_place(fence)} ended with {ended}: {service.printed}"
                await anyio.sleep(0.05)

    def _here(self, text: str) -> str:
        """A text of the page with the ports at which its services are found in this run."""
        for shown, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{port}")
        return text


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _run_command(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end."""
    first, _, rest = command.partition(" | ")
    program, *arguments = shlex.split(first)
    if program not in ("catsdk", "python"):
        return _in_shell(command)
    done = forked.run(*(forked.CATSDK if program == "catsdk" else ()), *arguments)
    return _in_shell(rest, done.stdout) if rest and not done.returncode else done


def _in_shell(command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    shell = ["bash", "-o", "pipefail", "-c", command]
    return subprocess.run(shell, input=stdin, capture_output=True, text=True, check=False)


def _says(wanted: str, got: str) -> bool:
    """Whether an output is what a page shows: `...` is anything, and nothing too."""
    parts = [re.escape(" ".join(part.split())) for part in wanted.split("...")]
    return re.fullmatch(".*".join(parts), " ".join(got.split())) is not None


def _compare(fence: Fence, wanted: str, got: str) -> None:
    if not _says(wanted, got):
        difference = "\n".join(difflib.ndiff(wanted.splitlines(), got.splitlines()))
        raise AssertionError(f"{_place(fence)}\n{difference}")


def _place(fence: Fence) -> str:
    return f"{fence.page.name}:{fence.line}"

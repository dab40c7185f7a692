"""Python programs in processes of their own, forked from one that has the heavy imports already.

A start then costs milliseconds where it would cost seconds. What a program does at its import, and
how long that takes, is for `subprocess`.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["CATSDK", "PATHS", "ROOT", "Forked", "clean_environment", "run", "start"]

ROOT = Path(__file__).parents[1]
CATSDK = ("-c", "from catsdk.cli import main; main()")
"""The command, as an installed `catsdk` runs it."""

PATHS = os.pathsep.join(str(ROOT / part) for part in ("", "providers", "trainers"))
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.heavy_imports"])


def clean_environment(*vendors: str) -> dict[str, str]:
    """This process's variables without settings of catsdk, and without those of some vendors."""
    prefixes = ("CATSDK_", *(f"{vendor.upper()}_" for vendor in vendors))
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


class Forked:
    """A program that runs; as `subprocess.Popen`, but what it prints is read when it has ended."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdin: str = "",
    ) -> None:
        """Start it; `arguments` are what would stand behind `python`."""
        self.args = list(arguments)
        folder = tempfile.mkdtemp()
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        names = [os.path.join(folder, name) for name in ("in", "out", "err")]
        for name, text in zip(names, (stdin, "", ""), strict=True):
            Path(name).write_text(text, encoding="utf-8")
        variables = {**(os.environ if env is None else env), "PYTHONPATH": PATHS}
        given = (self.args, variables, str(cwd or Path.cwd()), names)
        self._out, self._err = map(Path, names[1:])
        self._process = _CONTEXT.Process(target=_run_as_main, args=given)
        # The code of an end can be read once; any thread may wait for it.
        self._reading = threading.Lock()
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self._out.read_text(encoding="utf-8")

    def poll(self) -> int | None:
        with self._reading:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        connection.wait([self._process.sentinel], timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it printed, and its errors, once it has ended."""
        self.wait(timeout)
        return self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8")


def start(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, stdin: str = ""
) -> Forked:
    """Start `python ARGUMENTS`."""
    return Forked(arguments, env=env, cwd=cwd, stdin=stdin)


def run(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
    seconds: float = 240,
) -> subprocess.CompletedProcess[str]:
    """Run `python ARGUMENTS` to its end."""
    process = Forked(arguments, env=env, cwd=cwd, stdin=stdin)
    try:
        printed, errors = process.communicate(seconds)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.wait(), printed, errors)


def _run_as_main(
    arguments: list[str], variables: dict[str, str], folder: str, streams: list[str]
) -> None:
    """Be the program that `python` would run with these arguments."""
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.stdin = open(streams[0], encoding="utf-8")  # noqa: SIM115  # for as long as the process is
    sys.stdout, sys.stderr = _printing(streams[1], 1), _printing(streams[2], 2)
    what, *rest = arguments
    try:
        if what == "-c":
            code, *rest = rest
            main: Any = ModuleType("__main__")
            sys.modules["__main__"], sys.argv = main, ["-c", *rest]
            exec(compile(code, "<string>", "exec"), main.__dict__)  # noqa: S102  # a test's own
        else:
            sys.argv = [what, *rest]
            sys.path.insert(0, str(Path(what).parent))
            runpy.run_path(what, run_name="__main__")
    finally:
        atexit._run_exitfuncs()


def _printing(path: str, descriptor: int) -> Any:
    with open(path, "w", encoding="utf-8") as file:
        os.dup2(file.fileno(), descriptor)
    return open(descriptor, "w", encoding="utf-8", buffering=1, closefd=False)

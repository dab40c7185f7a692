"""Every public name has a Google-style docstring that is true, and whose example runs.

Public is what `__all__` of a module that users import from (`FACES`) names, and the public methods
of its classes. A docstring has a sentence that says what the thing is; `Args:` with exactly the
parameters of the signature; `Returns:` or `Yields:` where something comes back; `Raises:` with what
the body raises, checks of arguments included; and an `Example:`, which runs here without network
or keys. `await` is allowed at the top level, as in `python -m asyncio`.

Exempt are, with the reason:

- constants and type aliases, which have no signature (a string below them says what they are);
- properties and methods with underscores, whose first line says everything;
- methods that do what the method of a protocol or base class says, with the same parameters: the
  documentation is there, once;
- fields with a docstring of their own, or with the `description` that a command shows;
- `Returns:` where the first line begins with "Return" or "Whether";
- the example of a method, whose class has one, and of an exception, which users only catch.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import os
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

import anyio
import pytest

from tests.docstrings import FACES, PublicName, missing, public_names

pytest.importorskip("torch")

NEEDS = {
    **dict.fromkeys(
        [f"catsdk.batch.{name}" for name in ("RayJob", "RayMapper", "hosted", "ray")], "ray"
    ),
    "catsdk.providers.LiteLLMProvider": "litellm",
    "catsdk.providers.VLLMEngineProvider": "vllm",
    "catsdk.serve.mcp_server": "mcp",
}
"""The packages without which an example cannot run: each has an environment of its own."""

NAMES = public_names()
EXAMPLES = [public for public in NAMES if ">>>" in public.doc.text]


@pytest.mark.parametrize("public", NAMES, ids=lambda public: public.path)
def test_the_docstring_is_complete(public: PublicName) -> None:
    lacking = missing(public)
    assert not lacking, f"{public.path}: {'; '.join(lacking)}"


def test_a_module_that_users_import_from_says_what_it_is() -> None:
    for face in FACES:
        told = inspect.getdoc(import_module(face)) or ""
        assert told.partition("\n")[0].endswith("."), face


# TRL and transformers warn about their own futures.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("public", EXAMPLES, ids=lambda public: public.path)
def test_the_example_runs(
    public: PublicName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if public.path in NEEDS:
        pytest.importorskip(NEEDS[public.path])
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("CATSDK_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    test = doctest.DocTestParser().get_doctest(public.doc.text, {}, public.path, None, None)
    compiled = [_compiled(example) for example in test.examples]
    before = dict(os.environ)
    try:
        anyio.run(_run, test, compiled)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _compiled(example: doctest.Example) -> CodeType:
    code: CodeType = compile(
        example.source, "<example>", "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    return code


async def _run(test: doctest.DocTest, compiled: list[CodeType]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for example, code in zip(test.examples, compiled, strict=True):
        printed = io.StringIO()
        error: Exception | None = None
        with redirect_stdout(printed):
            try:
                result = eval(code, names)
                if inspect.iscoroutine(result):
                    await result
            except Exception as raised:  # noqa: BLE001 - an example may show an error
                error = raised
        _check(example, printed.getvalue(), error)


def _check(example: doctest.Example, printed: str, error: BaseException | None) -> None:
    if error is not None:
        if example.exc_msg is None:
            raise error
        printed, wanted = f"{type(error).__name__}: {error}\n", example.exc_msg
    else:
        assert example.exc_msg is None, f"{example.source!r} raises nothing"
        wanted = example.want
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    checker = doctest.OutputChecker()
    if not checker.check_output(wanted, printed, flags):
        pytest.fail(checker.output_difference(example, printed, flags))

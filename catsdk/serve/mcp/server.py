"""Serves the tools with the official SDK of the Model Context Protocol."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any

from anyio import to_thread

from catsdk.cat import CaT
from catsdk.core.errors import CatError, MissingExtraError
from catsdk.core.installing import install_command
from catsdk.core.sending import Budget
from catsdk.runtime.spending.account import Account
from catsdk.serve.mcp.tools import Tools
from catsdk.serve.site.problems import problem_of

__all__ = ["mcp_server"]


@asynccontextmanager
async def mcp_server(
    c: CaT, *, budget: Budget | None = None, usual: int = 8, most: int = 32
) -> AsyncGenerator[Any]:
    """Open a method, and give a server of the Model Context Protocol with its tools.

    Its tools are `synthesize`, which reports each attempt as progress, `compare_answers` and
    `judge`.

    Args:
        c: The method.
        budget: Caps on what all calls of tools together may use.
        usual: The number of rollouts where the assistant does not say.
        most: The most rollouts that it may ask for.

    Yields:
        An `MCPServer` of the SDK; `await server.run_stdio_async()` serves it.

    Raises:
        MissingExtraError: the SDK is not installed.

    Example:
        >>> import catsdk as cat
        >>> from catsdk.serve import mcp_server
        >>> async with mcp_server(cat.CaT("local")) as server:
        ...     print([tool.name for tool in await server.list_tools()])
        ['synthesize', 'compare_answers', 'judge']
    """
    account = None if budget is None else Account(budget)
    tools = Tools(c, account, usual=usual, most=most)
    # In a thread, since importing the SDK takes a second and reads the disk.
    server = await to_thread.run_sync(_serving, tools)
    async with c:
        yield server


def _serving(tools: Tools) -> Any:
    try:
        sdk: Any = import_module("mcp.server.mcpserver")
        refused: type[Exception] = import_module("mcp.server.mcpserver.exceptions").ToolError
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"an MCP server needs the package {error.name!r}: {install_command('mcp')}"
        ) from error
    server = sdk.MCPServer("catsdk", instructions=__doc__)

    async def synthesize(question: str, ctx: Any, n: int | None = None) -> dict[str, Any]:
        async def report(done: int, count: int, message: str) -> None:
            await ctx.report_progress(done, count, message)

        with _told(refused):
            return await tools.synthesize(question, report, n)

    async def compare_answers(first: str, second: str) -> dict[str, Any]:
        with _told(refused):
            return await tools.compare_answers(first, second)

    async def judge(question: str, response: str, criteria: list[str]) -> dict[str, Any]:
        with _told(refused):
            return {"verdicts": await tools.judge(question, response, criteria)}

    # The SDK recognises by its class which argument it fills in itself.
    synthesize.__annotations__["ctx"] = sdk.Context
    server.add_tool(
        synthesize,
        description="Answer a question by several independent attempts that are made into one"
        " answer; says how far they agree and what it cost.",
    )
    server.add_tool(
        compare_answers,
        description="Say whether two answers are the same: numbers, formulas, units, texts."
        " 'same' is null where that cannot be told.",
    )
    server.add_tool(
        judge,
        description="Judge a response to a question by each criterion: met, not met, or null"
        " where it cannot be told, with the reason and a quote.",
    )
    return server


@contextmanager
def _told(refused: type[Exception]) -> Generator[None]:
    """Raise errors of catsdk as errors of the SDK, whose message the assistant sees."""
    try:
        yield
    except CatError as error:
        raise refused(str(problem_of(error))) from error
    except ExceptionGroup as errors:
        (only,) = errors.exceptions
        raise refused(str(problem_of(only))) from only

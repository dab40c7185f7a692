"""`catsdk mcp`: the method as tools for an assistant, over the standard streams."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import anyio
import typer

from catsdk.cat import CaT
from catsdk.cli.methods import described
from catsdk.cli.options import Capped, taking

__all__ = ["mcp"]

Config = Annotated[Path | None, typer.Option(help="A CaT in YAML, instead of --model.")]
Model = Annotated[str | None, typer.Option("--model", "-m", help="The model to ask.")]
Rollouts = Annotated[int, typer.Option("-n", min=1, help="Default number of rollouts.")]


@dataclass(frozen=True, kw_only=True)
class Tools(Capped):
    """The method behind the tools, and the budget of all their calls together."""

    config: Config = None
    model: Model = None
    n: Rollouts = 8


@taking(Tools)
def mcp(options: Tools) -> None:
    """Serve tools of the Model Context Protocol over the standard streams.

    An assistant starts it, and finds the tools synthesize, compare_answers and judge:
    {"mcpServers": {"catsdk": {"command": "catsdk", "args": ["mcp", "--model", "openai:gpt-5"]}}}
    """
    from catsdk.serve import mcp_server

    method = CaT(options.model) if options.config is None else described(options.config)
    most = max(32, options.n)

    async def serving() -> None:
        async with mcp_server(method, budget=options.budget, usual=options.n, most=most) as server:
            await server.run_stdio_async()

    anyio.run(serving)

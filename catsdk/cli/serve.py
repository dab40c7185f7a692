"""`catsdk serve`: the gateway for the clients of OpenAI's and Anthropic's APIs."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer
from rich.console import Console

if TYPE_CHECKING:
    from catsdk.serve import GatewayConfig

__all__ = ["serve", "terminated"]

Config = Annotated[Path | None, typer.Option(help="YAML file with the gateway's settings.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="A model to serve (repeatable)."),
]
Host = Annotated[
    str,
    typer.Option(help="Address to listen on; if other machines can reach it, keys are required."),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.")]


async def terminated() -> None:
    """Wait for SIGTERM, by which a service manager asks a process to shut down cleanly."""
    if sys.platform == "win32":
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            return


def instructions(plan: GatewayConfig, address: str) -> str:
    """The lines below the address: how to send requests, and how to stop the gateway."""
    name = next(iter([*plan.models, *plan.profiles]), "MODEL")
    made = next((f"cat/{each}:{name}" for each in plan.estimators if plan.models), name)
    return (
        f"  OpenAI's clients: base_url {address}/v1; Anthropic's: base_url {address}\n"
        f"  request the model {made}, or another one listed by GET /v1/models; Ctrl-C stops it"
    )


def serve(
    config: Config = None, model: Models = None, host: Host = "127.0.0.1", port: Port = 8000
) -> None:
    """Serve models and methods to the clients of OpenAI's and Anthropic's APIs.

    A client changes its base URL and requests MODEL, or cat/ESTIMATOR:MODEL, such as
    cat/synthesis:local, which makes several rollouts into one answer. docs/gateway.md has the
    settings.
    """
    from catsdk.serve import GatewayConfig, serving_gateway

    plan = GatewayConfig() if config is None else GatewayConfig.read(config)
    if model:
        plan = plan.model_copy(update={"models": (*plan.models, *model)})

    async def serving() -> None:
        async with serving_gateway(plan, host=host, port=port) as address:
            console = Console(emoji=False, highlight=False, soft_wrap=True)
            console.print(f"gateway at {address}/v1", markup=False)
            console.print(instructions(plan, address), markup=False)
            await terminated()

    anyio.run(serving)

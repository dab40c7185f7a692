"""`catsdk serve`: the gateway that OpenAI's and Anthropic's clients can ask."""

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
    str, typer.Option(help="Address to listen on; one that other machines reach needs keys.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.")]


async def terminated() -> None:
    """Wait for SIGTERM, which systems send to those who should end in good order."""
    if sys.platform == "win32":
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            return


def told(plan: GatewayConfig, address: str) -> str:
    """What stands below the address: how it is asked, and how it ends."""
    name = next(iter([*plan.models, *plan.profiles]), "MODEL")
    made = next((f"cat/{each}:{name}" for each in plan.estimators if plan.models), name)
    return (
        f"  OpenAI's clients: base_url {address}/v1; Anthropic's: base_url {address}\n"
        f"  ask for {made}, or another name of GET /v1/models; Ctrl-C ends it"
    )


def serve(
    config: Config = None, model: Models = None, host: Host = "127.0.0.1", port: Port = 8000
) -> None:
    """Serve models and methods to the clients of OpenAI's and Anthropic's APIs.

    A client changes its base URL and asks for MODEL, or for cat/ESTIMATOR:MODEL, such as
    cat/synthesis:local: several rollouts made into one answer. docs/gateway.md has the settings.
    """
    from catsdk.serve import GatewayConfig, serving_gateway

    plan = GatewayConfig() if config is None else GatewayConfig.read(config)
    if model:
        plan = plan.model_copy(update={"models": (*plan.models, *model)})

    async def serving() -> None:
        async with serving_gateway(plan, host=host, port=port) as address:
            console = Console(emoji=False, highlight=False, soft_wrap=True)
            console.print(f"gateway at {address}/v1", markup=False)
            console.print(told(plan, address), markup=False)
            await terminated()

    anyio.run(serving)

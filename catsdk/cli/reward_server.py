"""`catsdk reward-server`: serves a config's rewards over HTTP to trainers in other processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console

from catsdk.cli.serve import terminated

__all__ = ["reward_server"]

# Seconds that groups which are being scored have to finish when the service stops.
_DRAIN = 30.0

Config = Annotated[
    Path, typer.Argument(help="YAML file, as for `catsdk train`; `model` may be left out.")
]
Host = Annotated[
    str,
    typer.Option(help="Address to listen on; if other machines can reach it, a token is required."),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 chooses a free one.")]
Groups = Annotated[int, typer.Option(min=1, help="Maximum number of open groups.")]
Patience = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for a group's samples.")]


def reward_server(
    config: Config,
    host: Host = "127.0.0.1",
    port: Port = 8900,
    max_groups: Groups = 256,
    patience: Patience = 600.0,
) -> None:
    """Serve rewards by group or by sample; `CATSDK_REWARD_TOKEN` sets the token."""
    from catsdk.serve import GroupLimits, serving
    from catsdk.train import CaTConfig, serves_alone

    # The trainer has the model, so a config need not name it; an error about its weights says PATH.
    plan = CaTConfig.read(config, under={"model": "PATH"})
    limits = GroupLimits(groups=max_groups, patience=patience, deadline=plan.failing.deadline)

    async def serve() -> None:
        opening = serving(
            serves_alone(plan),
            host=host,
            port=port,
            # Only from the environment: an option would appear in the list of processes.
            token=os.environ.get("CATSDK_REWARD_TOKEN"),
            group_size=plan.rollouts.count,
            limits=limits,
            drain=_DRAIN,
        )
        async with opening as url:
            Console(emoji=False).print(f"rewards at {url}", highlight=False)
            await terminated()

    anyio.run(serve)

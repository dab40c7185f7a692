"""A call that is cut off at some moment, for tests of what is left behind."""

from random import Random

import anyio
import anyio.lowlevel


async def cut_off(scope: anyio.CancelScope, random: Random) -> None:
    """Cancel `scope` after a few turns of the loop."""
    for _ in range(random.randrange(6)):
        await anyio.lowlevel.checkpoint()
    scope.cancel()

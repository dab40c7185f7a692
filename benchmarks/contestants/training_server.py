"""A loopback server whose anchor and judge have realistic latencies; it ends when stdin closes."""

import json
import sys

import anyio

from catsdk.testing import FunctionProvider, LoopbackServer
from catsdk.types import Completion, Request, Usage

ANCHOR_S, JUDGE_S = 0.3, 0.2


async def answer(request: Request) -> Completion:
    """Give a verdict after 200 ms, and any other reply after 300 ms."""
    judges = "criterion" in request.messages[-1].text
    await anyio.sleep(JUDGE_S if judges else ANCHOR_S)
    usage = Usage(input_tokens=100, output_tokens=10, requests=1)
    return Completion(text="yes" if judges else "It is \\boxed{7}.", usage=usage)


def main() -> None:
    """Serve until stdin closes; answer each line with the number of requests since the last."""
    with LoopbackServer(FunctionProvider(answer, name="anchor and judge")) as server:
        print(json.dumps({"url": server.url, "key": server.key, "model": server.model}), flush=True)
        for _ in sys.stdin:
            counters = server.counters
            print(json.dumps({"requests": counters.requests}), flush=True)
            server.change(server.weather)


if __name__ == "__main__":
    main()

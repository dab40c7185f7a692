"""Models and rows for the tests of batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from catsdk.core.types import Completion, Request, Usage
from catsdk.testing import FunctionProvider


def rows(many: int) -> list[dict[str, Any]]:
    return [{"id": f"r{at}", "prompt": f"question {at}?"} for at in range(many)]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def records(out: Path) -> list[dict[str, Any]]:
    return [line for path in sorted(out.glob("part-*.jsonl")) for line in lines(path)]


def priced(tokens: Callable[[Random], int], seed: int, dollars: float = 1e-5) -> FunctionProvider:
    """A model whose answers have lengths by chance, the same for the same question and seed."""

    def script(request: Request) -> list[Completion]:
        random = Random(f"{seed} {request.n} {request.messages[-1].text}")
        lengths = [tokens(random) for _ in range(request.n)]
        return [
            Completion(
                text=r"\boxed{4}",
                usage=Usage(
                    input_tokens=0 if at else 20,
                    output_tokens=length,
                    requests=0 if at else 1,
                    cost=length * dollars,
                ),
            )
            for at, length in enumerate(lengths)
        ]

    return FunctionProvider(script)

"""`catsdk serve` runs as a process of its own, answers OpenAI's SDK, and ends in good order."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

pytest.importorskip("torch")
pytestmark = pytest.mark.needs_torch

PROGRAM = "from catsdk.cli import main; main()"
QUESTION: Any = [{"role": "user", "content": "What is 23 + 58?"}]
SUM: Any = [{"role": "user", "content": "4821673+3947851"}]


def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_streamed_answer_is_made_by_the_model_in_the_box(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("models: [local]\nrollouts: {usual: 4}\n")
    process, said = start("--config", str(file))
    try:
        assert said.startswith("gateway at http://127.0.0.1:")
        # `communicate` does not give what `readline` has buffered.
        assert process.stdout is not None
        names = process.stdout.readline() + process.stdout.readline()
        assert "request the model cat/synthesis:local, or another one listed by GET" in names
        client = OpenAI(base_url=said.removeprefix("gateway at "), api_key="none")
        stream = client.chat.completions.create(
            model="cat/synthesis:local", messages=SUM, stream=True, seed=0
        )
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
        client.close()
        assert len("".join(pieces)) > 0
        assert sum(map(bool, pieces)) > 1
    finally:
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")


def test_a_gateway_without_models_says_what_to_name() -> None:
    process, _ = start()
    _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "there is nothing to serve" in error


def test_a_setting_that_is_unknown_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("modles: [local]\n")
    process, _ = start("--config", str(file))
    _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "there is no option 'modles'" in error

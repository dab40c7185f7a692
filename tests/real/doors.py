"""The three ways to one real model: in this process, llama.cpp's server, vLLM's server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from catsdk import Provider
from tests.providers.served import free_port, served
from tests.servers import llama_server

__all__ = ["FOLDER", "WHICH", "Door", "opened"]

FOLDER = os.environ.get("CATSDK_REAL", "")
"""The folder with the model's weights, for the ways that read them."""
WHICH = os.environ.get("CATSDK_REAL_DOOR", "")
"""Which way this environment has: local, llama.cpp or vllm."""
NAME = "smollm2"


@dataclass(frozen=True)
class Door:
    """A way to the model.

    Args:
        model: The model string.
        provider: Makes a provider of it.
        environment: What a command needs to find it by the model string.
    """

    model: str
    provider: Callable[[], Provider]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@contextmanager
def opened() -> Generator[Door]:
    """The way that this environment has, with its server running."""
    if WHICH == "local":
        from catsdk.providers import LocalProvider

        yield Door(f"local:{FOLDER}", lambda: LocalProvider(FOLDER, threads=1))
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1"
    if WHICH == "llama.cpp":
        from catsdk.providers import OpenAIProvider

        command = [sys.executable, str(Path(llama_server.__file__)), str(port)]
        with served(command, ready=llama_server.READY, within=120, environment={}):
            yield Door(
                f"openai:{NAME}",
                lambda: OpenAIProvider(NAME, base_url=url, api_key="none"),
                {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"},
            )
        return
    from catsdk.providers import VLLMProvider

    arguments = [
        "-m", "vllm.entrypoints.openai.api_server", "--model", FOLDER, "--served-model-name", NAME,
        "--host", "127.0.0.1", "--port", str(port), "--enforce-eager", "--max-model-len", "4096",
    ]  # fmt: skip
    with served(
        [sys.executable, *arguments],
        ready="Application startup complete",
        within=900,
        environment={},
    ):
        yield Door(f"vllm:{NAME}", lambda: VLLMProvider(NAME, base_url=url), {"VLLM_BASE_URL": url})

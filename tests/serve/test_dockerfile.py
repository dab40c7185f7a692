"""The Dockerfile, as far as it can be held without docker: files, user, health check, command."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio

from tests.providers.served import free_port

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()
PROGRAM = [sys.executable, "-c", "from catsdk.cli import main; main()"]


def given(instruction: str) -> list[str]:
    """What the lines of an instruction say."""
    return [line.partition(" ")[2] for line in LINES if line.startswith(f"{instruction} ")]


def words(text: str) -> list[str]:
    """The list at the end of an instruction."""
    found: list[str] = json.loads(text[text.index("[") :])
    return found


def copied() -> list[str]:
    """The files and folders of the repository that are copied."""
    from_here = [shlex.split(line) for line in given("COPY") if "--from" not in line]
    return [source for *sources, _ in from_here for source in sources]


def test_what_is_copied_is_there_and_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*"
    for source in copied():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source


def test_all_that_the_wheel_is_made_of_is_copied() -> None:
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = [*packages, project["project"]["readme"], *project["project"]["license-files"]]
    for path in needed:
        assert Path(path).parts[0] in copied(), path
    (install,) = [line for line in given("RUN") if "pip install" in line]
    extras = re.findall(r"\.\[(.*?)\]", install)[0].split(",")
    assert "serve" in extras
    assert set(extras) <= set(project["project"]["optional-dependencies"])
    assert all((ROOT / path).is_file() for path in re.findall(r"-c (\S+)", install))


def test_it_runs_as_no_superuser_and_ends_at_the_signal_that_drains() -> None:
    (user,) = given("USER")
    assert user not in ("root", "0")
    assert f"useradd --system --uid 10001 --no-create-home {user}" in given("RUN")[1]
    assert LINES.index(f"USER {user}") < next(
        at for at, line in enumerate(LINES) if line.startswith("ENTRYPOINT")
    )
    assert given("STOPSIGNAL") == ["SIGTERM"]


async def test_its_command_serves_and_its_health_check_tells_whether_it_does(
    tmp_path: Path,
) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("models: ['openai:none']\nkeys: {alice: {env: ALICE_KEY}}\n")
    port = str(free_port())
    (health,), (entry,), (command,) = given("HEALTHCHECK"), given("ENTRYPOINT"), given("CMD")
    assert words(entry)[1:] == ["serve"]
    asked = words(command)
    assert (asked[1], asked[-1]) == ("/etc/catsdk/serve.yaml", given("EXPOSE")[0])
    asked[1], asked[-1] = str(config), port
    check = [part.replace(":8000/", f":{port}/") for part in words(health)]
    check[0] = sys.executable
    # As in the image: a home that is not there, and a folder where nothing can be written.
    home = {**os.environ, "HOME": "/nonexistent", "ALICE_KEY": "a", "OPENAI_API_KEY": "b"}
    with anyio.fail_after(300):
        assert (await anyio.run_process(check, check=False)).returncode != 0
        serving = await anyio.open_process([*PROGRAM, "serve", *asked], env=home, stderr=None)
        async with serving:
            assert serving.stdout is not None
            assert (await serving.stdout.receive()).startswith(b"gateway at http://0.0.0.0:")
            assert (await anyio.run_process(check, check=False)).returncode == 0
            serving.terminate()
            assert await serving.wait() == 0
        assert (await anyio.run_process(check, check=False)).returncode != 0

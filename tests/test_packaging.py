"""What is installed, what an import loads, and that the wheel works away from the checkout."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

import catsdk

ROOT = Path(__file__).resolve().parent.parent
VENDORS = [
    "anthropic",
    "instructor",
    "litellm",
    "openai",
    "ray",
    "torch",
    "transformers",
    "trl",
    "vllm",
]
PACKAGES = {"catsdk", "catsdk_providers", "catsdk_trainers"}
# verifiers finds an environment by the name of a module that is in no package.
MODULES = {"catsdk_env.py"}


def _in_a_fresh_interpreter(code: str) -> str:
    path = os.pathsep.join(str(ROOT / part) for part in ("", "providers", "trainers"))
    # Counting branches there would load modules of its own.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**inherited, "PYTHONPATH": path},
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    ["import catsdk", "from catsdk import *", "import catsdk.providers", "import catsdk.cli"],
)
def test_an_import_loads_no_vendor_sdk(statement: str) -> None:
    loaded = _in_a_fresh_interpreter(
        f"import sys; {statement}; print(*sorted(set({VENDORS!r}) & set(sys.modules)))"
    )
    assert loaded == ""


def test_an_import_alone_reads_no_metadata_of_packages() -> None:
    loaded = _in_a_fresh_interpreter(
        "import catsdk, sys; print(*sorted({'importlib.metadata', 'pydantic'} & set(sys.modules)))"
    )
    assert loaded == ""


# What only some calls need, and what takes longer to load than any module of ours.
NOT_YET = [
    "aiohttp",
    "asyncio",
    "catsdk.answers.engine.arithmetic",
    "dotenv",
    "genai_prices",
    "httpx",
    "json_repair",
    "numpy",
    "pydantic_settings",
    "rich",
    "sqlite3",
    "ssl",
    "sympy",
    "typer",
    "yaml",
]


def test_every_public_name_is_there_before_what_only_some_calls_need_is_loaded() -> None:
    loaded = _in_a_fresh_interpreter(
        # Where tornado is there, as beside Jupyter, tenacity loads it, and asyncio with it.
        "import sys; sys.modules['tornado'] = None; from catsdk import *;"
        f" print(*sorted(set({NOT_YET!r}) & set(sys.modules)))"
    )
    assert loaded == ""


def test_a_type_is_built_when_it_is_first_used() -> None:
    built = _in_a_fresh_interpreter(
        "from catsdk import *\n"
        "before = Message.__pydantic_complete__\n"
        "Message(role='user', content='x')\n"
        "print(before, Message.__pydantic_complete__, Result.__pydantic_complete__)"
    )
    assert built == "False True False"


def test_every_public_name_resolves_in_a_fresh_interpreter() -> None:
    names = catsdk.__all__
    assert len(names) <= 40
    assert len(set(names)) == len(names)
    missing = _in_a_fresh_interpreter(
        f"import catsdk; print(*[n for n in {list(names)!r} if not hasattr(catsdk, n)])"
    )
    assert missing == ""


def test_each_entry_of_the_doors_opens() -> None:
    pytest.importorskip("torch")
    door = import_module("catsdk.providers")
    for name in door.__all__:
        assert getattr(door, name).__module__.startswith("catsdk_providers.")
    with pytest.raises(AttributeError, match="Misspelt"):
        _ = door.Misspelt


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "-w", str(folder), str(ROOT)])
    (built,) = folder.glob("compute_as_teacher-*.whl")
    return built


def test_each_extra_has_its_row_in_the_readme() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    _, _, table = (ROOT / "README.md").read_text().partition("| extra | brings |")
    rows = table.partition("\n\n")[0].splitlines()
    told = {name for row in rows if row for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert told == set(extras)


def test_each_extra_has_its_row_in_the_check_of_extras() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    rows = re.findall(
        r"^(?:alone|resolves) (\S+)", (ROOT / "tests/each_extra.sh").read_text(), re.MULTILINE
    )
    assert not set(extras) - set(rows)


def test_the_wheel_holds_the_three_packages_and_one_module(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES | MODULES
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert any(name.endswith("/model.safetensors") for name in names)
    assert wheel.stat().st_size < 10 * 2**20
    source = ("catsdk", "providers/catsdk_providers", "trainers/catsdk_trainers")
    tracked = {
        path.name
        for folder in source
        for path in (ROOT / folder).rglob("*.py*")
        if path.suffix in {".py", ".pyi"}
    }
    assert tracked <= {Path(name).name for name in names}


def _environment(folder: Path) -> tuple[str, list[str]]:
    """A new environment: its interpreter, and the command that installs into it."""
    _run([sys.executable, "-m", "venv", str(folder / "venv")])
    python = str(folder / "venv" / "bin" / "python")
    # Without bytecode: compiling all of torch takes longer than the rest.
    install = ("--disable-pip-version-check", "install", "-qq", "--no-compile")
    return python, [python, "-m", "pip", *install]


@pytest.mark.slow
def test_the_installed_wheel_synthesizes_in_a_clean_environment_outside_the_checkout(
    wheel: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    # The commands a user types, with the pinned versions: torch first, then the wheel.
    _, pip = _environment(tmp_path)
    pins = ("-c", str(ROOT / "constraints" / "main.txt"))
    _run([*pip, *pins, "torch"])
    _run([*pip, *pins, f"{wheel}[local]"])
    catsdk_command = str(tmp_path / "venv" / "bin" / "catsdk")
    options = ["--json", "--model", "local"]
    answer = json.loads(
        _run([catsdk_command, "synthesize", *options, "4821673+3947851"], cwd=tmp_path)
    )
    assert answer["text"]
    assert len(answer["group"]["rollouts"]) >= 2
    assert "agreement" in answer


THIRD_PARTY = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "echo-models"
version = "1"

[project.entry-points."catsdk.providers"]
echo = "echo_models:Echo"
"""

# All that a provider needs: one method.
ECHO = """
from catsdk.types import Completion

class Echo:
    def __init__(self, model):
        self.model = model

    async def complete(self, request, on_text=None):
        said = request.messages[-1].text
        return [Completion(text=f"{self.model}: {said}")] * request.n
"""


@pytest.mark.slow
def test_a_package_of_a_third_party_brings_a_provider_into_a_clean_environment(
    wheel: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(THIRD_PARTY)
    (source / "echo_models.py").write_text(ECHO)
    python, pip = _environment(tmp_path)
    _run([*pip, "-c", str(ROOT / "constraints" / "main.txt"), str(wheel)])
    _run([*pip, "--no-deps", str(source)])
    sampling = (
        "import anyio, catsdk as cat;"
        "group = anyio.run(cat.Sampler('echo:loud').sample, 'hello', 3);"
        "print(*[rollout.text for rollout in group.rollouts], sep='|')"
    )
    said = _run([python, "-c", sampling], cwd=tmp_path)
    assert said.strip() == "|".join(["loud: hello"] * 3)
    listed = _run([str(tmp_path / "venv" / "bin" / "catsdk"), "providers"], cwd=tmp_path)
    assert "echo" in listed


def _run(command: list[str], cwd: Path | None = None) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=clean, check=False)
    assert done.returncode == 0, (
        f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    )
    return done.stdout

"""Doors: each public name is loaded from where the stub says, and nothing is loaded before."""

import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

import catsdk

PACKAGE = Path(catsdk.__file__).parent
DOORS = sorted(
    ".".join(stub.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for stub in PACKAGE.rglob("*.pyi")
)
NEED_TORCH = {"catsdk.providers", "catsdk.serve", "catsdk.train", "catsdk.view"}


def test_the_faces_of_the_package_are_doors() -> None:
    assert {"catsdk", "catsdk.providers", "catsdk.rewards", "catsdk.train"} <= set(DOORS)


@pytest.mark.parametrize("name", DOORS)
def test_each_name_of_a_door_opens(name: str) -> None:
    if name in NEED_TORCH:
        pytest.importorskip("torch")
    door = import_module(name)
    assert door.__all__
    assert dir(door) == sorted(door.__all__)
    assert all(getattr(door, each) is not None for each in door.__all__)


@pytest.mark.parametrize("name", DOORS)
def test_a_misspelt_name_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'Misspelt'"):
        _ = import_module(name).Misspelt


def test_a_door_opens_from_a_zip_and_loads_only_what_is_asked_for(tmp_path: Path) -> None:
    archive = tmp_path / "room.zip"
    core = PACKAGE / "core" / "doors.py"
    with zipfile.ZipFile(archive, "w") as files:
        files.write(core, "doors.py")
        files.writestr(
            "room/__init__.py",
            "from doors import door\n__getattr__, __dir__, __all__ = door(__name__, __file__)\n",
        )
        files.writestr(
            "room/__init__.pyi",
            "from room.one import One\nfrom room.two import Two\n\n__all__ = ['One', 'Two']\n",
        )
        files.writestr("room/one.py", "class One: ...\n")
        files.writestr("room/two.py", "class Two: ...\n")
    code = "import sys, room; print(room.One.__module__, 'room.two' in sys.modules, dir(room))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(archive)},
    )
    assert done.stdout.strip() == "room.one False ['One', 'Two']"

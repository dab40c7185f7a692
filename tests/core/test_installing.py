"""The command that adds an extra fits the copy that is running."""

import json
from pathlib import Path

import pytest

import catsdk
from catsdk.core.installing import _requirement, install_command

CLONE = {"url": "file:///home/ann/my%20clones/cat", "dir_info": {"editable": True}}
FOLDER = {"url": "file:///srv/cat", "dir_info": {}}
COMMIT = {
    "url": "https://example.org/cat.git",
    "vcs_info": {"vcs": "git", "commit_id": "c0ffee", "requested_revision": "main"},
}
WHEEL = {"url": "https://example.org/compute_as_teacher-1-py3-none-any.whl", "archive_info": {}}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, "'compute-as-teacher[local]'"),
        (CLONE, "-e '/home/ann/my clones/cat[local]'"),
        (FOLDER, "'/srv/cat[local]'"),
        (COMMIT, "'compute-as-teacher[local] @ git+https://example.org/cat.git@c0ffee'"),
        (WHEEL, f"'compute-as-teacher[local] @ {WHEEL['url']}'"),
    ],
)
def test_an_extra_comes_from_where_the_copy_came_from(
    origin: dict[str, object] | None, expected: str
) -> None:
    assert _requirement("local", json.dumps(origin) if origin else None) == expected


@pytest.mark.skipif(
    not Path(catsdk.__file__).is_relative_to(Path(__file__).parents[2]),
    reason="what is tested is an installed wheel",
)
def test_the_command_for_this_checkout_names_its_folder() -> None:
    command = install_command("local")
    assert command.startswith("pip install -e ")
    assert command.endswith("[local]'")

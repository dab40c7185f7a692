"""The maps in the documentation, the files and their docstrings say the same."""

import re
from collections import Counter
from pathlib import Path

from docs import maps

ROOT = Path(__file__).resolve().parent.parent


def test_files_lists_every_module_with_the_first_line_of_its_docstring() -> None:
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    assert page == maps.rewritten(page), "the file map is old: run `make maps`"


def test_each_first_line_is_a_sentence_of_one_line() -> None:
    for package in maps.PACKAGES:
        for module in maps.modules(package):
            line = maps.purpose(module)
            assert line.endswith((".", "?", "!")), f"{module}: {line}"
            assert len(line) <= 120, f"{module}: {line}"


def test_the_architecture_maps_every_folder_and_only_folders_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.partition("## The folders")[2].partition("\n## ")[0]
    mapped = set(re.findall(r"^\| `([\w/.]+)/` \|", tree, flags=re.MULTILINE))
    assert mapped == {path.relative_to(ROOT).as_posix() for path in _folders()}


def _folders() -> list[Path]:
    top = ["benchmarks", "constraints", "docs", "examples", "tests"]
    packages = ["catsdk", "providers/catsdk_providers", "trainers/catsdk_trainers"]
    inside = [path.parent for path in (ROOT / "catsdk").glob("*/__init__.py")]
    return [ROOT / name for name in [*top, *packages]] + inside


def test_no_folder_of_the_source_has_more_modules_and_no_file_more_lines_than_one_reads() -> None:
    roots = [ROOT / "catsdk", ROOT / "providers", ROOT / "trainers"]
    modules = [file for root in roots for file in root.rglob("*.py")]
    crowded = Counter(file.parent for file in modules if file.name != "__init__.py")
    assert {str(folder): count for folder, count in crowded.items() if count > 22} == {}
    lines = {str(file): len(file.read_text("utf-8").splitlines()) for file in modules}
    assert {file: count for file, count in lines.items() if count > 600} == {}

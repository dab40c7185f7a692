"""The pages of the reference: what each public module offers, the commands, and the settings.

Names are read from the stubs and the docstrings from the sources, so nothing that a module needs
must be installed; mkdocstrings then shows each name. The commands and settings come from the
package.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

__all__ = ["FACES", "Name", "file_of", "names_of", "pages"]

ROOT = Path(__file__).resolve().parents[2]
FACES: Mapping[str, str] = {
    "catsdk": "the method as one object, and what most programs need",
    "catsdk.estimators": "the ways to make one reference from a group",
    "catsdk.rewards": "the rewards, and their algebra",
    "catsdk.rubrics": "rubrics: proposing, judging, files, quality, agreement",
    "catsdk.sampling": "drawing groups",
    "catsdk.answers": "final answers: finding them, and when two are the same",
    "catsdk.providers": "models of each service, and local ones",
    "catsdk.train": "rewards and training in TRL",
    "catsdk.evaluate": "comparing estimators on data",
    "catsdk.batch": "many rows, durably",
    "catsdk.data": "reading prompts and known answers",
    "catsdk.serve": "the gateway and the reward service",
    "catsdk.view": "the viewer",
    "catsdk.runtime": "how calls are sent, for those who write a wrapper or a role",
    "catsdk.recipes": "roles as data",
    "catsdk.events": "what a run tells while it runs",
    "catsdk.types": "the values",
    "catsdk.errors": "the exceptions",
    "catsdk.testing": "a scripted model and a local server",
    "catsdk_providers.box": "the model in the box",
}
"""The modules from which users import, and what each is for."""


INDEX: Final = """# Public names

Import from these modules alone: what lies deeper may move. A name is loaded when it is first used,
so importing one loads no vendor's package.

| module | what it has | names |
| --- | --- | --- |
{rows}

[Commands](commands.md) has the command line, [Settings](settings.md) every setting and its
variable.
"""
COMMANDS: Final = """# Commands

`catsdk COMMAND --help` says the same in a terminal.

{epilog}
"""
SETTINGS: Final = """# Settings

What a program gives to `Client` comes first, or what a command gets by `--set`; then the
environment; then the defaults below. A part of a section is named with a point in `--set`
(`--set limits.in_flight=32`) and with two underscores in the environment
(`CATSDK_LIMITS__IN_FLIGHT=32`). A whole section is JSON, or its short form
(`CATSDK_CACHE=answers.db`).

| setting | variable | meaning |
| --- | --- | --- |
{alone}
{sections}
"""


@dataclass(frozen=True)
class Name:
    """A public name: where users import it from, where it is defined, and what it is for."""

    face: str
    name: str
    home: str
    purpose: str

    @property
    def defined(self) -> str:
        """The path under which it is documented."""
        return f"{self.home}.{self.name}"


def names_of(face: str) -> list[Name]:
    """The names in the `__all__` of a public module, each with the module that defines it."""
    path = file_of(face)
    stub = path.with_suffix(".pyi")
    homes, public = _imports(stub if stub.exists() else path)
    if not public:
        raise ValueError(f"{face} has no `__all__`, here or in what it imports all of")
    found: list[Name] = []
    for name in public:
        home = _home(homes.get(name, face), name)
        # A submodule is a page of its own.
        if f"{home}.{name}" not in FACES:
            found.append(Name(face, name, home, _purpose(home, name)))
    return found


def _home(module: str, name: str) -> str:
    """The module that defines a name which `module` has, or may have imported itself."""
    inner = _imports(file_of(module))[0].get(name) if file_of(module).exists() else None
    return module if inner in (None, module) else _home(inner, name)


def file_of(module: str) -> Path:
    """The source of a module, of a package its `__init__.py`."""
    root = {"catsdk_providers": "providers", "catsdk_trainers": "trainers"}
    base = ROOT / root.get(module.partition(".")[0], ".") / Path(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _imports(path: Path) -> tuple[dict[str, str], list[str]]:
    """The module of each name that a file imports, and its `__all__`."""
    homes: dict[str, str] = {}
    public: list[str] = []
    for statement in _statements(ast.parse(path.read_text("utf-8")).body):
        match statement:
            case ast.ImportFrom(module=str(home), names=[ast.alias(name="*")]):
                inner, public = _imports(file_of(home))
                homes |= {name: inner.get(name, home) for name in public}
            case ast.ImportFrom(module=str(home), names=names):
                homes |= {each.name: home for each in names}
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() as value):
                public = ast.literal_eval(value)
            case _:
                pass
    return homes, public


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those that only type checkers see among them."""
    for statement in body:
        yield from statement.body if isinstance(statement, ast.If) else [statement]


def _purpose(home: str, name: str) -> str:
    """The first line of the docstring of what a module defines under this name."""
    body = ast.parse(file_of(home).read_text("utf-8")).body
    for at, statement in enumerate(body):
        match statement:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                if statement.name == name:
                    return (ast.get_docstring(statement) or "").partition("\n")[0]
            case ast.Assign() | ast.AnnAssign():
                if name in _targets(statement):
                    after = body[at + 1] if at + 1 < len(body) else None
                    return _text(after).partition("\n")[0]
            case _:
                pass
    raise ValueError(f"{home} does not define {name}, which is public")


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _text(statement: ast.stmt | None) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
        case _:
            return ""


# --- pages --------------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """The pages of the reference, by their path below `reference/`."""
    every = {face: names_of(face) for face in FACES}
    homes = _shown_on(every)
    written = {"index.md": _index(every), "commands.md": _commands(), "settings.md": _settings()}
    for face, names in every.items():
        written[f"{_page(face)}.md"] = _face(face, names, homes)
    return written


def _page(face: str) -> str:
    return face.removeprefix("catsdk.").replace("catsdk_providers.", "")


def _shown_on(every: Mapping[str, list[Name]]) -> dict[str, str]:
    """The public module on whose page each name is documented, by where it is defined.

    A name that stands in several is shown with those of its kind, not in the long list of `catsdk`.
    """
    shown: dict[str, str] = {}
    for face, names in every.items():
        for name in names:
            if shown.get(name.defined, "catsdk") == "catsdk":
                shown[name.defined] = face
    return shown


def _index(every: Mapping[str, list[Name]]) -> str:
    rows = [
        f"| [`{face}`]({_page(face)}.md) | {FACES[face]} | {len(names)} |"
        for face, names in every.items()
    ]
    return INDEX.format(rows="\n".join(rows))


def _face(face: str, names: list[Name], homes: Mapping[str, str]) -> str:
    lines = [f"# {face}", "", f"{FACES[face].capitalize()}.", "", "| name | purpose |"]
    lines += ["| --- | --- |"]
    for name in names:
        page = homes[name.defined]
        link = f"#{name.defined}" if page == face else f"{_page(page)}.md#{name.defined}"
        lines.append(f"| [`{name.name}`]({link}) | {_escaped(name.purpose)} |")
    lines.append("")
    for name in names:
        if homes[name.defined] == face:
            lines += [f"::: {name.defined}", ""]
    return "\n".join(lines)


def _commands() -> str:
    """Every command with its arguments and options, as `--help` tells them."""
    from typer.main import get_command

    from catsdk.cli.app import app

    lines = [COMMANDS.format(epilog=app.info.epilog)]
    for path, command in _flat("catsdk", get_command(app)):
        lines += ["", f"## {path}", "", _plain(command.help)]
        shown = [each for each in command.params if not getattr(each, "hidden", False)]
        shown.sort(key=lambda each: each.param_type_name == "option")
        if shown:
            lines += ["", "| argument or option | default | meaning |", "| --- | --- | --- |"]
            lines += [_parameter(each) for each in shown]
    return "\n".join([*lines, ""])


def _flat(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    if not inner:
        yield path, command
    for name, each in inner.items():
        yield from _flat(f"{path} {name}", each)


def _parameter(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    named = ", ".join([*parameter.opts, *parameter.secondary_opts])
    named = named if is_option else (parameter.metavar or parameter.name.upper())
    default = parameter.default
    shown = "" if default is None or callable(default) or default is False else f"`{default}`"
    if parameter.required:
        shown = "required"
    return f"| `{_cell(named)}` | {_cell(shown)} | {_plain(parameter.help)} |"


def _plain(text: str | None) -> str:
    """A help text as one paragraph; what is in brackets is no mark-up of a terminal."""
    joined = " ".join((text or "").replace("\b", "").split())
    return _escaped(re.sub(r"\[/?(?:bold|dim|red|green|cyan)\]", "", joined))


def _escaped(text: str) -> str:
    """A text in which nothing but what is between backticks means something to Markdown."""
    parts = _cell(text).split("`")
    return "`".join(
        part if at % 2 else re.sub(r"([_*<\[])", r"\\\1", part) for at, part in enumerate(parts)
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _settings() -> str:
    """Every setting of a client, section by section, with its default and meaning."""
    from catsdk.core.settings import Settings

    alone: list[str] = []
    sections: list[str] = []
    for name, field in Settings.model_fields.items():
        section = next((each for each in _classes(field.annotation) if each.model_fields), None)
        meaning = _escaped((field.description or "").capitalize())
        variable = f"`CATSDK_{name.upper()}`"
        if section is None or "dict" in str(field.annotation):
            alone.append(f"| `{name}` | {variable} | {meaning} |")
        else:
            sections += ["", f"## {name}", "", f"{meaning}: {variable}.", ""]
            sections += ["| part | default | meaning |", "| --- | --- | --- |", *_parts(section)]
    return SETTINGS.format(alone="\n".join(alone), sections="\n".join(sections))


def _parts(section: Any) -> Iterator[str]:
    told = _arguments(section.__doc__ or "")
    for name, field in section.model_fields.items():
        default = field.default
        text = ", ".join(default) if isinstance(default, tuple) else str(default)
        shown = "" if default is None or field.is_required() else f"`{text}`"
        yield f"| `{name}` | {_cell(shown)} | {_escaped(told.get(name, ''))} |"


def _classes(annotation: Any) -> Iterator[Any]:
    from pydantic import BaseModel

    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            yield each


def _arguments(docstring: str) -> dict[str, str]:
    """What the section `Args:` of a docstring says of each name."""
    body = re.search(r"^ *Args:\n(.*?)(?:\n\n|\Z)", docstring, re.DOTALL | re.MULTILINE)
    if body is None:
        return {}
    items = re.findall(r"^ {8}(\w+): (.*(?:\n {10,}.*)*)", body[1], re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in items}

"""The public names of the package, what their docstrings must hold, and what is missing there."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import enum
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import pairwise
from types import FunctionType
from typing import Any, cast

from pydantic import BaseModel

FACES = (
    "catsdk",
    "catsdk.answers",
    "catsdk.batch",
    "catsdk.data",
    "catsdk.errors",
    "catsdk.estimators",
    "catsdk.evaluate",
    "catsdk.events",
    "catsdk.providers",
    "catsdk.recipes",
    "catsdk.rewards",
    "catsdk.rubrics",
    "catsdk.runtime",
    "catsdk.sampling",
    "catsdk.serve",
    "catsdk.testing",
    "catsdk.train",
    "catsdk.types",
    "catsdk.view",
    "catsdk_providers.box",
)
"""The modules from which users import."""

OURS = ("catsdk", "catsdk_providers", "catsdk_trainers")
SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Examples")
_HEADER = re.compile(rf"({'|'.join(SECTIONS)}):$")
_ITEM = re.compile(r"(?: {4})(\*{0,2}[\w.]+)(?: \([^)]*\))?: \S")


@dataclasses.dataclass(frozen=True)
class Docstring:
    """A Google-style docstring, taken apart."""

    text: str
    sections: Mapping[str, str]

    @classmethod
    def of(cls, text: str | None) -> Docstring:
        lines = inspect.cleandoc(text or "").splitlines()
        sections: dict[str, list[str]] = {}
        here: list[str] | None = None
        for line in lines:
            header = _HEADER.match(line)
            if header:
                here = sections.setdefault(header[1].replace("Examples", "Example"), [])
            elif line and not line.startswith(" "):
                here = None
            elif here is not None:
                here.append(line)
        return cls("\n".join(lines), {name: "\n".join(body) for name, body in sections.items()})

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]

    def items(self, section: str) -> list[str]:
        """The names that a section explains."""
        lines = self.sections.get(section, "").splitlines()
        return [found[1].lstrip("*") for line in lines if (found := _ITEM.match(line))]


@dataclasses.dataclass(frozen=True)
class PublicName:
    """A class, function or method that users can reach, by the path that they import."""

    path: str
    thing: Any
    owner: type | None = None

    @property
    def doc(self) -> Docstring:
        return Docstring.of(_own_doc(self.thing))

    @property
    def is_method(self) -> bool:
        return self.owner is not None


def _own_doc(thing: Any) -> str | None:
    if not isinstance(thing, type):
        return cast("str | None", thing.__doc__)
    text = vars(thing).get("__doc__")
    # What `dataclass` and `Protocol` write where nobody has written anything.
    return None if text is None or text.startswith(f"{thing.__name__}(") else text


def public_names() -> list[PublicName]:
    """Every public class and function once, each class followed by its public methods."""
    found: list[PublicName] = []
    seen: set[int] = set()
    for face in FACES:
        module = import_module(face)
        for name in module.__all__:
            thing = inspect.unwrap(getattr(module, name))
            if id(thing) in seen or not isinstance(thing, type | FunctionType):
                continue
            seen.add(id(thing))
            found.append(PublicName(f"{face}.{name}", thing))
            if isinstance(thing, type):
                found += _methods(f"{face}.{name}", thing, seen)
    return found


def _methods(path: str, cls: type, seen: set[int]) -> Iterator[PublicName]:
    for parent in cls.__mro__:
        if not parent.__module__.startswith(OURS):
            continue
        # A list: pydantic finishes a class when something of it is looked at.
        for name, member in list(vars(parent).items()):
            function = inspect.unwrap(getattr(member, "__func__", member))
            if name.startswith("_") or not isinstance(function, FunctionType):
                continue
            if not function.__module__.startswith(OURS):
                # Pydantic gives a class with private attributes a method of its own.
                continue
            if id(function) in seen or _is_validator(parent, name):
                continue
            seen.add(id(function))
            if not _is_documented_elsewhere(parent, name, function):
                yield PublicName(f"{path}.{name}", function, parent)


def _is_validator(cls: type, name: str) -> bool:
    decorators = getattr(cls, "__pydantic_decorators__", None)
    if decorators is None:
        return False
    kinds = ("field_validators", "model_validators", "field_serializers", "model_serializers")
    return any(name in getattr(decorators, kind) for kind in kinds)


@cache
def _protocols() -> dict[str, list[str]]:
    """The methods of the protocols of roles and models, with their parameters."""
    methods: dict[str, list[str]] = {}
    for path in ("catsdk.runtime.roles", "catsdk.core.ports", "catsdk.answers.graders.grader"):
        for cls in vars(import_module(path)).values():
            if isinstance(cls, type) and getattr(cls, "_is_protocol", False):
                for name, member in vars(cls).items():
                    if not name.startswith("_") and isinstance(member, FunctionType):
                        methods[name] = list(inspect.signature(member).parameters)
    return methods


def _is_documented_elsewhere(owner: type, name: str, function: FunctionType) -> bool:
    """Whether a method does what the method of a protocol or of a base class says."""
    parameters = list(inspect.signature(function).parameters)
    if getattr(owner, "_is_protocol", False):
        return False
    if parameters == _protocols().get(name):
        return True
    for parent in owner.__mro__[1:]:
        inherited = vars(parent).get(name)
        if parent.__module__.startswith(OURS) and isinstance(inherited, FunctionType):
            return parameters == list(inspect.signature(inherited).parameters)
    return False


# --- what is missing ------------------------------------------------------------------------


def missing(public: PublicName) -> list[str]:
    """What the docstring of a public name lacks, one sentence for each."""
    doc = public.doc
    if not doc.text:
        return ["there is no docstring"]
    told = [*_of_first_line(doc), *_of_parameters(public), *_of_raises(public)]
    if isinstance(public.thing, type):
        wants_example = not issubclass(public.thing, BaseException)
    else:
        told += _of_returns(public)
        wants_example = not public.is_method
    if wants_example and ">>>" not in doc.sections.get("Example", ""):
        told.append("there is no `Example:` with `>>>`")
    return told


def _of_first_line(doc: Docstring) -> Iterator[str]:
    if not doc.first_line.endswith((".", "?", "!", ":")):
        yield f"the first line is no whole sentence: {doc.first_line!r}"


def _of_parameters(public: PublicName) -> Iterator[str]:
    wanted, elsewhere = _parameters(public)
    told = [*public.doc.items("Args"), *public.doc.items("Attributes")]
    if isinstance(public.thing, type):
        told += Docstring.of(_doc_of_constructor(public.thing)).items("Args")
    for name in wanted:
        if name not in told and name not in elsewhere:
            yield f"`Args:` does not name {name}"
    for name in public.doc.items("Args"):
        if name not in wanted:
            yield f"`Args:` names {name}, which is no parameter"


def _doc_of_constructor(cls: type) -> str | None:
    constructor = getattr(cls, "__init__", None)
    return constructor.__doc__ if isinstance(constructor, FunctionType) else None


def _parameters(public: PublicName) -> tuple[list[str], set[str]]:
    """The parameters of a name, and those of them that are documented where they are defined."""
    thing = public.thing
    if not isinstance(thing, type):
        names = list(inspect.signature(thing).parameters)
        return (names[1:] if names[:1] in (["self"], ["cls"]) else names), set()
    if issubclass(thing, enum.Enum) or getattr(thing, "_is_protocol", False):
        return [], set()
    if issubclass(thing, BaseModel):
        return list(thing.model_fields), _fields_with_docstrings(thing)
    if issubclass(thing, BaseException) and "__init__" not in vars(thing):
        return [], set()
    return list(inspect.signature(thing).parameters), _fields_with_docstrings(thing)


def _fields_with_docstrings(cls: type) -> set[str]:
    """The fields that are followed by a docstring of their own, here or in a base class."""
    found: set[str] = set()
    for parent in cls.__mro__:
        if not parent.__module__.startswith(OURS):
            continue
        body = cast("ast.ClassDef", _tree(parent)).body
        for field, after in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                if told or _is_described(field.value):
                    found.add(field.target.id)
    return found


def _is_described(default: ast.expr | None) -> bool:
    """Whether a setting is described where it is declared, as commands show it."""
    keywords = default.keywords if isinstance(default, ast.Call) else []
    return any(keyword.arg == "description" for keyword in keywords)


def _of_returns(public: PublicName) -> Iterator[str]:
    function, doc = public.thing, public.doc
    yields = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    annotation = inspect.signature(function).return_annotation
    if str(annotation) in ("None", "NoReturn", "Never") or annotation is None:
        return
    if doc.first_line.startswith(("Return ", "Returns ", "Yield ", "Yields ", "Whether ")):
        return
    if "Returns" not in doc.sections and "Yields" not in doc.sections:
        yield f"there is no `{'Yields' if yields else 'Returns'}:`"


def _of_raises(public: PublicName) -> Iterator[str]:
    listed = public.doc.items("Raises")
    functions = [public.thing]
    if isinstance(public.thing, type):
        functions = [vars(public.thing).get(name) for name in ("__init__", "__post_init__")]
        listed += Docstring.of(_doc_of_constructor(public.thing)).items("Raises")
    for function in functions:
        if isinstance(function, FunctionType):
            for error in sorted(_raised(function)):
                if error not in listed:
                    yield f"`Raises:` does not name {error}"
    for name in listed:
        if not _is_exception(name):
            yield f"`Raises:` names {name}, which is no exception"


def _raised(function: Callable[..., Any]) -> set[str]:
    """The exceptions raised in the body itself, and by the checks of arguments that it calls."""
    found: set[str] = set()
    # The constructors of dataclasses and protocols are written by Python.
    if not function.__module__.startswith(OURS) or function.__qualname__.startswith("_no_init"):
        return found
    if function.__code__.co_filename.startswith("<"):
        return found
    for node in _outside_of_inner_functions(_tree(function)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(raised).rpartition(".")[2]
            if _is_exception(name) and name not in ("NotImplementedError", "AttributeError"):
                found.add(name)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("check_"):
            found.add("InvalidInputError")
    return found


def _outside_of_inner_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_of_inner_functions(child)


def _is_exception(name: str) -> bool:
    places = (import_module("catsdk.errors"), import_module("catsdk.train"), builtins)
    thing = next((getattr(place, name) for place in places if hasattr(place, name)), None)
    return isinstance(thing, type) and issubclass(thing, BaseException)


@cache
def _tree(thing: Any) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]

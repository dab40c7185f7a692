"""Tools in a neutral form, and their translation into the dialect of each service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from catsdk.core.types import ToolCall

__all__ = ["Tool", "Tools", "original", "tool_fields"]

# The name of the tool by which the providers themselves ask for a form.
_TAKEN: Final = {"reply": "reply_tool"}
_GIVEN: Final = {ours: theirs for theirs, ours in _TAKEN.items()}
_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call.

    Args:
        name: Its name.
        description: What it does.
        schema: The JSON schema of its arguments.
        strict: Whether arguments must fit the schema.
    """

    name: str
    description: str | None
    schema: Mapping[str, Any]
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of a request.

    Args:
        offered: The tools.
        choice: `auto`, `none`, `required`, or the name of the tool that must be called.
        named: Whether `choice` is the name of a tool.
        parallel: Whether several may be called at once; `None` leaves it to the model.
    """

    offered: Sequence[Tool]
    choice: str | None = None
    named: bool = False
    parallel: bool | None = None


def tool_fields(tools: Tools, wire: str) -> dict[str, Any]:
    """Return the fields by which a service of a dialect is told of tools.

    Args:
        tools: The tools.
        wire: The dialect, `chat` or `messages`.
    """
    return _of_messages(tools) if wire == "messages" else _of_chat(tools)


def original(call: ToolCall) -> ToolCall:
    """Return a call under the name that the client gave its tool.

    Args:
        call: The call as the service wrote it.
    """
    return call.model_copy(update={"name": _GIVEN.get(call.name, call.name)})


def _name(name: str) -> str:
    return _TAKEN.get(name, name)


def _of_chat(tools: Tools) -> dict[str, Any]:
    functions = [
        _present(
            name=_name(tool.name),
            description=tool.description,
            parameters=dict(tool.schema),
            strict=tool.strict,
        )
        for tool in tools.offered
    ]
    choice: Any = tools.choice
    if tools.named:
        choice = {"type": "function", "function": {"name": _name(str(tools.choice))}}
    return _present(
        tools=[{"type": "function", "function": function} for function in functions],
        tool_choice=choice,
        parallel_tool_calls=tools.parallel,
    )


def _of_messages(tools: Tools) -> dict[str, Any]:
    offered = [
        _present(
            name=_name(tool.name), description=tool.description, input_schema=dict(tool.schema)
        )
        for tool in tools.offered
    ]
    choice: dict[str, Any] | None = None
    if tools.named:
        choice = {"type": "tool", "name": _name(str(tools.choice))}
    elif tools.choice is not None or tools.parallel is False:
        choice = {"type": _CHOICES[tools.choice or "auto"]}
    if choice is not None and tools.parallel is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return _present(tools=offered, tool_choice=choice)


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}

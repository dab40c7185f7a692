"""Output: the form that a reference must have, as a class or a JSON schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal, NamedTuple, Self, cast, get_args

from pydantic import BaseModel, JsonValue, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from catsdk.core.choices import check_choice
from catsdk.core.errors import InvalidInputError, StructuredOutputError
from catsdk.core.inputs import check_count, check_many
from catsdk.core.json_schema import Schema, check_schema, misfits, resolved
from catsdk.prompts.objects import read_data
from catsdk.prompts.prompt import load
from catsdk.prompts.strict_schema import strict_schema, with_summary
from catsdk.recipes.names import named, path_of
from catsdk.runtime.structured import Form

__all__ = ["Output", "OutputLike", "Written", "told"]

OutputLike = type | Mapping[str, Any]
"""A pydantic class, a dataclass, a `TypedDict`, or a JSON schema."""
Way = Literal["auto", "schema", "tool", "instructor", "json"]

_SETTINGS = {"form", "compare", "route", "attempts"}
_MOST_FAULTS = 5


class Written(NamedTuple):
    """An output that a text holds.

    `value` is the object of the class that was asked for, `data` the JSON object as it was written,
    and `answer` the text by which two outputs are compared. A synthesis has a `summary` beside it.
    """

    value: Any
    data: dict[str, JsonValue]
    answer: str
    summary: str | None = None


@dataclass(frozen=True)
class Output:
    """What a reference must be, and how it is asked for and compared.

    Args:
        form: A pydantic class, a dataclass, a `TypedDict`, or a JSON schema whose root is an
            object.
        compare: The fields that decide whether two outputs are the same; by default all. Leave out
            those that every response words in its own way, such as an explanation.
        route: How a model is asked: `schema` (one that the service enforces), `tool` (the arguments
            of a function that must be called), `json` (in the text), or `instructor`, which needs
            its package. `auto` takes the first of `schema`, `tool` and `json` that the service
            takes.
        attempts: How often the estimator's model is asked where its reply does not fit; from the
            second time on with what was wrong.

    Raises:
        InvalidInputError: the form is of the wrong kind, its root is not an object, its schema
            cannot be checked, or `compare` names a field that is not there.

    Example:
        >>> from catsdk.runtime import Output
        >>> Output({"type": "object", "properties": {"city": {"type": "string"}}}).read(
        ...     '{"city": "Cairo"}'
        ... ).data
        {'city': 'Cairo'}
    """

    form: OutputLike
    compare: Sequence[str] | None = None
    route: Way = "auto"
    attempts: int = 2

    def __post_init__(self) -> None:
        """Check the form and the settings."""
        check_choice("route", self.route, get_args(Way))
        check_count(self.attempts, "attempts")
        if isinstance(self.form, Mapping):
            check_schema(self.schema)
        root = resolved(self.schema, self.schema)
        if root.get("type") != "object":
            raise InvalidInputError(
                f"the output {_name(self.form)} is of the type {root.get('type', 'anyOf')!r}, but"
                " services return objects: give a class (or a schema) with a field for it, such as"
                " class Answer(BaseModel): value: ..."
            )
        if self.compare is not None:
            check_many("compare", self.compare, "give a list of fields")
            object.__setattr__(self, "compare", tuple(self.compare))
            known = cast("Mapping[str, object]", root.get("properties", {}))
            unknown = [name for name in self.compare if name not in known]
            if unknown or not self.compare:
                raise InvalidInputError(
                    f"compare is {self.compare!r}; give fields of the output: {', '.join(known)}"
                )

    @classmethod
    def of(cls, given: object) -> Self | None:
        """Take what a user gave as `output=`.

        Args:
            given: An output, a form, or nothing.

        Returns:
            The output; `None` for nothing.

        Raises:
            InvalidInputError: it is none of them.
        """
        return given if given is None or isinstance(given, cls) else cls(cast("Any", given))

    @cached_property
    def schema(self) -> Schema:
        """The JSON schema of the form."""
        if isinstance(self.form, Mapping):
            return cast("Schema", self.form)
        try:
            return cast("Schema", self._adapter.json_schema())
        except PydanticInvalidForJsonSchema as error:
            raise InvalidInputError(
                f"the output {_name(self.form)} has no JSON schema ({error.message}); give its"
                " fields types that JSON has"
            ) from None

    @cached_property
    def sent(self) -> dict[str, JsonValue]:
        """The schema as services are sent it: closed, with every field required."""
        return strict_schema(self.schema)

    @cached_property
    def words(self) -> str:
        """The words that ask for it, with the schema."""
        (message,) = load("english", "output").messages(schema=told(self.sent))
        return message.text

    @property
    def told_apart(self) -> dict[str, Any]:
        """What tells two outputs apart, for fingerprints."""
        rest = {"compare": self.compare, "route": self.route, "attempts": self.attempts}
        return {"schema": dict(self.schema), "words": self.words, **rest}

    def as_written(self) -> str:
        """Write it as in Python, for reprs.

        Returns:
            The form alone where nothing else is set, as a user gives it.
        """
        form = self.form.__name__ if isinstance(self.form, type) else repr(dict(self.form))
        return form if self == Output(self.form) else repr(self)

    def as_recipe(self) -> dict[str, Any]:
        """Write its arguments for a recipe.

        Returns:
            Those that are set; a class by its module and name, a schema as it is.

        Raises:
            InvalidInputError: the class cannot be imported by its name.
        """
        form = path_of(self.form) if isinstance(self.form, type) else dict(self.form)
        rest: dict[str, Any] = {"form": form}
        if self.compare is not None:
            rest["compare"] = list(self.compare)
        if self.route != "auto":
            rest["route"] = self.route
        if self.attempts != 2:
            rest["attempts"] = self.attempts
        return rest

    def to_data(self) -> Any:
        """Write it for YAML; `from_data` makes an equal one.

        Returns:
            The form alone where nothing else is set, else a mapping from `Output` to its arguments.

        Raises:
            InvalidInputError: the class cannot be imported by its name.
        """
        recipe = self.as_recipe()
        return recipe["form"] if len(recipe) == 1 else {"Output": recipe}

    @classmethod
    def from_data(cls, data: object) -> Output | None:
        """Make the output that `to_data` wrote.

        Args:
            data: A class as `module:Class`, a JSON schema, or both with settings under `Output`.

        Returns:
            The output; `None` if there is no data.

        Raises:
            InvalidInputError: it is none of them, or the class cannot be imported.
        """
        if data is None:
            return None
        settings: Any = {"form": data}
        if isinstance(data, Mapping) and "Output" in data:
            settings = cast("Mapping[str, Any]", data)["Output"]
        if not isinstance(settings, Mapping) or not {"form"} <= {*settings} <= _SETTINGS:
            raise InvalidInputError(
                f"output is {data!r:.120}; write a class as 'module:Class', a JSON schema, or"
                " {Output: {form: ..., compare: [...], route: ..., attempts: ...}}"
            )
        given = dict(cast("Mapping[str, Any]", settings))
        if isinstance(given["form"], str):
            given["form"] = named(given["form"])
        return cls(**given)

    @property
    def asked_for(self) -> Form[Written]:
        """The form that a model is asked for."""
        return Form(self.sent, self.read)

    @property
    def summarised(self) -> Form[Written]:
        """The form of a synthesis: a summary, then the output."""
        return Form(with_summary(self.sent), self._read_summarised)

    def _read_summarised(self, text: str) -> Written:
        data = read_data(text)
        summary, inner = data.get("summary"), data.get("response")
        if isinstance(inner, dict) and isinstance(summary, str | None) and len(data) <= 2:
            return self.written(inner)._replace(summary=summary)
        # Written as a model writes it that follows the form of the request.
        return self.written(data)

    def read(self, text: str) -> Written:
        """Read a reply.

        Args:
            text: What a model wrote: one JSON object, bare or in the only code fence.

        Returns:
            The object of the class, with the data that it was made of.

        Raises:
            StructuredOutputError: it holds no such object, or one that does not fit; the message
                names the fields.
        """
        return self.written(read_data(text))

    def written(self, data: dict[str, JsonValue]) -> Written:
        """Make the output of a JSON object.

        Args:
            data: The object.

        Returns:
            The object of the class, with the data.

        Raises:
            StructuredOutputError: it does not fit.
        """
        if isinstance(self.form, Mapping):
            wrong = list(islice(misfits(data, self.schema), _MOST_FAULTS))
            if wrong:
                raise StructuredOutputError("; ".join(wrong))
            return Written(data, data, self._compared(data))
        try:
            value: object = self._adapter.validate_json(json.dumps(data))
        except ValidationError as error:
            raise StructuredOutputError(_faults(error)) from None
        except Exception as error:
            # A user's validator may raise any error on a model's text.
            raise StructuredOutputError(
                f"{_name(self.form)} rejected it with {type(error).__name__}: {error!s:.200}"
            ) from error
        return Written(value, data, self._compared(self._normal(value, data)))

    def _normal(self, value: object, data: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """The object with its defaults, serialised by its own class, if nothing is lost by that."""
        try:
            how: Any = {"by_alias": True, "warnings": False}
            normal = _ordered(
                self._adapter.dump_python(value, mode="json", **how),
                self._adapter.dump_python(value, **how),
            )
            same = bool(self._adapter.validate_json(json.dumps(normal)) == value)
        except Exception:  # noqa: BLE001  # a serializer of the user's own may raise any
            return data
        return normal if same and isinstance(normal, dict) else data

    def _compared(self, data: Mapping[str, JsonValue]) -> str:
        if self.compare is not None:
            data = {name: data.get(name) for name in self.compare}
        return told(data)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        form: Any = self.form
        if not _describes(form):
            raise InvalidInputError(
                f"output is {form!r:.80}; give a pydantic class, a dataclass, a TypedDict, or a"
                " JSON schema such as {'type': 'object', 'properties': {...}}; a list or a number"
                " is a field of one"
            )
        try:
            return TypeAdapter(form)
        except PydanticUserError as error:
            raise InvalidInputError(
                f"the output {_name(form)} cannot be checked ({error.message}); give its fields"
                " types that pydantic knows"
            ) from None

    def __getstate__(self) -> dict[str, Any]:
        """The settings, without what is derived from them."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the settings."""
        self.__dict__.update(state)


def told(data: Mapping[str, JsonValue]) -> str:
    """A JSON object as one line, its letters as they are."""
    return json.dumps(dict(data), ensure_ascii=False)


def _ordered(normal: JsonValue, dumped: object) -> JsonValue:
    """Convert to JSON, with sets in an order that is the same in every process."""
    if isinstance(normal, dict):
        fields = cast("dict[object, object]", dumped) if isinstance(dumped, dict) else {}
        return {name: _ordered(each, fields.get(name)) for name, each in normal.items()}
    if not isinstance(normal, list):
        return normal
    if isinstance(dumped, set | frozenset):
        return sorted(normal, key=json.dumps)
    if not isinstance(dumped, list | tuple):
        return normal
    others = cast("Sequence[object]", dumped)
    return [_ordered(each, other) for each, other in zip(normal, others, strict=True)]


def _describes(form: object) -> bool:
    """Whether it is a class with fields that pydantic checks."""
    if not isinstance(form, type):
        return False
    kind = cast("type[object]", form)
    # Before Python 3.12 pydantic accepts only the `TypedDict` of typing_extensions.
    return issubclass(kind, BaseModel) or is_dataclass(kind) or hasattr(kind, "__required_keys__")


def _name(form: object) -> str:
    return form.__name__ if isinstance(form, type) else f"{form!r:.80}"


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    said = [
        f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"
        for fault in faults[:_MOST_FAULTS]
    ]
    return "; ".join(said)

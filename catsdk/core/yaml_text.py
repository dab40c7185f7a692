"""YAML: data to text in its own order, and text to data within bounds; the one place for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catsdk.core.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_DEPTH", "data_of", "yaml_of"]

MAX_DEPTH = 50
"""How deeply what is read may be nested: the time of the parser grows with its square."""
_WIDTH = 96


def yaml_of(data: object) -> str:
    """Write data as YAML, in its own order; what stands in it twice is written twice.

    Args:
        data: Mappings, lists, texts and numbers.
    """
    # Imported here, since most processes use no YAML.
    import yaml

    class Plain(yaml.SafeDumper):  # type: ignore[misc]
        def ignore_aliases(self, data: object) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride]
            return True

    text: str = yaml.dump(data, Dumper=Plain, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def data_of(text: str, what: str) -> object:
    """Read YAML: mappings, lists, texts, numbers and dates; a byte order mark is left out.

    Args:
        text: What is read.
        what: What it should be, for errors.

    Raises:
        InvalidInputError: it is not YAML; or it is nested more than `MAX_DEPTH` deep; or it has
            aliases (`*name`), by which a small text can stand for a huge one.
    """
    import yaml

    text = text.removeprefix("\ufeff")
    try:
        _check(yaml.parse(text, Loader=yaml.SafeLoader), what)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        data: object = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        at, why = error.problem_mark, error.problem or error.context
        where = f"line {at.line + 1}, column {at.column + 1}: " if at is not None else ""
        raise InvalidInputError(f"{what} is not YAML: {where}{why}") from None
    except InvalidInputError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        # Characters that YAML forbids, and dates and numbers that do not exist.
        raise InvalidInputError(f"{what} is not YAML: {' '.join(str(error).split())}") from None
    return data


def _check(events: Iterable[object], what: str) -> None:
    import yaml

    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise InvalidInputError(f"{what} has the YAML alias *{event.anchor}; write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidInputError(f"{what} is nested more than {MAX_DEPTH} deep; flatten it")

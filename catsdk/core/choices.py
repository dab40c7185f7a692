"""Checks that an option is one of a few words; imports nothing unless it raises."""

from __future__ import annotations

__all__ = ["check_choice"]


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse `value` for the option `name` unless it is one of `choices`.

    Raises:
        InvalidInputError: it is none of them.
    """
    if value in choices:
        return
    # Imported here, since it loads pydantic, which comparing answers does not need.
    from catsdk.core.errors import InvalidInputError

    *others, last = choices
    raise InvalidInputError(f"{name} is {value!r:.80}; give {', '.join(others)} or {last}")

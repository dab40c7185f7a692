"""The check of an option that is one of a few words; imports nothing until it refuses."""

from __future__ import annotations

__all__ = ["check_choice"]


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse `value` for the option `name` unless it is one of `choices`.

    Raises:
        InvalidInputError: it is none of them.
    """
    if value in choices:
        return
    # Here, since it brings pydantic, which a comparison of answers does without.
    from catsdk.core.errors import InvalidInputError

    *others, last = choices
    raise InvalidInputError(f"{name} is {value!r:.80}; give {', '.join(others)} or {last}")

"""YAML: data to and from text; the package is loaded with the first text."""

from __future__ import annotations

from catsdk.core.errors import InvalidInputError

__all__ = ["data_of", "yaml_of"]


def yaml_of(data: object) -> str:
    """Return data as YAML, in its own order.

    Args:
        data: Mappings, lists, texts and numbers.
    """
    import yaml

    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return text


def data_of(text: str, kind: str) -> object:
    """Return the data of a YAML text.

    Args:
        text: What is read.
        kind: What it should be, for errors.

    Raises:
        InvalidInputError: it is not YAML, or is nested too deeply.
    """
    import yaml

    try:
        data: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{kind} is not YAML: {error}") from None
    except RecursionError:
        raise InvalidInputError(f"{kind} is nested too deeply; no method needs that") from None
    return data

"""A prompt file: named slots, filled in one pass so that model text cannot forge the prompt.

A file has a head of `key: value` lines between two `---` lines (`version`, optionally `forbid`),
then the sections `=== system ===` (optional), `=== user ===` and `=== each NAME ===` (how one item
of the list slot NAME is written, with `{{index}}`, `{{text}}` and `{{key}}`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Message

__all__ = ["Prompt", "load"]

Slot = str | Sequence[str]

_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_SECTION = re.compile(r"^=== (system|user|each [a-z_]+) ===$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt: a system part, a user part, and how the items of list slots are written.

    `{{key}}` becomes a digest of all slot texts: a text that is shown cannot hold its own digest,
    so it cannot close or open a fence that carries the key, and equal requests stay equal.
    `forbid` is a character that the slot texts may not hold, for prompts whose fences carry no
    key; it is written as its full-width twin there.
    """

    name: str
    version: str
    user: str
    system: str | None
    each: Mapping[str, str]
    forbid: str | None = None

    @classmethod
    def parse(cls, name: str, text: str) -> Prompt:
        """Read the text of a prompt file.

        Raises:
            InvalidInputError: a head or a section is missing.
        """
        head = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
        pieces = _SECTION.split(text[head.end() :]) if head else []
        sections = {
            key: body.strip("\n") for key, body in zip(pieces[1::2], pieces[2::2], strict=True)
        }
        lines = head[1].splitlines() if head else []
        if head is None or "user" not in sections or not all(": " in line for line in lines):
            raise InvalidInputError(
                f"prompt {name!r} begins with {text[:40]!r}; a prompt file needs a head of"
                " 'key: value' lines between two lines '---', and a section '=== user ==='"
            )
        fields = dict(line.split(": ", 1) for line in lines)
        return cls(
            name=name,
            version=fields.get("version", "0"),
            user=sections.pop("user"),
            system=sections.pop("system", None),
            each={key.removeprefix("each "): body for key, body in sections.items()},
            forbid=fields.get("forbid"),
        )

    @classmethod
    def from_file(cls, path: str | Path) -> Prompt:
        """Read a prompt file of one's own."""
        return cls.parse(Path(path).stem, Path(path).read_text(encoding="utf-8"))

    def messages(self, **slots: Slot) -> tuple[Message, ...]:
        """Fill the slots. A list fills its slot with one `each` section an item.

        Raises:
            InvalidInputError: a slot of the prompt is not given.
        """
        key = sha256(repr(sorted(slots.items())).encode()).hexdigest()[:12]
        texts = {name: self._rendered(name, slot, key) for name, slot in slots.items()}
        user = Message(role="user", content=self._fill(self.user, {**texts, "key": key}))
        if self.system is None:
            return (user,)
        return (Message(role="system", content=self._fill(self.system, {"key": key})), user)

    def _rendered(self, name: str, slot: Slot, key: str) -> str:
        if isinstance(slot, str):
            return self._defused(slot)
        each = self.each.get(name, "{{text}}")
        return "\n".join(
            self._fill(each, {"index": str(at), "text": self._defused(text), "key": key})
            for at, text in enumerate(slot, start=1)
        )

    def _defused(self, text: str) -> str:
        if self.forbid is None:
            return text
        return text.replace(self.forbid, chr(ord(self.forbid) + 0xFEE0))

    def _fill(self, template: str, texts: Mapping[str, str]) -> str:
        def text_of(slot: re.Match[str]) -> str:
            if slot[1] not in texts:
                raise InvalidInputError(
                    f"prompt {self.name!r} has the slot {slot[0]}, which nothing fills;"
                    f" it can use {', '.join(sorted(texts))}"
                )
            return texts[slot[1]]

        return _SLOT.sub(text_of, template)


def load(prompt_set: str, task: str) -> Prompt:
    """Return the prompt for `task` from a set that ships with the package.

    A set without that task falls back to the set `english`.
    """
    return _SHIPPED.get((prompt_set, task)) or _SHIPPED["english", task]


def _shipped() -> dict[tuple[str, str], Prompt]:
    prompts: dict[tuple[str, str], Prompt] = {}
    for folder in files("catsdk.prompts").iterdir():
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name.endswith(".md"):
                task = file.name.removesuffix(".md")
                text = file.read_text("utf-8")
                prompts[folder.name, task] = Prompt.parse(f"{folder.name}/{task}", text)
    return prompts


# Read when the module is imported: later it would be a file read inside someone's event loop.
_SHIPPED = _shipped()

"""A prompt file: named slots, filled in one pass so that model text cannot forge the prompt.

A file begins with a head of `key: value` lines between two `---` lines (`version`, optionally
`forbid` and `verdict`). These sections follow:

- `=== system ===` (optional)
- `=== user ===`
- `=== then ===` (optional): the part of the user message that differs between calls; services can
  cache the shared part before it
- `=== form NAME ===`: the words that ask for one form of the answer, for the slot `{{form}}`
- `=== each NAME ===`: how an item of the list slot NAME is written, with `{{index}}`, `{{text}}`
  and the keys
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from catsdk.core.errors import InvalidInputError
from catsdk.core.types import Message, TextPart

__all__ = ["Prompt", "has", "load", "sets", "shipped_text"]

Slot = str | Sequence[str]

_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_LIKE_A_SLOT = re.compile(r"\{\{\s*([A-Za-z_]+)\s*\}\}")
_HEAD = ("version", "forbid", "verdict")
_SECTION = re.compile(r"^=== (system|user|then|form [a-z_]+|each [a-z_]+) ===$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prompt:
    r"""A prompt: its system part, its user part, and the format of list items.

    `{{name}}` is a slot, filled by `messages`. `{{key}}` becomes a digest of all slot texts, and
    `{{key_of_NAME}}` a digest of the slot NAME alone. A text cannot contain its own digest (96
    bits), so it cannot open or close a fence marked with that digest, and equal requests stay
    equal.

    Args:
        name: Its name, for provenance.
        version: Its version, for provenance.
        user: The words of the user message.
        system: The words of the system message; `None` sends none.
        each: How one item of a list slot is written, by the slot's name.
        forbid: A character that slot texts may not contain, for prompts whose fences carry no key;
            it is replaced by its full-width form.
        then: The part of the user message that differs between calls that share the part before.
        forms: The words that ask for one form of the answer, by the form's name.
        verdict: The name under which a judge is asked for its verdict.

    Example:
        >>> from catsdk import Prompt
        >>> prompt = Prompt.parse("mine", "---\nversion: 1\n---\n=== user ===\nAnswer {{question}}")
        >>> prompt.messages(question="2+2?")[0].text
        'Answer 2+2?'
    """

    name: str
    version: str
    user: str
    system: str | None
    each: Mapping[str, str]
    forbid: str | None = None
    then: str | None = None
    forms: Mapping[str, str] = field(default_factory=dict[str, str])
    verdict: str = "verdict"
    _words_digest: str = field(init=False, compare=False, repr=False)
    _source: str | None = field(default=None, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compute the digest once, because every call needs it."""
        once = [self.system, self.user, self.then, self.forbid]
        named = [*sorted(self.each.items()), *sorted(self.forms.items())]
        object.__setattr__(self, "_words_digest", _digest(repr([*once, *named])))

    @property
    def source(self) -> str:
        """The file it was read from, or else its name; used in error messages."""
        return self._source or self.name

    @property
    def digest(self) -> str:
        """A digest of the wording, independent of name and version."""
        return self._words_digest

    @property
    def slots(self) -> frozenset[str]:
        """The names of the slots in the prompt."""
        return frozenset(_SLOT.findall("".join([self.system or "", self.user, self.then or ""])))

    @classmethod
    def parse(cls, name: str, text: str) -> Prompt:
        """Return the prompt that the text of a prompt file describes.

        Args:
            name: The prompt's name.
            text: A head of `key: value` lines between two `---` lines, then the sections.

        Raises:
            InvalidInputError: a head or a section is missing.
        """
        return _parsed(cls, name, text, None)

    @classmethod
    def from_file(cls, path: str | Path) -> Prompt:
        r"""Return the prompt in a file of your own, named after the file.

        Whether its slots suit a role is checked when the role is created.

        Args:
            path: The file, in UTF-8.

        Raises:
            InvalidInputError: the file cannot be read, or is not a prompt file; the error names the
                file, the line and the fix.

        Example:
            >>> from pathlib import Path
            >>> from tempfile import TemporaryDirectory
            >>> import catsdk as cat
            >>> with TemporaryDirectory() as folder:
            ...     file = Path(folder) / "merge.md"
            ...     _ = file.write_text("---\nversion: 1\n---\n=== user ===\n{{responses}}\nMerge.")
            ...     prompt = cat.Prompt.from_file(file)
            >>> prompt.name, prompt.version, sorted(prompt.slots)
            ('merge', '1', ['responses'])
        """
        file = Path(path)
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"prompt file {str(file)!r} cannot be read: {error}") from error
        return _parsed(cls, file.stem, text, str(file))

    def messages(self, *, form: str = "json", **slots: Slot) -> tuple[Message, ...]:
        """Fill the slots.

        Args:
            form: The form of answer that the prompt asks for.
            slots: The texts of the slots, by name; a list fills its slot with one `each` section
                per item.

        Returns:
            The messages to send: the system message, if there is one, and the user message.

        Raises:
            InvalidInputError: a slot of the prompt is not given.
        """
        keys = {f"key_of_{name}": _digest(repr(slot)) for name, slot in slots.items()}
        keys["key"] = _digest(repr(sorted(slots.items())))
        texts = {name: self._rendered(name, slot, keys) for name, slot in slots.items()}
        texts |= keys
        if form in self.forms:
            texts["form"] = self._fill(self.forms[form], keys)
        user = self._fill(self.user, texts)
        content: str | tuple[TextPart, ...] = user
        if self.then is not None:
            content = (TextPart(text=f"{user}\n\n"), TextPart(text=self._fill(self.then, texts)))
        message = Message(role="user", content=content)
        if self.system is None:
            return (message,)
        return (Message(role="system", content=self._fill(self.system, texts)), message)

    def _rendered(self, name: str, slot: Slot, keys: Mapping[str, str]) -> str:
        if isinstance(slot, str):
            return self._defused(slot)
        each = self.each.get(name, "{{text}}")
        return "\n".join(
            self._fill(each, {**keys, "index": str(at), "text": self._defused(text)})
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
                    f"prompt {self.source!r} has the slot {slot[0]}, which nothing fills;"
                    f" it can use {', '.join(sorted(texts))}"
                )
            return texts[slot[1]]

        return _SLOT.sub(text_of, template)


def _parsed(kind: type[Prompt], name: str, text: str, source: str | None) -> Prompt:
    where = f"prompt {source or name!r}"
    text = text.replace("\r\n", "\n")
    head = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    if head is None or not all(": " in line for line in head[1].splitlines()):
        raise InvalidInputError(
            f"{where} begins with {text[:40]!r}; a prompt file needs a head of 'key: value' lines"
            " between two lines '---', such as 'version: 1'"
        )
    fields = dict(line.split(": ", 1) for line in head[1].splitlines())
    unknown = [key for key in fields if key not in _HEAD]
    if unknown:
        raise InvalidInputError(
            f"{where} has {unknown[0]!r} in its head; known are {', '.join(_HEAD)}"
        )
    _check_lines(where, text, len(head[0].splitlines()))
    pieces = _SECTION.split(text[head.end() :])
    if pieces[0].strip():
        raise InvalidInputError(
            f"{where} has {pieces[0].strip()[:40]!r} before its first section; begin one, such as"
            " '=== user ==='"
        )
    names = pieces[1::2]
    twice = [each for each in names if names.count(each) > 1]
    if twice:
        raise InvalidInputError(f"{where} has the section '=== {twice[0]} ===' twice; join the two")
    sections = {key: body.strip("\n") for key, body in zip(names, pieces[2::2], strict=True)}
    if "user" not in sections:
        raise InvalidInputError(f"{where} has no section '=== user ==='; every prompt needs one")
    prompt = kind(
        name=name,
        version=fields.get("version", "0"),
        user=sections.pop("user"),
        system=sections.pop("system", None),
        then=sections.pop("then", None),
        each=_named("each ", sections),
        forms=_named("form ", sections),
        forbid=fields.get("forbid"),
        verdict=fields.get("verdict", "verdict"),
    )
    # Not compared: prompts with equal words are equal wherever they were read from.
    object.__setattr__(prompt, "_source", source)
    return prompt


def _check_lines(where: str, text: str, head: int) -> None:
    """Raise for malformed sections and slots, which would otherwise be sent as text."""
    for at, line in enumerate(text.splitlines(), start=1):
        if at > head and line.startswith("===") and not _SECTION.fullmatch(line):
            raise InvalidInputError(
                f"{where}, line {at}: {line[:60]!r} is not a section; sections are"
                " '=== system ===', '=== user ===', '=== then ===', '=== each NAME ===' and"
                " '=== form NAME ==='"
            )
        for found in _LIKE_A_SLOT.finditer(line):
            if not _SLOT.fullmatch(found[0]):
                raise InvalidInputError(
                    f"{where}, line {at}: {found[0]!r} is not a slot; write it in small letters and"
                    f" without spaces: {{{{{found[1].strip().lower()}}}}}"
                )


def has(prompt_set: str, task: str) -> bool:
    """Whether a shipped set has its own prompt for `task`."""
    return (prompt_set, task) in _SHIPPED


def sets() -> tuple[str, ...]:
    """The sets that ship with the package."""
    return tuple(dict.fromkeys(prompt_set for prompt_set, _ in _SHIPPED))


def load(prompt_set: str, task: str) -> Prompt:
    """Return the prompt for `task` from a set that ships with the package.

    A set without that task falls back to the set `english`.
    """
    return _SHIPPED.get((prompt_set, task)) or _SHIPPED["english", task]


def shipped_text(name: str) -> str:
    """The text of a prompt file that ships with the package.

    Args:
        name: Its set and task, such as `english/synthesize`.

    Raises:
        InvalidInputError: there is no prompt of that name.
    """
    known = sorted(f"{prompt_set}/{task}" for prompt_set, task in _SHIPPED)
    if name not in known:
        raise InvalidInputError(f"there is no prompt {name!r}; there are {', '.join(known)}")
    return files("catsdk.prompts").joinpath(f"{name}.md").read_text("utf-8")


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _named(prefix: str, sections: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(prefix): body
        for name, body in sections.items()
        if name.startswith(prefix)
    }


def _shipped() -> dict[tuple[str, str], Prompt]:
    prompts: dict[tuple[str, str], Prompt] = {}
    for folder in files("catsdk.prompts").iterdir():
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name.endswith(".md"):
                task = file.name.removesuffix(".md")
                text = file.read_text("utf-8")
                prompts[folder.name, task] = Prompt.parse(f"{folder.name}/{task}", text)
    return prompts


# Read at import, because reading files later would block an event loop.
_SHIPPED = _shipped()

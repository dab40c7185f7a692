"""Pages hold no markup but their own, run no script, and suit a light and a dark screen."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from catsdk.core.display.page import Markup, element, heading, page, table

HOSTILE = """</title></style><script>alert("x")</script><td onclick='y'>&amp;"""


class Seen(HTMLParser):
    """The elements of a page with their attributes, and all of its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("words", ["plain", HOSTILE])
def test_whatever_a_text_holds_it_stays_text(words: str) -> None:
    cells = table(heading(words, "b"), [element("tr", element("td", words, title=words))], words)
    seen = Seen(page(words, words, element("p", words), cells))
    rows = ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "tfoot"]
    head = ["html", "head", "meta", "meta", "meta", "title", "style", "body"]
    assert seen.tags == [*head, "h1", "p", "div", *rows]
    assert seen.text.count(words) == 7
    assert ("title", words) in seen.attributes


def test_attributes_that_are_false_are_left_out_and_markup_is_not_escaped_again() -> None:
    made = element("p", element("b", "<"), Markup("<i>x</i>"), class_=None, hidden=True, open=False)
    assert made == "<p hidden><b>&lt;</b><i>x</i></p>"


def test_a_page_loads_nothing_and_follows_the_readers_system() -> None:
    text = page("t", style="p { color: red; }")
    assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text
    assert "p { color: red; }" in text

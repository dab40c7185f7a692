"""The currency of an answer, from its sign or from the word of its unit."""

from __future__ import annotations

import re

__all__ = ["amounts_written", "currency_of_unit", "currency_written"]

_SIGNS = {
    "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee", "₩": "won", "₽": "ruble", "₺": "lira",
    "₫": "dong", "₦": "naira", "₱": "peso", "₪": "shekel", "฿": "baht", "₿": "bitcoin",
}  # fmt: skip
_WORDS_OF = {
    "dollar": "$ dollar dollars usd buck bucks cent cents ¢ us",
    "euro": "euro euros eur",
    "pound": "gbp quid pence",
    "yen": "yen jpy",
    "rupee": "rupee rupees inr rs paise",
    "yuan": "yuan rmb cny",
    "peso": "peso pesos mxn php",
    "won": "won krw",
    "ruble": "ruble rubles rouble roubles rub",
    "franc": "franc francs chf",
    "lira": "lira liras try",
    "real": "real reais brl",
    "rand": "rand zar",
    "krona": "krona kronor krone kroner sek nok dkk",
    "dong": "dong vnd",
    "dirham": "dirham dirhams aed",
    "dinar": "dinar dinars",
    "riyal": "riyal riyals sar",
    "baht": "baht thb",
    "shekel": "shekel shekels ils",
    "bitcoin": "bitcoin bitcoins btc",
}
_OF_WORD = {word: name for name, words in _WORDS_OF.items() for word in words.split()}
_COMMANDS = {"\\euro": "euro", "\\pounds": "pound", "\\yen": "yen", "\\textdollar": "dollar"}
_AMOUNT = re.compile(rf"(?:\\?\$|[{''.join(_SIGNS)}])\s?-?\d[\d.,]{{0,40}}(?<=\d)")
_DOLLAR = re.compile(r"\\\$|(?<!\\)\$(?=\s?-?[\d.])")


def currency_written(text: str) -> str:
    """Return the currency whose sign stands in `text`; empty where there is none.

    A `$` that delimits a formula is not a sign of money.
    """
    if not text.isascii():
        for sign, name in _SIGNS.items():
            if sign in text:
                return name
    if "\\" in text:
        for command, name in _COMMANDS.items():
            if command in text:
                return name
    if "$" not in text or not _DOLLAR.search(text):
        return ""
    return "dollar" if "\\$" in text or text.count("$") % 2 else ""


def amounts_written(text: str) -> list[str]:
    """Return each amount of `text` with its sign of money, sorted."""
    return sorted(found.lstrip("\\").replace(" ", "") for found in _AMOUNT.findall(text))


def currency_of_unit(unit: str) -> str:
    """Return the currency that the first word of a unit names; empty where it names none."""
    return _OF_WORD.get(unit.partition(" ")[0].strip("."), "")

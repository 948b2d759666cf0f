"""Text of others on a page: what would steer a reader's eye or a terminal stands there in plain letters."""

import unicodedata

SHORT_CHARS = 160  # of a sentence in a table's cell; its own page has all of it

# Controls, formats (bidi, zero width), surrogates, private use, unassigned, line and paragraph ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """Return text in which every control, bidi and invisible character is written out, as \\u202e.

    Lines and tabs stay. The result is still to be escaped for HTML.
    """
    if text.isprintable():
        return text
    return "".join(_written(c) if _hides(c) else c for c in text)


def short(text: str, chars: int = SHORT_CHARS) -> str:
    """Return the first of a text's lines, bounded."""
    first = text.strip().partition("\n")[0]
    return first if len(first) <= chars else f"{first[: chars - 1]}…"


def spans(text: str) -> list[tuple[bool, str]]:
    """Return (is it code, words) of a sentence in which `…` is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [(False, text)]  # a lone backtick is just that
    return [(at % 2 == 1, part) for at, part in enumerate(parts) if part]


def _hides(c: str) -> bool:
    return c not in "\n\t" and unicodedata.category(c) in _HIDDEN


def _written(c: str) -> str:
    return c.encode("unicode_escape").decode()

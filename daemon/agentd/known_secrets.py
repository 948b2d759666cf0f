"""The credentials and secrets that agentd knows, found in what is about to leave the container.

A screen against what a model is talked into or does by mistake, in plain and in the encodings that
are a shell's one-liners. It is no wall: whoever wants to hide a text from it can. What a stolen
credential is worth elsewhere (nothing) and where words may go are others' to hold.
Source: docs/decisions/0027-what-agentd-keeps-from-leaving.md.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

CHARS_MIN = 8  # shorter values stand in ordinary words
VALUE_BYTES_MAX = 1024  # of a long secret its beginning is looked for
LINES_MAX = 16  # of a secret of several lines, each looked for by itself
LINE_CHARS_MIN = 16
PART_CHARS_MIN = 32  # of a token's parts between dots: the drawn one, not the ids beside it

Forms = dict[str, frozenset[str]]  # what a secret is called → how it may be written, without spaces


class KnownSecrets:
    """Fixed ones by name, and those that change, asked for each time."""

    def __init__(
        self, fixed: Mapping[str, bytes], *, changing: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self._forms: Forms = {name: forms(value) for name, value in fixed.items()}
        self._changing = changing

    def with_one_more(self, name: str, value: str) -> "KnownSecrets":
        """Return these and another."""
        made = KnownSecrets({name: value.encode()}, changing=self._changing)
        made._forms |= self._forms
        return made

    def found_in(self, tree: Any) -> str:
        """Return what the secret is called that stands in a text or in a document's texts, "" for none.

        The texts are looked at together: a secret cut in two over neighbouring fields is found.
        """
        keys, values = _texts(tree)
        views = (*_views("".join(values)), *_views("".join(keys)))
        return next((name for name, form in self._all() if any(form in each for each in views)), "")

    def cut_from(self, text: str) -> str:
        """Return a text without them; what stood there is named in brackets."""
        views = _views(text)
        for name, form in self._all():
            if any(form in each for each in views):
                text = _written(form).sub(f"[{name}]", text)
        return text

    def _all(self) -> Iterator[tuple[str, str]]:
        changing = {name: forms(value.encode()) for name, value in self._changing().items()}
        for name, written in (self._forms | changing).items():
            for form in sorted(written, key=len, reverse=True):
                yield name, form


def forms(value: bytes) -> frozenset[str]:
    """Return how a value may be written: whole, its lines, a token's parts, base64 at each alignment, hex."""
    whole = value.strip()[:VALUE_BYTES_MAX]
    if len(whole) < CHARS_MIN:
        return frozenset()
    text = whole.decode("utf-8", "ignore")
    written = {text, whole.hex(), whole.hex().upper(), *_pieces(text)}
    for ahead in range(3):
        aligned = _base64(whole, ahead)
        written |= {aligned, aligned.replace("+", "-").replace("/", "_")}
    squeezed = ("".join(each.split()) for each in written)
    return frozenset(each for each in squeezed if len(each) >= CHARS_MIN)


def _pieces(text: str) -> set[str]:
    lines = [each.strip() for each in text.splitlines()[:LINES_MAX]]
    pieces = {
        each for each in lines if len(each) >= LINE_CHARS_MIN and not each.startswith("-----")
    }
    if len(lines) == 1:
        pieces |= {each for each in text.split(".") if len(each) >= PART_CHARS_MIN}
    return pieces


def _base64(value: bytes, ahead: int) -> str:
    """Return the characters of a base64 text that hang on `value` alone, with so many bytes ahead of it."""
    encoded = base64.b64encode(b"\0" * ahead + value).decode().rstrip("=")
    begin = (0, 2, 3)[ahead]
    end = len(encoded) - (1 if (ahead + len(value)) % 3 else 0)
    return encoded[begin:end]


def _texts(tree: Any) -> tuple[list[str], list[str]]:
    """Return all keys and all other texts of a document, in their order."""
    keys: list[str] = []
    values: list[str] = []
    pending = [tree]
    while pending:
        each = pending.pop()
        if isinstance(each, str):
            values.append(each)
        elif isinstance(each, list):
            pending += reversed(each)
        elif isinstance(each, dict):
            keys += each
            pending += reversed(each.values())
    return keys, values


def _views(text: str) -> tuple[str, ...]:
    """Return a text without spaces, and with its percent signs read where it has some."""
    plain = "".join(text.split())
    return (plain, "".join(unquote(text).split())) if "%" in text else (plain,)


def _written(form: str) -> re.Pattern[str]:
    """Return a pattern of a form with spaces between any two characters, each percent-encoded or not."""
    return re.compile(r"\s*".join(_character(each) for each in form))


def _character(char: str) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in char.encode())
    return f"(?:{re.escape(char)}|(?i:{encoded}))"

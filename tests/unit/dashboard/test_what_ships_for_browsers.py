"""The files that browsers get: htmx as it was published, colours that can be read, states without colour."""

import hashlib
import re
import runpy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder

from agentctl.dashboard import states
from agentctl.dashboard.assets import FOLDER, TYPES, asset, urls

ROOT = Path(__file__).resolve().parents[3]
CSS = (FOLDER / "board.css").read_text()
KINDS = ("run", "ok", "hold", "bad", "off", "wait")
CONTRAST_MIN = 4.5  # WCAG 2.2 §1.4.3, level AA


def test_htmx_is_the_file_that_was_published() -> None:
    pinned = runpy.run_path(str(ROOT / "script" / "fetch-htmx"))["SHA256"]
    assert hashlib.sha256((FOLDER / "htmx.min.js").read_bytes()).hexdigest() == pinned
    assert "Zero-Clause BSD" in (FOLDER / "htmx.LICENSE").read_text()


def test_no_other_name_is_an_asset_and_an_address_holds_its_digest() -> None:
    assert asset("../farm.py") is None
    assert asset("htmx.LICENSE") is None
    assert sorted(urls()) == sorted(TYPES)
    found = asset("board.css")
    assert found is not None
    assert urls()["board.css"] == f"/assets/board.css?v={found.digest}"


def test_nothing_of_a_page_names_another_place() -> None:
    templates = (FOLDER.parent / "templates").glob("*.html")
    for path in (FOLDER / "board.css", FOLDER / "board.js", *templates):
        assert not re.search(r"https?://|@import|url\(", path.read_text()), path.name


def test_no_template_writes_a_style_or_a_script_of_its_own_or_lets_text_through_unescaped() -> None:
    for path in (FOLDER.parent / "templates").glob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|<script(?! src=)|\son[a-z]+=", text), path.name
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", text), path.name


def colours(dark: bool) -> dict[str, str]:
    block = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[1 if dark else 0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """Return relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_can_be_read_on_what_it_stands_on(dark: bool) -> None:
    found = colours(dark)
    pairs = [
        (text, ground) for text in ("ink", "dim", "accent", *KINDS) for ground in ("page", "card")
    ]
    pairs += [("ink", each) for each in ("soft", "hold-soft", "bad-soft")]
    pairs += [("bad", "bad-soft"), ("hold", "hold-soft"), ("page", "accent")]
    poor = {
        f"{text} on {ground}": round(contrast(found[text], found[ground]), 2)
        for text, ground in pairs
        if contrast(found[text], found[ground]) < CONTRAST_MIN
    }
    assert poor == {}


def test_a_state_is_known_by_sign_and_word_without_its_colour() -> None:
    looks = {states.task(each) for each in states.OF_TASKS}
    assert len({each.word for each in looks}) == len(looks)
    by_kind = {kind: {each.sign for each in looks if each.kind == kind} for kind in KINDS}
    for one, other in pairwise(sorted(by_kind)):
        assert not by_kind[one] & by_kind[other]


def test_a_state_that_nobody_foresaw_is_shown_by_its_name() -> None:
    assert states.task("frozen").word == "frozen"
    assert states.container("odd", works=False, draining=False).word == "odd"
    assert states.mode("odd").word == "odd"


def test_templates_and_assets_are_in_the_wheel() -> None:
    builder: Any = WheelBuilder(str(ROOT))
    shipped = {each.distribution_path for each in builder.recurse_included_files()}
    package = FOLDER.parent
    wanted = [*package.glob("templates/*.html"), *package.glob("assets/*")]
    assert len(wanted) > 15
    assert {str(each.relative_to(ROOT)) for each in wanted} <= shipped

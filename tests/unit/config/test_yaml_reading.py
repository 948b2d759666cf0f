"""How a file is read: YAML 1.2 scalars, exact places, and bombs refused at once."""

import time

import pytest

from agentctl.config.project import _no_collection
from agentctl.config.read import read

MIB = 1024 * 1024

BOMBS = {
    "flow sequences": "[" * MIB,
    "flow mappings": "{" * MIB,
    "flow mappings with keys": "{a: " * (MIB // 4),
    "block sequences": "- " * (MIB // 2),
    "complex keys": "? " * (MIB // 2),
    "indentation": "".join(" " * depth + "a:\n" for depth in range(1400)),
    "balanced brackets": "[" * 999 + "]" * 999,
    "aliases": "a: &a [x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\n",
    "an alias of itself": "a: &a [*a]",
    "merges": "a: &a {x: 1}\nb: {<<: *a}",
    "anchors": "&a " * (MIB // 3),
    "unknown aliases": "*a " * (MIB // 3),
    "directives": "%YAML 1.1\n" * 10_000,
    "tags": "a: " + "!" * (MIB - 10),
    "documents": "---\n" * (MIB // 4),
    "equal keys": "a: b\n" * (MIB // 5 - 1),
    "empty keys": "?\n" * (MIB // 2),
    "shallow nests": "- - - - - - - - - - - - - - -\n" * 30_000,
    "empty items": "-\n" * (MIB // 2),
    "a long key": "a" * (MIB - 10) + ": b",
    "open quotes": '"' * MIB,
    "tabs": "\t" * MIB,
    "nothing": "\n" * MIB,
    "too large": "x" * (MIB + 1),
    "a long number": "a: " + "9" * (MIB - 10),
    "control characters": "a: \x00\x01",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_under_a_second(name: str) -> None:
    with (
        _no_collection()
    ):  # as the loader reads; else it is the test session's heap that is measured
        started = time.process_time()
        document, findings = read("bomb.yaml", BOMBS[name].encode())
        assert time.process_time() - started < 1
    assert findings
    assert document is None or name in ("tags", "a long number")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("22:22", "22:22"),
        ("2026-11-22", "2026-11-22"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.10", 1.1),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("~", None),
        ("", None),
        ('"no"', "no"),
        ("'1'", "1"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    document, findings = read("a.yaml", f"a: {text}".encode())
    assert findings == ()
    assert document is not None
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_every_value_and_key_knows_its_place() -> None:
    document, _ = read("a.yaml", b"plays:\n  - name: x\n    tags: [a, b]\n")
    assert document is not None
    assert document.position(("plays", 0, "tags", 1)) == (3, 15)
    assert document.position(("plays", 0, "tags"), key=True) == (3, 5)
    assert document.position(("plays", 0, "nowhere", 3)) == (2, 5)


def said(text: str) -> str:
    _, findings = read("a.yaml", text.encode())
    return "\n".join(f"{each} | {each.suggestion}" for each in findings)


def test_an_unquoted_template_is_explained() -> None:
    expected = (
        "a.yaml:1:5: error: a template must be quoted, or YAML reads it as a mapping"
        ' | quote the template: "{{ … }}"'
    )
    assert said("a: {{ x }}") == expected
    assert said("a: {{ x | default('b') }}-c") == expected


def test_a_key_that_stands_twice_names_the_first() -> None:
    assert "'a' stands here twice; it is already on line 1" in said("a: 1\nb: 2\na: 3\n")


def test_all_mistakes_of_a_file_are_found() -> None:
    assert len(said("a: 1\na: 2\n1: x\nb: !vault x\n").splitlines()) == 3


def test_tabs_are_named_as_the_mistake() -> None:
    assert "indent with spaces, not tabs" in said("\ta: b")


def test_bytes_that_are_no_text_are_placed() -> None:
    _, findings = read("a.yaml", b"a: b\nc: \xff")
    assert str(findings[0]) == "a.yaml:2:4: error: the file is not UTF-8"


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    document, _ = read("a.yaml", b"\xef\xbb\xbfa: b")
    assert document is not None
    assert document.value == {"a": "b"}


def test_a_file_in_utf_16_says_what_it_is() -> None:
    document, (found,) = read("a.yaml", "a: 1\n".encode("utf-16"))
    assert document is None
    assert (found.rule, found.suggestion) == ("not-utf8", "it looks like UTF-16: save it as UTF-8")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a: [", "close the bracket or quote that is left open"),
        ("a: {b: 1", "close the bracket or quote that is left open"),
        ('a: "x', "close the bracket or quote that is left open"),
        ("- a\nb: 1", "check the indentation"),
        ('a: "{{ x }}" y', "quote the whole value"),
        ("a: @x", "quote a value that begins with"),
        ('"a":1', "put a space after ':'"),
        ('a: "\\q"', "in double quotes a backslash"),
        ("a: - b", "put the list's first '-' on a line of its own"),
    ],
)
def test_what_is_no_yaml_says_what_to_do(text: str, hint: str) -> None:
    _, (found,) = read("a.yaml", text.encode())
    assert (found.rule, found.suggestion[: len(hint)]) == ("yaml-syntax", hint)

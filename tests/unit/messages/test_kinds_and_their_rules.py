"""Which rules a kind may have, and what they make of hostile payloads."""

import json
import time
from typing import Any

import pytest

from agentctl.messages import Kind, compiled, wrong_rules
from agentctl.messages.payload import VALUES_MAX
from agentctl.messages.rules import ALLOWED_MAX, DEPTH_MAX, RULES_MAX
from agentctl.model.fleet import MessageKind
from agentctl.model.message import PAYLOAD_BYTES_MAX
from agentctl.service.kinds import built_in

EVERY_RULE = {
    "name": {"type": "string", "required": True, "minlength": 1, "maxlength": 5, "empty": False},
    "level": {"type": "string", "allowed": ["low", "high"]},
    "line": {"type": "integer", "min": 1, "max": 10},
    "share": {"type": "float", "min": 0.0, "max": 1.0, "nullable": True},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "tags": {"type": "list", "maxlength": 2, "schema": {"type": "string"}},
    "pair": {"type": "list", "items": [{"type": "string"}, {"type": "integer"}]},
    "place": {"type": "dict", "schema": {"file": {"type": "string", "required": True}}},
    "counts": {
        "type": "dict",
        "keysrules": {"type": "string", "maxlength": 3},
        "valuesrules": {"type": "integer"},
    },
    "free": {"type": "dict"},
}
SOUND = {
    "name": "abc",
    "level": "low",
    "line": 1,
    "share": None,
    "number": 1.5,
    "flag": True,
    "tags": ["a", "b"],
    "pair": ["a", 1],
    "place": {"file": "x"},
    "counts": {"a": 1},
    "free": {"any": [{"thing": None}]},
}


def kind(rules: Any) -> Kind:
    return compiled(MessageKind(name="test", types=("request",), rules=json.dumps(rules)))


def test_a_kind_that_uses_every_rule_takes_what_meets_them() -> None:
    assert wrong_rules(EVERY_RULE) == ()
    assert kind(EVERY_RULE).wrong(SOUND) == ()


@pytest.mark.parametrize(
    ("changed", "where", "words"),
    [
        ({"name": ""}, "/payload/name", "breaks"),
        ({"name": "abcdef"}, "/payload/name", "breaks maxlength: 5"),
        ({"name": None}, "/payload/name", "must not be null"),
        ({"name": 1}, "/payload/name", "must be string"),
        ({"level": "mid"}, "/payload/level", "breaks allowed: ['low', 'high']"),
        ({"line": 0}, "/payload/line", "breaks min: 1"),
        ({"line": 11}, "/payload/line", "breaks max: 10"),
        ({"line": True}, "/payload/line", "must be integer"),
        ({"line": 1.5}, "/payload/line", "must be integer"),
        ({"share": True}, "/payload/share", "must be float"),
        ({"number": False}, "/payload/number", "must be number"),
        ({"flag": 1}, "/payload/flag", "must be boolean"),
        ({"tags": "ab"}, "/payload/tags", "must be list"),
        ({"tags": ["a", 2]}, "/payload/tags/1", "must be string"),
        ({"tags": ["a", "b", "c"]}, "/payload/tags", "breaks maxlength: 2"),
        ({"pair": ["a"]}, "/payload/pair", "breaks items"),
        ({"pair": ["a", "b"]}, "/payload/pair/1", "must be integer"),
        ({"place": {}}, "/payload/place/file", "is missing"),
        ({"place": {"file": "x", "more": 1}}, "/payload/place/more", "is unknown"),
        ({"place": []}, "/payload/place", "must be dict"),
        ({"counts": {"long": 1}}, "/payload/counts/long", "breaks maxlength: 3"),
        ({"counts": {"a": "1"}}, "/payload/counts/a", "must be integer"),
        ({"other": 1}, "/payload/other", "is unknown"),
        ({"a/b~": 1}, "/payload/a~1b~0", "is unknown"),
        ({"": 1}, "/payload/", "is unknown"),
    ],
)
def test_what_breaks_a_rule_is_named_by_place_and_rule(
    changed: dict[str, Any], where: str, words: str
) -> None:
    found = kind(EVERY_RULE).wrong(SOUND | changed)
    assert [each for each in found if each[0] == where and each[1].startswith(words)], found


@pytest.mark.parametrize(
    ("rules", "where", "why"),
    [
        ({}, "", "must name its fields"),
        ([], "", "must name its fields"),
        ({"a b": {"type": "string"}}, "", "is no name"),
        ({"a\n": {"type": "string"}}, "", "is no name"),
        ({"a": {}}, "/a/type", "must be one of string"),
        ({"a": "string"}, "/a", "must be rules"),
        ({"a": {"type": "date"}}, "/a/type", "must be one of"),
        ({"a": {"type": ["string"]}}, "/a/type", "must be one of"),
        ({"a": {"type": "string", "required": "yes"}}, "/a/required", "must be true or false"),
        ({"a": {"type": "string", "min": 1}}, "/a/min", "is no rule of a string"),
        ({"a": {"type": "integer", "min": True}}, "/a/min", "must be a number"),
        ({"a": {"type": "integer", "maxlength": 1}}, "/a/maxlength", "is no rule of a integer"),
        ({"a": {"type": "string", "maxlength": -1}}, "/a/maxlength", "must be a whole number"),
        ({"a": {"type": "string", "allowed": []}}, "/a/allowed", "must be a list"),
        ({"a": {"type": "string", "allowed": [[]]}}, "/a/allowed", "must be a list"),
        (
            {"a": {"type": "string", "allowed": ["x"] * (ALLOWED_MAX + 1)}},
            "/a/allowed",
            "must be a list",
        ),
        ({"a": {"type": "list", "schema": {"b": {"type": "string"}}}}, "/a/schema/type", "must"),
        ({"a": {"type": "dict", "schema": {"type": "string"}}}, "/a/schema/type", "must be rules"),
        ({"a": {"type": "list", "items": []}}, "/a/items", "must be a list of rules"),
        ({"a": {"type": "list", "items": [1]}}, "/a/items/0", "must be rules"),
        ({"a": {"type": "dict", "keysrules": {"type": "integer"}}}, "/a/keysrules", "must be of"),
        ({"a": {"type": "dict", "valuesrules": "spy"}}, "/a/valuesrules", "must be rules"),
        ({"a": {"type": "dict", "schema": "registered"}}, "/a/schema", "must name its fields"),
    ],
)
def test_rules_that_make_no_sense_are_named(rules: Any, where: str, why: str) -> None:
    found = wrong_rules(rules)
    assert [each for each in found if each[0] == where and why in each[1]], found
    with pytest.raises(ValueError, match="kind test"):
        kind(rules)


@pytest.mark.parametrize(
    "rule",
    [
        {"regex": "(a+)+$"},
        {"coerce": "int"},
        {"check_with": "items"},
        {"validator": "items"},
        {"default": 1},
        {"default_setter": "x"},
        {"rename": "b"},
        {"rename_handler": "x"},
        {"purge_unknown": True},
        {"allow_unknown": True},
        {"anyof": [{"type": "string"}]},
        {"oneof": [{"type": "string"}]},
        {"type_anyof": ["string"]},
        {"contains": 1},
        {"dependencies": ["b"]},
        {"excludes": "b"},
        {"forbidden": ["x"]},
        {"readonly": True},
        {"meta": {}},
        {"keyschema": {"type": "string"}},
        {"require_all": True},
    ],
)
def test_rules_that_run_code_match_patterns_or_change_values_are_not_taken(
    rule: dict[str, Any],
) -> None:
    [(where, why)] = wrong_rules({"a": {"type": "string", **rule}})
    assert (where, why.startswith("has a rule that isn't taken")) == ("/a", True)


def test_rules_are_bounded_in_depth_and_number() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(DEPTH_MAX):
        deep = {"type": "list", "schema": deep}
    assert any("nested deeper" in why for _, why in wrong_rules({"a": deep}))
    many = {f"f{number}": {"type": "string"} for number in range(RULES_MAX + 1)}
    assert ("", f"has {RULES_MAX + 1} rules, at most {RULES_MAX}") in wrong_rules(many)
    hostile: Any = {"type": "string"}
    for _ in range(5_000):
        hostile = {"type": "list", "schema": hostile}
    assert wrong_rules({"a": hostile})


def test_rules_that_are_no_json_make_no_kind() -> None:
    for text in ("", "{", "[" * 100_000):
        with pytest.raises(ValueError, match="no JSON"):
            compiled(MessageKind(name="x", types=(), rules=text))


@pytest.mark.parametrize(
    "payload",
    [
        {"free": {"a": [0] * (VALUES_MAX + 1)}},
        {"counts": {str(number): number for number in range(VALUES_MAX + 1)}},
        {"tags": ["a"] * (VALUES_MAX + 1)},
        {str(number): number for number in range(VALUES_MAX + 1)},
    ],
)
def test_a_payload_of_many_values_is_refused_before_it_costs(payload: dict[str, Any]) -> None:
    began = time.perf_counter()
    [(where, why)] = kind(EVERY_RULE).wrong({"name": "a", **payload})
    assert (where, why) == ("/payload", f"has more than {VALUES_MAX} values")
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    "payload",
    [
        {"tags": [1] * 1_900},
        {"counts": {f"name-{number}": "x" for number in range(900)}},
        {"free": {}, **{f"x{number}": number for number in range(1_900)}},
    ],
)
def test_a_payload_that_is_wrong_everywhere_costs_no_more_than_a_sound_one(
    payload: dict[str, Any],
) -> None:
    """Cerberus sorts its errors at each further one: unbounded, these take seconds of the hub's one core."""
    demanding = {**EVERY_RULE, "tags": {"type": "list", "schema": {"type": "string"}}}
    judged = kind(demanding)
    began = time.perf_counter()
    assert len(judged.wrong({"name": "a", **payload})) == 20
    assert time.perf_counter() - began < 0.5
    assert judged.wrong(SOUND) == ()


def test_a_payload_is_bounded_in_bytes_of_utf_8() -> None:
    [text] = [each for each in built_in() if each.name == "text"]
    plain = compiled(text)
    assert plain.wrong({"text": "x" * 32_768}) == ()
    assert plain.wrong({"text": "é" * 32_000}) == ()
    [(where, why)] = plain.wrong({"text": "日" * 32_000})
    assert (where, why.endswith(f"at most {PAYLOAD_BYTES_MAX}")) == ("/payload", True)


def test_a_deep_payload_meets_no_recursion() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    wrong = kind({"a": {"type": "dict", "schema": {"b": {"type": "string"}}}}).wrong(deep)
    assert ("/payload/a/a", "is unknown") in wrong


def test_no_more_is_said_than_helps() -> None:
    many = {f"x{number}": 1 for number in range(500)}
    assert len(kind(EVERY_RULE).wrong(many)) == 20
    [(where, _)] = kind({"a": {"type": "string"}}).wrong({"k" * 10_000: 1})
    assert len(where) < 100


def test_the_kinds_that_ship_are_sound_and_text_is_one_of_them() -> None:
    assert "text" in [each.name for each in built_in()]
    for each in built_in():
        assert set(each.types) <= {"request", "reply", "event", "broadcast"}
        compiled(each)

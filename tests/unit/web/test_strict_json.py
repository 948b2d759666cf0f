"""JSON that two readers could read in two ways is refused, and the refusal says where."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.errors import MalformedBody
from agentctl.web.strict_json import DEPTH_MAX, INTEGER_MAX, loads, pointer


def nested(depth: int, kind: str = "[]") -> bytes:
    if kind == "[]":
        return b"[" * depth + b"]" * depth
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b'{"a":1,"a":2}', "/a"),
        (b'{"a":1,"\\u0061":1}', "/a"),
        (b'{"x":{"b":[{"c":1,"c":2}]}}', "/x/b/0/c"),
        (b'{"a/b":{"~":1,"~":2}}', "/a~1b/~0"),
        (b'{"":{"k":1,"k":1}}', "//k"),
    ],
)
def test_a_name_that_stands_twice_is_pointed_at(raw: bytes, where: str) -> None:
    with pytest.raises(MalformedBody, match="stands twice") as refusal:
        loads(raw)
    assert [each for each, _ in refusal.value.fields] == [where]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"nonsense",
        b"{'a':1}",
        b'{"a":1,}',
        b"[1,]",
        b"// a\n1",
        b'{"a":1}{"b":2}',
        b'{"a":1} x',
        b"\xff",
        b'{"a":"\xff"}',
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'"a\tb"',
        b'"\\x41"',
        b"01",
        b"+1",
        b".5",
        b"0x10",
        b"1_000",
        b'{"a":1,"a":2',
        b'{"a":1,"a":[',
    ],
)
def test_what_is_not_one_json_document_in_utf8_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedBody) as refusal:
        loads(raw)
    assert refusal.value.status == 400


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused(word: str) -> None:
    with pytest.raises(MalformedBody, match=word):
        loads(f'{{"a":{word}}}'.encode())


@pytest.mark.parametrize("text", ["1e999", "-1e999", "1" * 400 + ".0"])
def test_a_number_that_a_double_turns_into_infinity_is_refused(text: str) -> None:
    with pytest.raises(MalformedBody, match="double"):
        loads(text.encode())


@pytest.mark.parametrize("text", [str(INTEGER_MAX + 1), str(-INTEGER_MAX - 1), "1" * 5000])
def test_an_integer_that_readers_round_is_refused(text: str) -> None:
    with pytest.raises(MalformedBody, match="exact"):
        loads(text.encode())


def test_the_largest_exact_integers_pass() -> None:
    assert loads(f"[{INTEGER_MAX},{-INTEGER_MAX}]".encode()) == [INTEGER_MAX, -INTEGER_MAX]


@pytest.mark.parametrize(("text", "number"), [("-71.0", -71), ("1e3", 1000), ("-0.0", 0)])
def test_a_whole_number_is_an_integer_however_it_is_written(text: str, number: int) -> None:
    found = loads(text.encode())
    assert (type(found), found) == (int, number)


def test_a_whole_number_beyond_the_exact_integers_stays_a_double() -> None:
    assert isinstance(loads(b"1e300"), float)


@pytest.mark.parametrize("kind", ["[]", "{}"])
def test_the_deepest_nesting_passes_and_one_more_is_refused(kind: str) -> None:
    loads(nested(DEPTH_MAX, kind))
    with pytest.raises(MalformedBody, match="deeper than 32"):
        loads(nested(DEPTH_MAX + 1, kind))


@pytest.mark.parametrize("depth", [900, 5_000, 100_000])
def test_absurd_nesting_is_refused_without_exhausting_the_stack(depth: int) -> None:
    for raw in (nested(depth), nested(depth, "{}"), b"[" * depth):
        with pytest.raises(MalformedBody):
            loads(raw)


def test_a_duplicate_at_an_absurd_depth_is_refused_like_the_depth() -> None:
    raw = b'{"a":' * 900 + b'{"b":1,"b":2}' + b"}" * 900
    with pytest.raises(MalformedBody, match="deeper than 32"):
        loads(raw)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert loads(b'{"prompt":"' + b"[{" * 500 + b'"}') == {"prompt": "[{" * 500}
    assert loads(b"[" + b"[]," * 500 + b"[]]") == [[]] * 501


@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (rb'{"a":["\ud83d\ude00","\ud800"]}', "/a/1"),
        (rb'{"a":{"b":"x\uDFFFy"}}', "/a/b"),
        (rb'{"a":{"\ud800":1}}', "/a"),
        (rb'["\ude00\ud83d"]', "/0"),
    ],
)
def test_half_a_surrogate_pair_is_pointed_at(raw: bytes, where: str) -> None:
    with pytest.raises(MalformedBody, match="surrogate") as refusal:
        loads(raw)
    assert [each for each, _ in refusal.value.fields] == [where]


def test_a_whole_surrogate_pair_is_its_character() -> None:
    assert loads(rb'"\ud83d\ude00"') == "😀"


def test_a_refusal_never_repeats_a_value_and_shortens_names() -> None:
    raw = json.dumps({"prompt": "s3cret " * 100}).encode()[:-1] + b',"prompt":"s3cret"}'
    with pytest.raises(MalformedBody) as refusal:
        loads(raw)
    assert "s3cret" not in str(refusal.value)
    name = "n" * 500
    with pytest.raises(MalformedBody) as refusal:
        loads(f'{{"{name}":1,"{name}":2}}'.encode())
    assert len(str(refusal.value)) < 200


def test_a_json_pointer_escapes_tilde_and_slash() -> None:
    assert pointer(("a/b", 0, "m~n")) == "/a~1b/0/m~0n"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_MAX, INTEGER_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(plain)
def test_every_plain_value_comes_back_as_it_was(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_give_anything_but_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        loads(raw)
    except MalformedBody as refusal:
        assert refusal.detail  # noqa: PT017  # any other exception is the failure


@given(
    st.recursive(
        st.sampled_from([1, "[", '"', '\\"]', "{}", "\\", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3)
        ),
        max_leaves=20,
    ),
    st.integers(0, 40),
)
def test_depth_is_what_it_is_whatever_stands_in_strings(value: object, more: int) -> None:
    def depth(each: object) -> int:
        below = (
            each.values() if isinstance(each, dict) else each if isinstance(each, list) else None
        )
        return 0 if below is None else 1 + max(map(depth, below), default=0)

    for _ in range(more):
        value = [value, []]
    raw = json.dumps(value).encode()
    if depth(value) <= DEPTH_MAX:
        assert loads(raw) == value
    else:
        with pytest.raises(MalformedBody, match="nested deeper") as refusal:
            loads(raw)
        [(where, _)] = refusal.value.fields
        assert where.count("/") >= DEPTH_MAX

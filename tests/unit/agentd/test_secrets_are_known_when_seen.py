"""Which writings of a secret are found in what leaves a container, and what is let pass."""

import base64
import random
import string
import urllib.parse
from collections.abc import Callable

import pytest

from agentd.known_secrets import VALUE_BYTES_MAX, KnownSecrets
from tests.fakes.hub_for_agentd import INSTANCE, model_token, task_id

SECRET = "ghp_k3Jd82+/x?Q:zLm4v9Rt0Yw"
TOKEN = model_token(task_id(1), 1)
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg
c29tZSByYW5kb20gYnl0ZXMgdGhhdCBhcmUgbm90IGEga2V5
-----END PRIVATE KEY-----
"""
KNOWN = KnownSecrets({"it": SECRET.encode()})


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WRITINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda it: it,
    "among words": lambda it: f"the key is {it}, use it",
    "over lines": lambda it: "\n".join(it[at : at + 5] for at in range(0, len(it), 5)),
    "spaced": lambda it: " ".join(it),
    "base64": b64,
    "base64 with a byte ahead": lambda it: b64(f"x{it}"),
    "base64 with two ahead and one behind": lambda it: b64(f"xy{it}z"),
    "base64 for addresses": lambda it: base64.urlsafe_b64encode(it.encode()).decode(),
    "base64 without its end": lambda it: b64(it).rstrip("="),
    "base64 in lines of 10": lambda it: "\n".join(
        b64(it)[at : at + 10] for at in range(0, len(b64(it)), 10)
    ),
    "hex": lambda it: it.encode().hex(),
    "hex, upper case": lambda it: it.encode().hex().upper(),
    "hex, spaced": lambda it: it.encode().hex(" "),
    "percent": lambda it: urllib.parse.quote(it, safe=""),
    "percent, all of it": lambda it: "".join(f"%{byte:02x}" for byte in it.encode()),
}


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
def test_a_secret_is_found_and_cut_out_in_each_of_these_writings(
    write: Callable[[str], str],
) -> None:
    text = write(SECRET)
    assert KNOWN.found_in(text) == "it"
    assert KNOWN.found_in({"a": [{"b": text}]}) == "it"
    assert KNOWN.found_in({text: 1}) == "it"
    cut = KNOWN.cut_from(f"before {text} after")
    assert "[it]" in cut
    assert KNOWN.found_in(cut) == ""
    assert cut.startswith("before ")
    assert cut.endswith(" after")


@pytest.mark.parametrize("seed", range(30))
def test_any_secret_is_found_in_any_writing_at_any_place(seed: int) -> None:
    drawn = random.Random(seed)
    secret = "".join(drawn.choices(string.printable.strip(), k=drawn.randint(8, 80)))
    known = KnownSecrets({"it": secret.encode()})
    for write in WRITINGS.values():
        around = "".join(drawn.choices(string.ascii_letters, k=drawn.randint(0, 9)))
        assert known.found_in(f"{around} {write(secret)} {around}") == "it", (secret, write)


def test_a_secret_cut_in_two_over_neighbouring_fields_is_found() -> None:
    assert KNOWN.found_in({"a": SECRET[:9], "b": SECRET[9:]}) == "it"
    assert KNOWN.found_in([SECRET[:9], SECRET[9:]]) == "it"


def test_the_drawn_part_of_a_token_is_found_without_the_rest() -> None:
    known = KnownSecrets({}).with_one_more("the model token", TOKEN)
    assert known.found_in(TOKEN.rsplit(".", 1)[1]) == "the model token"


def test_the_lines_of_a_key_are_found_each_by_itself() -> None:
    known = KnownSecrets({"key": KEY.encode()})
    for line in KEY.splitlines()[1:-1]:
        assert known.found_in(f"use {line}") == "key"


def test_of_a_very_long_secret_the_beginning_is_looked_for() -> None:
    value = "".join(random.Random(1).choices(string.ascii_letters, k=100_000))
    known = KnownSecrets({"it": value.encode()})
    assert known.found_in(value) == "it"
    assert known.found_in(value[VALUE_BYTES_MAX:]) == ""


@pytest.mark.parametrize(
    "innocent",
    [
        "a private key begins with -----BEGIN PRIVATE KEY-----",
        f"{task_id(1)} of {INSTANCE}",
        "100% of the tests pass, 20%25 more",
        b64("something else entirely, and long enough"),
        "x" * 100_000,
        "",
    ],
    ids=lambda text: text[:30],
)
def test_what_only_looks_like_one_passes(innocent: str) -> None:
    known = KnownSecrets({"key": KEY.encode(), "it": SECRET.encode(), "short": b"main"})
    known = known.with_one_more("the model token", TOKEN)
    assert known.found_in({"text": innocent}) == ""
    assert known.cut_from(innocent) == innocent


def test_a_short_secret_is_not_looked_for_since_words_would_hold_it() -> None:
    assert KnownSecrets({"it": b"main"}).found_in("the main branch") == ""


def test_what_changes_is_asked_for_each_time() -> None:
    held: dict[str, str] = {}
    known = KnownSecrets({}, changing=lambda: held).with_one_more("other", "another-secret")
    assert known.found_in("eyJ.first.signature") == ""
    held["the SVID"] = "eyJ.first.signature"
    assert known.found_in("eyJ.first.signature") == "the SVID"
    held["the SVID"] = "eyJ.second.signature"
    assert known.found_in("eyJ.first.signature") == ""


def test_bytes_that_are_no_text_are_found_encoded() -> None:
    value = bytes(range(128, 192))
    known = KnownSecrets({"it": value})
    assert known.found_in(base64.b64encode(value).decode()) == "it"
    assert known.found_in(value.hex()) == "it"

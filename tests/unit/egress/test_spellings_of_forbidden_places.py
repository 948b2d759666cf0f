"""Ways to write a place that no list allows: each is refused, and says what is wrong with it.

First those that are no target at all, then those that are plain but lead where nobody may go.
"""

from ipaddress import ip_address

import pytest

from agentctl.egress.addresses import reachable
from agentctl.egress.target import shown, target_of
from agentctl.errors import Refused

ASCII = "only ASCII"
BLANK = "blanks and control"
BRACKETS = "brackets are for IPv6"
CARRIED = "not inside an IPv6"
DOT = "without a dot at its end"
LETTERS = "letters, digits and hyphens"
MARK = "has no place in it"
NO_BRACKETS = "stands in brackets"
NUMBERS = "four decimal numbers"
PORT = "a port is a number"

NO_TARGET = {
    # IPv4 in other numbers, as inet_aton and browsers read it
    b"2130706433:443": NUMBERS,
    b"0x7f000001:443": NUMBERS,
    b"0x7f.0x0.0x0.0x1:443": NUMBERS,
    b"0X7F.1:443": NUMBERS,
    b"017700000001:443": NUMBERS,
    b"0177.0.0.1:443": NUMBERS,
    b"127.1:443": NUMBERS,
    b"127.0.1:443": NUMBERS,
    b"0:443": NUMBERS,
    b"127.0.0.01:443": NUMBERS,
    b"127.0.0.1.1:443": NUMBERS,
    b"256.256.256.256:443": NUMBERS,
    b"4294967297:443": NUMBERS,
    b"169.254.43518:80": NUMBERS,
    b"2852039166:80": NUMBERS,
    b"0xa9fea9fe:80": NUMBERS,
    b"0251.0376.0251.0376:80": NUMBERS,
    b"github.com.0x:443": NUMBERS,
    b"127.0.0.1.:443": DOT,
    # digits and dots that only look like ones
    "１２７.0.0.1:443".encode(): ASCII,
    "127。0。0。1:443".encode(): ASCII,
    "①②⑦.0.0.1:443".encode(): ASCII,
    "١٢٧.0.0.1:443".encode(): ASCII,
    "gіthub.com:443".encode(): ASCII,  # a Cyrillic і
    "ｇithub.com:443".encode(): ASCII,
    "github.com\u00ad:443".encode(): ASCII,
    "github.com\u200b:443".encode(): ASCII,
    "localhost\u3002:443".encode(): ASCII,
    # IPv6 and its disguises
    b"::1:443": NO_BRACKETS,
    b"[::1:443": "is written [::1]",
    b"[0:0:0:0:0:0:0:1]:443": "is written [::1]",
    b"[::0001]:443": "is written [::1]",
    b"[FE80::1]:443": "is written [fe80::1]",
    b"[::ffff:127.0.0.1]:443": CARRIED,
    b"[::ffff:7f00:1]:443": CARRIED,
    b"[::127.0.0.1]:443": CARRIED,
    b"[64:ff9b::7f00:1]:443": CARRIED,
    b"[64:ff9b:1::a9fe:a9fe]:443": CARRIED,
    b"[2002:7f00:1::]:443": CARRIED,
    b"[2001:0:a9fe:a9fe::1]:443": CARRIED,
    b"[fe80::1%25eth0]:443": MARK,
    b"[fe80::1%eth0]:443": MARK,
    b"[127.0.0.1]:443": BRACKETS,
    b"[github.com]:443": BRACKETS,
    b"[v1.x]:443": BRACKETS,
    # what a lenient reader takes apart in its own way
    b"github.com@127.0.0.1:443": MARK,
    b"github.com:443@127.0.0.1:80": MARK,
    b"127.0.0.1%2egithub.com:443": MARK,
    b"github.com%00.evil.example:443": MARK,
    b"https://github.com:443": MARK,
    b"//127.0.0.1:443": MARK,
    b"github.com/../x:443": MARK,
    b"github.com\\.evil.example:443": MARK,
    b"127.0.0.1#.github.com:443": MARK,
    b"127.0.0.1?github.com:443": MARK,
    b"github.com,127.0.0.1:443": "one place at a time",
    b"github.com\x00:443": BLANK,
    b"github.com\t:443": BLANK,
    b" github.com:443": BLANK,
    b"github.com\r\nHost: x:443": BLANK,
    # names and ports
    b"github.com.:443": DOT,
    b"github..com:443": LETTERS,
    b".github.com:443": LETTERS,
    b"-github.com:443": LETTERS,
    b"*.github.com:443": LETTERS,
    b"a" * 64 + b".com:443": LETTERS,
    b"a." * 127 + b"com:443": "1 to 253",
    b":443": "1 to 253",
    b"github.com": "no port",
    b"github.com:": PORT,
    b"github.com:0": PORT,
    b"github.com:0443": PORT,
    b"github.com:65536": PORT,
    b"github.com:+443": PORT,
    b"github.com:0x1bb": PORT,
    b"github.com:https": PORT,
    b"github.com:443:443": NO_BRACKETS,
}

NEVER = "never reached"
NOT_PUBLIC = "isn't public"

LEADS_TO = {
    "0.0.0.0": NEVER,
    "169.254.169.254": NEVER,
    "169.254.170.2": NEVER,
    "100.100.100.200": NEVER,
    "168.63.129.16": NEVER,
    "192.0.0.192": NEVER,
    "224.0.0.1": NEVER,
    "240.0.0.1": NEVER,
    "255.255.255.255": NEVER,
    "::": NEVER,
    "fe80::1": NEVER,
    "fe80::1%eth0": NEVER,
    "ff02::1": NEVER,
    "fd00:ec2::254": NEVER,
    "fd20:ce::254": NEVER,
    "::ffff:169.254.169.254": NEVER,
    "64:ff9b::a9fe:a9fe": NEVER,
    "2002:a9fe:a9fe::1": NEVER,
    "2001:0:a9fe:a9fe::1": NEVER,
    "127.0.0.1": NOT_PUBLIC,
    "127.255.255.254": NOT_PUBLIC,
    "10.0.0.1": NOT_PUBLIC,
    "172.31.255.255": NOT_PUBLIC,
    "192.168.1.1": NOT_PUBLIC,
    "100.64.0.1": NOT_PUBLIC,
    "192.0.2.1": NOT_PUBLIC,
    "198.18.0.1": NOT_PUBLIC,
    "198.51.100.1": NOT_PUBLIC,
    "203.0.113.1": NOT_PUBLIC,
    "192.88.99.1": NOT_PUBLIC,
    "::1": NOT_PUBLIC,
    "::ffff:10.0.0.1": NOT_PUBLIC,
    "::ffff:8.8.8.8": NOT_PUBLIC,
    "64:ff9b::808:808": NOT_PUBLIC,
    "2002:808:808::1": NOT_PUBLIC,
    "2001:0:808:808::f7f7:f7f7": NOT_PUBLIC,
    "2001:db8::1": NOT_PUBLIC,
    "3fff::1": NOT_PUBLIC,
    "fc00::1": NOT_PUBLIC,
    "fec0::1": NOT_PUBLIC,
    "100::1": NOT_PUBLIC,
}


@pytest.mark.parametrize("spelling", NO_TARGET, ids=shown)
def test_a_place_in_another_spelling_is_no_target(spelling: bytes) -> None:
    with pytest.raises(Refused) as refused:
        target_of(spelling)
    assert NO_TARGET[spelling] in refused.value.detail
    assert refused.value.rule == "spelling"


@pytest.mark.parametrize("address", LEADS_TO)
def test_a_name_that_leads_to_a_forbidden_address_is_refused(address: str) -> None:
    with pytest.raises(Refused) as refused:
        reachable([address], ())
    assert LEADS_TO[address] in refused.value.detail
    assert address not in str(refused.value), "what its name leads to is nothing for the agent"


@pytest.mark.parametrize("address", [each for each, why in LEADS_TO.items() if why == NEVER])
def test_no_declared_network_opens_what_is_never_reached(address: str) -> None:
    with pytest.raises(Refused, match=NEVER):
        reachable([address], ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"))


@pytest.mark.parametrize("address", [each for each, why in LEADS_TO.items() if why == NOT_PUBLIC])
def test_a_declared_network_opens_its_own_addresses(address: str) -> None:
    assert reachable([address], (address,)) == (ip_address(address),)


def test_one_forbidden_address_among_fine_ones_refuses_all() -> None:
    with pytest.raises(Refused, match="isn't public"):
        reachable(["8.8.8.8", "10.0.0.1"], ())
    with pytest.raises(Refused, match=NEVER):
        reachable(["10.0.0.1", "169.254.169.254"], ("10.0.0.0/8",))


def test_what_is_fine_is_kept_in_the_resolvers_order() -> None:
    found = ["2606:4700::1111", "8.8.8.8", "10.0.0.1"]
    assert [str(each) for each in reachable(found, ("10.0.0.0/8",))] == found


def test_an_answer_of_too_many_addresses_is_refused() -> None:
    with pytest.raises(Refused, match="more than 64"):
        reachable([f"8.8.{each}.8" for each in range(65)], ())


@pytest.mark.parametrize(
    ("spelling", "target"),
    [
        (b"github.com:443", "github.com:443"),
        (b"GitHub.COM:443", "github.com:443"),
        (b"xn--bcher-kva.example:8443", "xn--bcher-kva.example:8443"),
        (b"cache:3128", "cache:3128"),
        (b"10.20.0.7:443", "10.20.0.7:443"),
        (b"[fd12::7]:443", "[fd12::7]:443"),
        (b"1and1.example:443", "1and1.example:443"),
        (b"_x.example:443", "_x.example:443"),
    ],
)
def test_what_can_be_declared_can_be_asked_for(spelling: bytes, target: str) -> None:
    assert str(target_of(spelling)) == target


def test_what_was_asked_for_is_shown_without_moving_a_cursor() -> None:
    assert shown(b"a\x1b[2J\r\nb\xff") == r"a\x1b[2J\x0d\x0ab\xff"
    assert len(shown(b"\x00" * 10_000)) == 256


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(NO_TARGET) + len(LEADS_TO) >= 60

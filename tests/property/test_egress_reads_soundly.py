"""Whatever an agent sends as a head or asks for as a place: refused in words, or read in one way alone."""

from ipaddress import ip_address

from hypothesis import example, given
from hypothesis import strategies as st

from agentctl.egress.addresses import reachable
from agentctl.egress.request import HEAD_BYTES_MAX, Connect, Request
from agentctl.egress.target import shown, target_of
from agentctl.errors import AgentctlError, Refused
from agentctl.model.networks import never, public

PIECES = st.sampled_from(
    (
        *(b"CONNECT ", b"GET ", b"a.example", b":443", b" HTTP/1.1", b"\r\n", b"\r\n\r\n"),
        *(b"Host: a", b"Proxy-Authorization: Basic dGFzazp0", b"\n", b"\x00", b"\xff", b" "),
    )
)
HEADS = st.lists(PIECES | st.binary(max_size=8), max_size=12).map(b"".join)
PLACES = st.text("abx01279.:[]-%@/", max_size=24).map(str.encode) | st.binary(max_size=24)
ADDRESSES = st.ip_addresses().map(str)


@given(st.lists(HEADS, max_size=4))
@example(
    [b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic dGFzazp0\r\n\r\n"]
)
def test_a_head_is_refused_in_words_or_read(pieces: list[bytes]) -> None:
    request = Request()
    for piece in pieces:
        refused: AgentctlError | None = None
        try:
            asked = request.feed(piece)
        except AgentctlError as why:
            refused = why
        if refused is not None:
            assert Request.refused(refused).startswith(b"HTTP/1.1 4")
            return
        if asked is not None:
            assert isinstance(asked, Connect)
            assert asked.token
            return
    assert sum(map(len, pieces)) <= HEAD_BYTES_MAX + 100


@given(PLACES)
def test_a_place_has_one_spelling(authority: bytes) -> None:
    assert shown(authority).isascii()
    try:
        target = target_of(authority)
    except Refused:
        return
    assert str(target) == authority.decode().lower()
    assert target_of(str(target).encode()) == target


@given(st.lists(ADDRESSES, min_size=1, max_size=4))
def test_what_is_connected_to_is_public_and_never_forbidden(found: list[str]) -> None:
    try:
        addresses = reachable(found, ())
    except Refused:
        assert not all(public(ip_address(each)) for each in found)
        return
    assert [str(each) for each in addresses] == found
    assert all(public(each) and not never(each) and each.is_global for each in addresses)

"""A bearer token is taken from one header of one form; a peer that nobody attributed is nobody."""

import pytest

from agentctl.errors import Unauthenticated
from agentctl.hub.credentials import bearer, peer
from agentctl.model.principal import Peer


@pytest.mark.parametrize("header", ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER   a.b-c_d"])
def test_a_bearer_token_is_taken_whatever_the_case_of_its_scheme(header: str) -> None:
    assert bearer(header) == "a.b-c_d"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic c2VjcmV0",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a\n",
        "Bearer é",
        "Bearer\ta",
        "a.b.c",
        f"Bearer {'a' * 5000}",
    ],
)
def test_anything_else_is_no_credential_and_is_not_repeated(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        bearer(header)
    assert "c2VjcmV0" not in str(refusal.value)


@pytest.mark.parametrize("environ", [{}, {"agentctl.peer": None}, {"agentctl.peer": "root"}])
def test_a_peer_that_no_server_attributed_is_nobody(environ: dict[str, object]) -> None:
    assert peer(environ) == Peer()


def test_a_header_can_never_be_the_peer() -> None:
    assert peer({"HTTP_AGENTCTL_PEER": "uid 0", "HTTP_AGENTCTL.PEER": "uid 0"}) == Peer()

"""What has the form of a credential is taken out; what hasn't is left as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.redaction import REDACTED, redact

B43 = "Ab3_" * 10 + "xyz"
SECRETS = {
    "an instance token": f"it1.inst-01jd.{B43}",
    "an operator token": f"op1.op-01jd.{B43}",
    "a model token": f"mt1.task-01jd.2.{B43}",
    "an SVID": f"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzcGlmZmUifQ.{B43}",
    "an SVID without its signature": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzcGlmZmUifQ",
    "a model provider's key": f"sk-ant-api03-{B43}",
    "a GitHub token": "ghp_" + "a1" * 18,
    "a fine-grained GitHub token": "github_pat_" + "a1_" * 20,
    "a GitLab token": "glpat-" + "a1-x" * 5,
    "a Slack token": "xoxb-1234567890-abcdef",
    "an AWS key id": "AKIA" + "ABCD2345" * 2,
    "a Google key": "AIza" + "a1_-" * 9,
    "an npm token": "npm_" + "a1" * 18,
    "a Hugging Face token": "hf_" + "aB" * 17,
    "a private key": "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4\nMHc\n-----END EC PRIVATE KEY-----",
    "a cut-off private key": "-----BEGIN PRIVATE KEY-----\nMHcCAQEEI-no-end",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_credential_is_replaced_as_a_whole(secret: str) -> None:
    assert redact(secret) == REDACTED
    assert redact(f'before "{secret}') == f'before "{REDACTED}'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefgh1234", "Authorization: [redacted]"),
        ("authorization=Basic bWU6bGV0bWVpbg==", "authorization=[redacted]"),
        ('"Authorization": "xyz"}', '"Authorization": "[redacted]'),
        ("bearer abcdefgh1234 was refused", "bearer [redacted] was refused"),
        ("password=hunter22!", "password=[redacted]"),
        ('{"api_key": "abc123xyz", "n": 1}', '{"api_key": [redacted], "n": 1}'),
        ("https://me:letmein@example.org/x", "https://me:[redacted]@example.org/x"),
    ],
)
def test_what_a_name_announces_is_replaced_and_the_name_stays(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "plain",
    [
        "",
        "task-01jd3k9v5x0000000000000000",
        "inst-01jd3k9v5x0000000000000000",
        "spiffe://acme/agent/researcher/inst-01jd",
        "image agentctl/agent:1 → agentctl/agent:2",
        "sha256:" + "0123456789abcdef" * 4,
        "http://127.0.0.1:11434/v1/messages answered 500",
        "the token expired",
        "basic research",
        "ask-the-expert-about-the-task-and-the-risk",
    ],
)
def test_plain_words_ids_and_digests_stay(plain: str) -> None:
    assert redact(plain) == plain


@given(st.text())
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "hostile",
    [
        "eyJaaaaaaaa-" * 20_000,
        "eyJaaaaaaaa." * 20_000,
        "bearer " + " " * 200_000,
        "://" + "a:" * 100_000,
        "-----BEGIN PRIVATE KEY-----" * 10_000,
        "password=" * 20_000,
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.timeout(10)
def test_hostile_text_takes_no_longer_than_other_text(hostile: str) -> None:
    assert len(redact(hostile)) <= len(hostile) + len(REDACTED)

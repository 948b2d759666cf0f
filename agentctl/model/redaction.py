"""What looks like a secret is taken out of text before it is kept or shown; this can't be switched off.

It is the net under the rule that secrets are never put into journals, logs
and errors at all: it knows the forms of well-known credentials, ours
included, not every possible one.
"""

import re

REDACTED = "[redacted]"

# Each alternative begins with fixed characters, and what may fail after a long run is
# bounded: matching stays linear, whatever an agent makes of the text.
_TOKENS = (
    r"\b(?:it1|op1|mt1)\.[A-Za-z0-9._-]{20,}",  # ours: instance, operator, model
    r"\beyJ[A-Za-z0-9_-]{8,512}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",  # JSON Web Token, RFC 7519
    r"\bsk-[A-Za-z0-9_-]{16,}",  # Anthropic, OpenAI
    r"\bgh[oprsu]_[A-Za-z0-9]{20,}",
    r"\bgithub_pat_[A-Za-z0-9_]{20,}",
    r"\bglpat-[A-Za-z0-9_-]{16,}",
    r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\bAIza[A-Za-z0-9_-]{30,}",
    r"\bnpm_[A-Za-z0-9]{30,}",
    r"\bhf_[A-Za-z0-9]{30,}",
)
_KEY_BLOCK = (  # RFC 7468; one that is cut off takes the rest of the text with it
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"(?s:.*?-----END [A-Z ]{0,30}PRIVATE KEY-----|.*)"
)
_AFTER_A_NAME = (
    r"(?P<header>authorization[\"']?\s{0,4}[=:]\s{0,4}[\"']?)(?:[a-z]{1,20}\s{1,4})?[^\s,;&\[]+",
    r"\b(?P<scheme>bearer\s+)[a-z0-9._~+/=-]{8,}",
    r"(?P<name>(?:password|passwd|secret|token|api[_-]?key)[\"']?\s{0,4}[=:]\s{0,4})[^\s,;&\[]{6,}",
    r"(?P<user>://[^/\s:@]{0,100}:)[^/\s@]{1,200}(?=@)",  # RFC 3986 userinfo
)

# Most of what a journal line holds: ids, numbers, states, digests. Every form above needs a
# capital or a separator, and an id has one separator alone, behind a word that begins none.
_HARMLESS = re.compile(r"(?:(?:task|inst|dec|msg|op)-)?[a-z0-9]*")

_SECRETS = re.compile("|".join((_KEY_BLOCK, *_TOKENS)))
_NAMED = re.compile("|".join(_AFTER_A_NAME), re.IGNORECASE)


def redact(text: str) -> str:
    """Return `text` with every part that has the form of a credential replaced by `[redacted]`."""
    if _HARMLESS.fullmatch(text):
        return text
    return _NAMED.sub(_keep_the_name, _SECRETS.sub(REDACTED, text))


def _keep_the_name(found: re.Match[str]) -> str:
    kept = found["header"] or found["scheme"] or found["name"] or found["user"]
    return f"{kept}{REDACTED}"

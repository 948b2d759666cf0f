"""The forms of names: what may stand in a container's name, a SPIFFE ID and a label."""

import re

NAME_CHARS_MAX = 40  # fleet, agent and replica together name a container and its volume
NAME_WORDS = "a name of lower-case letters, digits and hyphens, at most 40 characters"
FLEET_WORDS = "a DNS label: lower-case letters, digits and hyphens, at most 40 characters"
NAME_PATTERN = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
HOST_WORDS = "a host's name: letters, digits, '.', '_' and '-', at most 63 characters"
TOPIC_WORDS = "a topic of lower-case letters, digits, dots and hyphens, at most 63 characters"
TOPIC_PATTERN = r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?"
KIND_WORDS = "a name of lower-case letters, digits, dots and hyphens that is no message type's"
MESSAGE_TYPES = ("request", "reply", "event", "broadcast")
_NO_KINDS = frozenset({*MESSAGE_TYPES, "delegate", "delegated"})
_TOPIC = re.compile(TOPIC_PATTERN)
_NAME = re.compile(NAME_PATTERN)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def is_name(text: str) -> bool:
    """Whether a text is a name of an agent, provider, level or fleet.

    A fleet's name is the trust domain of its identities and the prefix of its containers
    (RFC 1123, section 2.1; SPIFFE ID, section 2.1).
    """
    return _NAME.fullmatch(text) is not None


def is_topic(text: str) -> bool:
    """Whether a text is a topic's name."""
    return _TOPIC.fullmatch(text) is not None


def is_kind_name(text: str) -> bool:
    """Whether a text may name a message kind: a rule's `types` tells kinds from message types."""
    return is_topic(text) and text not in _NO_KINDS


def is_host_name(text: str) -> bool:
    """Whether a text is a host's name: it becomes a directory of the process engine."""
    return _HOST.fullmatch(text) is not None

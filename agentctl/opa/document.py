"""A policy question as OPA's input document. Pure; policies/opa/agentctl.rego is written against it."""

import json
from typing import Any

from agentctl.model.decision import Question

VERSION = 1  # of the document: a policy may refuse one that it doesn't know


def document(question: Question, *, generation: int) -> dict[str, Any]:
    """Return what stands under `input`. What a question doesn't have is "", an empty list or null.

    `agent` is the asking agent's name, `at` when the act was done in seconds since the epoch.
    """
    kind, _, name = question.principal.partition(":")
    return {
        "version": VERSION,
        "generation": generation,
        "verb": question.verb,
        "principal": question.principal,
        "agent": name if kind == "agent" else "",
        "role": question.role,
        "target": question.target,
        "level": question.level,
        "type": question.type,
        "kind": question.kind,
        "capabilities": list(question.capabilities),
        "labels": dict(question.labels),
        "at": question.at_s,
    }


def body(question: Question, *, generation: int) -> bytes:
    """Return the body of the request. Source: the OPA REST API, "Get a Document (with Input)"."""
    return json.dumps({"input": document(question, generation=generation)}).encode()

"""Whether a document has the shape its schema gives, before anything in it is rendered.

A compiled validator (jsonschema_rs) accepts; only what it refuses is taken to `jsonschema`,
for the words of the refusal: the slow and eloquent one runs once for each mistake.
"""

from functools import cache

from agentctl.config.document import Document
from agentctl.config.finding import Finding
from agentctl.config.kinds import schema


def check(document: Document, kind: str) -> tuple[Finding, ...]:
    """Return what is wrong with a document's shape; nothing when it is as its schema wants it."""
    accepts = _accepts(kind)
    if accepts.is_valid(document.value):
        return ()
    from agentctl.config.words import refusals  # a valid project never pays for this import

    found = refusals(document, kind)
    if found:
        return found
    first = next(iter(accepts.iter_errors(document.value)))  # refused, whatever the words say
    path = tuple(first.instance_path)
    return (document.finding("shape", str(first.message), path),)


@cache
def _accepts(kind: str):  # type: ignore[no-untyped-def]  # jsonschema_rs ships no types
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema(kind))

"""The project's own kinds of messages: schemas/messages/*.yaml, each named by its file."""

import json
from collections.abc import Iterator

from cerberus import SchemaError, Validator

from agentctl.config.document import Document
from agentctl.config.files import Files
from agentctl.config.finding import Finding
from agentctl.config.names import KIND_WORDS, is_kind_name
from agentctl.model.fleet import MessageKind
from agentctl.resources import root

FOLDER = "schemas/messages"


def message_kinds(files: Files) -> tuple[MessageKind, ...]:
    """Return the kinds that the project declares; what is wrong with them is in `files.findings`.

    A file that is word for word one of those that ship with agentctl declares nothing: a project
    may hold a copy of them for people to read.
    """
    return tuple(_kinds(files))


def _kinds(files: Files) -> Iterator[MessageKind]:
    shipped = {each.stem: each.read_bytes() for each in sorted((root() / FOLDER).glob("*.yaml"))}
    for file in files.yaml_in(FOLDER):
        path = files.project / file
        name = path.name.rpartition(".")[0]
        if name in shipped and path.read_bytes() == shipped[name]:
            continue
        document = files.document(file, "message")
        if document is None or not files.sound(document, ()):
            continue
        wrong = _bad_name(document, name, shipped) or _bad_rules(document)
        if wrong is not None:
            files.findings.append(wrong)
            continue
        yield MessageKind(
            name=name,
            types=tuple(document.value["types"]),
            rules=json.dumps(document.value["payload"], sort_keys=True, separators=(",", ":")),
            title=document.value.get("title", ""),
        )


def _bad_name(document: Document, name: str, shipped: dict[str, bytes]) -> Finding | None:
    if name in shipped:
        return document.finding(
            "bad-name",
            f"{name} is a kind that ships with agentctl, and stays as it is",
            (),
            expected="another file name",
            suggestion=f"rename the file, such as {name}-2.yaml",
        )
    if not is_kind_name(name):
        return document.finding(
            "bad-name",
            f"the file's name is the kind's: expected {KIND_WORDS}",
            (),
            expected=KIND_WORDS,
            found=name,
        )
    return None


def _bad_rules(document: Document) -> Finding | None:
    """Let Cerberus itself say whether it can use what the shape has let through."""
    try:
        Validator(document.value["payload"])
    except (SchemaError, TypeError, ValueError, AttributeError, RecursionError) as why:
        # Cerberus itself trips over some rules that it was never meant to see.
        return document.finding(
            "bad-value",
            f"Cerberus can't use these rules: {str(why)[:300]}",
            ("payload",),
            expected="Cerberus's rules",
        )
    return None

"""Variables from files: group_vars/, host_vars/, a play's vars_files, and `-e`."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from agentctl.config import shape
from agentctl.config.document import Document
from agentctl.config.files import Files
from agentctl.config.finding import Finding
from agentctl.config.inventory import variables
from agentctl.config.read import FILE_BYTES_MAX, read
from agentctl.config.scope import Variable


def named_files(files: Files, folder: str) -> dict[str, dict[str, Variable]]:
    """Return the variables of group_vars/ or host_vars/ by the name they are for.

    `private.yaml` and every YAML file of the folder `private/` are for `private`.
    """
    found: dict[str, dict[str, Variable]] = {}
    for file in files.yaml_in(folder):
        found.setdefault(PurePosixPath(file).stem, {}).update(_of(files, file))
    root = files.project / folder
    inner = sorted(each.name for each in root.iterdir() if each.is_dir()) if root.is_dir() else []
    for name in inner:
        for file in files.yaml_in(f"{folder}/{name}"):
            found.setdefault(name, {}).update(_of(files, file))
    return found


def _of(files: Files, file: str) -> dict[str, Variable]:
    document = files.document(file, "vars")
    if document is None or not isinstance(document.value, dict):
        return {}
    return variables(document, (), document.value)


def play_files(
    files: Files, play: Document, names: Sequence[object], path: tuple[str | int, ...]
) -> dict[str, Variable]:
    """Return the variables of a play's vars_files, later ones winning.

    The files stand beside the playbook and inside the project: what is read into findings
    must not be any file of this machine.
    """
    found: dict[str, Variable] = {}
    for index, name in enumerate(names):
        target = (files.project / play.file).parent / str(name)
        root = files.project.resolve()
        resolved = target.resolve()
        if not resolved.is_relative_to(root):
            files.findings.append(
                play.finding(
                    "outside-project",
                    f"{name} is outside the project",
                    (*path, index),
                    expected="a file inside the project",
                    found=str(name),
                )
            )
            continue
        inside = resolved.relative_to(root).as_posix()
        files.named.add(inside)
        if not resolved.is_file():
            files.findings.append(
                play.finding(
                    "missing-file",
                    f"there is no file {name}",
                    (*path, index),
                    expected="a file beside the playbook",
                    found=str(name),
                )
            )
        else:
            found.update(_of(files, inside))
    return found


def extra_vars(given: Sequence[str], findings: list[Finding]) -> Mapping[str, Variable]:
    """Return what `-e` gave: `k=v …`, a JSON or YAML mapping, or `@file` of one. They win over all."""
    found: dict[str, Variable] = {}
    for text in given:
        if text.startswith("@"):
            found.update(_extra_document(text[1:], _file_bytes(text[1:], findings), findings))
        elif text.lstrip().startswith("{"):
            found.update(_extra_document("-e", text.encode(), findings))
        else:
            found.update(_pairs(text, findings))
    return found


def _file_bytes(name: str, findings: list[Finding]) -> bytes | None:
    try:
        with Path(name).open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        findings.append(
            Finding(
                rule="unreadable",
                message=f"the file of -e can't be read: {error.strerror}",
                file=name,
            )
        )
        return None


def _extra_document(name: str, data: bytes | None, findings: list[Finding]) -> dict[str, Variable]:
    if data is None:
        return {}
    document, wrong = read(name, data)
    if document is not None:
        wrong = (*wrong, *shape.check(document, "vars"))
    findings.extend(wrong)
    if document is None or wrong:
        return {}
    return {
        key: Variable(raw, f"-e {'@' + name if name != '-e' else ''}".strip(), document, (key,))
        for key, raw in document.value.items()
    }


def _pairs(text: str, findings: list[Finding]) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    try:
        words = shlex.split(text)
    except ValueError as error:
        words = []
        findings.append(Finding(rule="extra-vars", message=f"-e {text!r}: {error}"))
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            findings.append(
                Finding(
                    rule="extra-vars",
                    message=f"-e {word!r} is no variable",
                    expected="k=v, a JSON object, or @file",
                    found=json.dumps(word),
                )
            )
        else:
            found[name] = Variable(value, "-e")
    return found

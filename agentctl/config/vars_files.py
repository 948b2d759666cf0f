"""Variables from files: group_vars/, host_vars/, a play's vars_files, and `-e`."""

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from agentctl.config import shape
from agentctl.config.document import Document
from agentctl.config.files import Files
from agentctl.config.finding import Finding, Severity, did_you_mean
from agentctl.config.finding import Path as DocumentPath
from agentctl.config.inventory import variables
from agentctl.config.named_files import files_by_name
from agentctl.config.read import FILE_BYTES_MAX, read
from agentctl.config.scope import Variable


def named_files(
    files: Files, folder: str, known: Collection[str], *, sure: bool
) -> dict[str, dict[str, Variable]]:
    """Return the variables of group_vars/ or host_vars/ by the name they are for.

    Warns of a file beside another that counts in its stead, and, where the inventory was read
    to its end (`sure`), of names that aren't `known`.
    """
    found: dict[str, dict[str, Variable]] = {}
    try:
        by_name = files_by_name(files.project, folder, known)
    except OSError as error:
        files.unreadable(folder, error, "folder")
        return {}
    for name, named in by_name.items():
        for file in named.files:
            found.setdefault(name, {}).update(_of(files, file))
        if sure and named.files and name not in known:
            said = f"{folder} for {name!r}, which the inventory doesn't have"
            _unread(files, named.chosen, said, did_you_mean(name, known))
        for file in named.hidden:
            said = f"nothing reads this: {named.chosen} is there, and as in Ansible counts alone"
            _unread(files, file, said, "put them into one folder, or one file")
    return found


def _unread(files: Files, file: str, message: str, suggestion: str) -> None:
    files.findings.append(
        Finding(
            rule="unread-file",
            message=message,
            severity=Severity.WARNING,
            file=file,
            suggestion=suggestion,
        )
    )


def _of(files: Files, file: str) -> dict[str, Variable]:
    document = files.document(file, "vars")
    if document is None or not isinstance(document.value, dict):
        return {}
    return variables(document, (), document.value)


def play_files(
    files: Files, play: Document, names: Sequence[object], path: DocumentPath
) -> dict[str, Variable]:
    """Return the variables of a play's vars_files, later ones winning.

    The files stand beside the playbook and inside the project: what is read into findings
    must not be any file of this machine.
    """
    found: dict[str, Variable] = {}
    for index, name in enumerate(names):
        inside = _inside(files, play, str(name), (*path, index))
        if inside is not None:
            found.update(_of(files, inside))
    return found


def _inside(files: Files, play: Document, name: str, path: DocumentPath) -> str | None:
    """Return a named file's path in the project; None, with a finding, when there is no such file."""
    root = files.project.resolve()
    try:
        resolved = ((files.project / play.file).parent / name).resolve()
        if not resolved.is_relative_to(root):
            said = f"{name} is outside the project"
            _refuse(files, play, path, name, "outside-project", said)
            return None
        inside = resolved.relative_to(root).as_posix()
        files.named.add(inside)
        there = resolved.is_file()
    except (OSError, ValueError):  # too long, a NUL, links in a circle
        _refuse(files, play, path, name, "bad-path", f"no file can be called {name[:80]!r}")
        return None
    if not there:
        _refuse(files, play, path, name, "missing-file", f"there is no file {name}")
    return inside if there else None


def _refuse(
    files: Files, play: Document, path: DocumentPath, name: str, rule: str, message: str
) -> None:
    where = "inside the project" if rule == "outside-project" else "beside the playbook"
    hint = "names of files are no templates: write it out" if "{{" in name else ""
    files.findings.append(
        play.finding(
            rule, message, path, expected=f"a file {where}", found=name[:80], suggestion=hint
        )
    )


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
        for key, raw in (document.value or {}).items()
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

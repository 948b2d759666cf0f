"""The project's files: which there are, and each as a document of its kind."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agentctl.config import shape
from agentctl.config.document import Document
from agentctl.config.finding import Finding, Severity, did_you_mean, dotted
from agentctl.config.finding import Path as DocumentPath
from agentctl.config.kinds import KINDS
from agentctl.config.read import FILE_BYTES_MAX, read

FILES_MAX = 10_000  # in one folder
_YAML = (".yaml", ".yml")
# Kinds of which whoever reads on takes the keys it knows: one from Ansible hides no other finding.
_LENIENT = frozenset({"playbook"})
_REFUSED = "refused-key"
_MAY_BE_EMPTY = frozenset({"vars"})  # as in Ansible: a place kept for later


@dataclass(slots=True)
class Files:
    """Reads documents of one project; keeps their texts and what was wrong in them."""

    project: Path
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)  # files that plays name, there or not
    _root: Path | None = None
    _read: dict[str, Document | None] = field(default_factory=dict)  # by kind
    _broken: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # paths with findings, by file

    def document(self, file: str, kind: str) -> Document | None:
        """Read one file and check its shape; None (and findings) when it can't be read.

        A link out of the project isn't followed: what is read may end up in a finding, and
        whoever proposes a change could name any file of the machine that looks at it.
        """
        if self._outside(file):
            self.findings.append(
                Finding(
                    rule="outside-project",
                    message="the file is a link that leads out of the project",
                    file=file,
                    expected="a file inside the project",
                    suggestion="copy it here",
                )
            )
            return None
        try:
            data = _bytes(self.project / file)
        except OSError as error:
            self.unreadable(file, error)
            return None
        document, findings = read(file, data)
        if kind in _MAY_BE_EMPTY:
            findings = tuple(each for each in findings if each.rule != "empty-file")
        self.sources[file] = data.decode("utf-8", "replace") if findings else ""
        if document is not None:
            self.sources[file] = document.text
            findings = (*findings, *shape.check(document, kind))
            self._broken[file] = tuple(
                each.path for each in findings if not (kind in _LENIENT and each.rule == _REFUSED)
            )
        self.findings.extend(findings)
        return document

    def unreadable(self, file: str, error: OSError, what: str = "file") -> None:
        """Record that a file or folder is there and can't be read."""
        reason = error.strerror or str(error)
        self.findings.append(
            Finding(rule="unreadable", message=f"the {what} can't be read: {reason}", file=file)
        )

    def _outside(self, file: str) -> bool:
        try:
            if self._root is None:
                self._root = self.project.resolve()
            return not (self.project / file).resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # links in a circle: reading says so
            return False

    def read_before(self, kind: str) -> Document | None:
        """Return the document of a kind that was read already; None when it couldn't be."""
        return self._read.get(kind)

    def sound(self, document: Document, path: DocumentPath, *, only_here: bool = False) -> bool:
        """Whether nothing was found wrong at `path` (with `only_here`, in what it holds doesn't count)."""
        broken = self._broken.get(document.file, ())
        if not broken:
            return True
        at = dotted(path)
        if only_here:
            return at not in broken
        inside = (f"{at}.", f"{at}[") if at else ("",)
        return not any(each == at or each.startswith(inside) for each in broken)

    def required(self, kind: str) -> Document | None:
        """Read the document of a kind that has one place in the project."""
        place = next(each for each in KINDS if each.name == kind)
        path = self.project / place.place
        try:
            there = path.is_file()
        except OSError as error:
            self.unreadable(place.place, error)
            return None
        if there:
            self._read[kind] = self.document(place.place, kind)
            return self._read[kind]
        if path.exists():
            self.findings.append(
                Finding(rule="unreadable", message="this is no regular file", file=place.place)
            )
        elif place.required:
            other = path.with_suffix(".yml")
            self.findings.append(
                Finding(
                    rule="missing-file",
                    message=f"{place.place} is missing",
                    file=place.place,
                    expected=f"a file; `agentctl schema {kind}` says what it holds",
                    suggestion=f"rename {other.name} to {path.name}"
                    if other.is_file()
                    else "write a sample project with `agentctl init DIR`",
                )
            )
        return None

    def yaml_in(self, folder: str) -> Iterator[str]:
        """Yield what is called a YAML file in a folder, sorted, as paths in the project.

        A folder of such a name, or a link to nowhere, is read too, and then said: passed over in
        silence, what it should declare would be gone.
        """
        path = self.project / folder
        try:
            found = path.iterdir() if path.is_dir() else ()
            names = sorted(each.name for each in found if each.suffix in _YAML)
        except OSError as error:
            self.unreadable(folder, error, "folder")
            return
        if len(names) > FILES_MAX:
            said = f"the folder has {len(names)} files, of which {FILES_MAX} are read"
            self.findings.append(Finding(rule="too-large", message=said, file=folder))
        for name in names[:FILES_MAX]:
            if not name.startswith("."):
                yield f"{folder}/{name}"

    def strangers(self) -> None:
        """Warn of files in policies/ that nothing reads: probably a slip in the name."""
        known = [each.place for each in KINDS if each.place.startswith("policies/")]
        for file in self.yaml_in("policies"):
            if file not in known:
                self.findings.append(
                    Finding(
                        rule="unread-file",
                        message="nothing reads this file",
                        severity=Severity.WARNING,
                        file=file,
                        suggestion=did_you_mean(file, known),
                    )
                )


def _bytes(path: Path) -> bytes:
    """Return a regular file's content, one byte over the bound at most."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no regular file")
    with path.open("rb") as file:
        return file.read(FILE_BYTES_MAX + 1)

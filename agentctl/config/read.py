"""A file's bytes to a Document, or the findings that keep it from being one."""

import codecs
import re

import yaml

from agentctl.config.build import QUOTE_TEMPLATE, Builder, Stop
from agentctl.config.document import Document
from agentctl.config.finding import Finding

FILE_BYTES_MAX = 1024 * 1024  # about 3,000 agents; a fleet has as many files as it likes

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OPEN_TEMPLATE = re.compile(r"[:,\[{-]\s*\{\{|^\s*\{\{")


# What libyaml says, and what people did. The first that fits counts.
_OPEN = "close the bracket or quote that is left open"
_HINTS = (
    ("expected ',' or", _OPEN),
    ("expected node content", _OPEN),
    ("unexpected end of stream", _OPEN),
    ("expected '-' indicator", "check the indentation: items of a list stand below each other"),
    ("expected key", "quote the whole value, and check the indentation"),
    ("cannot start any token", "quote a value that begins with '@', '`' or '%'"),
    ("expected <document start>", "put a space after ':', and one document in a file"),
    (
        "unknown escape character",
        "in double quotes a backslash is written twice, in single ones once",
    ),
    ("sequence entries are not allowed", "put the list's first '-' on a line of its own"),
)


def read(file: str, data: bytes) -> tuple[Document | None, tuple[Finding, ...]]:
    """Parse one file. `file` is its path in the project, for findings.

    Returns no document when the file can't be read to its end; findings without that
    (duplicate keys, say) come with the document, so that later stages can find more.
    """
    text, refused = _text(file, data)
    if refused is not None:
        return None, (refused,)
    builder = Builder(file)
    try:
        value, mark = builder.build(text)
    except Stop as stop:
        return None, (*builder.findings, stop.finding)
    except yaml.YAMLError as error:
        return None, (*builder.findings, _malformed(file, text, error))
    return Document(file=file, text=text, value=value, mark=mark), tuple(builder.findings)


def _text(file: str, data: bytes) -> tuple[str, Finding | None]:
    if len(data) > FILE_BYTES_MAX:
        return "", Finding(
            rule="file-too-large",
            message=f"the file is larger than {FILE_BYTES_MAX // 1024} KiB",
            file=file,
            expected=f"at most {FILE_BYTES_MAX} bytes",
            found=f"{len(data)} bytes or more",
            suggestion="split it: playbooks/ may hold any number of files",
        )
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        before = data[: error.start]
        return "", Finding(
            rule="not-utf8",
            message="the file is not UTF-8",
            file=file,
            line=before.count(b"\n") + 1,
            column=error.start - before.rfind(b"\n"),
            expected="UTF-8",
            found=f"byte 0x{data[error.start]:02x}",
            suggestion="it looks like UTF-16: save it as UTF-8" if data[:2] in _UTF16 else "",
        )


def _malformed(file: str, text: str, error: yaml.YAMLError) -> Finding:
    """Put the parser's complaint into words that say what to do."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    if mark is None:
        at = getattr(error, "position", 0)
        before = text[: at if isinstance(at, int) else 0]
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    else:
        line, column = mark.line, mark.column
    context, begins = getattr(error, "context", None), getattr(error, "context_mark", None)
    if context and begins is not None and begins.line != line:
        problem = f"{problem} ({context} that begins on line {begins.line + 1})"
    return Finding(
        rule="yaml-syntax",
        message=f"this is not YAML: {problem}",
        file=file,
        line=line + 1,
        column=column + 1,
        suggestion=_syntax_hint(text.split("\n"), line, str(problem)),
    )


def _syntax_hint(lines: list[str], line: int, problem: str) -> str:
    near = lines[max(0, line - 1) : line + 1]
    if any(_OPEN_TEMPLATE.search(each) for each in near):
        return QUOTE_TEMPLATE
    if any("\t" in each[: len(each) - len(each.lstrip())] for each in near):
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "quote a value that contains ': ', and check the indentation of the line above"
    for said, hint in _HINTS:
        if said in problem:
            return hint
    if "undefined alias" in problem:
        return "quote a value that begins with '*'"
    return ""

"""The words of a refusal: a schema's error as a finding that says what to do.

Schemas help with three keywords of their own: `x-expected` (a form in words), `x-refused`
(keys that people bring from elsewhere, each with the reason) and `x-secret` (never quote).
Where a value may be a template instead, its schema is `anyOf` of the plain form first and
the template second; the first is what the person meant.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import jsonschema

from agentctl.config.document import Document
from agentctl.config.finding import Finding, Path, did_you_mean, listed, meant_to_be, nearest, shown
from agentctl.config.kinds import schema

FINDINGS_MAX = 1000  # of one document: past that the rest is more of the same

_ARTICLES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_YAML_1_1 = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_SIZES = {
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} keys",
    "maxProperties": "at most {} keys",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
}


def refusals(document: Document, kind: str) -> tuple[Finding, ...]:
    """Return a finding for each way in which a document isn't what its schema wants."""
    findings: list[Finding] = []
    for error in _explains(kind).iter_errors(document.value):
        findings.extend(_worded(document, error))
        if len(findings) >= FINDINGS_MAX:
            break
    return tuple(findings)


@cache
def _explains(kind: str) -> Any:
    extend: Any = jsonschema.validators.extend  # untyped in its stubs
    return extend(jsonschema.Draft202012Validator, {"pattern": _whole_pattern})(schema(kind))


def _whole_pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    """ECMA's `$` ends the text; Python's also stands before a last newline."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _worded(document: Document, error: Any) -> Iterator[Finding]:
    path: Path = tuple(error.absolute_path)
    rule = str(error.validator)
    if rule in ("anyOf", "oneOf") and error.context:
        yield from _first_branch(document, error)
    elif rule == "additionalProperties" and isinstance(error.schema, dict):
        yield from _unknown_keys(document, error, path)
    elif rule == "required" and isinstance(error.instance, dict):
        if not _only_refused(error):
            yield _missing(document, error, path)
    elif "propertyNames" in error.absolute_schema_path:
        yield _bad_key(document, error, path)
    else:
        yield _bad_value(document, error, path)


def _first_branch(document: Document, error: Any) -> Iterator[Finding]:
    """The plain form's own refusals, unless the value is of another type altogether."""
    path: Path = tuple(error.absolute_path)
    branches: dict[Any, list[Any]] = {}
    for each in error.context or ():
        branches.setdefault(each.schema_path[0], []).append(each)
    ordered = [branches[index] for index in sorted(branches)]
    for branch in ordered:  # a branch of the right type tells best what is wrong
        if not any(each.validator == "type" and not each.path for each in branch):
            for each in branch:
                if _template_branch(each):
                    break
                yield from _worded(document, each)
            else:
                return
    if "x-expected" in _schema_of(error):
        yield _bad_value(document, error, path)
        return
    for each in ordered[0]:
        yield from _worded(document, each)


def _template_branch(error: Any) -> bool:
    return _schema_of(error).get("title") == "Template"


def _schema_of(error: Any) -> dict[str, Any]:
    return error.schema if isinstance(error.schema, dict) else {}


def _unknown_keys(document: Document, error: Any, path: Path) -> Iterator[Finding]:
    refused = _schema_of(error).get("x-refused", {})
    known = sorted(_schema_of(error).get("properties", {}))
    strange = (key for key in error.instance if key not in known)
    for key in islice(strange, FINDINGS_MAX):
        if key in refused:
            yield document.finding(
                "refused-key",
                f"{key!r} has no meaning here: {refused[key]}",
                (*path, key),
                key=True,
                found=key,
            )
        else:
            near = nearest(key, known)
            yield document.finding(
                "unknown-key",
                f"unknown key {shown(key)}",
                (*path, key),
                key=True,
                expected=f"one of {listed(known)}",
                found=shown(key),
                suggestion=f"did you mean {near!r}?" if near else "",
                secret="x-secret" in _schema_of(error),
            )


def _only_refused(error: Any) -> bool:
    """Whether all that stands there has no meaning here: then the rest isn't missing, either."""
    keys = set(error.instance)
    return bool(keys) and keys <= set(_schema_of(error).get("x-refused", ()))


def _missing(document: Document, error: Any, path: Path) -> Finding:
    wanted = error.validator_value
    absent = [key for key in wanted if key not in error.instance]
    # jsonschema yields an error for each absent key and names it only in its message
    key = next((each for each in absent if repr(each) in error.message), absent[0])
    expected = _schema_of(error).get("x-expected", "")
    return document.finding(
        "missing-key",
        f"{key!r} is missing" if not expected else f"{expected} is missing",
        path,
        expected=expected or f"the key {key!r}",
        suggestion=meant_to_be(
            key, set(error.instance) - set(_schema_of(error).get("properties", ()))
        ),
    )


def _bad_key(document: Document, error: Any, path: Path) -> Finding:
    key = error.instance
    expected = _schema_of(error).get("x-expected", "another key")
    return document.finding(
        "bad-key",
        f"{shown(key)} can't stand here as a key",
        (*path, str(key)),
        key=True,
        expected=expected,
        found=shown(key),
    )


def _bad_value(document: Document, error: Any, path: Path) -> Finding:
    secret = _secret(error)
    found = "" if secret else shown(error.instance)
    expected = _expected(error)
    what = f"found {found}" if found else "found something else (not shown: it may be a secret)"
    return document.finding(
        f"bad-{error.validator}" if error.validator else "not-allowed",
        f"expected {expected}, {what}",
        path,
        key=error.validator in (None, "not"),
        expected=expected,
        found=found,
        suggestion=_hint(error),
        secret=secret,
    )


def _secret(error: Any) -> bool:
    """Whether the error is in, or about, a place that may hold a secret by mistake."""
    while error is not None:
        if "x-secret" in _schema_of(error):
            return True
        error = error.parent
    return False


def _expected(error: Any) -> str:
    given = _schema_of(error).get("x-expected")
    if given:
        return str(given)
    rule, wanted = str(error.validator), error.validator_value
    if rule == "type":
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        return listed(_ARTICLES.get(name, name) for name in names)
    if rule == "enum":
        return f"one of {listed(str(each) for each in wanted)}"
    if rule in _SIZES:
        return _SIZES[rule].format(wanted)
    if rule == "uniqueItems":
        return "each item once"
    return "something else"


def _hint(error: Any) -> str:
    value = error.instance
    if error.validator == "enum" and isinstance(value, str):
        return did_you_mean(value, [str(each) for each in error.validator_value])
    if error.validator == "type" and "string" in str(error.validator_value):
        if isinstance(value, bool | int | float):
            text = shown(value)
            unit = "s" if "duration" in str(_schema_of(error).get("x-expected", "")) else ""
            return f'write "{text}{unit}"' if unit else f'quote it: "{text}"'
        if isinstance(value, dict) and len(value) == 1:
            return "quote the text if it contains ': '"
    if error.validator == "type" and isinstance(value, str):
        if "boolean" in str(error.validator_value) and value.lower() in _YAML_1_1:
            return f"write {_YAML_1_1[value.lower()]}: {value} is text here, as in YAML 1.2"
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            return "leave out the quotes"
    if error.validator == "pattern" and isinstance(value, str):
        return _size_hint(value)
    return ""


def _size_hint(value: str) -> str:
    """Docker writes 2g, Kubernetes 2Gi; here it is 2GiB."""
    short = re.fullmatch(r"([0-9.]+) ?([kKmMgGtT])i?b?", value)
    if short:
        return f"write {short[1]}{short[2].upper()}iB"
    return "add a unit" if value.isdigit() else ""

"""A review for a pull request: a comment in Markdown, or annotations of GitHub's workflow commands."""

from collections.abc import Iterable, Iterator

from agentctl.model.plan import Cause
from agentctl.reconcile.changes import Change, verb
from agentctl.reconcile.declarations import Declaration
from agentctl.reconcile.drifted import place_of
from agentctl.reconcile.review import SIGNS, Review
from agentctl.reconcile.text import facts_of

COMMENT_CHARS_MAX = 60_000  # GitHub refuses comments of 65,536 characters and more
ROWS_MAX = 200  # a comment of more isn't read; the command's text has all


def markdown(review: Review) -> str:
    """Return a comment: the figures first, then what widens, then tables that fold."""
    parts = [f"### {review.figures}"]
    if review.partial:
        parts.append(f"**Partial plan:** {_inline(review.partial)}")
    if review.widens:
        parts.append(
            "\n".join(
                [
                    "**Permissions that widen**",
                    "",
                    *(f"- ⚠️ {_inline(each)}" for each in review.widens),
                ]
            )
        )
    parts += _table("Containers", review.meant)
    parts += _table("Drift: what runs is not what is applied", review.drift)
    parts += _declarations(review.shown_declarations())
    if review.all_notes:
        parts.append(
            "\n".join(["**Notes**", "", *(f"- {_inline(each)}" for each in review.all_notes)])
        )
    parts += [_inline(each) for each in review.closing]
    whole = "\n\n".join(parts)
    if len(whole) > COMMENT_CHARS_MAX:
        return whole[:COMMENT_CHARS_MAX] + "\n\n… cut here; `agentctl plan` shows all of it"
    return whole


def _table(title: str, found: tuple[Change, ...]) -> list[str]:
    if not found:
        return []
    rows = ["| | host | agent | why |", "|---|---|---|---|"]
    for each in found[:ROWS_MAX]:
        place, causes, remark = facts_of(each)
        why = "<br>".join(_inline(line) for line in (*map(str, causes), remark) if line)
        rows.append(f"| {verb(each)} | {_inline(each.host)} | {_inline(place)} | {why} |")
    if len(found) > ROWS_MAX:
        rows.append(f"| … | | | and {len(found) - ROWS_MAX} more |")
    return [_folded(f"{title} ({len(found)})", "\n".join(rows))]


def _declarations(found: tuple[Declaration, ...]) -> list[str]:
    if not found:
        return []
    lines = [
        f"{SIGNS[each.verb]} {each.kind} {each.name}{_causes(each.causes)}"
        for each in found[:ROWS_MAX]
    ]
    if len(found) > ROWS_MAX:
        lines.append(f"… and {len(found) - ROWS_MAX} more")
    body = "\n".join(["```diff", *(line.replace("```", "'''") for line in lines), "```"])
    return [_folded(f"Declarations ({len(found)})", body)]


def _causes(causes: Iterable[Cause]) -> str:
    return "".join(f"\n    {each}" for each in causes)


def _folded(title: str, body: str) -> str:
    return f"<details open><summary>{title}</summary>\n\n{body}\n\n</details>"


def _inline(text: str) -> str:
    """Return text that Markdown takes for text: names come from files that anybody may propose."""
    escaped = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in ("|", "`", "*", "[", "]", "#", "@"):
        escaped = escaped.replace(mark, f"\\{mark}" if mark != "@" else "@\u200b")
    return " ".join(escaped.split())


def annotations(review: Review) -> str:
    """Return workflow commands: a warning for each permission that widens, notices for the rest.

    GitHub shows ten of each kind for a step; what widens comes first.
    Source: GitHub, "Workflow commands for GitHub Actions".
    """
    return "\n".join(_annotations(review))


def _annotations(review: Review) -> Iterator[str]:
    for why in review.widens:
        yield f"::warning title=permission widens::{_data(why)}"
    for change in (*review.meant, *review.drift):
        place, causes, remark = facts_of(change)
        kind = "drift" if place_of(change) in review.drifted else "plan"
        reasons = "; ".join([*map(str, causes), *([remark] if remark else [])])
        said = f"{verb(change)} {change.host} {place}: {reasons}"
        yield f"::notice title={kind}::{_data(said)}"
    for each in review.shown_declarations():
        fields = "; ".join(map(str, each.causes))
        said = f"{each.verb} {each.kind} {each.name}{f': {fields}' if fields else ''}"
        yield f"::notice title=declaration::{_data(said)}"
    yield f"::notice title=agentctl plan::{_data(review.figures)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

"""A review for a pull request: a comment in Markdown, or annotations of GitHub's workflow commands."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from agentctl.model.annotation import Annotation, Spot, workflow_commands
from agentctl.model.plan import Cause
from agentctl.reconcile.changes import Change, verb
from agentctl.reconcile.declarations import Declaration
from agentctl.reconcile.drifted import place_of
from agentctl.reconcile.review import SIGNS, Review
from agentctl.reconcile.text import facts_of

Subject = tuple[str, ...]  # a part of the fleet, as a declaration names it
Where = Callable[[Subject], Spot | None]
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
    lines = [f"{SIGNS[each.verb]} {each.what}{_causes(each.causes)}" for each in found[:ROWS_MAX]]
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


def annotations(review: Review, where: Where) -> str:
    """Return workflow commands: a warning for each permission that widens, notices for the rest.

    Each stands at the declaration it follows from; what is no longer declared has no line.
    """
    return "\n".join(workflow_commands(_annotations(review, where)))


def _annotations(review: Review, where: Where) -> Iterator[Annotation]:
    yield Annotation(level="notice", title="agentctl plan", message=review.figures)
    for each in review.declarations:
        for why in each.widens:
            said = f"{each.what}: {why}"
            yield _widens(said, _spot(each.subject, each.causes, where, about=why))
    for why in review.reach:
        yield _widens(f"reach: {why}", None)
    for change in (*review.meant, *review.drift):
        place, causes, remark = facts_of(change)
        slot = place_of(change)
        reasons = "; ".join([*map(str, causes), *([remark] if remark else [])])
        yield Annotation(
            level="notice",
            title="drift" if slot in review.drifted else "plan",
            message=f"{verb(change)} {change.host} {place}: {reasons}",
            spot=_spot(("agent", slot.agent, slot.host), causes, where),
        )
    for each in review.shown_declarations():
        fields = "; ".join(map(str, each.causes))
        yield Annotation(
            level="notice",
            title="declaration",
            message=f"{each.verb} {each.what}{f': {fields}' if fields else ''}",
            spot=_spot(each.subject, each.causes, where),
        )


def _widens(said: str, spot: Spot | None) -> Annotation:
    return Annotation(level="warning", title="permission widens", message=said, spot=spot)


def _spot(
    subject: Subject, causes: Sequence[Cause], where: Where, *, about: str = ""
) -> Spot | None:
    """Return the line of the field that changed, of the one that `about` speaks of if any does."""
    if not subject:
        return None
    changed = [each.what for each in causes if each.old or each.new]
    spoken = [each for each in changed if each.partition(".")[0].removesuffix("s") in about]
    for field in (*(spoken if about else ()), *changed):
        spot = where((*subject, *field.split(".")))
        if spot is not None:
            return spot
    return where(subject)

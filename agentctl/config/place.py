"""Where in the files each part of the fleet stands, for findings that only know the part."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agentctl.config.document import Document
from agentctl.config.finding import Finding, Path, Subject, dotted


@dataclass(frozen=True, slots=True)
class Place:
    """An item's declaration; `fields` says where single fields stand when it isn't right inside."""

    document: Document
    path: Path
    fields: Mapping[str, Path] = field(default_factory=dict)


def positioned(finding: Finding, places: Mapping[Subject, Place]) -> Finding:
    """Return a finding with the place of its subject: of the field it names, else of the whole item."""
    subject = finding.subject
    for length in range(len(subject), 0, -1):
        place = places.get(subject[:length])
        if place is None:
            continue
        rest = subject[length:]
        path = place.path
        if rest:
            path = place.fields.get(rest[0], (*place.path, rest[0])) + rest[1:]
        line, column = place.document.position(path)
        return replace(
            finding,
            file=place.document.file,
            line=line,
            column=column,
            path=dotted(path),
            subject=(),  # the same words about the same line are one finding, on however many hosts
        )
    return finding

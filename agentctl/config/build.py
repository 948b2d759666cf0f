"""A document's value and marks from libyaml's events: one pass, no recursion, every bound checked.

libyaml's own composer overflows the stack on a deep file; here the next event is taken only
when all before it was within its bounds.
"""

from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # not in its stubs' __all__

from agentctl.config.document import Mark
from agentctl.config.finding import Finding, Path, dotted, shown
from agentctl.config.scalar import OutOfRange, plain

DEPTH_MAX = 20  # the deepest document kind has nine levels
NODES_MAX = 150_000  # events of a file: 1 MiB of agents has 125,000; keeps the worst under a second
FINDINGS_MAX = 1000  # of one file: past that the rest is more of the same
QUOTE_TEMPLATE = 'quote the template: "{{ … }}"'


class Stop(Exception):
    """A file that can't be read on."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Frame:
    """A container that is being filled."""

    __slots__ = ("key", "mark", "value")

    def __init__(self, value: Any, mark: Mark) -> None:
        self.value = value
        self.mark = mark
        self.key: str | None = None


class Builder:
    """Builds values and marks from events. One for each file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self.frames: list[_Frame] = []

    def build(self, text: str) -> tuple[Any, Mark | tuple[int, int]]:
        """Return the document's value and mark; raise Stop or yaml.YAMLError."""
        parser = CParser(text)
        next_event = parser.get_event
        next_event()  # the stream's start
        opened = next_event()
        if type(opened) is yaml.StreamEndEvent:
            raise Stop(self._empty())
        root = self._root(next_event)
        next_event()  # the document's end
        after = next_event()
        if type(after) is not yaml.StreamEndEvent:
            raise Stop(
                self._at(after, "several-documents", "one document a file", found="a second '---'")
            )
        return root

    def _root(self, next_event: Any) -> tuple[Any, Mark | tuple[int, int]]:
        """Take events until the root node is whole. One flat loop: it runs for every node."""
        frames = self.frames
        nodes = 0
        while True:
            event = next_event()
            nodes += 1
            if nodes > NODES_MAX or len(self.findings) >= FINDINGS_MAX:
                raise Stop(self._too_many(event))
            kind = type(event)
            if kind is yaml.ScalarEvent:
                start = event.start_mark
                place = (start.line, start.column)
                if frames and frames[-1].key is None and type(frames[-1].value) is dict:
                    frames[-1].key = self._key(event, place)
                    continue
                value = self._scalar(event)
                if not frames:
                    return value, place
                self._put(value, place)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event, {} if kind is yaml.MappingStartEvent else [])
            elif kind is yaml.AliasEvent:
                raise Stop(self._alias(event))
            else:  # the end of a mapping or sequence
                done = frames.pop()
                if not frames:
                    return done.value, done.mark
                self._put(done.value, done.mark)

    def _put(self, value: Any, mark: Mark | tuple[int, int]) -> None:
        frame = self.frames[-1]
        if frame.key is None:
            frame.value.append(value)
            frame.mark.items.append(mark)
        else:
            frame.value[frame.key] = value
            frame.mark.values[frame.key] = mark
            frame.key = None

    def _open(self, event: Any, empty: Any) -> None:
        if len(self.frames) >= DEPTH_MAX:
            raise Stop(
                self._at(
                    event,
                    "too-deep",
                    f"nested deeper than {DEPTH_MAX} levels",
                    expected=f"at most {DEPTH_MAX} levels",
                )
            )
        if self.frames and self.frames[-1].key is None and type(self.frames[-1].value) is dict:
            raise Stop(self._key_is_container(event, empty))
        self._refuse_tag(event)
        start = event.start_mark
        self.frames.append(_Frame(empty, Mark(start.line, start.column)))

    def _key(self, event: Any, place: tuple[int, int]) -> str:
        frame = self.frames[-1]
        key = str(event.value)
        if key == "<<" and event.implicit[0]:
            self.findings.append(
                self._at(
                    event,
                    "merge-key",
                    "merge keys are not read: what a mapping holds must stand in it",
                    suggestion="write the keys out, or use vars and agent_defaults",
                )
            )
        elif key in frame.mark.keys:
            first = frame.mark.keys[key][0] + 1
            self.findings.append(
                self._at(
                    event,
                    "duplicate-key",
                    f"{key!r} stands here twice; it is already on line {first}",
                    found=shown(key),
                    suggestion="keep one of them",
                )
            )
        elif event.implicit[0] and not isinstance(_plain_or_text(key), str):
            self.findings.append(
                self._at(
                    event,
                    "key-not-text",
                    f"the key {key or 'null'} is not text",
                    expected="text",
                    suggestion=f'quote it: "{key}"',
                )
            )
        self._refuse_tag(event)
        frame.mark.keys[key] = place
        return key

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None:
            self._refuse_tag(event)
        if not event.implicit[0]:
            return event.value
        try:
            return plain(event.value)
        except OutOfRange as error:
            self.findings.append(
                self._at(
                    event,
                    "number-range",
                    str(error),
                    expected="a finite number of at most 18 digits",
                    suggestion="quote it if it is meant as text",
                )
            )
            return 0

    def _refuse_tag(self, event: Any) -> None:
        if event.tag in (None, "!"):
            return
        hint = (
            "name where the secret is instead: {file: …}, {env: …} or {command: […]}"
            if event.tag == "!vault"
            else "leave it out; quote a value to make it text"
        )
        self.findings.append(
            self._at(
                event,
                "yaml-tag",
                f"the YAML tag {shown(event.tag)} is not read",
                suggestion=hint,
            )
        )

    def _key_is_container(self, event: Any, empty: Any) -> Finding:
        """`a: {{ x }}` is, to YAML, a mapping whose key is a mapping."""
        if type(empty) is dict and type(self.frames[-1].value) is dict:
            return self._at(
                event,
                "unquoted-template",
                "a template must be quoted, or YAML reads it as a mapping",
                expected='text: "{{ … }}"',
                found="{{ … }} without quotes",
                suggestion=QUOTE_TEMPLATE,
            )
        return self._at(event, "key-not-text", "a key must be text", expected="text")

    def _alias(self, event: Any) -> Finding:
        return self._at(
            event,
            "alias",
            f"aliases are not read: *{event.anchor}",
            suggestion="write the value out, use vars, or quote it if it is meant as text",
        )

    def _too_many(self, event: Any) -> Finding:
        return self._at(
            event,
            "too-many-nodes",
            f"the file holds more than {NODES_MAX} values, or {FINDINGS_MAX} mistakes",
            suggestion="split it: playbooks/ may hold any number of files",
        )

    def _empty(self) -> Finding:
        return Finding(
            rule="empty-file",
            message="the file is empty",
            file=self.file,
            line=1,
            column=1,
            suggestion="remove it, or see `agentctl schema` for what it may hold",
        )

    def _at(
        self,
        event: Any,
        rule: str,
        message: str,
        *,
        expected: str = "",
        found: str = "",
        suggestion: str = "",
    ) -> Finding:
        return Finding(
            rule=rule,
            message=message,
            file=self.file,
            line=event.start_mark.line + 1,
            column=event.start_mark.column + 1,
            path=dotted(self._path()),
            expected=expected,
            found=found,
            suggestion=suggestion,
        )

    def _path(self) -> Path:
        steps = (
            frame.key if type(frame.value) is dict else len(frame.value) for frame in self.frames
        )
        return tuple(step for step in steps if step is not None)


def _plain_or_text(text: str) -> Any:
    try:
        return plain(text)
    except OutOfRange:
        return None

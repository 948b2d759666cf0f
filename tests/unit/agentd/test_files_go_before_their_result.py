"""A result goes after its files; a file that can't go is left out, and the result says so."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from agentd import artifacts
from agentd.hub_errors import HubAway, HubRefused
from agentd.outbox import PART_BYTES, Hold, Outbox

Message = dict[str, Any]


class Way:
    """A hub that notes what comes, and fails as told: digest → errors in turn."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, int, int]] = []
        self.content: dict[str, bytes] = {}
        self.sent: list[Message] = []
        self.fails: dict[str, list[Exception]] = {}

    def settle(self, result: Message, *, slots: int, holds: Iterable[Hold]) -> Message:
        self.sent.append(result)
        return {"id": result["id"], "accepted": True}

    def put_part(
        self, sha256: str, *, task: str, attempt: int, size: int, offset: int, part: bytes
    ) -> bool:
        if self.fails.get(sha256):
            raise self.fails[sha256].pop(0)
        assert (task, attempt) == ("task-1", 2)
        self.parts.append((sha256, offset, len(part)))
        self.content[sha256] = self.content.get(sha256, b"")[:offset] + part
        return len(self.content[sha256]) == size


@pytest.fixture
def way() -> Way:
    return Way()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def left(workspace: Path, **contents: bytes) -> Message:
    """Write files and return a result that names them."""
    folder = workspace / artifacts.DIRECTORY
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    named = [
        {"name": name, "size": len(content), "sha256": digest(content)}
        for name, content in contents.items()
    ]
    payload = {"text": "done", "artifacts": named}
    return {
        "id": "r",
        "type": "task.completed",
        "task": "task-1",
        "attempt": 2,
        "payload": payload,
    }


def test_each_file_goes_before_the_result_in_parts_of_the_bound(way: Way, tmp_path: Path) -> None:
    large = bytes(range(256)) * (PART_BYTES // 256) + b"more"
    message = left(tmp_path, large=large, nothing=b"")
    Outbox(way, tmp_path).send(message)
    assert way.content == {digest(large): large, digest(b""): b""}
    assert [(offset, size) for _, offset, size in way.parts] == [
        (0, PART_BYTES),
        (PART_BYTES, 4),
        (0, 0),
    ]
    assert way.sent == [message]


def test_a_refused_file_is_left_out_and_said(way: Way, tmp_path: Path) -> None:
    message = left(tmp_path, big=b"big", good=b"good")
    way.fails[digest(b"big")] = [HubRefused(413, "the hub's disk has no room for artifacts")]
    Outbox(way, tmp_path).send(message)
    payload = way.sent[0]["payload"]
    assert [each["name"] for each in payload["artifacts"]] == ["good"]
    assert payload["artifacts_note"] == "big: the hub's disk has no room for artifacts"
    assert payload["text"] == "done"


def test_a_file_that_changed_or_went_is_left_out_and_said(way: Way, tmp_path: Path) -> None:
    message = left(tmp_path, gone=b"gone", shrunk=b"shrunk")
    (tmp_path / "artifacts" / "gone").unlink()
    (tmp_path / "artifacts" / "shrunk").write_bytes(b"s")
    Outbox(way, tmp_path).send(message)
    payload = way.sent[0]["payload"]
    assert payload["artifacts"] == []
    assert "gone: can't be read" in payload["artifacts_note"]
    assert "shrunk: can't be read" in payload["artifacts_note"]


def test_with_the_hub_away_all_is_sent_again_and_the_result_stays_the_same(
    way: Way, tmp_path: Path
) -> None:
    message = left(tmp_path, bad=b"bad", slow=b"slow")
    way.fails = {digest(b"bad"): [HubRefused(422, "no")], digest(b"slow"): [HubAway("away")]}
    outbox = Outbox(way, tmp_path)
    with pytest.raises(HubAway):
        outbox.send(message)
    assert way.sent == []
    outbox.send(message)
    outbox.send(message)
    assert way.sent[0] == way.sent[1]
    assert [each["name"] for each in way.sent[0]["payload"]["artifacts"]] == ["slow"]
    assert way.parts == [(digest(b"slow"), 0, 4)]


def test_a_stale_attempts_files_and_result_are_of_no_use(way: Way, tmp_path: Path) -> None:
    message = left(tmp_path, file=b"file")
    way.fails[digest(b"file")] = [HubRefused(409, "not held")]
    with pytest.raises(HubRefused):
        Outbox(way, tmp_path).send(message)
    assert way.sent == []

"""Artifacts as agents send them and operators read them: fenced, verified, labelled, for roles that may."""

import hashlib
from typing import Any

import falcon.testing
import pytest

from agentctl.hub.bodies import schema
from tests.contract.hub.conftest import Whole
from tests.contract.hub.test_operators_and_the_reconciler import token
from tests.contract.hub.test_the_wire_to_agents import MESSAGES, POLL, message, problem, submit

CONTENT = b"\x00what was found\xff"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BYTES = {"Content-Type": "application/octet-stream"}
NAMED = {"name": "out/report one.bin", "size": len(CONTENT), "sha256": DIGEST}


def at_work(whole: Whole, **extra: Any) -> tuple[str, str]:
    """Return an SVID and the task that its holder works on."""
    _, svid = whole.living()
    task = submit(whole, **extra)
    whole.agents.ask("GET", POLL, bearer=svid)
    whole.agents.ask("POST", MESSAGES, message("task.accepted", task), bearer=svid)
    return svid, task


def put(
    whole: Whole,
    svid: str,
    task: str,
    content: bytes = CONTENT,
    *,
    digest: str = DIGEST,
    attempt: int = 1,
    offset: int = 0,
    size: int = len(CONTENT),
) -> falcon.testing.Result:
    path = f"/api/hub/artifacts/{digest}?task={task}&attempt={attempt}&offset={offset}&size={size}"
    return whole.agents.ask("PUT", path, content, bearer=svid, headers=BYTES)


def complete(whole: Whole, svid: str, task: str, **payload: Any) -> dict[str, Any]:
    said = message("task.completed", task, text="done", **payload)
    schema("wire/message").check(said)
    answer = whole.agents.ask("POST", MESSAGES, said, bearer=svid)
    assert answer.status_code == 200, answer.text
    assert whole.agents.ask("POST", MESSAGES, said, bearer=svid).json == answer.json
    found: dict[str, Any] = whole.operators.ask("GET", f"/api/hub/tasks/{task}").json
    return found


def test_a_file_goes_in_by_its_digest_and_comes_out_by_its_name(whole: Whole) -> None:
    svid, task = at_work(whole, sensitivity="public", agent="researcher")
    assert put(whole, svid, task).json == {"sha256": DIGEST, "complete": True}
    complete(whole, svid, task, artifacts=[NAMED])
    listed = whole.operators.ask("GET", f"/api/hub/tasks/{task}/artifacts").json
    assert listed == {"artifacts": [{**NAMED, "label": "confidential"}], "note": None}
    read = whole.operators.ask("GET", f"/api/hub/tasks/{task}/artifacts/out/report%20one.bin")
    assert (read.status_code, read.content) == (200, CONTENT)
    assert read.headers["content-type"] == "application/octet-stream"
    assert read.headers["x-content-type-options"] == "nosniff"
    assert read.headers["content-length"] == str(len(CONTENT))


def test_a_file_may_come_in_parts(whole: Whole) -> None:
    svid, task = at_work(whole)
    assert put(whole, svid, task, CONTENT[:7]).json["complete"] is False
    assert put(whole, svid, task, CONTENT[7:], offset=7).json["complete"] is True


def test_a_result_arrives_without_the_files_that_never_did_and_says_so(whole: Whole) -> None:
    svid, task = at_work(whole)
    put(whole, svid, task)
    missing = {"name": "lost.txt", "size": 3, "sha256": "a" * 64}
    row = complete(
        whole, svid, task, artifacts=[NAMED, missing], artifacts_note="big: over the bound"
    )
    assert row["state"] == "completed"
    assert [each["name"] for each in row["result"]["artifacts"]] == [NAMED["name"]]
    assert row["result"]["artifacts_note"] == "big: over the bound; never arrived: lost.txt"


def test_the_journal_says_how_many_files_a_result_has(whole: Whole) -> None:
    svid, task = at_work(whole)
    put(whole, svid, task)
    complete(whole, svid, task, artifacts=[NAMED])
    lines = str(whole.operators.ask("GET", "/api/hub/journal").json)
    assert "'artifacts': '1'" in lines
    assert f"'artifacts_bytes': '{len(CONTENT)}'" in lines
    assert "report one" not in lines


@pytest.mark.parametrize("attempt", [2, 7])
def test_a_stale_attempt_sends_nothing(whole: Whole, attempt: int) -> None:
    svid, task = at_work(whole)
    problem(put(whole, svid, task, attempt=attempt), 409)


def test_nothing_is_sent_for_anothers_task_or_none(whole: Whole) -> None:
    _, svid = whole.living()
    task = submit(whole)
    problem(put(whole, svid, task), 409)
    problem(put(whole, svid, "task-" + "z" * 26), 409)
    problem(put(whole, svid, ""), 422)


def test_after_the_result_nothing_more_is_taken(whole: Whole) -> None:
    svid, task = at_work(whole)
    complete(whole, svid, task)
    problem(put(whole, svid, task), 409)


def test_content_that_is_not_its_digests_is_refused(whole: Whole) -> None:
    svid, task = at_work(whole)
    problem(put(whole, svid, task, b"other", size=5), 422)
    problem(put(whole, svid, task, CONTENT, digest="no-digest"), 404)


def test_a_part_over_its_bound_and_a_file_over_its_own_are_refused(whole: Whole) -> None:
    svid, task = at_work(whole)
    problem(put(whole, svid, task, b"x" * (256 * 1024 + 1), size=300_000), 413)
    problem(put(whole, svid, task, b"x", size=2**40), 422)


def test_without_an_svid_nothing_is_taken(whole: Whole) -> None:
    _, task = at_work(whole)
    problem(put(whole, "", task), 401)


def test_json_is_no_artifact(whole: Whole) -> None:
    svid, task = at_work(whole)
    path = f"/api/hub/artifacts/{DIGEST}?task={task}&attempt=1&size=2"
    problem(whole.agents.ask("PUT", path, {}, bearer=svid), 415)


@pytest.mark.parametrize("role", ["viewer", "ci"])
def test_roles_that_see_no_content_see_no_artifact(whole: Whole, role: str) -> None:
    svid, task = at_work(whole)
    put(whole, svid, task)
    complete(whole, svid, task, artifacts=[NAMED])
    bearer = token(whole, role)
    for path in ("artifacts", "artifacts/out/report%20one.bin"):
        problem(whole.remote.ask("GET", f"/api/hub/tasks/{task}/{path}", bearer=bearer), 403)
    row = whole.remote.ask("GET", f"/api/hub/tasks/{task}", bearer=bearer).json
    assert "report one" not in str(row)


@pytest.mark.parametrize("name", ["nothing", "..%2f..%2fkeys", "a/%2e%2e/b", "%00", "out"])
def test_a_name_that_the_task_does_not_have_is_not_found(whole: Whole, name: str) -> None:
    svid, task = at_work(whole)
    put(whole, svid, task)
    complete(whole, svid, task, artifacts=[NAMED])
    problem(whole.operators.ask("GET", f"/api/hub/tasks/{task}/artifacts/{name}"), 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {**NAMED, "name": "../x"},
        {**NAMED, "name": "/x"},
        {**NAMED, "name": "a\n"},
        {**NAMED, "sha256": "A" * 64},
        {**NAMED, "size": -1},
        {**NAMED, "label": "public"},
    ],
)
def test_a_result_cannot_name_what_no_file_can_be(whole: Whole, wrong: dict[str, Any]) -> None:
    svid, task = at_work(whole)
    said = message("task.completed", task, text="done", artifacts=[wrong])
    problem(whole.agents.ask("POST", MESSAGES, said, bearer=svid), 422)

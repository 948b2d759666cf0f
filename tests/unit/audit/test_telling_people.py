"""What a sink is told and how its failures are worded: whatever happens, no secret and no wait without end."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agentctl.audit import sinks
from agentctl.audit.sinks import SinkFailed, document, named, tell
from agentctl.errors import SecretUnavailable
from agentctl.model.fleet import Sink, SinkKind, Source, SourceKind
from tests.fakes.webhook import webhook

ROW = {
    "check": "engine",
    "subject": "gpu",
    "severity": "critical",
    "state": "firing",
    "words": "refused",
    "first_s": 1.0,
    "since_s": 1.0,
    "last_s": 1.0,
    "count": 1,
    "origin": "hub",
    "seq": 3,
}
TOLD = document(ROW, fleet="acme", installation="here")
URL_FILE = Source(kind=SourceKind.FILE, name="/etc/agentctl/hook")


def no_secrets(source: Source) -> bytes:
    raise SecretUnavailable(f"no {source.name}")


def told(sink: Sink, resolve: Any = no_secrets) -> None:
    tell(sink, TOLD, resolve=resolve)


def test_the_document_has_a_line_for_people_and_fields_for_programs() -> None:
    assert TOLD["text"] == "[acme] firing: engine gpu: refused"
    assert (TOLD["version"], TOLD["fleet"], TOLD["severity"]) == (1, "acme", "critical")
    assert "seq" not in TOLD


def test_what_has_the_form_of_a_secret_is_redacted() -> None:
    key = "sk-ant-api03-" + "a" * 40
    said = json.dumps(document({**ROW, "words": f"refused {key}"}, fleet="", installation=""))
    assert key not in said


def test_a_webhook_gets_the_document_as_json() -> None:
    with webhook() as hook:
        told(Sink(kind=SinkKind.WEBHOOK, url=hook.url + "?room=ops"))
    assert hook.got == [TOLD]
    assert hook.paths == ["/hook?room=ops"]


def test_a_webhooks_url_may_come_from_a_secret_source() -> None:
    with webhook() as hook:
        told(
            Sink(kind=SinkKind.WEBHOOK, url_from=URL_FILE),
            lambda source: f"{hook.url}\n".encode() if source == URL_FILE else b"",
        )
    assert len(hook.got) == 1


@pytest.mark.parametrize("status", [301, 307, 404, 500])
def test_anything_but_success_is_a_failure_and_a_redirect_is_not_followed(status: int) -> None:
    with webhook() as hook:
        hook.answers = [status]
        with pytest.raises(SinkFailed, match=f"127.0.0.1 answered {status}"):
            told(Sink(kind=SinkKind.WEBHOOK, url=hook.url))
    assert hook.paths == ["/hook"]


def test_a_failure_names_the_host_and_never_the_rest_of_the_url() -> None:
    sink = Sink(kind=SinkKind.WEBHOOK, url="http://127.0.0.1:9/T0/B0/s3cr3t")
    with pytest.raises(SinkFailed) as why:
        told(sink)
    assert "s3cr3t" not in f"{why.value}{named(sink)}"
    with pytest.raises(SinkFailed, match="its URL can't be had from its source"):
        told(Sink(kind=SinkKind.WEBHOOK, url_from=URL_FILE))
    with pytest.raises(SinkFailed, match="not http or https"):
        told(Sink(kind=SinkKind.WEBHOOK, url_from=URL_FILE), lambda _: b"file:///etc/passwd")


def test_a_command_gets_the_document_on_its_input_and_nothing_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCTL_TOKEN", "op1.secret")
    kept = tmp_path / "kept"
    program = (
        "import os, sys; "
        f"open({str(kept)!r}, 'w').write(sys.stdin.read() + '|' + ','.join(os.environ))"
    )
    told(Sink(kind=SinkKind.COMMAND, argv=(sys.executable, "-c", program)))
    got, _, names = kept.read_text().partition("|")
    assert json.loads(got) == TOLD
    assert "AGENTCTL_TOKEN" not in names


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("/nowhere/page",), "/nowhere/page can't be run"),
        ((sys.executable, "-c", "raise SystemExit(7)"), "ended with code 7"),
    ],
)
def test_a_command_that_fails_says_how(argv: tuple[str, ...], why: str) -> None:
    with pytest.raises(SinkFailed, match=why):
        told(Sink(kind=SinkKind.COMMAND, argv=argv))


def test_a_command_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "COMMAND_S_MAX", 0.2)
    with pytest.raises(SinkFailed, match="took longer"):
        told(
            Sink(
                kind=SinkKind.COMMAND, argv=(sys.executable, "-c", "import signal; signal.pause()")
            )
        )


def test_the_log_gets_the_line_for_people(caplog: pytest.LogCaptureFixture) -> None:
    told(Sink(kind=SinkKind.LOG))
    assert [each.getMessage() for each in caplog.records] == ["[acme] firing: engine gpu: refused"]

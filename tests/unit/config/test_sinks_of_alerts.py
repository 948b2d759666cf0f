"""Where alerts go, as monitoring.yaml declares it: each kind with what it needs, and nothing secret shown."""

from pathlib import Path

import pytest

from agentctl.config import load
from agentctl.model.fleet import Sink, SinkKind, Source, SourceKind
from tests.unit.config.test_loading import AGENT, play, project

PLAY = play(f"{{name: a, {AGENT}}}", "all:!ssh-only")


def loaded(where: Path, text: str) -> tuple[tuple[Sink, ...], list[str]]:
    found = load(project(where, playbooks__a=PLAY, policies__monitoring=text))
    sinks = found.desired.monitoring.alerts if found.desired else ()
    return sinks, [f"{each.rule}: {each.message}" for each in found.findings]


def test_three_kinds_of_sinks_with_a_url_from_a_secret_source(tmp_path: Path) -> None:
    sinks, wrong = loaded(
        tmp_path,
        """
alerts:
  - {kind: log}
  - {kind: webhook, url: "https://alerts.example/hook?room=ops"}
  - {kind: webhook, url_from: {file: /etc/agentctl/hook}}
  - {kind: command, argv: [/usr/local/bin/page, on-call]}
provider_failures: 5
signing_key_age: 365d
drift: 1h
""",
    )
    assert wrong == []
    assert sinks == (
        Sink(kind=SinkKind.LOG),
        Sink(kind=SinkKind.WEBHOOK, url="https://alerts.example/hook?room=ops"),
        Sink(
            kind=SinkKind.WEBHOOK,
            url_from=Source(kind=SourceKind.FILE, name="/etc/agentctl/hook"),
        ),
        Sink(kind=SinkKind.COMMAND, argv=("/usr/local/bin/page", "on-call")),
    )


def test_without_the_key_alerts_go_to_the_log_and_an_empty_list_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert loaded(tmp_path / "a", "lease: 30s\n")[0] == (Sink(kind=SinkKind.LOG),)
    assert loaded(tmp_path / "b", "alerts: []\n")[0] == ()


@pytest.mark.parametrize(
    ("sink", "why"),
    [
        ("{kind: webhook}", "a webhook needs url, or url_from"),
        ("{kind: webhook, url: 'http://a/', url_from: {env: U}}", "one of them"),
        ("{kind: webhook, url: 'ftp://a/'}", "found 'ftp://a/'"),
        ("{kind: webhook, url: 'https://user:pw@a/'}", "expected another form"),
        ("{kind: log, url: 'http://a/'}", "url is for kind webhook"),
        ("{kind: command}", "kind command needs argv"),
        ("{kind: log, argv: [x]}", "argv is for kind command"),
        ("{kind: mail}", "mail"),
    ],
)
def test_a_sink_that_makes_no_sense_is_a_finding(tmp_path: Path, sink: str, why: str) -> None:
    _, wrong = loaded(tmp_path, f"alerts:\n  - {sink}\n")
    assert any(why in each for each in wrong), wrong


def test_a_secret_that_stands_where_its_source_should_is_not_repeated(tmp_path: Path) -> None:
    _, wrong = loaded(tmp_path, "alerts:\n  - {kind: webhook, url_from: 'https://a/T0/s3cr3t'}\n")
    assert wrong
    assert not any("s3cr3t" in each for each in wrong)

"""`policy explain` says what OPA makes of a question, `policy test` that it wasn't asked."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentctl.cli import run
from agentctl.cli.asking_opa import silent
from agentctl.cli.watch import Outcome
from agentctl.model.fleet import DesiredState, Opa, Routing
from agentctl.reconcile import Review
from tests.fakes.opa import OpaStandIn, opa_server

Captured = pytest.CaptureFixture[str]
ASKED = ["task.submit", "--from", "operator:ada", "--to", "agent:clerk", "--sensitivity", "public"]


@pytest.fixture
def server() -> Iterator[OpaStandIn]:
    with opa_server() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, capsys: Captured) -> Path:
    assert run(["init", str(tmp_path / "fleet")]) == 0
    capsys.readouterr()
    return tmp_path / "fleet"


def declare(project: Path, server: OpaStandIn, *, enabled: bool = True) -> None:
    access = project / "policies/access.yaml"
    word = str(enabled).lower()
    access.write_text(access.read_text() + f'opa: {{enabled: {word}, url: "{server.url}"}}\n')


def explain(project: Path, capsys: Captured, *more: str, code: int = 0) -> list[str]:
    assert run(["policy", "explain", "--project", str(project), *ASKED, *more]) == code
    return capsys.readouterr().out.splitlines()


def test_without_opa_nothing_is_said_of_it(project: Path, capsys: Captured) -> None:
    assert not any("OPA" in line for line in explain(project, capsys))


def test_where_it_is_enabled_it_is_asked(
    project: Path, server: OpaStandIn, capsys: Captured
) -> None:
    declare(project, server)
    said = explain(project, capsys)
    assert said[0] == "yes: allowed by 'operators dispatch', with the role admin or operator"
    assert said[-1] == f"  OPA at {server.url} agrees"
    assert [each["generation"] for each in server.asked] == [0]


def test_its_refusal_is_the_answer(project: Path, server: OpaStandIn, capsys: Captured) -> None:
    declare(project, server)
    said = explain(project, capsys, "--label", "freeze=true", code=3)
    assert said[0] == f"no: OPA at {server.url} refuses: frozen work is given to nobody"
    out = explain(project, capsys, "--label", "freeze=true", "-o", "json", code=3)
    assert json.loads("\n".join(out))["opa"] == {
        "enabled": True,
        "asked": True,
        "answer": "deny",
        "reason": "frozen work is given to nobody",
    }


def test_what_the_rules_deny_it_is_not_asked_about(
    project: Path, server: OpaStandIn, capsys: Captured
) -> None:
    declare(project, server)
    said = explain(project, capsys, "--from", "agent:clerk", code=3)
    assert said[-1] == "  OPA was not asked: it can only narrow what the rules allow"
    assert server.asked == []


def test_without_an_answer_there_is_no_yes(
    project: Path, server: OpaStandIn, capsys: Captured
) -> None:
    declare(project, server)
    server.manner = "undefined"
    said = explain(project, capsys, code=4)
    why = "its policy leaves the decision undefined; where the hub gets none, it refuses with 503"
    assert said[0] == f"no answer: OPA at {server.url} gives no answer here: {why}"
    assert said[1] == "  allow operators dispatch: allows, but OPA has to agree"
    assert explain(project, capsys, "--opa", code=4) == said
    out = json.loads("\n".join(explain(project, capsys, "-o", "json", code=4)))
    assert (out["allowed"], out["rule"]) == (False, "opa")


def test_where_there_is_no_server_there_is_no_yes(project: Path, capsys: Captured) -> None:
    access = project / "policies/access.yaml"
    access.write_text(access.read_text() + 'opa: {enabled: true, url: "http://127.0.0.1:1"}\n')
    said = explain(project, capsys, code=4)
    assert said[0].startswith("no answer: OPA at http://127.0.0.1:1 gives no answer here: ")


def test_it_can_be_asked_before_it_is_enabled_and_left_alone_after(
    project: Path, server: OpaStandIn, capsys: Captured
) -> None:
    declare(project, server, enabled=False)
    assert not any("OPA" in line for line in explain(project, capsys))
    assert explain(project, capsys, "--opa")[-1] == f"  OPA at {server.url} agrees"


def test_no_opa_asks_nobody_and_says_that_the_hub_does(
    project: Path, server: OpaStandIn, capsys: Captured
) -> None:
    declare(project, server)
    said = explain(project, capsys, "--no-opa")
    assert said[0].startswith("yes: ")
    assert (
        said[-1] == f"  OPA was not asked: the hub asks the one at {server.url}, which may refuse"
    )
    assert server.asked == []


def test_cases_never_ask_opa_and_say_so(
    project: Path, server: OpaStandIn, capsys: Captured
) -> None:
    declare(project, server)
    assert run(["policy", "test", "--project", str(project)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "OPA wasn't asked: it may refuse what these rules allow."
    assert run(["policy", "test", "--project", str(project), "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["opa"] == {"enabled": True, "asked": False}
    assert server.asked == []


class Alerts:
    """A hub as far as `apply` asks it about OPA."""

    def __init__(self, *checks: str, over_http: bool = False) -> None:
        self.over_http = over_http
        self._found = [{"check": each, "words": f"{each} it is"} for each in checks]

    def get(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        assert (path, params) == ("/api/hub/alerts", {"all": "false"})
        return {"alerts": self._found}


def applied(server: OpaStandIn, *, enabled: bool = True) -> DesiredState:
    levels = Routing(levels=("public",), default="public", boundaries=(), routes=())
    opa = Opa(enabled=enabled, url=server.url)
    return DesiredState(fleet="f", hosts=(), agents=(), providers=(), routing=levels, opa=opa)


def test_what_was_applied_says_that_opa_is_silent(server: OpaStandIn) -> None:
    assert silent(applied(server), Alerts("engine")) == ""
    note = f"OPA doesn't answer at {server.url}: what it is asked about will be refused"
    assert silent(applied(server), Alerts("opa")) == f"{note} (opa it is)"
    server.manner = "error"
    assert silent(applied(server), Alerts()) == f"{note} (it answers with status 500)"


def test_opa_is_asked_from_here_for_a_hub_on_this_machine_alone(server: OpaStandIn) -> None:
    server.manner = "error"
    assert silent(applied(server), Alerts(over_http=True)) == ""
    assert silent(applied(server, enabled=False), Alerts("opa")) == ""
    assert server.asked == []


def test_apply_says_it_where_people_read(
    server: OpaStandIn, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    wanted = applied(server)
    proposed = SimpleNamespace(
        current=object(), changed=True, review=Review(plan=None), desired=wanted
    )
    done = Outcome(converged=True, actions=(), problem="")
    module = importlib.import_module("agentctl.cli.apply")
    monkeypatch.setattr(module, "_proposal", lambda *_, **__: (proposed, False))
    monkeypatch.setattr(module, "commit_generation", lambda *_, **__: (7, True))
    monkeypatch.setattr(module, "watch", lambda *_, **__: done)
    monkeypatch.setattr("agentctl.client.connect", lambda _: Alerts("opa"))
    assert run(["apply", "--yes"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("Generation 7 is applied and converged.\n")
    assert said.err.startswith(f"OPA doesn't answer at {server.url}: ")

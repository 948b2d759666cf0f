"""An operator's token: listed without itself, worth nothing the moment it is revoked or has expired."""

import time
from typing import Any

import pytest

from tests.contract.hub.conftest import Whole
from tests.contract.hub.test_the_wire_to_agents import problem

TOKENS = "/api/hub/tokens"


def make(whole: Whole, name: str = "deploy", role: str = "operator", ttl_s: float = 60) -> Any:
    made = whole.operators.ask("POST", TOKENS, {"name": name, "role": role, "ttl_s": ttl_s})
    assert made.status_code == 201
    return made.json


def mine(whole: Whole, token: str) -> Any:
    return whole.remote.ask("GET", "/api/hub/whoami", bearer=token)


def test_the_list_says_all_but_the_token(whole: Whole) -> None:
    made = make(whole)
    [row] = whole.operators.ask("GET", TOKENS).json["tokens"]
    assert row["created_at_s"] == pytest.approx(time.time(), abs=30)
    assert row["created_by"].startswith("operator:uid:")
    assert {name: row[name] for name in ("id", "name", "role", "expires_at_s", "expired")} == {
        "id": made["id"],
        "name": "deploy",
        "role": "operator",
        "expires_at_s": made["expires_at_s"],
        "expired": False,
    }
    assert made["token"].rpartition(".")[2] not in whole.operators.ask("GET", TOKENS).text


def test_a_revoked_token_is_worth_nothing_at_once_and_the_others_live(whole: Whole) -> None:
    one, other = make(whole), make(whole)
    assert mine(whole, one["token"]).status_code == 200
    gone = whole.operators.ask("DELETE", f"{TOKENS}/{one['id']}")
    assert (gone.json["id"], gone.json["name"]) == (one["id"], "deploy")
    problem(mine(whole, one["token"]), 401)
    assert mine(whole, other["token"]).status_code == 200
    problem(whole.operators.ask("DELETE", f"{TOKENS}/{one['id']}"), 404)
    lines = whole.operators.ask("GET", "/api/hub/journal?limit=1000").json["lines"]
    [said] = [each["entry"] for each in lines if each["entry"]["kind"] == "token.revoked"]
    assert (said["subject"], said["facts"]) == (one["id"], {"name": "deploy", "role": "operator"})
    assert said["who"].startswith("operator:uid:")


def test_an_expired_token_is_worth_nothing_and_is_listed_as_expired(whole: Whole) -> None:
    made = make(whole, ttl_s=0.001)
    while time.time() < made["expires_at_s"]:
        pass
    assert "has expired" in problem(mine(whole, made["token"]), 401)["detail"]
    [row] = whole.operators.ask("GET", TOKENS).json["tokens"]
    assert row["expired"]


@pytest.mark.parametrize("ttl_s", [0, -1, 366 * 86400 + 1])
def test_no_token_lives_for_ever(whole: Whole, ttl_s: float) -> None:
    body = {"name": "x", "role": "viewer", "ttl_s": ttl_s}
    problem(whole.operators.ask("POST", TOKENS, body), 422)


@pytest.mark.parametrize("role", ["gateway", "reconciler", "root", ""])
def test_no_token_is_made_for_what_is_no_operators_role(whole: Whole, role: str) -> None:
    body = {"name": "x", "role": role, "ttl_s": 60}
    problem(whole.operators.ask("POST", TOKENS, body), 422)

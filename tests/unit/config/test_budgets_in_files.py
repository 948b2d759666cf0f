"""Budgets and prices as the files declare them, and the limits that nobody could count."""

from pathlib import Path

import pytest

from agentctl.config import load
from agentctl.model.budget import Budget
from agentctl.model.fleet import Price
from tests.unit.config.test_loading import play, project

BASE = "name: a, image: 'i:1', clearance: public"
PROVIDERS = """
providers:
  home: {kind: ollama, base_url: "http://127.0.0.1:1", model: m, boundary: private}
  priced: {kind: ollama, base_url: "http://127.0.0.1:1", model: m, boundary: private,
           price: {input: 1, output: 2.5, cache_read: 0}}
  claude: {kind: anthropic, base_url: "https://api.example", model: c, boundary: public}
"""


def write(tmp_path: Path, agent: str, more: str = "") -> Path:
    text = play(f"{{{BASE}, {agent}}}", "h1", more)
    return project(tmp_path, playbooks__a=text, policies__providers=PROVIDERS)


def test_a_budget_is_compiled_and_its_values_may_be_templates(tmp_path: Path) -> None:
    budget = "{usd: 5, tokens: '{{ most }}', turns: 40}"
    root = write(tmp_path, f"provider: claude, budget: {budget}", "  vars: {most: 2000}\n")
    desired = load(root).desired
    assert desired is not None
    assert desired.agents[0].budget == Budget(usd=5.0, tokens=2000, turns=40)


def test_cached_tokens_cost_what_others_do_unless_the_price_says_otherwise(tmp_path: Path) -> None:
    desired = load(write(tmp_path, "provider: priced")).desired
    assert desired is not None
    priced = desired.provider("priced")
    assert priced is not None
    assert priced.price == Price(input=1.0, output=2.5, cache_read=0.0, cache_write=1.0)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("provider: claude, budget: {usd: 1}", ""),
        ("provider: priced, budget: {usd: 1}", ""),
        ("provider: home, budget: {tokens: 5, turns: 2}", ""),
        ("provider: home, budget: {usd: 1}", "3:80 nobody can say what 'home' costs"),
        (
            "provider: claude, budget: {usd: 1}, executor: {kind: messages-api}",
            "3:82 nobody can say what 'claude' costs",
        ),
        (
            "provider: home, budget: {turns: 1}, executor: {kind: command, argv: [x]}",
            "3:82 nobody counts those of a command",
        ),
    ],
)
def test_a_limit_that_nobody_can_count_is_an_error(tmp_path: Path, agent: str, said: str) -> None:
    found = load(write(tmp_path, agent)).findings
    words = [f"{each.line}:{each.column} {each.message.partition(', but ')[2]}" for each in found]
    assert "\n".join(words) == said
    assert {each.rule for each in found} <= {"unmetered-limit"}


@pytest.mark.parametrize(
    "budget", ["{usd: 0}", "{tokens: -1}", "{turns: 1.5}", "{euros: 3}", "5", "{usd: .nan}"]
)
def test_what_is_no_budget_is_an_error(tmp_path: Path, budget: str) -> None:
    assert load(write(tmp_path, f"provider: claude, budget: {budget}")).errors

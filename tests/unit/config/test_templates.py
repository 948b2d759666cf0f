"""What a template gives, what it can't do, and how its mistakes are told."""

import time
from typing import Any

import pytest

from agentctl.config.scope import RENDERED_CHARS_MAX, Failed, Ledger, Scope, Variable
from agentctl.config.template import Template, Unrenderable, compiled


def render(source: str, **variables: Any) -> Any:
    return compiled(source).render(variables, variables)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ n }}", 3),
        (" {{ n }} ", 3),
        ("{{- n -}}", 3),
        ("{{ n }}x", "3x"),
        ("{{ names }}", ["a", "b"]),
        ("{{ names | join('-') }}", "a-b"),
        ("{{ version }}", "1.10"),
        ("{{ '1.10' }}", "1.10"),
        ("{{ n > 2 }}", True),
        ("{{ missing | default('x') }}", "x"),
        ("{{ deep.a.b }}", 1),
        ("{% if n == 3 %}yes{% else %}no{% endif %}", "yes"),
        ("{{ 'a' if n == 3 else 'b' }}", "a"),
        ("{{ n + 1 }}", 4),
        ("{{ 'a' ~ n }}", "a3"),
        ("{{ 'a{{b}}c' }}", "a{{b}}c"),
        ("{{ -n }}", -3),
    ],
)
def test_a_lone_expression_keeps_its_type_and_the_rest_is_text(source: str, value: Any) -> None:
    made = render(source, n=3, names=["a", "b"], version="1.10", deep={"a": {"b": 1}})
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**10 }}",
        "{{ 'a' * 10000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%10000000000d' % 1 }}",
        "{{ 'a'.center(10000000000) }}",
        "{{ '{:10000000000}'.format(1) }}",
        "{{ 'a' | center(10000000000) }}",
        "{{ 'a' | indent(10000000000) }}",
        "{{ 1.5 | round(1000000000) }}",
        "{{ range(1000000000) | list }}",
        "{{ lipsum(1000000) }}",
        "{% for a in big %}{% for b in big %}{{ a }}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ big | replace('', big) | replace('', big) }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "1 + " * 3000 + "1 }}",
        "{{ " + "not " * 3000 + "1 }}",
        "{{ " + "[" * 90 + "]" * 90 + " }}",
        "{{ big ~ big ~ big }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ self.__init__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ names.append('x') }}",
        "{{ names.items }}",
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{{ x",
        "{{ }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{{ names[99] }}",
        "{{ 'a' + 1 }}",
    ],
)
def test_what_could_run_away_or_reach_out_is_refused_at_once(source: str) -> None:
    started = time.process_time()
    with pytest.raises(Unrenderable):
        render(source, big="x" * 60_000, names=["a"])
    assert time.process_time() - started < 1


def scope(**variables: Any) -> Scope:
    return Scope({name: Variable(raw, "test") for name, raw in variables.items()}, Ledger())


def found(scope: Scope, text: str) -> list[str]:
    with pytest.raises(Failed):
        scope.render(text, None, ())
    return [f"{each.message} | {each.suggestion}" for each in scope.ledger.findings]


def test_variables_are_rendered_when_they_are_asked_for() -> None:
    given = scope(a="{{ b }}-{{ c }}", b="{{ c + 1 }}", c=1, broken="{{ nowhere }}")
    assert given.render("{{ a }}", None, ()) == "2-1"
    assert given.ledger.findings == []


def test_an_undefined_variable_is_named_with_what_is_near() -> None:
    assert found(scope(model="qwen3"), "{{ modle }}") == [
        "undefined variable 'modle' (in -e) | did you mean 'model'?"
    ]


def test_variables_that_need_each_other_are_named() -> None:
    assert found(scope(a="{{ b }}", b="{{ a }}"), "{{ a }}") == [
        "variables need each other: a → b → a (in -e) | give one of them a value of its own"
    ]


def test_variables_cannot_multiply_into_a_flood() -> None:
    bomb = {"v0": "x" * 100, **{f"v{n}": f"{{{{ v{n - 1} ~ v{n - 1} }}}}" for n in range(1, 40)}}
    assert "at most" in found(scope(**bomb), "{{ v39 }}")[0]
    lists = {"v0": ["x"] * 10, **{f"v{n}": f"{{{{ [v{n - 1}, v{n - 1}] }}}}" for n in range(1, 40)}}
    assert "at most" in found(scope(**lists), "{{ v39 }}")[0]


def test_a_long_chain_of_variables_ends_in_a_finding() -> None:
    chain = {"v0": 1, **{f"v{n}": f"{{{{ v{n - 1} }}}}" for n in range(1, 2000)}}
    assert "more than 50 times" in found(scope(**chain), "{{ v1999 }}")[0]


def test_a_condition_is_an_expression_that_gives_true_or_false() -> None:
    given = scope(fleet="acme", n=3)
    assert given.holds("fleet == 'acme'", None, ())
    assert not given.holds(["n > 2", "n > 3"], None, ())
    with pytest.raises(Failed):
        given.holds("n", None, ())
    with pytest.raises(Failed):
        given.holds("{{ n > 2 }}", None, ())
    assert [each.rule for each in given.ledger.findings] == ["condition-type", "condition-braces"]


@pytest.mark.parametrize(
    ("condition", "message", "hint"),
    [
        ("n is version('2', '>')", "there is no test 'version'", "the tests are boolean"),
        ("n is defned", "there is no test 'defned'", "did you mean 'defined'?"),
        ("no", "undefined variable 'no'", "write false: no is text here, as in YAML 1.2"),
        ("Yes", "undefined variable 'Yes'", "write true: Yes is text here, as in YAML 1.2"),
        ("ansible_os == 'x'", "undefined variable 'ansible_os'", "no facts are gathered"),
        ("hostvars['h'].x", "undefined variable 'hostvars'", "only the host's own variables"),
    ],
)
def test_what_ansible_would_know_says_what_to_write(
    condition: str, message: str, hint: str
) -> None:
    with pytest.raises(Unrenderable) as told:
        compiled(condition, condition=True).render({"n": 1}, {"n": 1, "na": 2})
    assert str(told.value) == message
    assert told.value.suggestion.startswith(hint)


def test_once_templates_have_made_too_much_no_more_are_rendered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = Ledger(chars=RENDERED_CHARS_MAX + 1)
    scope = Scope({"n": Variable(1, "here")}, ledger)
    monkeypatch.setattr(Template, "render", lambda *_: pytest.fail("it was rendered"))
    with pytest.raises(Failed):
        scope.render("{{ n }}", None, ())
    assert [each.rule for each in ledger.findings] == ["template-too-large"]

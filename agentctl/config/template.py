"""Templates: Jinja2 expressions in a sandbox without loops, calls or attributes of Python's.

What a template may hold is listed (the syntax below, the filters of `config.filters`), so
that its time and memory are bounded by the size of its text and of the variables it names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError, meta, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agentctl.config.filters import FILTERS, TESTS, TEXT_CHARS_MAX, TooMuch, bounded
from agentctl.config.finding import did_you_mean, shown

SOURCE_CHARS_MAX = 16 * 1024  # of a text that holds a template
SYNTAX_NODES_MAX = 300  # bounds what a template can do with values of TEXT_CHARS_MAX
SYNTAX_DEPTH_MAX = 40  # Python's own compiler gives up at about a hundred
VALUES_MAX = 10_000  # values in one variable, counted as often as they appear

_SYNTAX = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Name,
    nodes.Literal,
    nodes.Pair,
    nodes.Keyword,
    nodes.CondExpr,
    nodes.Filter,
    nodes.Test,
    nodes.Getitem,
    nodes.Getattr,
    nodes.Slice,
    nodes.Concat,
    nodes.Compare,
    nodes.Operand,
    nodes.BinExpr,
    nodes.UnaryExpr,
)
_INSTEAD = {
    nodes.For: "use `loop` on the agent",
    nodes.Call: "nothing is called in a template; use a filter: {{ name | upper }}",
    nodes.Assign: "declare a variable under `vars`",
    nodes.AssignBlock: "declare a variable under `vars`",
    nodes.Pow: "write the number out",
}


class Unrenderable(Exception):
    """A template that can't be compiled or rendered: what is wrong, and what to do."""

    def __init__(self, message: str, *, rule: str = "template", suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template: the variables it names, and its function of their values."""

    names: frozenset[str]
    evaluate: Callable[[Mapping[str, Any]], Any]

    def render(self, values: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
        """Return the value in JSON types; raise Unrenderable.

        `values` holds those of `names` that exist; `known` has every name there is, for suggestions.
        """
        try:
            result = self.evaluate(values)
            if isinstance(result, Undefined):
                str(result)  # StrictUndefined raises, with its own words
        except UndefinedError as error:
            raise self._undefined(values, known, str(error.message)) from error
        except TooMuch as error:
            raise Unrenderable(str(error), rule="template-too-large") from error
        except Unrenderable:
            raise
        except Exception as error:
            raise Unrenderable(f"the template fails: {str(error)[:200]}") from error
        check_plain(result)
        return result

    def _undefined(
        self, values: Mapping[str, Any], known: Mapping[str, Any], message: str
    ) -> Unrenderable:
        absent = sorted(name for name in self.names if name not in values)
        if not absent:
            return Unrenderable(f"undefined in this template: {message}", rule="undefined-variable")
        return Unrenderable(
            f"undefined variable {absent[0]!r}",
            rule="undefined-variable",
            suggestion=_instead_of(absent[0])
            or did_you_mean(absent[0], known)
            or f"declare it under vars, or write {{{{ {absent[0]} | default('…') }}}}",
        )


def _instead_of(name: str) -> str:
    """Return what to write for a name that Ansible or YAML 1.1 would have known; "" for others."""
    if name.lower() in ("yes", "no", "on", "off"):
        meant = "true" if name.lower() in ("yes", "on") else "false"
        return f"write {meant}: {name} is text here, as in YAML 1.2"
    if name.startswith("ansible_"):
        return "no facts are gathered: declare it under vars"
    if name in ("hostvars", "groups"):
        return "only the host's own variables are known here, and its group_names"
    return "leave the key out, or use when" if name == "omit" else ""


def is_template(value: object) -> bool:
    """Whether a text is to be rendered."""
    return isinstance(value, str) and ("{{" in value or "{%" in value or "{#" in value)


@lru_cache(maxsize=4096)
def compiled(source: str, *, condition: bool = False) -> Template:
    """Compile a text with templates in it, or (with `condition`) a bare expression.

    A text that is one whole expression keeps its value's type; anything else gives text.
    Raises Unrenderable.
    """
    if len(source) > SOURCE_CHARS_MAX:
        raise Unrenderable(f"a text with a template holds {SOURCE_CHARS_MAX} characters at most")
    if condition and is_template(source):
        raise Unrenderable(
            "a condition is written without braces",
            rule="condition-braces",
            suggestion=f"write {source.replace('{{', '').replace('}}', '').strip()}",
        )
    try:
        return _compile("{{ " + source + " }}" if condition else source)
    except Unrenderable:
        raise
    except TemplateError as error:
        raise Unrenderable(f"the template is malformed: {error}", rule="template-syntax") from error
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        raise Unrenderable("the template is too deeply nested", rule="template-syntax") from error


def _compile(source: str) -> Template:
    environment = _environment()
    tree = environment.parse(source)
    _refuse_syntax(tree)
    names = frozenset(meta.find_undeclared_variables(tree))
    inner = _lone_expression(tree, source.strip())
    if inner is not None:
        expression = environment.compile_expression(inner, undefined_to_none=False)
        return Template(names, lambda values: expression(**values))
    template = environment.from_string(source)

    def text(values: Mapping[str, Any]) -> str:
        made = template.render(values)
        bounded(len(made))
        return made

    return Template(names, text)


def _lone_expression(tree: nodes.Template, source: str) -> str | None:
    """Return what stands between the braces when the text is one expression and nothing else."""
    parts = [part for output in tree.body for part in getattr(output, "nodes", [output])]
    solid = [
        part
        for part in parts
        if not (isinstance(part, nodes.TemplateData) and not part.data.strip())
    ]
    if len(solid) != 1 or not isinstance(solid[0], nodes.Expr):
        return None
    if isinstance(solid[0], nodes.TemplateData) or not source.startswith("{{"):
        return None
    if not source.endswith("}}"):
        return None
    inner = source[2:-2]
    if inner[:1] in ("-", "+"):
        inner = inner[1:]
    return inner.removesuffix("-").removesuffix("+")


def _refuse_syntax(tree: nodes.Template) -> None:
    """Raise Unrenderable unless the tree is small and holds only what is listed."""
    count = 0
    todo: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while todo:
        node, depth = todo.pop()
        count += 1
        if count > SYNTAX_NODES_MAX or depth > SYNTAX_DEPTH_MAX:
            raise Unrenderable("the template is too long or too deeply nested")
        if isinstance(node, tuple(_INSTEAD)) or not isinstance(node, _SYNTAX):
            raise Unrenderable(
                f"templates hold no {type(node).__name__.lower()}",
                rule="template-syntax",
                suggestion=_INSTEAD.get(type(node), "templates are expressions, filters and if"),
            )
        if isinstance(node, nodes.Name) and node.name in ("self", "super", "caller"):
            raise Unrenderable(f"{node.name!r} has no meaning here", rule="template-syntax")
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise Unrenderable(
                f"there is no filter {node.name!r}",
                rule="unknown-filter",
                suggestion=did_you_mean(node.name, FILTERS)
                or f"the filters are {', '.join(sorted(FILTERS))}",
            )
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise Unrenderable(
                f"there is no test {node.name!r}",
                rule="unknown-test",
                suggestion=did_you_mean(node.name, TESTS)
                or f"the tests are {', '.join(each for each in sorted(TESTS) if each.isalpha())}",
            )
        todo.extend((child, depth + 1) for child in node.iter_child_nodes())


class _Sandbox(ImmutableSandboxedEnvironment):
    """Values are JSON's, and nothing of Python's objects shows through."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%"))

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            str(obj)  # raises
        if isinstance(obj, dict | list | str | tuple):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        for operand in (left, right):
            if isinstance(operand, Undefined):
                str(operand)  # raises
        if operator == "+" and isinstance(left, str | list) and isinstance(right, str | list):
            bounded(len(left) + len(right))
        elif not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise Unrenderable(
                f"{shown(left)} {operator} {shown(right)}: both must be numbers",
                suggestion="join text with ~",
            )
        return super().call_binop(context, operator, left, right)


@lru_cache(maxsize=1)
def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=StrictUndefined, optimized=False, finalize=_finalize)
    environment.globals.clear()
    environment.filters = dict(FILTERS)
    environment.tests = {name: environment.tests[name] for name in TESTS}
    environment.keep_trailing_newline = True
    return environment


def _finalize(value: Any) -> Any:
    if not isinstance(value, Undefined):
        check_plain(value)
    return value


def check_plain(value: Any) -> None:
    """Raise Unrenderable unless a value is of JSON's types and within its bounds.

    What appears several times is counted each time: text is made from all of it.
    """
    values = chars = 0
    todo = [value]
    while todo:
        each = todo.pop()
        values += 1
        if isinstance(each, str):
            chars += len(each)
        elif isinstance(each, dict):
            todo.extend(each)
            todo.extend(each.values())
        elif isinstance(each, list | tuple):
            todo.extend(each)
        elif each is not None and not isinstance(each, bool | int | float):
            raise Unrenderable(
                f"a template gives text, numbers, lists or mappings, not {type(each)}"
            )
        if values > VALUES_MAX or chars > TEXT_CHARS_MAX:
            raise Unrenderable(
                f"a template may make {VALUES_MAX} values and {TEXT_CHARS_MAX} characters at most",
                rule="template-too-large",
            )

"""`agentctl policy`: what the project's files allow, and why; decided from the files alone."""

import click

from agentctl.cli import Settings
from agentctl.cli.selecting import Chosen, selection_options
from agentctl.errors import EXIT_OK, EXIT_REFUSED


@click.group()
def policy() -> None:
    """Explain what policy allows."""


@policy.command()
@click.argument("verb")
@click.option(
    "--from", "principal", required=True, metavar="KIND:NAME", help="Who: operator:ada, agent:dev."
)
@click.option("--to", "target", default="", metavar="KIND:NAME", help="To whom: agent:dev.")
@click.option("--sensitivity", "level", default="", metavar="LEVEL", help="The label of the work.")
@click.option("--type", "kind", default="", help="The message's type.")
@click.option(
    "--capability", "capabilities", multiple=True, help="A capability asked for. Repeatable."
)
@click.option("--role", default="", help="The operator's role.")
@click.pass_obj
def explain(
    settings: Settings,
    verb: str,
    principal: str,
    target: str,
    level: str,
    kind: str,
    capabilities: tuple[str, ...],
    role: str,
) -> int:
    """Say whether VERB (task.submit, message.send, …) is allowed, and what each rule made of it.

    Exit 0 when it is allowed, 3 when it isn't.
    """
    from agentctl.cli.output import emit
    from agentctl.cli.proposal import load_valid
    from agentctl.model.decision import Question
    from agentctl.model.digest import plain
    from agentctl.policy import compile_rules, explain

    question = Question(
        verb=verb,
        principal=principal,
        target=target,
        level=level,
        type=kind,
        capabilities=tuple(sorted(capabilities)),
        role=role,
    )
    decision, judged = explain(compile_rules(load_valid(settings.project).access), question)
    if settings.output == "json":
        emit({**plain(decision), "rules": [plain(each) for each in judged]})
    else:
        click.echo(f"{'yes' if decision.allowed else 'no'}: {decision.reason}")
        for each in judged:
            verdict = "decides" if each.decided else each.why_not or "matches, but comes later"
            click.echo(f"  {each.effect.value:<5} {each.rule}: {verdict}")
    return EXIT_OK if decision.allowed else EXIT_REFUSED


@policy.command(name="reach")
@selection_options
@click.pass_obj
def reach_command(settings: Settings, chosen: Chosen) -> int:
    """Say where work of each level can end up, and why: from the files alone.

    Agents, the providers they call, the boundaries these stand behind, and the operators'
    roles that are shown results. What isn't listed is out of reach.
    """
    from agentctl.cli.output import emit, table
    from agentctl.cli.proposal import load_wanted
    from agentctl.cli.reviewing import reach_of

    found = reach_of(load_wanted(settings.project, chosen).desired)
    if settings.output == "json":
        rows = [
            {"level": each.level, "kind": each.kind, "name": each.name, "why": each.why}
            for each in found
        ]
        emit({"rows": rows})
    else:
        rows_shown = ((each.level, each.kind, each.name, each.why) for each in found)
        table(("level", "reaches", "name", "why"), rows_shown)
    return EXIT_OK

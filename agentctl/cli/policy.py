"""`agentctl policy`: what the project's files allow, and why; decided from the files alone."""

import time
from datetime import datetime
from pathlib import Path

import click

from agentctl.cli import Settings
from agentctl.cli.selecting import Chosen, selection_options
from agentctl.errors import EXIT_ERROR, EXIT_OK


@click.group()
def policy() -> None:
    """Explain and test what policy allows."""


@policy.command()
@click.argument("verb")
@click.option(
    "--from", "principal", required=True, metavar="KIND:NAME", help="Who: operator:ada, agent:dev."
)
@click.option("--to", "target", default="", metavar="KIND:NAME", help="To whom: agent:dev.")
@click.option(
    "--sensitivity",
    "level",
    default="",
    metavar="LEVEL",
    help="The label of the work; by default what unlabelled work counts as.",
)
@click.option("--type", "kind", default="", help="The message's type.")
@click.option(
    "--capability", "capabilities", multiple=True, help="A capability asked for. Repeatable."
)
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--role", default="", help="The operator's role; declassify takes admin.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"]),
    default=None,
    metavar="TIME",
    help="When: 2026-07-06T09:00Z. By default now.",
)
@click.option(
    "--opa/--no-opa",
    "opa",
    default=None,
    help="Ask the OPA server that policies/access.yaml names; by default where it is enabled.",
)
@click.pass_obj
def explain(
    settings: Settings,
    verb: str,
    principal: str,
    target: str,
    level: str,
    kind: str,
    capabilities: tuple[str, ...],
    labels: tuple[str, ...],
    role: str,
    at: datetime | None,
    opa: bool | None,
) -> int:
    """Say whether VERB (task.submit, message.send, …) is allowed, and what each rule made of it.

    What the rules allow is still denied above the agent's clearance, and where OPA refuses.

    Exit 0 when it is allowed, 3 when it isn't, 4 when OPA is asked and gives no answer.
    """
    from agentctl.cli.asking_opa import hear
    from agentctl.cli.deciding import Deciding
    from agentctl.cli.output import emit
    from agentctl.cli.proposal import load_valid
    from agentctl.model.decision import Question
    from agentctl.model.digest import plain
    from agentctl.model.fleet import Effect
    from agentctl.policy import explain

    desired = load_valid(settings.project)
    deciding = Deciding.of(desired)
    question = Question(
        verb=verb,
        principal=principal,
        target=target,
        level=level or desired.routing.default,
        type=kind,
        capabilities=tuple(sorted(capabilities)),
        labels=_pairs(labels),
        role=role,
        at_s=at.timestamp() if at else time.time(),
    )
    decision = deciding.decide(question)
    _, judged = explain(deciding.policy, question)
    heard = hear(desired.opa, question, decision, given=opa)
    if settings.output == "json":
        rules = [plain(each) for each in judged]
        emit({**plain(heard.decision), "rules": rules, "opa": heard.document()})
    else:
        click.echo(f"{heard.verdict}: {heard.decision.reason}")
        for each in judged:
            verdict = "decides" if each.decided else each.why_not or "matches, but comes later"
            if each.decided and heard.decision.rule != each.rule:
                does = "allows" if each.effect is Effect.ALLOW else "denies"
                verdict = f"{does}, but {_ABOVE[heard.decision.rule]}"
            click.echo(f"  {each.effect.value:<5} {each.rule}: {verdict}")
        if heard.words and heard.decision == decision:
            click.echo(f"  {heard.words}")
    return heard.exit_code


_ABOVE = {
    "clearance": "the clearance denies",
    "boundary": "the boundary denies",
    "declared": "what is declared decides",
    "roles": "the role is another",
    "opa": "OPA has to agree",
}


def _pairs(given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    for each in given:
        if "=" not in each:
            raise click.UsageError(f"a label is NAME=VALUE, not {each!r}")
    split = (each.partition("=") for each in given)
    return tuple(sorted((name, value) for name, _, value in split))


@policy.command(name="reach")
@click.option("--applied", is_flag=True, help="Of what the hub has applied, not of the files.")
@selection_options
@click.pass_obj
def reach_command(settings: Settings, applied: bool, chosen: Chosen) -> int:
    """Say where work of each level can end up, and why: from the declarations alone.

    Agents, the providers they call, the boundaries these stand behind, and the operators'
    roles that are shown results. What isn't listed is out of reach.
    """
    from agentctl.cli.output import emit, table
    from agentctl.cli.proposal import ALL, ask, load_wanted
    from agentctl.service.reach import reach_of

    if applied and chosen != ALL:
        raise click.UsageError("--applied is of all that is applied: it takes no selection")
    desired = ask(settings).desired if applied else load_wanted(settings.project, chosen).desired
    found = reach_of(desired) if desired else ()
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


@policy.command(name="matrix")
@click.option("--from", "principal", default="*", metavar="GLOB", help="Only these: 'operator:*'.")
@click.option("--to", "target", default="*", metavar="GLOB", help="Only to these: 'agent:dev*'.")
@click.option("--verb", "verbs", multiple=True, help="Only this verb. Repeatable.")
@click.option("--all", "all_rows", is_flag=True, help="Show what no rule allows, too.")
@selection_options
@click.pass_obj
def matrix_command(
    settings: Settings,
    principal: str,
    target: str,
    verbs: tuple[str, ...],
    all_rows: bool,
    chosen: Chosen,
) -> int:
    """Say who may do what to whom with work of which level: from the files alone.

    `operator:*` is an operator whom no other row names; one that a row names and who has a
    role that a row names is in the row of both. What an agent declares (its provider, its
    secrets) is allowed by "declared" where no rule takes it back; what it doesn't declare is in
    no row. The type of a declassification is the level that it goes to. "unless" names rules
    that turn the answer with a payload's kind, labels, capabilities or a time. `-o json` has a
    row for each level.
    """
    from agentctl.cli.output import emit, table
    from agentctl.cli.policy_acts import Asked
    from agentctl.cli.policy_matrix import grouped, rows
    from agentctl.cli.proposal import load_wanted
    from agentctl.model.digest import plain

    desired = load_wanted(settings.project, chosen).desired
    found = rows(desired, Asked(principal=principal, target=target, verbs=verbs))
    if settings.output == "json":
        emit({"rows": [plain(each) for each in found]})
    else:
        columns = ("principal", "verb", "type", "target", "levels", "decision", "rule")
        table(columns, grouped(found, desired, all_rows=all_rows))
    return EXIT_OK


@policy.command(name="test")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default=None,
    help="How to print findings; github and sarif are for CI.",
)
@selection_options
@click.pass_obj
def test_command(
    settings: Settings, files: tuple[Path, ...], form: str | None, chosen: Chosen
) -> int:
    """Ask the rules each case of FILES, by default of policies/tests: is it decided as expected?

    OPA is never asked: the same files give the same answers anywhere.

    Exit 1 when one isn't, or can't be asked.
    """
    from agentctl.cli.output import emit
    from agentctl.cli.policy_test import document, run_cases, summary
    from agentctl.cli.proposal import load_wanted
    from agentctl.cli.spots import prefix_of
    from agentctl.config import report as reporting

    desired = load_wanted(settings.project, chosen).desired
    report = run_cases(settings.project, files, desired)
    form = form or settings.output
    if form == "json":
        emit(document(report, opa=desired.opa.enabled))
    elif form == "text":
        if report.findings:
            said = reporting.text(report.findings, report.sources)
            click.echo(said.rpartition("\n\n")[0] + "\n")
        click.echo(summary(report))
        if desired.opa.enabled:
            click.echo("OPA wasn't asked: it may refuse what these rules allow.")
    else:
        prefix = prefix_of(settings.project)
        said = reporting.FORMATS[form](report.findings, report.sources, prefix)
        if said:
            click.echo(said)
    return EXIT_OK if report.good else EXIT_ERROR

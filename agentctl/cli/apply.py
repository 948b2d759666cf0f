"""`agentctl apply`: the files become the applied generation; the reconciler's progress is shown."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from agentctl.cli import Settings, keyless
from agentctl.cli.duration import Duration
from agentctl.cli.output import emit
from agentctl.cli.plan import require_plannable
from agentctl.cli.proposal import Current, Proposal, Wanted, load_wanted, propose
from agentctl.cli.selecting import Chosen, selection_options
from agentctl.cli.watch import Outcome, watch
from agentctl.errors import EXIT_ERROR, EXIT_OK, Refused, UsageError
from agentctl.model.fleet import DesiredState
from agentctl.reconcile.review import review_text


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@click.option("--prune", is_flag=True, help="Also remove what is no longer declared.")
@click.option(
    "--timeout",
    type=Duration(),
    default="5m",
    show_default=True,
    help="How long to watch; the reconciler goes on without us.",
)
@selection_options
@click.pass_obj
def apply(
    settings: Settings,
    file: Path | None,
    yes: bool,
    prune: bool,
    timeout: float,
    chosen: Chosen,
) -> int:
    """Make the files the applied generation and watch it converge.

    With FILE, a plan saved by `agentctl plan --out FILE`, exactly that is applied; it is
    refused when files, generation or containers moved since. Exit code 5 says that some
    actions failed or didn't end within the timeout; what worked stands, and the reconciler
    goes on.
    """
    as_json = settings.output == "json"
    if not yes and (as_json or not sys.stdin.isatty()):
        raise UsageError("apply asks before it changes anything", hint="give --yes to not be asked")
    proposal, prune = _proposal(settings, file, chosen, prune=prune)
    assert proposal.current is not None
    if not proposal.changed:
        _say_unchanged(proposal, as_json=as_json)
        return EXIT_OK
    if not as_json:
        click.echo(review_text(proposal.review))
    if not yes and not click.confirm("\nApply this?"):
        click.echo("Nothing was applied.", err=True)
        return EXIT_ERROR
    desired = proposal.desired
    from agentctl.client import connect

    generation, new = commit_generation(settings, desired, proposal.current, prune=prune)
    if desired.opa.enabled:
        _warn_of_silence(settings, desired)
    whole = Wanted(desired=desired)
    outcome = watch(
        settings,
        generation=generation,
        again=not new,
        timeout_s=timeout,
        settled=lambda: propose(settings, whole, prune=prune, hub_required=True).plan.empty,
        quiet=as_json,
    )
    keys = keyless.unusable(connect(settings), desired, generation) if outcome.converged else {}
    _say(outcome, generation, keys, as_json=as_json)
    outcome.raise_failure()
    return EXIT_OK


def _proposal(
    settings: Settings, file: Path | None, chosen: Chosen, *, prune: bool
) -> tuple[Proposal, bool]:
    """Return what is to be applied, and whether it prunes. Raises Conflict for a saved plan out of date."""
    require_plannable(chosen, prune=prune)
    if file is None:
        wanted = load_wanted(settings.project, chosen)
        require_may_apply(settings)
        return propose(settings, wanted, prune=prune, hub_required=True), prune
    if prune or chosen != Chosen():
        raise UsageError(f"{file} says what is applied", hint="give the options to `plan --out`")
    from agentctl.cli import saved_plan

    plan = saved_plan.read(file)
    require_may_apply(settings)
    wanted = Wanted(desired=plan.desired)
    found = propose(settings, wanted, prune=plan.prune, hub_required=True)
    saved_plan.require_unmoved(plan, found, settings.project)
    return found, plan.prune


def require_may_apply(settings: Settings) -> None:
    """Raise Refused before anything is looked at or asked: the hub would refuse it in the end."""
    from agentctl.client import connect
    from agentctl.policy.roles import OPERATORS, ROLES, spoken

    me = connect(settings).get("/api/hub/whoami")
    if me["role"] not in OPERATORS:
        raise Refused(
            f"{me['name']} is {me['role']} and may not apply",
            rule=ROLES,
            hint=f"it takes the role {spoken(OPERATORS)}; `agentctl plan` shows what would change",
        )


def commit_generation(
    settings: Settings, desired: DesiredState, current: Current, *, prune: bool
) -> tuple[int, bool]:
    """Hand a fleet to the hub; return the number of the generation now in force, and whether it is new.

    What is applied already isn't written again. Raises Conflict when another was applied
    since `current` was asked for.
    """
    from agentctl.cli.git import commit_of
    from agentctl.client import connect
    from agentctl.model.digest import desired_digest, plain

    if current.digest == desired_digest(desired) and current.prune >= prune:
        return current.number, False
    answer = connect(settings).post(
        "/api/hub/generations",
        {
            "desired": plain(desired),
            "expected": current.number,
            "commit": commit_of(settings.project),
            "prune": prune,
        },
    )
    return answer["number"], True


def _warn_of_silence(settings: Settings, desired: DesiredState) -> None:
    from agentctl.cli.asking_opa import silent
    from agentctl.client import connect

    note = silent(desired, connect(settings))
    if note:
        click.echo(note, err=True)


def _say_unchanged(proposal: Proposal, *, as_json: bool) -> None:
    assert proposal.current is not None
    if as_json:
        emit(
            {
                "changed": False,
                "generation": proposal.current.number,
                "converged": True,
                "unusable": dict(proposal.unusable),
            }
        )
        return
    for note in proposal.plan.notes:
        click.echo(note, err=True)
    click.echo(f"No changes. Generation {proposal.current.number} is applied.")


def _say(outcome: Outcome, generation: int, unusable: Mapping[str, str], *, as_json: bool) -> None:
    """Say how it ended, and what can't work nonetheless: the exit code says that all was done."""
    if as_json:
        emit(
            {
                "changed": True,
                "generation": generation,
                "converged": outcome.converged,
                "actions": list(outcome.actions),
                "unusable": dict(unusable),
            }
        )
    elif outcome.converged:
        click.echo(f"Generation {generation} is applied and converged.")
        for note in keyless.notes(unusable):
            click.echo(f"note: {note}", err=True)

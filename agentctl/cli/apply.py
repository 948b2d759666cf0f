"""`agentctl apply`: the files become the applied generation; the reconciler's progress is shown."""

import sys

import click

from agentctl.cli import Settings
from agentctl.cli.duration import Duration
from agentctl.cli.output import emit
from agentctl.cli.plan import text
from agentctl.cli.proposal import Current, Proposal, load_valid, propose
from agentctl.cli.watch import Outcome, watch
from agentctl.errors import EXIT_OK, UsageError
from agentctl.model.fleet import DesiredState


@click.command()
@click.option("--yes", "-y", is_flag=True, help="Don't ask.")
@click.option("--prune", is_flag=True, help="Also remove what is no longer declared.")
@click.option(
    "--timeout",
    type=Duration(),
    default="5m",
    show_default=True,
    help="How long to watch; the reconciler goes on without us.",
)
@click.pass_obj
def apply(settings: Settings, yes: bool, prune: bool, timeout: float) -> int:
    """Make the files the applied generation and watch it converge.

    Exit code 5 says that some actions failed or didn't end within the timeout;
    what worked stands, and the reconciler goes on.
    """
    as_json = settings.output == "json"
    if not yes and (as_json or not sys.stdin.isatty()):
        raise UsageError("apply asks before it changes anything", hint="give --yes to not be asked")
    desired = load_valid(settings.project)
    proposal = propose(settings, desired, prune=prune, hub_required=True)
    assert proposal.current is not None
    if not proposal.changed:
        _say_unchanged(proposal, as_json=as_json)
        return EXIT_OK
    if not as_json:
        click.echo(text(proposal))
    if not yes:
        click.confirm("\nApply this?", abort=True)
    generation, new = commit_generation(settings, desired, proposal.current, prune=prune)
    outcome = watch(
        settings,
        generation=generation,
        again=not new,
        timeout_s=timeout,
        settled=lambda: propose(settings, desired, prune=prune, hub_required=True).plan.empty,
        quiet=as_json,
    )
    _say(outcome, generation, as_json=as_json)
    outcome.raise_failure()
    return EXIT_OK


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


def _say_unchanged(proposal: Proposal, *, as_json: bool) -> None:
    assert proposal.current is not None
    if as_json:
        emit({"changed": False, "generation": proposal.current.number, "converged": True})
        return
    for note in proposal.plan.notes:
        click.echo(note, err=True)
    click.echo(f"No changes. Generation {proposal.current.number} is applied.")


def _say(outcome: Outcome, generation: int, *, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "changed": True,
                "generation": generation,
                "converged": outcome.converged,
                "actions": list(outcome.actions),
            }
        )
    elif outcome.converged:
        click.echo(f"Generation {generation} is applied and converged.")

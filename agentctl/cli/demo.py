"""`agentctl demo`: the whole main job on this machine, with the commands shown as they run."""

import click

from agentctl.cli import Settings


@click.command()
@click.option(
    "--once", is_flag=True, help="Tear all down at the end; exit 0 only if all three went right."
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "docker", "process"]),
    default="auto",
    help="Where to run the agents; auto takes an engine when one answers.",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME",
    help="Use this provider as the sample declares it, not a stand-in. Repeatable.",
)
@click.option("--base", default="", metavar="IMAGE", help="Build the agent image on this base.")
@click.pass_obj
def demo(
    settings: Settings, once: bool, engine: str, providers: tuple[str, ...], base: str
) -> None:
    """Run a whole fleet on this machine and route three tasks by their sensitivity."""
    from agentctl.demo.show import Show, run
    from agentctl.paths import StatePaths, runtime_root
    from agentctl.supervise import runtime

    show = Show(
        project=settings.project,
        once=once,
        engine=engine,
        providers=providers,
        base=base,
        as_json=settings.output == "json",
    )
    try:
        run(show)
    finally:  # its state is gone by now, and its agents with it
        runtime.sweep(runtime_root(), but=StatePaths(settings.state).runtime)

"""A state directory, and what a hub that ran on it acknowledged."""

from pathlib import Path

from agentctl.bootstrap import open_hub
from agentctl.cli import run
from agentctl.model.digest import plain
from agentctl.model.principal import OperatorPrincipal, Peer, Role
from agentctl.model.task import NewTask
from agentctl.paths import StatePaths
from agentctl.service import backups, generations
from agentctl.service.context import Hub
from agentctl.service.submit import submit
from agentctl.store import Store, journal, tasks
from tests.fakes.fleet import fleet

ADMIN = OperatorPrincipal(name="uid:0", role=Role.ADMIN)


class State:
    """A state directory, and what a hub that ran on it acknowledged."""

    def __init__(self, root: Path, name: str) -> None:
        self.paths = StatePaths(root / name)
        for each in (self.paths.state, self.paths.store, self.paths.keys):
            each.mkdir(mode=0o700)
        self.tasks: list[str] = []

    def run(self, *words: str) -> int:
        return run(["--state", str(self.paths.state), "state", *words])

    def with_hub(self, count: int, *, backup: Path | None = None) -> None:
        """Run a hub that takes `count` tasks, makes a backup, and takes as many again."""
        hub = open_hub(self.paths, Store.open(self.paths.store))
        if hub.fleet is None:
            generations.apply(
                hub, ADMIN, desired=plain(fleet()), expected=0, commit="c", prune=False
            )
        self._submit(hub, count)
        if backup is not None:
            backups.make(hub, ADMIN, Peer(uid=0), str(backup))
            self._submit(hub, count)
        hub.store.close()

    def _submit(self, hub: Hub, count: int) -> None:
        for number in range(count):
            self.tasks.append(submit(hub, NewTask(prompt=f"count {number}"), ADMIN)[0].id)

    def kept(self) -> list[str]:
        store = Store.open(self.paths.store)
        try:
            with store.read() as txn:
                assert journal.verify(txn) is None
                return [each.id for each in reversed(tasks.page(txn)[0])]
        finally:
            store.close()

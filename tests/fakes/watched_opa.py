"""The real client of OPA at a hub at hand, watched: nobody may ask while a transaction is open."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from agentctl.model.decision import Question
from agentctl.model.fleet import DesiredState, Opa
from agentctl.opa import Answer, OpaServer
from agentctl.service.context import Hub
from agentctl.store import Txn


@dataclass
class WatchedOpa:
    """Asks as OpaServer does. `meanwhile` is called while a question is out."""

    client: OpaServer = field(default_factory=OpaServer)
    asked: list[tuple[int, Question]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    reading: int = 0

    def ask(self, where: Opa, question: Question, *, generation: int) -> Answer:
        assert threading.current_thread().name != "store-writer", "asked inside a write"
        assert not self.reading, "asked inside a read"
        self.asked.append((generation, question))
        self.meanwhile()
        return self.client.ask(where, question, generation=generation)

    def watch(self, hub: Hub) -> None:
        """Take the place of the hub's client, and count the reads that are open."""
        honest, hub.opa = hub.store.read, self

        @contextmanager
        def read() -> Iterator[Txn]:
            with honest() as txn:
                self.reading += 1
                try:
                    yield txn
                finally:
                    self.reading -= 1

        hub.store.read = read  # type: ignore[method-assign]

    def verbs(self) -> list[str]:
        return [question.verb for _, question in self.asked]

    def targets(self) -> list[str]:
        return [question.target for _, question in self.asked]


def with_opa(desired: DesiredState, where: Opa) -> DesiredState:
    return replace(desired, opa=where)

"""What a look at the dashboard costs the hub: CPU of one poll that finds nothing new, and of each page.

`python -m bench.dashboard [agents] [tasks]`; by default 200 agents and 5,000 tasks, most of them
queued. Each figure is the CPU time of the answering thread alone, best of five rounds, in
milliseconds. Beside it stand the same tasks over the JSON API.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentctl.bootstrap import open_hub
from agentctl.hub import operators_app
from agentctl.model.digest import plain
from agentctl.model.principal import OperatorPrincipal, Peer, Role
from agentctl.model.task import NewTask
from agentctl.paths import StatePaths
from agentctl.service import generations
from agentctl.service.context import Hub
from agentctl.service.submit import submit
from agentctl.store import Store
from tests.fakes.fleet import RESEARCHER, THINKER, fleet

ROUNDS, TIMES = 5, 20
PAGES = ("/", "/tasks", "/agents", "/reach", "/decisions", "/alerts", "/api/hub/tasks?limit=50")
ADMIN = OperatorPrincipal(name="bench", role=Role.ADMIN)


def main(agents: int = 200, tasks: int = 5_000) -> None:
    with tempfile.TemporaryDirectory(prefix="actl-bench-") as state:
        paths = StatePaths(Path(state))
        for each in (paths.store, paths.keys):
            each.mkdir(mode=0o700, parents=True)
        store = Store.open(paths.store, sync=False)
        try:
            measure(open_hub(paths, store), agents, tasks)
        finally:
            store.close()


def measure(hub: Hub, agents: int, tasks: int) -> None:
    specs = [replace(RESEARCHER, name=f"agent-{at}", replicas=2) for at in range(agents - 1)]
    generations.apply(
        hub, ADMIN, desired=plain(fleet(THINKER, *specs)), expected=0, commit="", prune=False
    )
    for at in range(tasks):
        submit(hub, NewTask(prompt=f"task {at}", agent=f"agent-{at % (agents - 1)}"), ADMIN)
    app = operators_app(hub, by="peer")
    print(f"{agents} agents, {tasks} tasks")
    _, etag, _ = ask(app, hub, "/")
    print(f"  {'/ (nothing new: 304)':<28} {best(lambda: unchanged(app, hub, etag)):7.2f} ms")
    for path in PAGES:
        size = len(ask(app, hub, path)[2])
        print(f"  {path:<28} {best(lambda path=path: news(app, hub, path)):7.2f} ms, {size} bytes")  # type: ignore[misc]


def unchanged(app: Any, hub: Hub, etag: str) -> None:
    """Ask as a page does that has all there is; the second in which a page stays as it is is over."""
    hub.clock.boot_s, kept = lambda: time.monotonic() * 1e6, hub.clock.boot_s  # type: ignore[method-assign]
    status, _, _ = ask(app, hub, "/", HTTP_IF_NONE_MATCH=etag)
    hub.clock.boot_s = kept  # type: ignore[method-assign]
    assert status.startswith(("304", "200")), status  # 200: a minute has begun


def news(app: Any, hub: Hub, path: str) -> None:
    """Ask for a page that something happened to."""
    hub.live.listening_since_s += 1e-3
    hub.clock.boot_s, kept = lambda: time.monotonic() * 1e6, hub.clock.boot_s  # type: ignore[method-assign]
    status, _, _ = ask(app, hub, path)
    hub.clock.boot_s = kept  # type: ignore[method-assign]
    assert status.startswith("200"), status


def ask(app: Any, hub: Hub, target: str, **headers: str) -> tuple[str, str, bytes]:
    path, _, query = target.partition("?")
    told: dict[str, str] = {}

    def start(status: str, found: list[tuple[str, str]], _: object = None) -> None:
        told.update({name.lower(): value for name, value in found}, status=status)

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
        "wsgi.errors": sys.stderr,
        "agentctl.peer": Peer(pid=1, uid=hub.uid, gid=0),
        **({} if path.startswith("/api") else {"HTTP_HX_REQUEST": "true"}),
        **headers,
    }
    body = b"".join(app(environ, start))
    return told["status"], told.get("etag", ""), body


def best(work: Callable[[], None]) -> float:
    found = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(TIMES):
            work()
        found.append((time.thread_time() - began) / TIMES * 1000)
    return min(found)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""A hub's dashboard behind a real TCP listener, over a fleet that has worked, and who asks for its pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

from agentctl.bootstrap import open_hub
from agentctl.hub import operators_app
from agentctl.paths import StatePaths
from agentctl.service import tokens
from agentctl.service.context import Hub
from agentctl.store import Store
from agentctl.web.servers import Server, tcp_server
from tests.fakes.busy_fleet import fill
from tests.fakes.clock import ManualClock
from tests.unit.service.conftest import ADMIN, HubAtHand

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SAME = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Browser:
    """Asks over a real socket, as one that keeps cookies."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> tuple[HTTPResponse, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {**self.headers, **named})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        cookie = answer.getheader("Set-Cookie")
        if cookie:
            self.headers["Cookie"] = cookie.partition(";")[0]
        return answer, text

    def get(self, path: str, **headers: str) -> tuple[HTTPResponse, str]:
        return self.ask("GET", path, **headers)

    def sign_in(self, shown: str, **form: str) -> tuple[HTTPResponse, str]:
        return self.ask("POST", "/signin", urlencode({"shown": shown, **form}), **FORM, **SAME)


@dataclass
class Board:
    """A hub behind its real TCP listener, with a fleet that has worked."""

    hub: Hub
    clock: ManualClock
    server: Server
    made: dict[str, str]

    def token(self, role: str) -> str:
        name = f"a-{role}"
        return str(tokens.create(self.hub, ADMIN, name=name, role=role, ttl_s=86400.0)["token"])

    def browser(self) -> Browser:
        return Browser(self.server.port)

    def signed_in(self, role: str = "operator") -> Browser:
        browser = self.browser()
        answer, text = browser.sign_in(self.token(role))
        assert answer.status == 303, text
        return browser

    def later(self, seconds: float = 2.0) -> None:
        self.clock.advance(seconds)


@contextmanager
def board_at(tmp_path: Path) -> Iterator[Board]:
    paths = StatePaths(tmp_path / "state")
    for each in (paths.state, paths.store, paths.keys):
        each.mkdir(mode=0o700, parents=True)
    store = Store.open(paths.store, sync=False)
    hub, clock = open_hub(paths, store), ManualClock()
    hub.clock = clock
    hub.live.listening_since_s = clock.wall
    server = tcp_server(operators_app(hub, by="token"), "127.0.0.1", 0, threads=4)
    server.run_in_thread()
    try:
        yield Board(hub, clock, server, fill(HubAtHand(hub, clock)))
    finally:
        server.close()
        store.close()

"""The dashboard's pages: who may see which, what a browser is bound to, what comes from agents is text."""

import json
import re
import shlex
import socket
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from agentctl.cli import run
from agentctl.hub import operators_app
from agentctl.hub.pages.page import PAGES
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask
from agentctl.service import alerts, quarantine, sign_in, submit, tokens
from agentctl.web.servers import unix_server
from tests.fakes.board import FORM, SAME, Board, Browser, board_at
from tests.unit.service.conftest import ADMIN

ROLES = ("viewer", "ci", "operator", "admin")
PLANNERS = "viewer ci operator admin"
READERS = "viewer operator admin"

# A page without a line here fails: whoever adds one says who may see it.
MAY = {
    "/": READERS,
    "/tasks": READERS,
    "/tasks/{task}": READERS,
    "/agents": PLANNERS,
    "/agents/{agent}": READERS,
    "/reach": PLANNERS,
    "/decisions": READERS,
    "/alerts": READERS,
}

# What an agent, or whoever submits, could write to get at whoever looks.
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</pre></td></table><iframe src=javascript:alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "<a href='javascript:alert(1)' hx-get='/signout' hx-trigger=load>x</a>",
    "<!--><script>alert(1)</script-->",
    "\u202egnp.exe\u2066 \u200bzero\u00adwidth\ufeff \x1b[31mred\x07 \x00nul \U000e0041tag",
    "&lt;script&gt;",
    "`agentctl panic`",
)
BOUND = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Markup(HTMLParser):
    """Reads a page as a browser does, and notes every tag and attribute that no template writes."""

    TAGS = frozenset(
        [
            "html",
            "head",
            "meta",
            "title",
            "link",
            "script",
            "noscript",
            "body",
            "a",
            "header",
            "img",
            "nav",
            "div",
            "span",
            "form",
            "button",
            "p",
            "main",
            "footer",
            "h1",
            "h2",
            "section",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "ul",
            "ol",
            "li",
            "dl",
            "dt",
            "dd",
            "pre",
            "code",
            "b",
            "i",
            "time",
            "label",
            "select",
            "option",
            "input",
            "svg",
            "line",
            "rect",
        ]
    )
    NAMES = frozenset(
        [
            "lang",
            "charset",
            "name",
            "content",
            "rel",
            "href",
            "type",
            "src",
            "defer",
            "http-equiv",
            "class",
            "width",
            "height",
            "alt",
            "aria-label",
            "aria-current",
            "aria-hidden",
            "method",
            "action",
            "id",
            "role",
            "hidden",
            "hx-get",
            "hx-trigger",
            "hx-swap",
            "data-etag",
            "tabindex",
            "scope",
            "title",
            "data-th",
            "datetime",
            "value",
            "placeholder",
            "autocomplete",
            "spellcheck",
            "selected",
            "viewbox",
            "preserveaspectratio",
            "x",
            "y",
            "x1",
            "x2",
            "y1",
            "y2",
            "colspan",
            "required",
            "autofocus",
            "maxlength",
            "for",
        ]
    )

    def wrong_in(self, text: str) -> list[str]:
        self.wrong: list[str] = []
        self.feed(text)
        self.close()
        return self.wrong

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.wrong += [tag] if tag not in self.TAGS else []
        for name, value in attrs:
            leads = name in ("href", "src", "action", "hx-get")
            if name not in self.NAMES or (leads and not re.match(r"[/?#]", value or "")):
                self.wrong.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(data)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with board_at(tmp_path_factory.mktemp("board")) as found:
        yield found


@pytest.fixture
def board(shared: Board) -> Board:
    # What was tried before is forgotten (attempts, fresh pages), and a minute begins.
    shared.later(7200.0 - shared.clock.wall % 60.0)
    return shared


def at(board: Board, path: str) -> str:
    return path.replace("{task}", board.made["completed"]).replace("{agent}", "researcher")


def test_every_page_says_who_may_see_it() -> None:
    assert sorted(MAY) == sorted(each.path for each in PAGES)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_what_it_may_and_nothing_else(board: Board, role: str) -> None:
    browser = board.signed_in(role)
    for path, may in MAY.items():
        answer, text = browser.get(at(board, path))
        assert answer.status == (200 if role in may.split() else 403), (path, text)
        assert answer.getheader("Content-Type") == "text/html; charset=utf-8"
        assert role in may.split() or "researcher" not in text, path


@pytest.mark.parametrize("path", MAY)
def test_who_is_nobody_is_sent_to_the_form_and_back(board: Board, path: str) -> None:
    answer, text = board.browser().get(f"{at(board, path)}?x=1")
    assert (answer.status, text) == (303, "")
    wanted = f"{at(board, path)}?x=1".replace("/", "%2F").replace("?", "%3F").replace("=", "%3D")
    assert answer.getheader("Location") == f"/signin?next={wanted}"


def test_a_poll_of_who_is_nobody_any_more_is_told_where_to_go(board: Board) -> None:
    answer, _ = board.browser().get("/tasks?state=held", HX_Request="true")
    assert answer.status == 401
    assert answer.getheader("HX-Redirect") == "/signin?next=%2Ftasks%3Fstate%3Dheld"


def test_prompts_and_results_are_shown_to_whom_the_api_shows_them(board: Board) -> None:
    path = f"/tasks/{board.made['completed']}"
    for role, sees in (("viewer", False), ("operator", True), ("admin", True)):
        _, text = board.signed_in(role).get(path)
        assert ("plan step 3" in text) is sees, role
        assert ("was easy" in text) is sees, role
        assert ("are shown to the roles operator and admin" in text) is not sees, role


@pytest.mark.parametrize("path", [*MAY, "/signin", "/tasks/task-00000000000000000000000000"])
def test_every_page_binds_the_browser_and_is_kept_by_no_cache(board: Board, path: str) -> None:
    answer, text = board.signed_in().get(at(board, path))
    assert {name: answer.getheader(name) for name in BOUND} == BOUND
    assert answer.getheader("Cache-Control") == "no-store"
    assert " style=" not in text
    assert not re.search(r"<style|<script(?! src=)|\son\w+=|javascript:", text)
    assert not re.search(r"(?:src|href|action)=\"(?!/|\?|#)", text), "nothing from elsewhere"


def test_a_page_that_did_not_change_is_304_and_one_that_did_is_not(board: Board) -> None:
    browser = board.signed_in()
    for path in MAY:
        _, whole = browser.get(at(board, path))
        etag = re.findall(r'data-etag="([^"]*)"', whole)[0].replace("&#34;", '"')
        board.later()
        answer, text = browser.get(at(board, path), HX_Request="true", If_None_Match=etag)
        assert (answer.status, text) == (304, ""), path
        assert answer.getheader("ETag") == etag
    submit.submit(board.hub, NewTask(prompt="one more"), ADMIN)
    board.later()
    answer, text = browser.get("/", HX_Request="true", If_None_Match=etag)
    assert answer.status == 200
    assert "<html" not in text, "the content alone"
    assert "<h1" in text


def test_many_who_look_at_a_busy_fleet_cost_one_rendering_a_second(board: Board) -> None:
    browser = board.signed_in()
    board.later()
    first, _ = browser.get("/", HX_Request="true")
    submit.submit(board.hub, NewTask(prompt="one more"), ADMIN)
    second, _ = browser.get("/", HX_Request="true")
    assert second.getheader("ETag") == first.getheader("ETag")
    board.later(1.0)
    third, _ = browser.get("/", HX_Request="true")
    assert third.getheader("ETag") != first.getheader("ETag")


def test_what_one_role_may_see_is_never_another_roles_page(board: Board) -> None:
    operator, viewer = board.signed_in("operator"), board.signed_in("viewer")
    path = f"/tasks/{board.made['completed']}"
    _, full = operator.get(path, HX_Request="true")
    answer, bare = viewer.get(path, HX_Request="true")
    assert "was easy" in full
    assert "was easy" not in bare
    told, _ = operator.get(path, HX_Request="true", If_None_Match=answer.getheader("ETag") or "")
    assert told.status == 200


# --- signing in


def test_a_token_signs_in_and_the_cookie_is_bound(board: Board) -> None:
    browser = board.browser()
    answer, _ = browser.sign_in(board.token("viewer"), next="/tasks?state=held")
    assert (answer.status, answer.getheader("Location")) == (303, "/tasks?state=held")
    cookie = answer.getheader("Set-Cookie") or ""
    name, _, rest = cookie.partition("=")
    assert name == f"agentctl-{board.server.port}"
    assert re.fullmatch(
        r"[A-Za-z0-9_-]{43}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict", rest
    )
    assert browser.get("/")[0].status == 200


def test_over_tls_the_cookie_never_goes_out_in_the_clear(board: Board) -> None:
    board.hub.live.names = frozenset({"fleet.example.com"})
    browser = Browser(board.server.port, {"Host": "fleet.example.com"})
    body = urlencode({"shown": board.token("viewer")})
    origin = {"Origin": "https://fleet.example.com"}
    answer, _ = browser.ask("POST", "/signin", body, **FORM, **SAME, **origin)
    assert answer.status == 303
    assert (answer.getheader("Set-Cookie") or "").endswith("; SameSite=Strict; Secure")


@pytest.mark.parametrize(
    "shown", ["", "x", "op1.op-1." + "a" * 43, "AAAA-AAAA-AAAA-AAAA", "💥" * 50]
)
def test_what_is_no_credential_signs_nobody_in_and_is_not_repeated(
    board: Board, shown: str
) -> None:
    answer, text = board.browser().sign_in(shown)
    assert answer.status == 401
    assert answer.getheader("Set-Cookie") is None
    assert not shown or len(shown) < 2 or shown not in text
    assert "agentctl dashboard" in text


def test_too_many_attempts_are_refused_before_anything_is_looked_at(board: Board) -> None:
    token = board.token("viewer")
    for _ in range(10):
        assert board.browser().sign_in("x")[0].status == 401
    answer, text = board.browser().sign_in(token)
    assert answer.status == 429
    assert int(answer.getheader("Retry-After") or 0) >= 1
    assert "too many" in text.lower()
    board.later(4.0)
    assert board.browser().sign_in(token)[0].status == 303


def test_a_code_signs_in_once_and_soon(board: Board) -> None:
    made = sign_in.make_code(board.hub, ADMIN, role="viewer")
    first = board.browser()
    assert first.sign_in(made["code"].lower().replace("-", " "))[0].status == 303
    assert "dashboard, viewer" in first.get("/")[1]
    assert board.browser().sign_in(made["code"])[0].status == 401, "it was used"
    made = sign_in.make_code(board.hub, ADMIN, role="viewer")
    board.later(300.0)
    assert board.browser().sign_in(made["code"])[0].status == 401, "it is too late"


def test_only_an_admin_makes_codes_and_their_tokens_are_good_for_nothing_else(
    board: Board,
) -> None:
    for role in ("viewer", "ci", "operator"):
        bearer = {
            "Authorization": f"Bearer {board.token(role)}",
            "Content-Type": "application/json",
        }
        assert board.browser().ask("POST", "/api/hub/sign-ins", "{}", **bearer)[0].status == 403
    made = sign_in.make_code(board.hub, ADMIN, role="operator")
    assert set(made) == {"code", "url", "token", "role", "code_ends_at_s", "expires_at_s"}
    listed = tokens.listed(board.hub, ADMIN)["tokens"]
    assert [each["name"] for each in listed if each["id"] == made["token"]] == ["dashboard"]


@pytest.mark.parametrize("ends", ["revoked", "expired", "signed out", "too long ago", "restarted"])
def test_a_session_ends_with_its_token_with_its_time_and_by_signing_out(
    board: Board, ends: str
) -> None:
    ttl_s = 60.0 if ends == "expired" else 365 * 86400.0
    made = tokens.create(board.hub, ADMIN, name="brief", role="viewer", ttl_s=ttl_s)
    browser = board.browser()
    browser.sign_in(made["token"])
    assert browser.get("/")[0].status == 200
    kept = dict(browser.headers)
    if ends == "revoked":
        tokens.revoke(board.hub, ADMIN, made["id"])
    elif ends == "expired":
        board.later(61.0)
    elif ends == "signed out":
        assert browser.ask("POST", "/signout", "", **FORM, **SAME)[0].status == 303
    elif ends == "too long ago":
        board.later(12 * 3600.0)
    else:
        board.hub.live.sessions = type(board.hub.live.sessions)(most=10)
    again = Browser(board.server.port, kept)
    assert again.get("/")[0].status == 303
    assert again.get("/", HX_Request="true")[0].status == 401


def test_the_command_prints_a_code_for_an_admin_and_the_address_for_everybody(
    board: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{board.server.port}/"
    for role, code in (("admin", r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}\n"), ("viewer", "")):
        monkeypatch.setenv("AGENTCTL_TOKEN", board.token(role))
        assert run(["--hub", url, "dashboard"]) == 0
        said = capsys.readouterr()
        assert re.fullmatch(re.escape(url) + r"\n" + code, said.out), role
        assert ("works once" in said.err) is (role == "admin")
    monkeypatch.setenv("AGENTCTL_TOKEN", board.token("admin"))
    assert run(["--hub", url, "-o", "json", "dashboard", "--role", "operator"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["url"], made["role"]) == (url, "operator")
    assert board.browser().sign_in(made["code"])[0].status == 303


def test_the_cookie_of_a_session_is_nothing_to_the_api(board: Board) -> None:
    browser = board.signed_in("admin")
    before = alerts.show(board.hub, ADMIN, every=True)
    for method, path, body in (
        ("GET", "/api/hub/status", None),
        ("GET", "/api/hub/whoami", None),
        ("GET", "/openapi.json", None),
        ("POST", "/api/hub/mode", '{"mode": "panic"}'),
        ("POST", "/api/hub/tasks", '{"prompt": "x"}'),
        ("DELETE", f"/api/hub/tasks/{board.made['running']}", None),
        ("POST", "/api/hub/tokens", '{"name": "x", "role": "admin", "ttl_s": 60}'),
        ("POST", "/api/hub/sign-ins", "{}"),
    ):
        answer, _ = browser.ask(method, path, body, **SAME, **{"Content-Type": "application/json"})
        assert answer.status == 401, path
    assert board.hub.mode.name == "normal"
    assert alerts.show(board.hub, ADMIN, every=True) == before


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pages_take_nothing(board: Board, method: str) -> None:
    browser = board.signed_in("admin")
    for path in MAY:
        assert browser.ask(method, at(board, path), "", **SAME)[0].status == 405, path


def test_two_cookies_of_one_name_are_none(board: Board) -> None:
    browser = board.signed_in()
    browser.headers["Cookie"] += f"; agentctl-{board.server.port}=" + "x" * 43
    assert browser.get("/")[0].status == 303


# --- other sites, other names


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_refused_and_costs_no_attempt(
    board: Board, headers: dict[str, str]
) -> None:
    body = urlencode({"shown": board.token("viewer")})
    for path in ("/signin", "/signout"):
        for _ in range(12):
            answer, _ = board.browser().ask("POST", path, body, **FORM, **headers)
            assert answer.status == 403
            assert answer.getheader("Set-Cookie") is None
    assert board.browser().sign_in(board.token("viewer"))[0].status == 303


def test_a_form_of_this_very_address_is_taken(board: Board) -> None:
    body = urlencode({"shown": board.token("viewer")})
    origin = {"Origin": f"http://127.0.0.1:{board.server.port}"}
    assert board.browser().ask("POST", "/signin", body, **FORM, **origin)[0].status == 303


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8700",
        "127.0.0.1.evil.example",
        "",
        "a b",
        "[::1",
        "169.254.1.1",
    ],
)
def test_a_name_that_was_made_to_point_here_is_answered_nothing(board: Board, host: str) -> None:
    browser = board.signed_in()
    for path in (*MAY, "/signin"):
        answer, text = browser.get(at(board, path), Host=host)
        assert answer.status in (400, 403), path
        assert "researcher" not in text


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8700", "Fleet.Example.com"])
def test_the_hubs_own_names_and_declared_ones_are_answered(board: Board, host: str) -> None:
    board.hub.live.names = frozenset({"fleet.example.com"})
    assert board.browser().get("/signin", Host=host)[0].status == 200


def test_another_site_may_link_to_a_page_and_embed_none(board: Board) -> None:
    browser = board.signed_in()
    link = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    assert browser.get("/", **link)[0].status == 200
    assert browser.get("/", **{**link, "Sec-Fetch-Dest": "iframe"})[0].status == 403
    assert browser.get("/", **{**link, "Sec-Fetch-Mode": "no-cors"})[0].status == 403
    assert "Go on" in board.browser().get("/signin?next=%2Ftasks", **link)[1]


@pytest.mark.parametrize(
    "given",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/signout",
        "/api/hub/tasks",
        "/tasks/../x\n",
        "javascript:alert(1)",
        '/tasks?x="><script>',
    ],
)
def test_who_signed_in_is_sent_to_pages_of_this_hub_alone(board: Board, given: str) -> None:
    answer, _ = board.browser().sign_in(board.token("viewer"), next=given)
    assert (answer.status, answer.getheader("Location")) == (303, "/")
    _, text = board.browser().get(f"/signin?{urlencode({'next': given})}")
    assert 'name="next" value="/"' in text


# --- what others wrote


def test_whatever_agents_and_submitters_write_is_text_on_every_page(tmp_path: Path) -> None:
    with board_at(tmp_path) as board:
        hub, ada = board.hub, OperatorPrincipal(name="ada", role=Role.ADMIN)
        for number, words in enumerate(HOSTILE):
            labels = (("note", words[:200]),)
            new = NewTask(prompt=words, labels=labels, agent="researcher")
            task, _ = submit.submit(hub, new, ada)
            board.made[f"hostile {number}"] = task.id
        everything = " ".join(HOSTILE)
        hub.live.progress[board.made["running"]] = {"note": everything, "number": 9}
        quarantine.quarantine(hub, "clerk", ada, why=everything[:500])
        hub.live.hosts[1]["error"] = everything
        hub.live.unusable = {"ollama": everything}
        alerts.look(hub)
        board.later()
        browser = board.signed_in("admin")
        paths = [at(board, each) for each in MAY]
        paths += [f"/tasks/{each}" for each in board.made.values()]
        paths += ["/agents/clerk", f"/tasks?{urlencode({'label': 'note=' + HOSTILE[3]})}"]
        paths += [f"/agents?{urlencode({'find': HOSTILE[2][:80]})}"]
        seen = ""
        for path in paths:
            answer, text = browser.get(path)
            assert answer.status == 200, path
            assert Markup().wrong_in(text) == [], path
            seen += text
        assert "{{ 7*7 }}" in seen
        assert "\\u202egnp.exe" in seen
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\u00ad\ufeff\x1b\x07\x00]", seen)


def test_no_token_and_no_key_is_on_any_page(board: Board) -> None:
    token = board.token("admin")
    browser = board.browser()
    browser.sign_in(token)
    session = browser.headers["Cookie"].partition("=")[2]
    for path in MAY:
        _, text = browser.get(at(board, path))
        for secret in (token, token.rpartition(".")[2], session):
            assert secret not in text, path
        assert not re.search(r"(?:op|it|mt)1\.[a-z]", text), path


# --- the socket, files, odd questions


def test_on_the_socket_the_kernel_says_who_looks_and_browsers_get_pages_alone(
    board: Board, tmp_path: Path
) -> None:
    path = tmp_path / "operator.sock"
    server = unix_server(operators_app(board.hub, by="peer"), path, mode=0o600, threads=2)
    server.run_in_thread()

    def ask(line: str, **headers: str) -> str:
        given = {"Host": "localhost", "Connection": "close", **headers}
        told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(f"{line} HTTP/1.1\r\n{told}\r\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    try:
        page = ask("GET /")
        assert page.startswith("HTTP/1.1 200"), page[:200]
        assert f"uid:{board.hub.uid}, admin" in page
        assert "Sign out" not in page
        assert ask("GET /signin").startswith("HTTP/1.1 404")
        assert ask("GET /", Host="evil.example").startswith("HTTP/1.1 403")
        assert ask("GET /api/hub/status").startswith("HTTP/1.1 200")
        assert ask("GET /api/hub/status", Host="evil.example").startswith("HTTP/1.1 403")
        assert ask("GET /api/hub/status", Sec_Fetch_Site="same-origin").startswith("HTTP/1.1 403")
        assert ask("GET /api/hub/status", Origin="http://localhost").startswith("HTTP/1.1 403")
    finally:
        server.close()


def test_assets_are_for_everybody_for_ever_and_nothing_else_is_a_file(board: Board) -> None:
    browser = board.browser()
    _, form = browser.get("/signin")
    for url in set(re.findall(r"/assets/[^\"]+", board.signed_in().get("/")[1] + form)):
        answer, _ = browser.get(url)
        assert answer.status == 200
        assert answer.getheader("Cache-Control") == "public, max-age=31536000, immutable"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
    for name in ("x", "..%2ffarm.py", "%2e%2e", "board.css%00", "__init__.py"):
        assert browser.get(f"/assets/{name}")[0].status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/tasks?state=x",
        "/tasks?nobody=1",
        "/tasks?label=%00",
        "/agents/%2e%2e",
        "/tasks/x%0a",
        "/agents/nobody",
        "/tasks/task-" + "0" * 26,
        "/decisions?before=x",
        "/agents?find=" + "a" * 900,
        "/alerts?all=maybe",
    ],
)
def test_odd_questions_are_answered_by_a_page_that_says_what_is_wrong(
    board: Board, path: str
) -> None:
    answer, text = board.signed_in().get(path)
    assert answer.status in (404, 422)
    assert "<h1" in text
    assert "Traceback" not in text


def test_a_filter_and_an_empty_field_are_what_the_form_sends(board: Board) -> None:
    browser = board.signed_in()
    _, text = browser.get("/tasks?state=held&agent=&label=")
    assert text.count('data-th="State"') == 2
    assert "agentctl tasks --state held</code>" in text
    _, text = browser.get("/tasks?label=team%3Ddocs")
    assert text.count('data-th="State"') == 1
    _, refused = browser.get("/decisions?allowed=false")
    assert "agentctl decisions --refused" in refused
    _, found = browser.get("/agents?find=filing")
    assert re.findall(r'href="/agents/(\w+)"', found) == ["clerk"]


def test_the_command_that_a_page_names_gives_the_same(
    board: Board, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command that pages name is run; of reach and decisions, what it says is compared."""
    monkeypatch.setenv("AGENTCTL_TOKEN", board.token("admin"))
    browser = board.signed_in("admin")
    said: dict[str, str] = {}
    paths = (*MAY, "/tasks?state=held", "/tasks?label=team%3Ddocs", "/decisions?allowed=false")
    for path in (*paths, "/alerts?all=true"):
        _, page = browser.get(at(board, path))
        (command,) = re.findall(r"command line: <code>agentctl (.*?)</code>", page)
        words = ["--hub", f"http://127.0.0.1:{board.server.port}", *shlex.split(unescape(command))]
        assert run(words) == 0, command
        said[path] = capsys.readouterr().out
    assert said["/reach"].count("\n") == 1 + sum(len(each) for each in reached(board).values())
    assert said["/tasks?state=held"].count(" held ") == 2
    assert "refused" not in said["/decisions"]


def reached(board: Board) -> dict[str, list[str]]:
    """Return which levels' marks the picture of reach has, by place."""
    _, page = board.signed_in().get("/reach")
    found: dict[str, list[str]] = {}
    kind = ""
    for row in re.findall(r"<caption>.*?</caption>|<tr><th.*?</tr>", page, re.DOTALL):
        kind = row if row.startswith("<caption") else kind
        found[f"{kind} {row[:60]}"] = re.findall(r'class="cell in of-(\d)"', row)
    return found


def test_the_api_lists_the_same_decisions(board: Board) -> None:
    bearer = {"Authorization": f"Bearer {board.token('viewer')}"}
    _, text = board.browser().get("/api/hub/decisions?limit=3", **bearer)
    page: dict[str, Any] = json.loads(text)
    assert len(page["decisions"]) == 3
    _, following = board.browser().get(f"/api/hub/decisions?before={page['next']}", **bearer)
    ids = [each["id"] for each in page["decisions"] + json.loads(following)["decisions"]]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids)

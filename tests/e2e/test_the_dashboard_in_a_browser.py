"""The dashboard as somebody on call has it: a real hub, a real browser, a code from the terminal."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from agentctl.client import Hub
from agentctl.model.fleet import Monitoring
from tests.fakes.browser import chromium
from tests.fakes.busy_fleet import busy
from tests.fakes.fleet_load import apply, born
from tests.fakes.hub_process import HubProcess, hub_process

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("/", "/tasks", "/agents", "/agents/researcher", "/reach", "/decisions", "/alerts")
NEWS_S_MAX = 60.0  # a page asks every five seconds; beside busy neighbours it may wait its turn
# There is no reconciler here, and no agentd: a hub that misses the one stops taking work, and takes
# it back from the other.
FLEET = replace(busy(), monitoring=Monitoring(reconciler_silent_s=3600.0, lease_s=300.0))
PWN = "document.title='pwned'"
HOSTILE = f'<img src=x onerror="{PWN}"> </pre><script>{PWN}</script> \u202eevil'


@dataclass
class Seat:
    """A browser before the dashboard of a hub that works."""

    hub: HubProcess
    url: str
    browser: Chrome
    running: str

    def go(self, path: str) -> None:
        self.browser.get(self.url.rstrip("/") + path)

    def one(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "body") -> str:
        return str(self.one(selector).text)

    def tiles(self) -> dict[str, str]:
        """Return the first page's figures by their names, read at one moment."""
        figures = "[...document.querySelectorAll('.tiles > div')].map(each => each.innerText)"
        shown = self.browser.execute_script(f"return {figures}")
        return {name: value for name, _, value in (each.partition("\n") for each in shown)}

    def sign_in(self, shown: str) -> None:
        self.go("/")
        self.one("#shown").send_keys(shown, Keys.ENTER)
        until(lambda: self.all("nav"), "the first page")


def until(look: Callable[[], Any], what: str, *, timeout_s: float = NEWS_S_MAX) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come in {timeout_s:.0f} s")


def agentctl(hub: HubProcess, *words: str) -> list[str]:
    """Run a command as an operator would; return the lines of its stdout."""
    command = [sys.executable, "-m", "agentctl", "--state", str(hub.paths.state), *words]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return ended.stdout.splitlines()


def submit(hub: HubProcess, prompt: str, **more: Any) -> str:
    return str(hub.operator.post("/api/hub/tasks", {"prompt": prompt, **more})["id"])


def take(hub: HubProcess) -> str:
    """Be a researcher's container, as the reconciler and agentd would; return the task that it got."""
    _, token = born(hub.paths, FLEET, "researcher", 0)
    socket = str(hub.paths.hub_socket)
    svid = Hub(socket, token=token).post("/api/hub/svid", {})["svid"]
    found = Hub(socket, token=svid).get("/api/hub/messages", {"slots": 1})
    return str(found["messages"][0]["task"])


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    with hub_process() as process:
        process.start()
        apply(process.paths, FLEET)
        submit(process, "compare two drafts", agent="researcher", labels={"team": "docs"})
        for number in range(2):
            submit(process, f"think of {number}", capabilities=["deep-reasoning"])  # too high: held
        submit(process, HOSTILE, agent="scribe", sensitivity="public")
        yield process


@pytest.fixture(scope="module")
def seat(hub: HubProcess) -> Iterator[Seat]:
    running = take(hub)
    url, code = agentctl(hub, "dashboard", "--role", "operator")
    with chromium() as browser:
        found = Seat(hub, url, browser, running)
        found.sign_in(code)
        yield found


def test_a_code_from_the_terminal_signs_in_and_stands_nowhere(seat: Seat) -> None:
    seat.go("/")
    assert "dashboard, operator" in seat.text(".who")
    assert seat.browser.execute_script("return document.cookie") == ""
    seat.browser.back()
    assert "code" not in seat.browser.current_url
    seat.go("/")


def test_in_one_look_it_says_what_works_what_is_held_and_why(seat: Seat) -> None:
    seat.go("/")
    assert seat.all("h1.verdict")
    tiles = seat.tiles()
    assert (tiles["At work"], tiles["Queued"], tiles["Held"]) == ("1", "1", "2")
    assert "no agent may take confidential work with deep-reasoning" in seat.text("#held")
    assert "1 at ollama (private)" in seat.text()


def test_every_page_is_whole_and_the_browser_has_nothing_to_object(seat: Seat) -> None:
    seat.browser.get_log("browser")  # type: ignore[no-untyped-call]
    for path in (*PAGES, f"/tasks/{seat.running}"):
        seat.go(path)
        assert len(seat.all("h1")) == 1, path
        assert seat.all("table:not(:has(caption))") == [], path
        assert seat.all("img:not([alt])") == [], path
        assert seat.all("html[lang]"), path
        assert "The same on the command line: agentctl " in seat.text("footer"), path
        labels = seat.browser.execute_script(
            "return [...document.querySelectorAll('input:not([type=hidden]), select')]"
            ".filter(each => !each.labels.length).length"
        )
        assert labels == 0, path
    console = seat.browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [each["message"] for each in console] == []


def test_a_filter_stands_in_the_address(seat: Seat) -> None:
    seat.go("/tasks")
    Select(seat.one("select[name=state]")).select_by_visible_text("held")
    seat.one(".filter button").click()
    until(lambda: "state=held" in seat.browser.current_url, "the filter")
    assert {each.text for each in seat.all("td[data-th=State]")} == {"◆ held"}
    seat.browser.refresh()
    assert len(seat.all("tbody tr")) == 2
    assert Select(seat.one("select[name=state]")).first_selected_option.text == "held"
    assert "agentctl tasks --state held" in seat.text("footer")


def test_what_others_wrote_is_shown_as_they_wrote_it_and_does_nothing(seat: Seat) -> None:
    seat.go("/tasks?state=queued")
    (hostile,) = {each.get_attribute("href") for each in seat.all("tbody th a")}
    seat.browser.get(hostile)
    assert seat.text("main pre") == HOSTILE.replace("\u202e", "\\u202e")
    assert "pwned" not in seat.browser.title
    assert seat.all("main img") == []


def test_news_come_by_themselves_and_keep_the_readers_place(seat: Seat) -> None:
    seat.go("/")
    seat.browser.execute_script("window.loaded = 'once'")
    link = seat.one("main th a.id")
    seat.browser.execute_script("arguments[0].focus()", link)
    where = link.get_attribute("id")
    submit(seat.hub, "one more letter", agent="scribe", sensitivity="public")
    until(lambda: seat.tiles()["Queued"] == "2", "the queue's news")
    assert seat.browser.execute_script("return window.loaded") == "once"
    focused = "return document.activeElement.id"
    until(lambda: seat.browser.execute_script(focused) == where, "the reader's place")


def test_it_can_be_gone_through_by_keyboard_alone(seat: Seat) -> None:
    seat.go("/")
    seen = []
    for _ in range(9):
        seat.browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(seat.browser.switch_to.active_element.text)
    assert seen[0] == "Skip to content"
    assert seen[2:8] == ["Overview", "Tasks", "Agents", "Reach", "Decisions", "Alerts"]
    seat.browser.switch_to.active_element.send_keys(Keys.SHIFT, Keys.TAB)


def test_it_fits_a_phone_and_follows_the_readers_scheme(seat: Seat) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        seat.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        seat.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        for path in (*PAGES, f"/tasks/{seat.running}"):
            seat.go(path)
            wide = seat.browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= 390, path
        grounds.add(seat.one("html").value_of_css_property("background-color"))
    seat.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    seat.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(grounds) == 2


def test_without_scripts_it_is_the_same(hub: HubProcess, seat: Seat) -> None:
    url, code = agentctl(hub, "dashboard")
    with chromium(scripts=False) as browser:
        plain_seat = Seat(hub, url, browser, seat.running)
        plain_seat.sign_in(code)
        assert plain_seat.all("h1.verdict")
        assert plain_seat.all("noscript meta[http-equiv=refresh]")
        for path in PAGES:
            plain_seat.go(path)
            assert len(plain_seat.all("h1")) == 1, path
        plain_seat.go("/tasks")
        Select(plain_seat.one("select[name=state]")).select_by_visible_text("held")
        plain_seat.one(".filter button").click()
        assert len(plain_seat.all("tbody tr")) == 2
        plain_seat.go(f"/tasks/{seat.running}")
        assert "shown to the roles operator and admin" in plain_seat.text(), "it is a viewer's"
        plain_seat.one(".who button").click()
        plain_seat.go("/")
        assert plain_seat.all("#shown"), "signed out"


def test_revoking_the_token_sends_an_open_page_to_the_form(hub: HubProcess, seat: Seat) -> None:
    seat.go("/agents")
    rows = hub.operator.get("/api/hub/tokens")["tokens"]
    agentctl(
        hub, "token", "revoke", next(each["id"] for each in rows if each["role"] == "operator")
    )
    until(lambda: "/signin?next=%2Fagents" in seat.browser.current_url, "the form")
    _, code = agentctl(hub, "dashboard")
    seat.one("#shown").send_keys(code, Keys.ENTER)
    until(lambda: re.search(r"/agents$", seat.browser.current_url), "the page it was on")


def test_a_hub_that_is_away_is_said_on_the_page_that_is_there(hub: HubProcess, seat: Seat) -> None:
    seat.go("/agents")
    assert not seat.one("#stale").is_displayed()
    hub.stop()
    until(lambda: seat.one("#stale").is_displayed(), "word that the hub is away")
    assert "researcher" in seat.text("main"), "what was known stays there"

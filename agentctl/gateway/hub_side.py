"""What the gateway asks the hub: may this call be made, which are still current, what was used."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentctl.client.asking import REPORTS_KEPT_MAX, HubClient, Reports, ask
from agentctl.errors import CallCut, HubUnavailable
from agentctl.model.alert import WORDS_MAX
from agentctl.model.away import Away, Cause
from agentctl.model.fleet import Provider, ProviderKind, Source, SourceKind
from agentctl.model.task import Usage

HELD_S = 10.0  # how long a new call waits for a hub that is away, say while it restarts
TRY_AGAIN_S = 0.25
ASK_TIMEOUT_S = 10.0
CURRENT_TIMEOUT_S = 5.0
REPORT_TIMEOUT_S = 2.0  # the agent's last byte waits for it
UNUSABLE_TOLD_MAX = 1000  # providers; more without a key have one and the same cause
AWAY_TOLD_MAX = 1000  # likewise; an agent has one provider, so this is a thousand agents
WHY_MAX = 300  # a provider's name, its address and the system's words; fits an alert's words


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A call that an agent wants to make: with which token, out of which container, to what."""

    token: str = field(repr=False)
    container: str
    provider: str
    path: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The hub's leave for one call, and the provider as the applied generation has it."""

    call: str
    task: str
    attempt: int
    provider: Provider
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The providers of the generation in force, and those that the hub holds work for."""

    generation: int
    providers: tuple[Provider, ...]
    away: tuple[Away, ...] = ()


class HubSide:
    """The hub, as the gateway needs it.

    `now_s` is monotonic; `wait` sleeps for seconds and returns whether to give up waiting.
    """

    def __init__(
        self, client: HubClient, *, now_s: Callable[[], float], wait: Callable[[float], bool]
    ) -> None:
        self._client = client
        self._now_s = now_s
        self._wait = wait
        self._reports = Reports(client, timeout_s=REPORT_TIMEOUT_S)

    def admit(self, wanted: Wanted, *, gone: Callable[[], bool]) -> Granted:
        """Ask leave for a call; a hub that is away is waited for as long as the client is there.

        Raises what the hub answers, or HubUnavailable after HELD_S.
        """
        until_s = self._now_s() + HELD_S
        while True:
            try:
                return self.admit_now(wanted)
            except HubUnavailable as cause:
                if gone():
                    raise CallCut("the client is gone") from cause
                if self._now_s() >= until_s or self._wait(TRY_AGAIN_S):
                    # its own words name a path of this machine; an agent needs to know neither
                    raise HubUnavailable("the hub is away; try again", retry_after_s=5) from cause

    def admit_now(self, wanted: Wanted) -> Granted:
        """Ask leave for a call, once. Raises what the hub answers, or HubUnavailable."""
        body = {
            "token": wanted.token,
            "container": wanted.container,
            "provider": wanted.provider,
            "path": wanted.path,
            "model": wanted.model,
        }
        return _granted(self._post("/api/hub/model-calls", body, ASK_TIMEOUT_S))

    def current(self, calls: Sequence[str]) -> frozenset[str]:
        """Return those of the open calls whose attempt is still current."""
        answer = self._post(
            "/api/hub/model-calls/current", {"calls": list(calls)}, CURRENT_TIMEOUT_S
        )
        return frozenset(answer["current"])

    def providers(
        self, generation: int, unusable: Mapping[str, str], away: Sequence[Away] = ()
    ) -> Declared:
        """Say which providers of a generation have no key or are away, and why; return what is in force.

        Raises what the hub answers, or HubUnavailable.
        """
        first = sorted(unusable.items())[:UNUSABLE_TOLD_MAX]
        rows = [{"provider": name, "why": why[:WORDS_MAX]} for name, why in first]
        body = {
            "generation": generation,
            "unusable": rows,
            "away": [_row(each) for each in away[:AWAY_TOLD_MAX]],
        }
        answer = self._post("/api/hub/providers", body, CURRENT_TIMEOUT_S)
        return Declared(
            generation=answer["generation"],
            providers=tuple(_provider(each) for each in answer["providers"]),
            away=tuple(_away(each) for each in answer.get("away", ())),
        )

    def report(self, call: str, usage: Usage, status: str, why: str = "") -> None:
        """Say what a call used, and why it failed; kept and sent later when the hub is away. Raises nothing."""
        body = {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "status": status,
            **({"why": why[:WHY_MAX]} if why else {}),
        }
        self._reports.send(f"/api/hub/model-calls/{call}/usage", body)

    def report_unsent(self) -> None:
        """Send some reports that a hub away has left behind, oldest first, until one fails again."""
        self._reports.send_kept()

    def report_all_unsent(self) -> None:
        """Send all of them, when nothing is watched over any more."""
        self._reports.send_kept(at_most=REPORTS_KEPT_MAX)

    def _post(self, path: str, body: Any, timeout_s: float) -> dict[str, Any]:
        return ask(self._client, path, body, timeout_s=timeout_s)


def _granted(answer: Mapping[str, Any]) -> Granted:
    return Granted(
        call=answer["call"],
        task=answer["task"],
        attempt=answer["attempt"],
        provider=_provider(answer["provider"]),
        agent=answer["agent"],
    )


def _row(away: Away) -> dict[str, Any]:
    return {**dataclasses.asdict(away), "cause": away.cause.value, "why": away.why[:WHY_MAX]}


def _away(row: Mapping[str, Any]) -> Away:
    return Away(
        provider=row["provider"],
        agent=row["agent"],
        cause=Cause(row["cause"]),
        why=row["why"],
        trial=row["trial"],
        until_s=row["until_s"],
    )


def _provider(declared: Mapping[str, Any]) -> Provider:
    return Provider(
        name=declared["name"],
        kind=ProviderKind(declared["kind"]),
        base_url=declared["base_url"],
        model=declared["model"],
        boundary=declared["boundary"],
        api_key=_source(declared["api_key"]),
    )


def _source(declared: Mapping[str, Any] | None) -> Source | None:
    if declared is None:
        return None
    return Source(
        kind=SourceKind(declared["kind"]),
        name=declared.get("name", ""),
        argv=tuple(declared.get("argv", ())),
    )

"""The end of a model call, however it comes: told to the hub once, weighed, its connection given back."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from agentctl.errors import (
    AgentctlError,
    CallCut,
    ProviderAway,
    ProviderUnusable,
    UpstreamFailed,
)
from agentctl.gateway.hub_side import Granted, HubSide, Wanted
from agentctl.gateway.judge import Judge
from agentctl.gateway.open_calls import OpenCall, OpenCalls
from agentctl.gateway.room import Place
from agentctl.model.task import Usage
from agentctl.providers.exchange import Exchange
from agentctl.providers.upstream import Operation
from agentctl.providers.usage import TOKEN_BYTES

LEFT = frozenset({"cut", "client gone"})
SENT_TOKENS_MAX = 50_000  # images have fewer tokens than their bytes say

log = logging.getLogger("agentctl.gateway")


class Ending:
    """What has to happen once when a call ends, however it does."""

    def __init__(
        self,
        wanted: Wanted,
        granted: Granted,
        hub: HubSide,
        calls: OpenCalls,
        place: Place,
        judge: Judge,
    ) -> None:
        self._judge = judge
        self._wanted = wanted
        self._granted = granted
        self._call: OpenCall | None = None
        self._hub = hub
        self._calls = calls
        self._place = place
        self._began_s = time.monotonic()
        self._reported = False

    @property
    def granted(self) -> Granted:
        """What the hub granted; anew, where it restarted meanwhile."""
        return self._call.granted if self._call else self._granted

    @property
    def exchange(self) -> Exchange:
        """The exchange of a call that is being asked."""
        assert self._call is not None
        return self._call.exchange

    @property
    def cut(self) -> bool:
        """Whether the call was ended from this side."""
        return self._call is not None and bool(self._call.exchange.cut_reason)

    def heard(self) -> None:
        """The provider has said something."""
        if self._call is not None:
            self._calls.heard(self._call)

    def answered(self) -> None:
        """The provider has answered in full."""
        self._judge.answered(self.granted, began_s=self._began_s)

    def weighed(self, why: UpstreamFailed) -> AgentctlError:
        """Return why a stream broke off: as it is, or that the provider is away and the attempt over."""
        try:
            self._judge.broke(self.granted, why)
        except ProviderAway as away:
            return away
        return why

    def watched(self, exchange: Exchange, *, gone: Callable[[], bool]) -> None:
        """Have the call watched over while it is asked through `exchange`, in place of any before."""
        self._let_go()
        self._call = OpenCall(self._wanted, self._granted, exchange, gone=gone)
        self._calls.add(self._call)

    def end(self, usage: Usage, status: str, why: str = "", *, keep_open: bool = False) -> None:
        """Report the use, once; give back connection and place unless the last bytes are to come.

        `why` says more than `status` of a call that failed: to operators, never to the agent.
        """
        if not self._reported:
            self._reported = True
            usage = self._with_what_was_sent(usage, status)
            self._log(usage, status)
            self._hub.report(self.granted.call, usage, status, why)
        if not keep_open:
            self._let_go()
            self._place.leave()

    def _with_what_was_sent(self, usage: Usage, status: str) -> Usage:
        """Return the use of a call that was left before its first count: what was sent is paid for."""
        left = status in LEFT and self._call is not None
        if not left or usage.input_tokens or self._wanted.path != Operation.MESSAGES.value:
            return usage
        sent = min(self._place.body_bytes // TOKEN_BYTES, SENT_TOKENS_MAX)
        return replace(usage, input_tokens=sent)

    def _let_go(self) -> None:
        if self._call is not None:
            self._calls.remove(self._call)
            self._call.exchange.close()

    def _log(self, usage: Usage, status: str) -> None:
        log.info(
            "model call %s: %s",
            self.granted.call,
            status,
            extra={
                "task": self.granted.task,
                "attempt": self.granted.attempt,
                "provider": self.granted.provider.name,
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "duration_s": round(time.monotonic() - self._began_s, 3),
            },
        )


def word(why: BaseException) -> str:
    """Return what the hub is told of a call that failed: one word."""
    match why:
        case CallCut():
            return "cut"
        case AgentctlError():
            return why.type
        case _:
            return "failed"


def why_of(why: BaseException) -> str:
    """Return what operators hear of a failed call: where it wanted to go, and what became of it."""
    match why:
        case ProviderAway():
            return why.why
        case CallCut() | ProviderUnusable():
            return ""  # not the provider's fault, or said in an alert of its own
        case UpstreamFailed():
            return why.why or why.detail
        case AgentctlError():
            return why.detail
        case _:
            return ""

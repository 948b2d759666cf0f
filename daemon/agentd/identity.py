"""This instance's identity: the instance token buys JWT-SVIDs, renewed at half their life."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from agentd import clock
from agentd.door import DoorClosed, Line
from agentd.hub_errors import HubAway, HubRefused, from_answer

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Svid:
    """A bearer token and its times, in CLOCK_BOOTTIME seconds."""

    token: str = field(repr=False)
    renew_at_s: float
    expires_at_s: float


class Identity:
    """Hands out a current SVID to every thread; buys one when there is none."""

    def __init__(
        self, line: Line, instance_token: str, *, now_s: Callable[[], float] = clock.boot_s
    ) -> None:
        self._line = line
        self._instance_token = instance_token
        self._now_s = now_s
        self._lock = threading.Lock()
        self._svid: Svid | None = None

    def bearer(self) -> str:
        """Return a current SVID. HubAway or HubRefused when none is held and none can be bought."""
        with self._lock:
            held = self._svid
            now_s = self._now_s()
            if held is not None and now_s < held.renew_at_s:
                return held.token
            try:
                self._svid = self._buy()
            except (HubAway, HubRefused):
                if held is None or now_s >= held.expires_at_s:
                    raise
                return held.token  # half its life is left: the next call tries again
            return self._svid.token

    def held(self) -> dict[str, str]:
        """Return the SVID that is held by its name, nothing when none is; doesn't ask for one."""
        held = self._svid
        return {"the SVID": held.token} if held is not None else {}

    def renounce(self, token: str) -> None:
        """Forget an SVID that the hub didn't take, unless it was replaced meanwhile."""
        with self._lock:
            if self._svid is not None and self._svid.token == token:
                self._svid = None

    def _buy(self) -> Svid:
        asked_at_s = self._now_s()
        try:
            answer = self._line.call(
                "POST",
                "/api/hub/svid",
                headers={
                    "Authorization": f"Bearer {self._instance_token}",
                    "Content-Type": "application/json",
                },
                body=b"{}",
                timeout_s=_TIMEOUT_S,
            )
        except DoorClosed as cause:
            raise HubAway(str(cause)) from cause
        if answer.status != 200:
            raise from_answer(answer)
        token, life_s = answer.body.get("svid"), answer.body.get("expires_in_s")
        if not isinstance(token, str) or not token or not isinstance(life_s, int | float):
            raise HubAway("the answer to /api/hub/svid holds no SVID")
        return Svid(
            token=token, renew_at_s=asked_at_s + life_s / 2, expires_at_s=asked_at_s + life_s
        )

"""An OPA server as the hub asks it: a question goes out, an answer comes in time, whatever happens.

One object asks whichever server the settings name; its connections and its breaker are for
those settings, and begin anew with others.
"""

import logging
import threading
from dataclasses import dataclass, field
from time import monotonic as clock

from agentctl.model.decision import Question
from agentctl.model.fleet import Opa
from agentctl.opa.answer import Answer, NoAnswer, read
from agentctl.opa.breaker import FAILURES_MAX, Breaker
from agentctl.opa.document import body
from agentctl.opa.line import Failed, Line
from agentctl.opa.token import NoToken, token

log = logging.getLogger("agentctl.hub")


@dataclass(slots=True)
class _Peer:
    """A server with what is known of it."""

    where: Opa
    line: Line
    breaker: Breaker = field(default_factory=Breaker)
    last: str = ""  # why the last question that went out got no answer


class OpaServer:
    """Asks; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._peer: _Peer | None = None

    def ask(self, where: Opa, question: Question, *, generation: int) -> Answer:
        """Return the server's answer to a question; takes `where.timeout_s` at the most, raises nothing."""
        peer = self._of(where)
        with self._lock:
            entered = peer.breaker.entered(clock())
            if entered is None:
                return NoAnswer(
                    why=f"{peer.last} ({FAILURES_MAX} times in a row or more: it isn't asked for a moment)"
                )
            peer.breaker = entered
        try:
            answer = _asked(peer.line, where, question, generation)
        except Exception:  # whoever leaves here tells the breaker: it lets one through at a time
            log.exception("OPA could not be asked")
            answer = NoAnswer(why="the hub can't ask it now", down=True)
        self._learn(peer, answer)
        return answer

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            peer, self._peer = self._peer, None
        if peer is not None:
            peer.line.close()

    def _of(self, where: Opa) -> _Peer:
        with self._lock:
            before = self._peer
            if before is not None and before.where == where:
                return before
            made = self._peer = _Peer(where, Line(where.url))
        if before is not None:
            before.line.close()
        return made

    def _learn(self, peer: _Peer, answer: Answer) -> None:
        with self._lock:
            if isinstance(answer, NoAnswer) and answer.down:
                peer.breaker = peer.breaker.failed(clock())
                peer.last = answer.why
            else:
                peer.breaker = peer.breaker.answered()


def _asked(line: Line, where: Opa, question: Question, generation: int) -> Answer:
    deadline_s = clock() + where.timeout_s
    asked, path = body(question, generation=generation), f"/v1/data/{where.path}"
    try:
        shown = token(where.token_file) if where.token_file else ""
        status, answer = line.post(path, asked, deadline_s, token=shown)
    except NoToken as why:
        return NoAnswer(why=str(why))
    except Failed as why:
        return NoAnswer(why=str(why), down=True)
    return read(status, answer)

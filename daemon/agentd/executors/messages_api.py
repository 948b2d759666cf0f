"""Executor `messages-api`: one streamed call to the model, no tools; light work without the CLI."""

import contextlib
import http.client
import json
import socket
import threading
from typing import Any

from agentd.assignment import Assignment
from agentd.door import UnixConnection
from agentd.executors.executor import Place, Report
from agentd.executors.message_stream import MessageStream
from agentd.executors.structured import structured
from agentd.outcome import Failed, Outcome, Progress, Reason, Work, with_schema
from agentd.stop import Stop, failed
from agentd.strict_json import Malformed, dumps, loads

OUTPUT_TOKENS_MAX = 8192  # what every current model can give in one answer
RETRY_S = (0.5, 2.0, 5.0)  # waits between tries: a gateway that restarts is back by then
_SILENCE_S = 600.0  # a local model may take minutes before its first word
_API_VERSION = "2023-06-01"
_CHUNK_BYTES = 1 << 16
_ERROR_BYTES_MAX = 64 * 1024
_ERROR_CHARS_MAX = 500
_LATER = frozenset({408, 409, 425, 429})


class MessagesApi:
    """Runs each task as one POST /v1/messages, on the gateway's socket."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def run(self, job: Assignment, *, stop: Stop, report: Report, tools: str) -> Outcome:
        """Ask the model (see Executor.run). Once it has begun to answer, it isn't asked again."""
        asked = threading.Event()
        stop.listen(asked.set)
        for wait_s in (*RETRY_S, None):
            outcome = _Call(self._place, job, stop).make(report)
            if wait_s is None or not _again(outcome) or asked.wait(wait_s):
                break
        if stop.reason is not None and isinstance(outcome, Failed):
            return failed(stop.reason, outcome.work)  # what broke was broken by us
        return outcome


def _again(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.retryable and not outcome.partial


class _Call:
    """One request and its streamed answer."""

    def __init__(self, place: Place, job: Assignment, stop: Stop) -> None:
        self._job = job
        self._target = f"/{place.provider.name}/v1/messages"
        self._body = dumps(request(place.provider.model, job))
        self._connection = UnixConnection(place.llm_socket, timeout_s=_SILENCE_S)
        self._sock: socket.socket | None = None
        self._stop = stop
        self._stream = MessageStream()

    def make(self, report: Report) -> Outcome:
        try:
            return self._answered(self._ask(), report)
        except (OSError, http.client.HTTPException) as cause:
            return self._broken(f"{type(cause).__name__} on the way to the model")
        finally:
            self._connection.close()

    def _ask(self) -> http.client.HTTPResponse:
        self._connection.connect()
        self._sock = self._connection.sock  # http.client lets go of it while the answer streams
        self._stop.listen(self._hang_up)
        headers = {
            "Authorization": f"Bearer {self._job.model_token}",
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "anthropic-version": _API_VERSION,
        }
        self._connection.request("POST", self._target, body=self._body, headers=headers)
        return self._connection.getresponse()

    def _hang_up(self) -> None:
        if self._sock is not None:
            with contextlib.suppress(OSError):  # over already
                self._sock.shutdown(socket.SHUT_RDWR)

    def _answered(self, response: http.client.HTTPResponse, report: Report) -> Outcome:
        if response.status != 200:
            return _refused(response)
        while not self._stream.over and (chunk := response.read1(_CHUNK_BYTES)):
            self._stream.feed(chunk)
            counted = self._stream.usage
            report(
                Progress(
                    turns=1,
                    input_tokens=counted.input_tokens,
                    output_tokens=counted.output_tokens,
                )
            )
        if not self._stream.over:
            return self._broken(self._stream.error or "the answer broke off")
        return self._outcome()

    def _outcome(self) -> Outcome:
        work = self._work()
        match self._stream.stop_reason:
            case "max_tokens":
                return Failed(
                    reason=Reason.MAX_BUDGET,
                    detail="the answer was cut at the most tokens that one answer may have",
                    work=work,
                )
            case "refusal":
                return Failed(
                    reason=Reason.API_ERROR, detail="the model declined to answer", work=work
                )
        return with_schema(work, wanted=self._job.output_schema is not None)

    def _broken(self, detail: str) -> Failed:
        return Failed(reason=Reason.API_ERROR, detail=detail, retryable=True, work=self._work())

    def _work(self) -> Work:
        text = self._stream.text
        return Work(
            text=text,
            structured=structured(text) if self._job.output_schema is not None else None,
            usage=self._stream.usage,
            turns=1,
        )


def request(model: str, job: Assignment) -> dict[str, Any]:
    """Return the request's body. A schema is asked for in words: not every backend knows a field for it."""
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": min(OUTPUT_TOKENS_MAX, job.budget.tokens or OUTPUT_TOKENS_MAX),
        "stream": True,
        "messages": [{"role": "user", "content": job.prompt}],
    }
    if job.output_schema is not None:
        body["system"] = (
            "Answer with exactly one JSON document, and nothing else, that is valid under this "
            f"JSON Schema: {json.dumps(job.output_schema, separators=(',', ':'))}"
        )
    return body


def _refused(response: http.client.HTTPResponse) -> Failed:
    status = response.status
    return Failed(
        reason=Reason.API_ERROR,
        detail=f"the model's API answered {status}: {_words(response.read(_ERROR_BYTES_MAX))}",
        retryable=status in _LATER or status >= 500,
    )


def _words(body: bytes) -> str:
    """Return what an error body says: an API error's message, or problem details."""
    try:
        parsed = loads(body)
    except Malformed:
        return body[:_ERROR_CHARS_MAX].decode("utf-8", "replace")
    if not isinstance(parsed, dict):
        return ""
    inner = parsed.get("error")
    said = inner.get("message") if isinstance(inner, dict) else parsed.get("detail")
    return str(said or "")[:_ERROR_CHARS_MAX]

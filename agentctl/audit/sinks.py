"""Alerts told to people: a line in a log, a POST to a webhook, a program with the alert on its input.

What goes out is what the alert says, redacted; never a body, a token or a secret. An error
names the sink, and of a webhook its host alone: the rest of its URL may be the secret.
"""

import http.client
import json
import logging
import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, assert_never
from urllib.parse import SplitResult, urlsplit

from agentctl.model.fleet import Sink, SinkKind, Source
from agentctl.model.redaction import redact

log = logging.getLogger("agentctl.alerts")

TIMEOUT_S = 5.0  # of each step with a webhook
COMMAND_S_MAX = 10.0
ANSWER_BYTES_MAX = 64 * 1024
VERSION = 1  # of the document; a new meaning is a new number
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")

Resolve = Callable[[Source], bytes]
Document = Mapping[str, Any]


class SinkFailed(Exception):
    """One try to tell one sink failed; another may go through."""


def document(alert: Mapping[str, Any], *, fleet: str, installation: str) -> dict[str, Any]:
    """Return what a sink is told of an alert as the hub shows it; `text` is the one line for people."""
    words = redact(str(alert["words"]))
    about = f" {alert['subject']}" if alert["subject"] else ""
    return {
        "version": VERSION,
        "text": f"[{fleet or 'agentctl'}] {alert['state']}: {alert['check']}{about}: {words}",
        "fleet": fleet,
        "installation": installation,
        **{
            name: alert[name]
            for name in (
                "check",
                "subject",
                "severity",
                "state",
                "first_s",
                "since_s",
                "last_s",
                "count",
                "origin",
            )
        },
        "words": words,
    }


def tell(sink: Sink, told: Document, *, resolve: Resolve) -> None:
    """Tell one sink once; raises SinkFailed. Takes seconds at worst, so never call it from a pass."""
    match sink.kind:
        case SinkKind.LOG:
            log.warning("%s", told["text"])
        case SinkKind.WEBHOOK:
            _post(_url(sink, resolve), json.dumps(told).encode())
        case SinkKind.COMMAND:
            _run(sink.argv, json.dumps(told).encode())
        case _:
            assert_never(sink.kind)


def named(sink: Sink) -> str:
    """Return a sink in words that are no secret."""
    match sink.kind:
        case SinkKind.LOG:
            return "log"
        case SinkKind.WEBHOOK:
            return f"webhook {urlsplit(sink.url).hostname or ''}".rstrip()
        case SinkKind.COMMAND:
            return f"command {sink.argv[0] if sink.argv else '(none)'}"
        case _:
            assert_never(sink.kind)


def _url(sink: Sink, resolve: Resolve) -> SplitResult:
    text = sink.url
    if sink.url_from is not None:
        try:
            text = resolve(sink.url_from).decode("ascii").strip()
        except Exception as why:
            raise SinkFailed("its URL can't be had from its source") from why
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise SinkFailed("its URL is not http or https")
    return url


def _post(url: SplitResult, body: bytes) -> None:
    """POST; anything but 2xx is a failure, a redirect too: it would take the alert elsewhere."""
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = {"Content-Type": "application/json", "User-Agent": "agentctl"}
    try:
        connection = _connection(url)
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read(ANSWER_BYTES_MAX)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as why:
        raise SinkFailed(f"{url.hostname} can't be told ({_why(why)})") from why
    if not 200 <= answer.status < 300:
        raise SinkFailed(f"{url.hostname} answered {answer.status}")


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    assert url.hostname is not None
    if url.scheme == "https":
        verified = ssl.create_default_context()
        return http.client.HTTPSConnection(
            url.hostname, url.port, timeout=TIMEOUT_S, context=verified
        )
    return http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)


def _why(why: Exception) -> str:
    return getattr(why, "strerror", None) or type(why).__name__


def _run(argv: tuple[str, ...], body: bytes) -> None:
    """Run a program in a session of its own with the alert on its input; what it prints is not kept."""
    if not argv:
        raise SinkFailed("it has no command")
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as why:
        raise SinkFailed(f"{argv[0]} can't be run ({_why(why)})") from why
    try:
        child.communicate(body, timeout=COMMAND_S_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise SinkFailed(f"{argv[0]} took longer than {COMMAND_S_MAX:.0f} s") from None
    if child.returncode != 0:
        raise SinkFailed(f"{argv[0]} ended with code {child.returncode}")

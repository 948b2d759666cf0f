"""A server's name to its addresses, within a time: the resolver's own patience is many seconds."""

import ipaddress
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress

_one_at_a_time = threading.Lock()  # a resolver that hangs holds one thread, not one a question


def resolve(host: str, port: int, *, within_s: float) -> list[str]:
    """Return the addresses of a name, or of an address itself. Raises OSError, TimeoutError."""
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    if not _one_at_a_time.acquire(timeout=within_s):
        raise TimeoutError("its name isn't resolved in time")
    found: Future[list[str]] = Future()
    try:
        threading.Thread(target=_look_up, args=(host, port, found), daemon=True).start()
    except RuntimeError as cause:  # no more threads: nobody else would give the lock back
        _one_at_a_time.release()
        raise OSError(0, "its name can't be resolved now") from cause
    return found.result(timeout=within_s)


def _look_up(host: str, port: int, found: "Future[list[str]]") -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.set_result(list(dict.fromkeys(str(each[4][0]) for each in answers)))
    except BaseException as cause:  # noqa: BLE001 it belongs to whoever waits
        found.set_exception(cause)
    finally:
        _one_at_a_time.release()

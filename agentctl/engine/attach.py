"""The write end of a container's standard input: opened before it starts, closed when the document is in."""

import socket
from types import TracebackType
from typing import Any, Self

BOOT_S_MAX = 30.0  # as long as agentd waits for its boot document


class Attached:
    """A container's standard input. Leaving the block closes it for good."""

    def __init__(self, client: Any, container: str) -> None:
        self._client = client
        self._container = container
        self._stream: Any = None

    def __enter__(self) -> Self:
        self._stream = self._client.attach_socket(self._container, params={"stdin": 1, "stream": 1})
        self._socket.settimeout(BOOT_S_MAX)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def send(self, document: bytes) -> None:
        """Write it all and end the input. Raises OSError (a TimeoutError when nobody reads)."""
        self._socket.sendall(document)
        self._socket.shutdown(socket.SHUT_WR)

    @property
    def _socket(self) -> socket.socket:
        # The SDK hands out the reading side (a SocketIO); the socket below it takes writes.
        below: socket.socket = getattr(self._stream, "_sock", self._stream)
        return below

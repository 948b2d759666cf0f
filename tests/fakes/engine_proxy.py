"""A proxy on a Unix socket in front of a container engine, that can hang or be gone like one."""

import select
import socket
import threading
from contextlib import suppress
from pathlib import Path


class EngineProxy:
    """Copies bytes both ways until told to hang (it takes connections and says nothing) or to stop."""

    def __init__(self, door: Path, engine: Path) -> None:
        self._engine = engine
        self.door = door
        self._up = threading.Event()
        self._up.set()
        self._closed = False
        self._listener = self._listen()

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.door))
        listener.listen(64)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def hang(self) -> None:
        """Answer nothing from now on, on old connections and new ones."""
        self._up.clear()

    def resume(self) -> None:
        """Go on where it hung: what was asked meanwhile is asked now."""
        self._up.set()

    def stop(self) -> None:
        """Be gone: no socket listens any more."""
        self._closed = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.door.unlink()

    def start(self) -> None:
        self._closed = False
        self._listener = self._listen()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._copy, args=(client,), daemon=True).start()

    def _copy(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(str(self._engine))
            other = {client: engine, engine: client}
            while not self._closed:
                for source in select.select(list(other), [], [], 0.5)[0]:
                    chunk = source.recv(65536)
                    self._up.wait()
                    if chunk:
                        other[source].sendall(chunk)
                        continue
                    if source is engine:
                        return
                    engine.shutdown(socket.SHUT_WR)  # a boot document's end: answers may follow
                    del other[client]

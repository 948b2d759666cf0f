"""Carries bytes between standard input and output and a Unix socket: what the CLI starts as the MCP server.

It runs by itself (`python3 -I -S -c SOURCE SOCKET`): no import of agentd, a few milliseconds, and
no credential; the server is in agentd, at the socket's other end.
"""

import os
import socket
import sys
import threading

CHUNK_BYTES = 65536


def main() -> None:
    """Copy until either side ends."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(sys.argv[1])
    threading.Thread(target=outwards, args=(sock,), daemon=True).start()
    while chunk := os.read(0, CHUNK_BYTES):
        sock.sendall(chunk)


def outwards(sock: socket.socket) -> None:
    """Copy what the server says to standard output; its end is ours."""
    while chunk := sock.recv(CHUNK_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[os.write(1, view) :]
    os._exit(0)


if __name__ == "__main__":
    main()

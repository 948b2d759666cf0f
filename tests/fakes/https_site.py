"""An HTTPS server of the tests' own: files of a folder, a redirect to elsewhere, an answer without an end."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ELSEWHERE = "https://inside.example/secret"
DRIP_S = 0.05

Hit = Callable[[str, str], None]


@contextmanager
def https_site(folder: Path, address: tuple[str, int], hit: Hit) -> Iterator[int]:
    """Serve `folder/www` with `folder/server.pem`; yield the port. `hit` hears (address, path)."""

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder / "www"))

        def do_GET(self) -> None:
            hit(address[0], self.path)
            if self.path == "/redirect":
                self.send_response(302)
                self.send_header("Location", ELSEWHERE)
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif self.path == "/drip":
                self._drip()
            else:
                super().do_GET()

        def do_POST(self) -> None:
            taken = len(self.rfile.read(int(self.headers["Content-Length"])))
            hit(address[0], f"{self.path} {taken}")
            self.send_response(204)
            self.end_headers()

        def _drip(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b".")
                    time.sleep(DRIP_S)
            except OSError:
                hit(address[0], "/drip broke")
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            super().finish_request(context.wrap_socket(request, server_side=True), client_address)

        def handle_error(self, *_: Any) -> None:
            pass  # a client that leaves within its handshake

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    with Server(address, Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def lines_into(log: Path) -> Callable[..., None]:
    """Return a function that appends what it hears to a file, a JSON list a line; threads may share it."""
    lock = threading.Lock()

    def write(*words: str) -> None:
        with lock, log.open("a") as file:
            file.write(json.dumps(words) + "\n")

    return write

"""What the server itself reaches: Falcon with a handler that answers at once, on the hub's own listener.

`python -m bench.empty_server SOCKET` is the child.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.wire import Line, request  # noqa: E402

REQUEST = request("POST", "/", body={"prompt": "0", "agent": "researcher"})
THREADS = 64
READY_S_MAX = 10.0


@contextmanager
def running() -> Iterator[Path]:
    """Serve it from a process of its own; yields the socket's path."""
    with tempfile.TemporaryDirectory(prefix="actl-cap-") as scratch:
        path = Path(scratch) / "empty.sock"
        child = subprocess.Popen([sys.executable, "-m", "bench.empty_server", str(path)], cwd=ROOT)
        try:
            deadline = time.monotonic() + READY_S_MAX
            while not _listens(path):
                assert child.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield path
        finally:
            child.terminate()
            child.wait(10)


def _listens(path: Path) -> bool:
    try:
        Line(path).socket.close()
    except OSError:
        return False
    return True


def main() -> None:
    """Be the child: one core and as many threads as the operators' listener has, as in the hub."""
    import falcon

    from agentctl.bootstrap import _stay_on_one_core
    from agentctl.web.servers import unix_server

    class Empty:
        def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
            req.bounded_stream.read()
            resp.data = b"{}"

    app = falcon.App()
    app.add_route("/", Empty())
    _stay_on_one_core()
    unix_server(app, Path(sys.argv[1]), mode=0o600, threads=THREADS).run()


if __name__ == "__main__":
    main()

"""A client of the real yaml-language-server, as an editor is one: opens a file and waits for its marks."""

import json
import subprocess
from pathlib import Path
from typing import Any

ANSWER_S_MAX = 20


class LanguageServer:
    """Speaks the Language Server Protocol over the server's standard input and output."""

    def __init__(self, command: Path, root: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(command.resolve()), "--stdio"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._marks: dict[str, list[str]] = {}
        self._answers: dict[int, Any] = {}
        self._send(
            {
                "id": 1,
                "method": "initialize",
                "params": {
                    "processId": None,
                    "rootUri": root.as_uri(),
                    "capabilities": {"workspace": {"configuration": True}},
                },
            }
        )
        while 1 not in self._answers:
            self._take()
        self._send({"method": "initialized", "params": {}})

    def diagnostics(self, path: Path) -> list[str]:
        """Return what an editor would underline, as `line:column: message` from 1."""
        uri = path.as_uri()
        text = path.read_text()
        self._send(
            {
                "method": "textDocument/didOpen",
                "params": {
                    "textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
                },
            }
        )
        while uri not in self._marks:
            self._take()
        return self._marks[uri]

    def close(self) -> None:
        self._process.kill()
        self._process.wait(ANSWER_S_MAX)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _take(self) -> None:
        """Read one message; answer what the server asks, keep what it says."""
        assert self._process.stdout is not None
        length = 0
        while (line := self._process.stdout.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        message = json.loads(self._process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            params = message["params"]
            self._marks[params["uri"]] = [_mark(each) for each in params["diagnostics"]]
        elif "method" in message and "id" in message:
            items = message.get("params", {}).get("items", [])
            known = {"yaml": {"validate": True, "schemaStore": {"enable": False}}}
            settings = [known.get(each.get("section"), {}) for each in items]
            self._send({"id": message["id"], "result": settings if items else None})
        elif "id" in message:
            self._answers[message["id"]] = message.get("result")


def _mark(diagnostic: dict[str, Any]) -> str:
    start = diagnostic["range"]["start"]
    return f"{start['line'] + 1}:{start['character'] + 1}: {diagnostic['message']}"

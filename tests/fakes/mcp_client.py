"""A program that speaks MCP to agentd as the CLI does: by the relay's standard input and output.

It runs as a task's command: the prompt is JSON {"say": [messages], "answers": N}; it prints the
N answers, one a line, in the order of their coming.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

RELAY = Path(__file__).parents[2] / "daemon/agentd/mcp/relay.py"


def main() -> None:
    wanted = json.loads(sys.stdin.read())
    relay = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", RELAY.read_text(), os.environ["AGENTCTL_MCP_SOCKET"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert relay.stdin is not None
    assert relay.stdout is not None
    left = wanted["answers"]
    for message in wanted["say"]:
        relay.stdin.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
        relay.stdin.flush()
        if wanted.get("one_by_one") and not isinstance(message, str) and "id" in message:
            print(relay.stdout.readline(), end="", flush=True)  # noqa: T201
            left -= 1
    for _ in range(left):
        print(relay.stdout.readline(), end="", flush=True)  # noqa: T201
    relay.stdin.close()
    relay.wait(10)


if __name__ == "__main__":
    main()

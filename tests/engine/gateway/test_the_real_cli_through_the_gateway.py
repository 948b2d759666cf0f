"""The real Claude Code CLI asks its model by way of the gateway: answers, tools, refusals."""

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from agentctl.demo.script import Answer, Request, Tool
from agentd.forwarder import Forwarder

TOKEN = "mt1.task-1.1.secret-of-the-task"

OPTIONS = (
    *("-p", "--output-format", "json"),
    *("--model", "m", "--max-turns", "4", "--allowedTools", "Bash"),
)

pytestmark = pytest.mark.claude


@pytest.fixture(scope="session")
def claude() -> Path:
    cache = Path(os.environ.get("AGENTCTL_CACHE") or Path.home() / ".cache" / "agentctl")
    found = sorted((cache / "claude").glob("*/claude"))
    if not found:
        pytest.skip("no Claude Code CLI in the cache: run script/fetch-claude")
    return found[-1]


def run(claude: Path, stage: Any, home: Path, prompt: str) -> tuple[int, dict[str, Any]]:
    """Run the CLI on one prompt; return its exit code and its result."""
    forwarder = Forwarder(str(stage.door.path))
    threading.Thread(target=forwarder.serve_forever, daemon=True).start()
    ended = subprocess.run(
        [str(claude), *OPTIONS],
        input=prompt,
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{forwarder.port}/claude",
            "ANTHROPIC_AUTH_TOKEN": TOKEN,
            "ANTHROPIC_DEFAULT_OPUS_MODEL": "m",
            "ANTHROPIC_DEFAULT_SONNET_MODEL": "m",
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": "m",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return ended.returncode, json.loads(ended.stdout)


def test_an_answer_comes_back_and_its_usage_is_told(
    claude: Path, stage: Any, tmp_path: Path
) -> None:
    code, result = run(claude, stage, tmp_path, "Say something.")
    assert (code, result["is_error"]) == (0, False)
    assert result["result"].startswith("This is the test stand-in model")
    assert result["usage"]["input_tokens"] == 21
    assert stage.hub.usage["call-1"]["output_tokens"] == result["usage"]["output_tokens"]
    assert {each["model"] for each in stage.hub.asked} == {"m"}
    assert not [each for each in stage.model.requests if TOKEN in str(each.headers)]


def test_a_tool_runs_and_its_result_goes_back_to_the_model(
    claude: Path, stage: Any, tmp_path: Path
) -> None:
    def answer(request: Request) -> Answer:
        if "tool_result" in request.text:
            return Answer(text="It said what it should.")
        return Answer(tools=(Tool(name="Bash", input={"command": "echo from-the-tool"}),))

    stage.model.answer = answer
    code, result = run(claude, stage, tmp_path, "Run it.")
    assert (code, result["result"]) == (0, "It said what it should.")
    assert "from-the-tool" in stage.model.requests[-1].text


def test_a_refusal_ends_the_cli_at_once_with_the_reason(
    claude: Path, stage: Any, tmp_path: Path
) -> None:
    stage.hub.problem = (409, {"type": "conflict", "detail": "attempt 1 is no longer current"})
    code, result = run(claude, stage, tmp_path, "Say something.")
    assert (code, result["is_error"]) == (1, True)
    assert result["api_error_status"] == 403
    assert "attempt 1 is no longer current" in result["result"]
    assert len(stage.hub.asked) == 1, "a refusal that stands is not tried again"

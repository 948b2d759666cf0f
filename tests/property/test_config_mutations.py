"""Whatever is done to a project's files: findings or a fleet, soon, and never a traceback."""

import os
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl import resources
from agentctl.config import load

RUNS = int(os.environ.get("AGENTCTL_FUZZ_RUNS", "300"))  # the long form is 100,000
FILES = (
    "inventory.yaml",
    "playbooks/fleet.yaml",
    "policies/providers.yaml",
    "policies/routing.yaml",
    "policies/access.yaml",
    "policies/monitoring.yaml",
)
SEEDS = (
    "{{ x }}", '"{{ model }}"', "{{", "}}", "{%", "null", "~", "[]", "{}", "- ", ": ", "\n", "\t",
    "&a ", "*a", "<<: ", "!!python/object:os.system ", "true", "-1", "1e400", "0x", ".nan", "''",
    '"\\ud83d\\ude00"', "\x00", "\u2028", "𝄞", "all", "private", "process:", "loop: [a]", "when: x",
    "vars: {item: a}", "vars: {model: '{{ model }}'}", "budget: {usd: 1}", "price: {input: 1}",
    "999999999999999999999", "? ", "|", ">", "%", "@", "`", "a: " * 30, "[" * 30, "ephemeral",
)  # fmt: skip


@cache
def sample() -> dict[str, str]:
    return {name: (resources.root() / name).read_text(encoding="utf-8") for name in FILES}


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, bytes | None]:
    """The sample project with a few edits: pieces cut, moved, doubled, or strange words put in."""
    files: dict[str, bytes | None] = {name: text.encode() for name, text in sample().items()}
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(FILES))
        content = files[name] or b""
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        match draw(st.sampled_from(["insert", "replace", "cut", "double", "bytes", "remove"])):
            case "insert":
                middle = draw(st.sampled_from(SEEDS)).encode("utf-8", "surrogatepass")
                content = content[:start] + middle + content[start:]
            case "replace":
                middle = draw(st.sampled_from(SEEDS)).encode("utf-8", "surrogatepass")
                content = content[:start] + middle + content[end:]
            case "cut":
                content = content[:start] + content[end:]
            case "double":
                content = content[:end] + content[start:]
            case "bytes":
                content = content[:start] + draw(st.binary(max_size=8)) + content[start:]
            case _:
                files[name] = None
                continue
        files[name] = content
    return files


@settings(
    max_examples=RUNS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(files=mutated())
def test_a_mutated_project_gives_findings_or_a_fleet(files: dict[str, bytes | None]) -> None:
    with TemporaryDirectory() as folder:
        project = Path(folder)
        for name, content in files.items():
            if content is not None:
                (project / name).parent.mkdir(exist_ok=True)
                (project / name).write_bytes(content)
        started = time.process_time()
        loaded = load(project)
        assert time.process_time() - started < 1
    assert (loaded.desired is None) == bool(loaded.errors)
    for each in loaded.findings:
        assert each.message
        assert "Traceback" not in each.message
        assert each.line >= 0


def test_the_sample_itself_is_sound() -> None:
    assert load(resources.root()).findings == ()

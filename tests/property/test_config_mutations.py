"""Whatever is done to a project's files: findings or a fleet, soon, and never a traceback."""

import gc
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl import resources
from agentctl.config import load, report
from agentctl.model.fleet import DesiredState
from agentctl.reconcile import declarations
from agentctl.service.reach import reach_of

RUNS = int(os.environ.get("AGENTCTL_FUZZ_RUNS", "200"))  # the long form is 100,000
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


# What the sample doesn't declare: so that every key is cut, moved and filled with nonsense too.
RICH = {
    "playbooks/rich.yaml": """
- name: All there is
  hosts: "all:!nobody*"
  vars: {half: 0.5}
  vars_files: [vars/more.yaml]
  prune: false
  tags: [a]
  agent_defaults: {clearance: internal, provider: claude-opus}
  agents:
    - name: "rich-{{ item }}"
      vars: {tag: "t-{{ item }}"}
      loop: [x, y]
      loop_control: {loop_var: item, index_var: at}
      when: ["fleet is defined", "at < 2"]
      image: "i:{{ tag }}"
      replicas: 2
      warm: 1
      lifecycle: ephemeral
      capabilities: [research]
      on_change: immediate
      resources: {cpus: "{{ half }}", memory: "{{ size }}", pids: 64}
      workspace: {size: 32MiB}
      budget: {usd: 2.5, tokens: 100, turns: 3}
      secrets: [{name: pat, from: {file: /etc/pat}}]
      egress: [site]
      publishes: [findings]
      subscribes: [findings]
      labels: {team: platform}
      ttl: 2h
      grace: 5s
      executor: {kind: claude-code, args: ["--verbose"]}
""",
    "playbooks/vars/more.yaml": "size: 64MiB\n",
    "group_vars/all.yaml": "color: red\nnested: {deep: [1, 2, {x: '{{ color }}'}]}\n",
    "host_vars/local.yaml": "color: blue\n",
}
DESTINATION = "destinations:\n  site: {hosts: ['site.example:443'], boundary: public, networks: [10.0.0.0/8]}\n"


@cache
def sample() -> dict[str, str]:
    texts = {name: (resources.root() / name).read_text(encoding="utf-8") for name in FILES}
    kind = (resources.root() / "schemas/messages/finding.yaml").read_text(encoding="utf-8")
    texts["policies/providers.yaml"] += DESTINATION
    return texts | RICH | {"schemas/messages/mine.yaml": kind + "\n"}


@cache
def parsed() -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in sample().items()}


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, bytes | None]:
    """The sample project with a few edits: pieces cut, moved, doubled, or strange words put in."""
    files: dict[str, bytes | None] = {name: text.encode() for name, text in sample().items()}
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(files)))
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


@cache
def whole() -> DesiredState:
    """Return the fleet that the files declare before anything is done to them."""
    with TemporaryDirectory() as folder:
        for name, text in sample().items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text)
        desired = load(Path(folder)).desired
    assert desired is not None
    return desired


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every mapping and list of a document with each of its keys."""
    keys = (
        list(node) if isinstance(node, dict) else range(len(node) if isinstance(node, list) else 0)
    )
    for key in keys:
        yield node, key
        yield from places(node[key])


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from([each for each in SEEDS if "\x00" not in each]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def misdeclared(draw: st.DrawFn) -> dict[str, bytes | None]:
    """Files that are YAML still, with values, keys and whole parts of them exchanged."""
    documents = deepcopy(parsed())
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(documents)))
        found = list(places(documents[name]))
        if not found:
            continue
        holder, key = found[draw(st.integers(0, len(found) - 1))]
        match draw(st.sampled_from(["fill", "drop", "move", "rename"])):
            case "fill":
                holder[key] = draw(VALUES)
            case "drop":
                del holder[key]
            case "move":
                other, there = found[draw(st.integers(0, len(found) - 1))]
                with suppress(LookupError):  # it went with what was moved before
                    holder[key] = deepcopy(other[there])
            case _ if isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = holder.pop(key)
    return {
        name: yaml.safe_dump(each, allow_unicode=True, sort_keys=False).encode("utf-8", "replace")
        for name, each in documents.items()
    }


@pytest.fixture(scope="module")
def took() -> Iterator[list[float]]:
    """Collect the CPU seconds of each load; the long form shows the slowest (`-s`)."""
    loads: list[float] = []
    yield loads
    sys.stdout.write(f"\n{len(loads)} loads, the slowest {max(loads, default=0):.3f} s of CPU\n")


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cycle collector from the clock.

    A load keeps it off and turns it on again at its end, which may collect at once: in here the heap that
    hypothesis grows with each run (0.4 s at 12,000 runs, 1 s at 30,000), which no user's process has.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@settings(
    max_examples=RUNS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(files=mutated() | misdeclared())
def test_a_mutated_project_gives_findings_or_a_fleet(
    took: list[float], files: dict[str, bytes | None]
) -> None:
    with TemporaryDirectory() as folder:
        project = Path(folder)
        for name, content in files.items():
            if content is not None:
                (project / name).parent.mkdir(parents=True, exist_ok=True)
                (project / name).write_bytes(content)
        with uncollected():
            started = time.process_time()
            loaded = load(project)
            took.append(time.process_time() - started)
        assert took[-1] < 1
    assert (loaded.desired is None) == bool(loaded.errors)
    for form in report.FORMATS.values():
        form(loaded.findings, loaded.sources, "fleets/a/")
    if loaded.desired is not None:  # it can be applied: so it can be reviewed
        declarations(whole(), loaded.desired)
        reach_of(loaded.desired)
    for each in loaded.findings:
        assert each.message
        assert "Traceback" not in each.message
        assert each.line >= 0


def test_what_is_mutated_is_sound(tmp_path: Path) -> None:
    assert load(resources.root()).findings == ()
    for name, text in sample().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert load(tmp_path).findings == ()

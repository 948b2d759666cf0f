"""What reading, checking and planning a project costs, by its size; beside libyaml, compose and ansible.

    python -m bench.config [--agents 100,1000,10000] [--containers 20,50] [--json]

Sizes: each in a process of its own, validate and plan split into their stages; `yaml` is PyYAML's
C loader on the same texts in the same process. Of work that only computes the processor's time is
taken, which neighbours on the same cores change little. Containers: a no-change `agentctl plan` (cold, and
with the compiled state kept) beside no-change runs of docker-compose and ansible's community.docker
on the same containers, as whole processes, in turns; medians, and of ratios the median of the
turns' own. What isn't installed is said and left out.
"""

import argparse
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentctl.config import files, load, plays, policies, references, shape
from agentctl.config.scope import Scope
from agentctl.engine.reader import Reader, observe_engine
from agentctl.model.digest import desired_digest, spec_hash
from agentctl.model.fleet import DesiredState, Host
from agentctl.model.instance import ObservedState
from agentctl.reconcile import births, declarations, plan
from agentctl.service.reach import reach_of

ROOT = Path(__file__).resolve().parents[1]
TURNS = 3
PASSES = 21  # of the two that take milliseconds
AGENTS_A_FILE = 2000  # files of more than a MiB are refused
FLEET = "bench-config"
INSTALLATION = "bench-config"
ENGINE = "unix:///var/run/docker.sock"
IMAGE = "agentctl/bench-config:1"
AGENT = """\
    - name: agent-{at:05d}
      provider: ollama-qwen3
      clearance: confidential
      capabilities: [research, summarise, team-{team}]
      resources: {{cpus: 1.0, memory: 2GiB, pids: 256}}
      workspace: {{size: 10GiB}}
      ttl: 24h
      tags: [team-{team}]
"""
PLAY = """\
- name: Agents {part}
  hosts: all
  agent_defaults: {{image: "{image}"}}
  agents:
"""


def write_project(target: Path, agents: int, *, image: str = "agentctl/agent:1") -> None:
    """Write a project of that many agents on one host: the sample's policies, many playbooks."""
    shutil.copytree(ROOT / "policies", target / "policies")
    routing = target / "policies/routing.yaml"
    routing.write_text(routing.read_text().partition("routes:")[0])
    (target / "inventory.yaml").write_text(
        f"all:\n  vars: {{fleet: {FLEET}}}\n  hosts:\n    local: {{engine_url: '{ENGINE}'}}\n"
    )
    (target / "playbooks").mkdir()
    for part, first in enumerate(range(0, agents, AGENTS_A_FILE)):
        text = PLAY.format(part=part, image=image)
        for at in range(first, min(first + AGENTS_A_FILE, agents)):
            text += AGENT.format(at=at, team=at % 20)
        (target / f"playbooks/{part:03d}.yaml").write_text(text)


class Stages:
    """Seconds spent in each stage; a stage within another counts for itself alone."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._inner = [0.0]

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            started = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                took = time.process_time() - started
                self.spent[name] = self.spent.get(name, 0.0) + took - self._inner.pop()
                self._inner[-1] += took

        return run

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Time the loader's own stages, at the places where it calls them."""
        kept = [
            (files, "read", "parse"),
            (shape, "check", "shape"),
            (Scope, "render", "render"),
            (plays, "normalised", "values"),
            (policies, "normalised", "values"),
            (references, "check", "references"),
        ]
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in kept]
        try:
            for owner, name, stage in kept:
                setattr(owner, name, self.timed(stage, getattr(owner, name)))
            yield
        finally:
            for owner, name, work in before:
                setattr(owner, name, work)


def measure(agents: int) -> dict[str, Any]:
    """Return the figures of one size; to be called in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch)
        write_project(target, agents)
        texts = [each.read_text() for each in target.rglob("*.yaml")]
        load(target)  # modules, schemas and templates are there from now on
        parsing, loading = [], []
        for _ in range(TURNS):
            gc.disable()
            parsing.append(seconds(lambda: [yaml.load(text, yaml.CSafeLoader) for text in texts]))
            gc.enable()
            loading.append(seconds(lambda: load(target)))
        libyaml, whole = median(parsing), median(loading)
        stages = Stages()
        with stages.inside():
            desired = stages.timed("other", load)(target).desired
        assert desired is not None
        planned = seconds(lambda: no_change(desired))
        return {
            "agents": agents,
            "bytes": sum(len(each) for each in texts),
            "yaml_s": libyaml,
            "validate_s": whole,
            "validate_to_yaml": median(map(truediv, loading, parsing)),
            "stages_s": stages.spent,
            "diff_s": planned,
            "declarations_s": seconds(lambda: declarations(desired, desired)),
            "reach_s": seconds(lambda: reach_of(desired)),
            "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def no_change(desired: DesiredState) -> None:
    """Plan with nothing there: every agent is looked at, hashed and planned."""
    empty = ObservedState(hosts=())
    births(desired)
    plan(desired, empty, digest=desired_digest(desired), installation=INSTALLATION)


def seconds(work: Callable[[], Any]) -> float:
    """Return the processor's time that a computation took."""
    started = time.process_time()
    work()
    return time.process_time() - started


def in_turns(works: dict[str, Callable[[], Any]], turns: int) -> dict[str, list[float]]:
    """Return each work's seconds on the clock, turn by turn: what slows one down slows the next too."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            found[name].append(time.perf_counter() - started)
    return found


def containers(count: int, *, runs: int = TURNS) -> dict[str, Any]:
    """Return the no-change figures on `count` containers that compose made, with our labels on them."""
    with tempfile.TemporaryDirectory(prefix="bench-config-") as scratch:
        root = Path(scratch)
        write_project(root / "p", count, image=IMAGE)
        desired = load(root / "p").desired
        assert desired is not None
        (root / "state").mkdir()
        (root / "state/installation").write_text(INSTALLATION)
        compose_file(root / "docker-compose.yaml", desired)
        compose = ["docker-compose", "-p", "benchconfig", "-f", str(root / "docker-compose.yaml")]
        try:
            quiet([*compose, "up", "-d"])
            return no_change_runs(root, compose, desired, count, runs)
        finally:
            quiet([*compose, "down", "-t", "0"])


def no_change_runs(
    root: Path, compose: list[str], desired: DesiredState, count: int, runs: int
) -> dict[str, Any]:
    command = [sys.executable, "-m", "agentctl", "plan", "--detailed-exitcode"]
    command += ["--project", str(root / "p"), "--state", str(root / "state")]
    cache = root / "cache"
    environ = {**os.environ, "AGENTCTL_CACHE": str(cache), "PYTHONPATH": str(ROOT)}

    def cold() -> None:
        shutil.rmtree(cache, ignore_errors=True)
        quiet(command, env=environ)

    host = Host(name="local", engine_url=ENGINE)
    listing = Reader(ENGINE)
    path = '/containers/json?all=1&filters={"label":["agentctl.installation=bench-config"]}'
    path = path.replace('"', "%22").replace("{", "%7B").replace("}", "%7D")
    works: dict[str, Callable[[], Any]] = {
        "cold": cold,
        "kept": lambda: quiet(command, env=environ),
        "compose": lambda: quiet([*compose, "up", "-d", "--no-recreate"]),
    }
    works |= ansible(root, desired)
    took = in_turns(works, runs)
    inside = in_turns(
        {"list_call": lambda: listing.get(path), "pass": lambda: one_pass(host, desired)},
        PASSES,
    )
    found: dict[str, Any] = {"containers": count}
    found |= {f"{name}_s": median(each) for name, each in (took | inside).items()}
    found["compose_to_cold"] = ratio(took, "compose", "cold")
    found["compose_to_kept"] = ratio(took, "compose", "kept")
    if "ansible" in took:
        found["ansible_to_cold"] = ratio(took, "ansible", "cold")
    found["pass_to_list_call"] = ratio(inside, "pass", "list_call")
    found["pass_plan_cpu_s"] = no_change_plan(host, desired)
    return found


def ratio(took: dict[str, list[float]], one: str, other: str) -> float:
    """Return the median of the turns' ratios."""
    return float(median(map(truediv, took[one], took[other])))


def one_pass(host: Host, desired: DesiredState) -> None:
    """What the reconciler's pass does where nothing changed: look, and plan.

    It knows the engine's version from an earlier pass (it asks every ten minutes).
    """
    planned_from(desired, looked(host))


def looked(host: Host) -> ObservedState:
    return ObservedState(hosts=(observe_engine(host, installation=INSTALLATION, engine="known"),))


def planned_from(desired: DesiredState, seen: ObservedState) -> None:
    planned = plan(desired, seen, digest="d", installation=INSTALLATION)
    assert planned.empty, planned.actions[:2]


def no_change_plan(host: Host, desired: DesiredState) -> float:
    """Return the processor's time of planning alone, where nothing changed."""
    seen = looked(host)
    planned_from(desired, seen)
    return seconds(lambda: planned_from(desired, seen))


def names_and_labels(desired: DesiredState) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each agent's container as agentctl would label it."""
    for each in desired.agents:
        provider = desired.provider(each.provider)
        assert provider is not None
        labels = {
            "fleet": FLEET,
            "agent": each.name,
            "replica": "0",
            "instance": f"inst-{each.name}",
            "spec": spec_hash(each, provider),
            "provider": provider.name,
            "boundary": provider.boundary,
            "label": each.clearance,
            "installation": INSTALLATION,
        }
        yield each.name, {f"agentctl.{key}": value for key, value in labels.items()}


def compose_file(path: Path, desired: DesiredState) -> None:
    services = {
        name: {
            "image": IMAGE,
            "command": ["sleep", "86400"],
            "network_mode": "none",
            "container_name": f"{FLEET}-{name}-0",
            "labels": labels,
        }
        for name, labels in names_and_labels(desired)
    }
    path.write_text(yaml.safe_dump({"version": "2.4", "services": services}, sort_keys=False))


def ansible(root: Path, desired: DesiredState) -> dict[str, Callable[[], Any]]:
    """Return ansible's no-change run on the same containers, {} where it or its collection is missing."""
    if missing_ansible():
        return {}
    tasks = [
        {
            "community.docker.docker_container": {
                "name": f"{FLEET}-{name}-0",
                "image": IMAGE,
                "command": ["sleep", "86400"],
                "network_mode": "none",
                "labels": labels,
                "state": "started",
                "comparisons": {"labels": "allow_more_present"},
            }
        }
        for name, labels in names_and_labels(desired)
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    beside = Path(shutil.which("ansible-playbook") or "").parent / "python3"
    if beside.exists():  # the one with the collection's needs, not the first that ansible finds
        play["vars"] = {"ansible_python_interpreter": str(beside)}
    (root / "play.yaml").write_text(yaml.safe_dump([play]))
    command = ["ansible-playbook", "-i", "localhost,", str(root / "play.yaml")]
    quiet(command)  # the first may still change something
    return {"ansible": lambda: quiet(command)}


def missing_ansible() -> str:
    if shutil.which("ansible-playbook") is None:
        return "ansible-playbook is not installed"
    asked = ["ansible-doc", "-t", "module", "community.docker.docker_container"]
    there = subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return "" if there else "ansible has no collection community.docker"


def missing_for_containers() -> str:
    if shutil.which("docker-compose") is None:
        return "docker-compose is not installed"
    return "" if shutil.which("docker") else "the docker command is not installed"


def make_image() -> None:
    """Make an image of one static busybox, whatever this machine has."""
    busybox = shutil.which("busybox")
    if busybox is None:
        sys.exit(
            "bench.config: busybox is not installed (a static one: apt install busybox-static)"
        )
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "bin").mkdir()
        for name in ("busybox", "sleep", "sh"):
            shutil.copy(busybox, Path(scratch) / "bin" / name)
        packed = subprocess.run(["tar", "-C", scratch, "-c", "."], capture_output=True, check=True)
        subprocess.run(
            ["docker", "import", "-", IMAGE], input=packed.stdout, capture_output=True, check=True
        )


def quiet(command: list[str], *, env: dict[str, str] | None = None) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if ended.returncode != 0:
        sys.exit(f"bench.config: {command[:4]}: {ended.stdout[-500:]} {ended.stderr[-500:]}")


def child(agents: int) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "bench.config", "--one", str(agents)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", default="100,1000,10000")
    parser.add_argument("--containers", default="20,50", help='"" for none')
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one)))
        return
    sizes = [child(int(each)) for each in given.agents.split(",") if each]
    counts = [int(each) for each in given.containers.split(",") if each]
    missing = [each for each in (missing_for_containers(), missing_ansible()) if each]
    if counts and not missing_for_containers():
        make_image()
        runs = [containers(each) for each in counts]
    else:
        runs = []
    if given.json:
        print(json.dumps({"sizes": sizes, "containers": runs, "missing": missing}, indent=2))
        return
    for each in (*sizes, *runs):
        print("\n".join(f"{name:>18}  {shown(value)}" for name, value in each.items()), end="\n\n")
    for what in missing if counts else ():
        print(f"left out: {what}")


def shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {spent:.3f}" for name, spent in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()

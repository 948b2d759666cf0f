"""Causes are in the operators' words, complete, and free of what could be a secret."""

import dataclasses
from dataclasses import replace

import pytest

from agentctl.model.digest import spec_hash
from agentctl.model.fleet import (
    AgentSpec,
    Executor,
    ExecutorKind,
    Lifecycle,
    OnChange,
    Provider,
    Resources,
    Secret,
    Source,
    SourceKind,
    Workspace,
)
from agentctl.reconcile.births import Born
from agentctl.reconcile.causes import differences
from tests.unit.reconcile.declared import OPUS, QWEN, RESEARCHER


def born(spec: AgentSpec = RESEARCHER, provider: Provider = QWEN) -> Born:
    return Born(spec=spec, provider=provider, hash=spec_hash(spec, provider))


def words(spec: AgentSpec, provider: Provider = QWEN) -> list[str]:
    return [str(each) for each in differences(born(), born(spec, provider))]


CHANGED: dict[str, AgentSpec] = {
    "image: agentctl/agent:1 → agentctl/agent:2": replace(RESEARCHER, image="agentctl/agent:2"),
    "clearance: confidential → internal": replace(RESEARCHER, clearance="internal"),
    "lifecycle: persistent → ephemeral": replace(RESEARCHER, lifecycle=Lifecycle.EPHEMERAL),
    "resources.memory: 2GiB → 512MiB": replace(
        RESEARCHER, resources=Resources(memory_bytes=512 * 1024**2)
    ),
    "resources.cpus: 1 → 0.5": replace(RESEARCHER, resources=Resources(cpus=0.5)),
    "resources.pids: 256 → 64": replace(RESEARCHER, resources=Resources(pids=64)),
    "workspace.size: 10GiB → 1GiB": replace(RESEARCHER, workspace=Workspace(size_bytes=1024**3)),
    "ttl: 1d → 12h": replace(RESEARCHER, ttl_s=43200.0),
    "grace: 30s → 2m": replace(RESEARCHER, grace_s=120.0),
    "executor.kind: claude-code → messages-api": replace(
        RESEARCHER, executor=Executor(kind=ExecutorKind.MESSAGES_API)
    ),
    "executor.args: [] → [--verbose]": replace(RESEARCHER, executor=Executor(args=("--verbose",))),
    "executor.argv: [] → [true]": replace(RESEARCHER, executor=Executor(argv=("true",))),
    "egress: [] → [github]": replace(RESEARCHER, egress=("github",)),
    "secrets.pat: none → file /etc/pat": replace(
        RESEARCHER,
        secrets=(Secret(name="pat", source=Source(kind=SourceKind.FILE, name="/etc/pat")),),
    ),
}


@pytest.mark.parametrize(("cause", "spec"), CHANGED.items(), ids=CHANGED.keys())
def test_each_field_is_named_as_operators_write_it(cause: str, spec: AgentSpec) -> None:
    assert words(spec) == [cause]


def test_another_provider_shows_what_the_container_would_reach() -> None:
    assert words(replace(RESEARCHER, provider="claude-opus"), OPUS) == [
        "provider: ollama-qwen3 → claude-opus",
        "provider.kind: ollama → anthropic",
        "provider.model: qwen3 → claude-opus-4-1",
        "provider.boundary: private → public",
    ]


def test_every_field_that_makes_a_new_container_has_a_cause() -> None:
    """A field added to AgentSpec must be named here, or be none that a container is born with."""
    told = {cause.partition(":")[0].partition(".")[0] for cause in CHANGED} | {"provider"}
    without_a_cause = {
        *("name", "host", "replicas", "warm", "capabilities", "on_change", "tags"),
        *("subscribes", "publishes", "labels", "budget"),
    }
    names = {field.name.removesuffix("_s") for field in dataclasses.fields(AgentSpec)}
    assert names == told | without_a_cause


def test_what_needs_no_new_container_is_no_cause() -> None:
    assert words(replace(RESEARCHER, replicas=3, on_change=OnChange.DEFER)) == []


def test_the_arguments_of_a_secrets_command_are_never_shown() -> None:
    def asks(password: str) -> AgentSpec:
        source = Source(kind=SourceKind.COMMAND, argv=("vault", f"--token={password}"))
        return replace(RESEARCHER, secrets=(Secret(name="pat", source=source),))

    (cause,) = differences(born(asks("hunter2")), born(asks("swordfish")))
    assert str(cause) == "secrets.pat: command vault … → command vault …"

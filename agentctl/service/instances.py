"""The life of a container in the registry: reserved, bound to its container, drained, ended.

The intent is recorded before the engine is asked, and the hub knows the container's id before
the boot document goes in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from agentctl.errors import Conflict, NotFound, Refused, Unavailable
from agentctl.identity import tokens
from agentctl.model.decision import Question
from agentctl.model.digest import spec_hash
from agentctl.model.fleet import AgentSpec, Provider
from agentctl.model.instance import SLOTS, Instance, InstanceState
from agentctl.model.mode import Verb
from agentctl.model.workspace import Pair
from agentctl.service import ephemeral, narrowing, workspaces
from agentctl.service.context import Fleet, Hub
from agentctl.service.mail_room import Place
from agentctl.service.narrowing import Say
from agentctl.service.record import note, note_task
from agentctl.store import Txn, answers, instances, quarantined_agents
from agentctl.store import tasks as task_table
from agentctl.tasks import expire

WHO = "reconciler"


def reserve(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Record the intent to create one container; return what its labels must say.

    An ephemeral agent's container carries the label of the task it is made for (`task`), a
    warm one its agent's clearance.
    Raises Degraded (the mode forbids containers), Conflict (another generation is in force,
    the spec isn't the declared one, a live container already has this place, or the task that
    an ephemeral one is for doesn't want it any more).
    """
    hub.require(Verb.CREATE_CONTAINER, host=body["host"])
    fleet = _fleet(hub)
    spec, provider = _declared(fleet, body)
    _require_secrets(hub, fleet, spec)
    now_s = hub.clock.wall_s()
    instance = Instance(
        id=hub.ids.new("inst"),
        agent=spec.name,
        host=spec.host,
        replica=body["replica"],
        spec=body["spec"],
        provider=provider.name,
        boundary=provider.boundary,
        label=spec.clearance,
        generation=fleet.generation.number,
        state=InstanceState.PROVISIONING,
        created_at_s=now_s,
        times=((InstanceState.PROVISIONING, now_s),),
        ephemeral=ephemeral.is_ephemeral(spec),
        made_for=body.get("task", ""),
        egress=spec.egress,
        remote=any(
            each.name == spec.host and each.remote for each in fleet.generation.desired.hosts
        ),
    )

    def work(txn: Txn) -> tuple[Instance, tuple[Pair, ...]]:
        _refuse_quarantined(txn, instance.agent)
        place = (instance.host, instance.agent, instance.replica)
        for other in instances.by_agent(txn, instance.agent):
            if other.alive and (other.host, other.agent, other.replica) == place:
                raise Conflict(
                    f"{other.id} already lives at {'/'.join(map(str, place))}",
                    hint="it is replaced once its container is gone",
                )
        reserved = _labelled(txn, fleet, spec, instance)
        pairs = workspaces.take(txn, fleet, reserved)
        instances.put(txn, reserved)
        _note(hub, txn, reserved, "reserved")
        return reserved, pairs

    with _unmoved():
        instance, pairs = narrowing.keep(
            hub, fleet, work, verb=Verb.CREATE_CONTAINER, host=instance.host
        )
    return {
        "instance": instance.id,
        "label": instance.label,
        "provider": instance.provider,
        "boundary": instance.boundary,
        "installation": hub.installation,
        "fleet": fleet.generation.desired.fleet,
        "workspace": [list(each) for each in pairs],
    }


def _refuse_quarantined(txn: Txn, agent: str) -> None:
    apart = quarantined_agents.get(txn, agent)
    if apart is not None:
        raise Conflict(
            f"{agent} is {apart.spoken}", hint="no container of it is made until it is released"
        )


@contextmanager
def _unmoved() -> Iterator[None]:
    """Say so when another generation came into force since secrets were asked about, which may take seconds."""
    try:
        yield
    except narrowing.Moved:
        raise Conflict("another generation was just applied", hint="plan again") from None


def _require_secrets(hub: Hub, fleet: Fleet, spec: AgentSpec) -> None:
    """Raise Refused when a rule or OPA takes one of the agent's declared secrets back; NoDecision."""
    say = narrowing.asking(hub, fleet)
    with narrowing.answered(hub):
        _ask_for_secrets(say, spec, now_s=hub.clock.wall_s())


def _ask_for_secrets(say: Say, spec: AgentSpec, *, now_s: float) -> None:
    for secret in spec.secrets:
        asked = Question(
            verb="secret.read",
            principal=f"agent:{spec.name}",
            target=f"secret:{secret.name}",
            level=spec.clearance,
            capabilities=spec.capabilities,
            at_s=now_s,
        )
        denied = say.takes_back(asked)
        if denied is not None:
            raise Refused(
                f"{spec.name} may not read its secret {secret.name}: {denied.reason}",
                rule=denied.rule,
                hint="change the rule, or take the secret out of the playbook",
            )


def _labelled(txn: Txn, fleet: Fleet, spec: AgentSpec, instance: Instance) -> Instance:
    """Return the instance with the label it is born with, after what an ephemeral one is asked."""
    if not instance.ephemeral:
        if instance.made_for:
            raise Conflict(f"{spec.name} is persistent: its containers are made for no task")
        return instance
    task = task_table.get(txn, instance.made_for) if instance.made_for else None
    if task is not None:
        instance = replace(instance, label=task.sensitivity)
    ephemeral.check_reservation(txn, fleet, spec, instance)
    return instance


def _fleet(hub: Hub) -> Fleet:
    if hub.fleet is None:
        raise Unavailable("no fleet is applied yet", hint="run `agentctl apply` first")
    return hub.fleet


def _declared(fleet: Fleet, body: dict[str, Any]) -> tuple[AgentSpec, Provider]:
    """Return the spec that the newest generation declares at this place, if it is the one asked for."""
    if body["generation"] != fleet.generation.number:
        raise Conflict(
            f"generation {fleet.generation.number} is in force, not {body['generation']}",
            hint="plan again",
        )
    spec, provider = _spec_at(fleet, body["agent"], body["host"], body["spec"])
    if not 0 <= body["replica"] < spec.replicas:
        raise Conflict(
            f"{spec.name}/{spec.host} replica {body['replica']} is not declared", hint="plan again"
        )
    return spec, provider


def _spec_at(fleet: Fleet, agent: str, host: str, hashed: str) -> tuple[AgentSpec, Provider]:
    """Return the spec of that hash with its provider; raises Conflict unless it is what is declared there."""
    desired = fleet.generation.desired
    at = (agent, host)
    spec = next((each for each in desired.agents if (each.name, each.host) == at), None)
    provider = desired.provider(spec.provider) if spec else None
    if spec is None or provider is None:
        raise Conflict(f"{'/'.join(at)} is not declared", hint="plan again")
    if spec_hash(spec, provider) != hashed:
        raise Conflict(f"{'/'.join(at)} is declared with another spec", hint="plan again")
    return spec, provider


def bind(hub: Hub, instance_id: str, container: str) -> dict[str, Any]:
    """Tie an instance to its container; return its boot document, with a token shown this once.

    Raises Degraded when the mode has come to forbid containers since it was reserved, Conflict
    when a generation applied since declares another spec there, or none.
    """
    hub.require(Verb.CREATE_CONTAINER)
    fleet = _fleet(hub)
    with hub.store.read() as txn:
        reserved = _known(txn, instance_id)
    spec, _ = _spec_at(fleet, reserved.agent, reserved.host, reserved.spec)
    _require_secrets(hub, fleet, spec)  # the boot document lets the reconciler read them
    secret = hub.randomness.token()
    token = tokens.instance_token(instance_id, secret)

    def work(txn: Txn) -> Instance:
        instance = _known(txn, instance_id)
        if instance.state is not InstanceState.PROVISIONING:
            raise Conflict(f"{instance_id} is {instance.state} already", hint="reserve a new one")
        _spec_at(fleet, instance.agent, instance.host, instance.spec)
        bound = replace(
            instance,
            container=container,
            token_digest=tokens.digest(token),
        ).entered(InstanceState.CONFIGURING, hub.clock.wall_s())
        instances.put(txn, bound)
        _note(hub, txn, bound, "bound")
        return bound

    with _unmoved():
        instance = narrowing.keep(hub, fleet, work, verb=Verb.CREATE_CONTAINER, host=reserved.host)
    return {"boot": _boot(fleet, instance, token)}


def _boot(fleet: Fleet, instance: Instance, token: str) -> dict[str, Any]:
    desired = fleet.generation.desired
    spec, provider = _spec_at(fleet, instance.agent, instance.host, instance.spec)
    return {
        "version": 1,
        "fleet": desired.fleet,
        "agent": instance.agent,
        "instance": instance.id,
        "instance_token": token,
        "provider": {"name": provider.name, "kind": provider.kind.value, "model": provider.model},
        "executor": {
            "kind": spec.executor.kind.value,
            "args": list(spec.executor.args),
            "argv": list(spec.executor.argv),
        },
        "ttl_s": spec.ttl_s,
        "grace_s": spec.grace_s,
        "heartbeat_s": desired.monitoring.heartbeat_s,
        "slots": SLOTS,
    }


def mark(hub: Hub, instance_id: str, state: str, reason: str) -> dict[str, Any]:
    """Record what the reconciler did with a container. Ending one ends its credentials and its leases."""
    wanted = InstanceState(state)
    ended = wanted in (InstanceState.RECYCLING, InstanceState.RECYCLED)

    def work(txn: Txn) -> list[str]:
        instance = _known(txn, instance_id)
        if instance.state is InstanceState.RECYCLED or (not ended and not instance.alive):
            return []
        return (
            end(hub, txn, instance, wanted, reason) if ended else _move(hub, txn, instance, wanted)
        )

    agents = hub.store.write(work)
    hub.live.waiters.wake(f"instance:{instance_id}", *(f"agent:{agent}" for agent in agents))
    if wanted is InstanceState.RECYCLED:
        hub.live.waiters.wake("reconciler")  # its place is free: somebody may wait for it
    return {"instance": instance_id, "state": state}


_ORDER = tuple(InstanceState)  # a state is entered once, and never gone back to


def _move(hub: Hub, txn: Txn, instance: Instance, state: InstanceState) -> list[str]:
    if _ORDER.index(state) > _ORDER.index(instance.state):  # agentd may be quicker than the word
        moved = instance.entered(state, hub.clock.wall_s())
        instances.put(txn, moved)
        _note(hub, txn, moved, state.value)
    return []


def end(hub: Hub, txn: Txn, instance: Instance, state: InstanceState, reason: str) -> list[str]:
    """End an instance: no credential counts any more, its leases expire; return agents with work again.

    While its container is being stopped (recycling) it may still settle what it holds: agentd
    reports a partial result within its grace. Recycled is the end.
    """
    now_s = hub.clock.wall_s()
    moved = replace(
        instance.entered(state, now_s),
        draining=True,
        reason=reason or instance.reason,
        ended_at_s=now_s if state is InstanceState.RECYCLED else None,
    )
    instances.put(txn, moved)
    if instance.state is not state:
        _note(hub, txn, moved, state.value)
    if state is not InstanceState.RECYCLED:
        return []
    answers.forget(txn, instance.id)
    hub.live.running.pop(instance.host, None)  # its container may outlive its record for a while
    hub.live.instance_seen_s.pop(instance.id, None)
    if hub.live.mail.forget(Place(instance.agent, instance.id)):
        hub.live.waiters.wake(f"mail:{instance.agent}")  # requests that it took are to be had again
    return expire_leases(hub, txn, instance, moved.reason or "its container is gone")


def expire_leases(hub: Hub, txn: Txn, instance: Instance, reason: str) -> list[str]:
    """Expire all that an instance holds; return the agents whose queues got something."""
    agents = []
    for task in task_table.live_of(txn, instance.id):
        after = expire(task, reason=reason, now_s=hub.clock.wall_s())
        task_table.put(txn, after)
        note_task(hub, txn, after, "expired", who="hub", detail=reason)
        agents.append(after.agent)
    return agents


def drain(hub: Hub, instance_id: str, reason: str, *, only_idle: bool = False) -> dict[str, Any]:
    """Give an instance no more work; return the task it still holds, or None.

    With `only_idle` one that holds a task goes on as before.
    """

    def work(txn: Txn) -> str | None:
        instance = _known(txn, instance_id)
        held = task_table.live_of(txn, instance_id)
        if not instance.draining and not (only_idle and held):
            instances.put(txn, replace(instance, draining=True, reason=reason))
            _note(hub, txn, instance, "draining", why=reason)
        return held[0].id if held else None

    return {"task": hub.store.write(work)}


def _known(txn: Txn, instance_id: str) -> Instance:
    instance = instances.get(txn, instance_id)
    if instance is None:
        raise NotFound(f"no instance {instance_id!r}")
    return instance


def _note(hub: Hub, txn: Txn, instance: Instance, event: str, **facts: str) -> None:
    note(
        hub,
        txn,
        f"instance.{event}",
        who=WHO,
        subject=instance.id,
        label=instance.label,
        agent=instance.agent,
        host=instance.host,
        replica=instance.replica,
        container=instance.container,
        provider=instance.provider,
        boundary=instance.boundary,
        task=instance.made_for,
        reason=instance.reason,
        **facts,
    )

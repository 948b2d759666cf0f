"""Who is on the other end: instance token → SVID → agent; peer or operator token → operator.

A credential is tied to its container: the kernel says which container the connection comes from,
or which process of ours carries it here from one on another host; a token from anywhere else is
worth nothing.
"""

import hmac

from agentctl.errors import Unauthenticated
from agentctl.identity import tokens, verify
from agentctl.model.instance import Instance, InstanceState
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Peer, Role
from agentctl.service.context import SVID_LIFETIME_S, Hub
from agentctl.service.instances import mark
from agentctl.store import instances, operator_tokens

AUDIENCE = "agentctl-hub"


def svid(hub: Hub, token: str, peer: Peer) -> dict[str, object]:
    """Sell a fresh JWT-SVID for an instance token; raises Unauthenticated, never saying which part failed."""
    parsed = tokens.parse_instance_token(token)
    instance = _instance(hub, parsed.instance) if parsed else None
    digest = instance.token_digest if instance else ""
    if instance is None or not digest or not hmac.compare_digest(tokens.digest(token), digest):
        raise Unauthenticated("no instance token, or not one of a living container")
    _same_container(instance, peer)
    fleet = hub.fleet
    if fleet is None:
        raise Unauthenticated("no fleet is applied")
    who = AgentPrincipal(
        fleet=fleet.generation.desired.fleet, agent=instance.agent, instance=instance.id
    )
    jwt, expires_at_s = hub.signer.issue(
        spiffe_id=who.spiffe_id,
        audience=AUDIENCE,
        provider=instance.provider,
        boundary=instance.boundary,
        now_s=hub.clock.wall_s(),
        lifetime_s=SVID_LIFETIME_S,
    )
    if instance.state in (InstanceState.CONFIGURING, InstanceState.STARTING):
        mark(hub, instance.id, InstanceState.RUNNING.value, "")
    hub.live.instance_seen_s[instance.id] = hub.clock.wall_s()
    return {
        "svid": jwt,
        "spiffe_id": who.spiffe_id,
        "expires_in_s": int(expires_at_s - hub.clock.wall_s()),
    }


def agent(hub: Hub, svid: str, peer: Peer) -> AgentPrincipal:
    """Return the agent of a verified SVID whose instance lives in the container that shows it.

    A verification is remembered by the token's digest until it expires; whether the instance
    lives, and where the connection comes from, is looked at every time.
    """
    digest = tokens.digest(svid)
    known = hub.live.svids.get(digest)
    fresh = known is not None and hub.clock.wall_s() < known[1]
    who = known[0] if known is not None and fresh else _verified(hub, svid, digest)
    instance = _instance(hub, who.instance)
    if instance is None or instance.agent != who.agent:
        raise Unauthenticated(f"{who.agent} has no instance {who.instance}, or it has ended")
    _same_container(instance, peer)
    return who


def _verified(hub: Hub, svid: str, digest: str) -> AgentPrincipal:
    if hub.fleet is None:
        raise Unauthenticated("no fleet is applied")
    claims = verify(
        svid,
        hub.signer.public_keys(),
        audience=AUDIENCE,
        trust_domain=hub.fleet.generation.desired.fleet,
        now_s=hub.clock.wall_s(),
    )
    who = AgentPrincipal(fleet=claims.fleet, agent=claims.agent, instance=claims.instance)
    hub.live.remember_svid(digest, who, claims.expires_at_s)
    return who


def _instance(hub: Hub, instance_id: str) -> Instance | None:
    with hub.store.read() as txn:
        found = instances.get(txn, instance_id)
    return found if found is not None and found.alive else None


def _same_container(instance: Instance, peer: Peer) -> None:
    if not instance.speaks_from(peer.container):
        raise Unauthenticated("this credential works from its own container only")


def operator_by_peer(hub: Hub, peer: Peer) -> OperatorPrincipal:
    """Return the operator on `operator.sock`: the hub's own account and root are admin, nobody else is."""
    if peer.uid < 0 or peer.uid not in (0, hub.uid):
        raise Unauthenticated(
            f"uid {peer.uid} has no role here",
            hint="ask an admin for a token: agentctl token create",
        )
    return OperatorPrincipal(name=f"uid:{peer.uid}", role=Role.ADMIN)


def operator_by_token(hub: Hub, token: str) -> OperatorPrincipal:
    """Return the operator of a token; raises Unauthenticated when it is unknown or has expired."""
    parsed = tokens.parse_operator_token(token)
    record = None
    if parsed is not None:
        with hub.store.read() as txn:
            record = operator_tokens.get(txn, parsed.id)
    if record is None or not hmac.compare_digest(tokens.digest(token), record.digest):
        raise Unauthenticated("no operator token, or not one of this hub's")
    if hub.clock.wall_s() >= record.expires_at_s:
        raise Unauthenticated(
            f"token {record.name!r} has expired", hint="make a new one: agentctl token create"
        )
    return OperatorPrincipal(name=f"token:{record.name}", role=Role(record.role))

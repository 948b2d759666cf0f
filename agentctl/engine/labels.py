"""The labels a container carries, written and read: how what is ours is known again."""

from collections.abc import Mapping

from agentctl.engine.protocol import Birth
from agentctl.model import instance as names
from agentctl.model.instance import Container, ContainerState


def labels_of(birth: Birth) -> dict[str, str]:
    """Return the labels that a container is born with."""
    return {
        names.LABEL_FLEET: birth.fleet,
        names.LABEL_AGENT: birth.spec.name,
        names.LABEL_REPLICA: str(birth.replica),
        names.LABEL_INSTANCE: birth.instance,
        names.LABEL_SPEC: birth.spec_hash,
        names.LABEL_PROVIDER: birth.provider,
        names.LABEL_BOUNDARY: birth.boundary,
        names.LABEL_LABEL: birth.label,
        names.LABEL_INSTALLATION: birth.installation,
    }


def container_from(
    labels: Mapping[str, str],
    *,
    id: str,  # noqa: A002 - the field's own name
    name: str,
    host: str,
    state: ContainerState,
    created_at_s: float = 0.0,
    exit_code: int | None = None,
) -> Container:
    """Return a container as its labels tell it. A label that is missing or odd reads as "" or -1:

    it is still ours, by its installation, so it must be seen (and will be replaced).
    """
    replica = labels.get(names.LABEL_REPLICA, "")
    return Container(
        id=id,
        name=name,
        host=host,
        agent=labels.get(names.LABEL_AGENT, ""),
        replica=int(replica) if replica.isascii() and replica.isdigit() else -1,
        instance=labels.get(names.LABEL_INSTANCE, ""),
        spec=labels.get(names.LABEL_SPEC, ""),
        provider=labels.get(names.LABEL_PROVIDER, ""),
        boundary=labels.get(names.LABEL_BOUNDARY, ""),
        label=labels.get(names.LABEL_LABEL, ""),
        installation=labels.get(names.LABEL_INSTALLATION, ""),
        state=state,
        created_at_s=created_at_s,
        exit_code=exit_code,
    )


def owner(labels: Mapping[str, str]) -> str:
    """Say whose a container or volume is that isn't ours, for an error."""
    installation = labels.get(names.LABEL_INSTALLATION)
    return f"another installation ({installation})" if installation else "somebody else"


def way_out(labels: Mapping[str, str], birth: Birth) -> str:
    """Return what to do about a workspace that may not serve a container.

    Another installation's is another fleet's work: removing it is what comes last.
    """
    theirs = labels.get(names.LABEL_INSTALLATION)
    if theirs and theirs != birth.installation:
        return (
            "give this installation another fleet name in inventory.yaml (vars: fleet), or start"
            " with that installation's --state; only where nobody wants what it holds, remove it"
        )
    return "save what it holds and remove it, or rename the agent"


def workspace_conflict(labels: Mapping[str, str], birth: Birth) -> str:
    """Return why a kept workspace may not serve this container, or "".

    A workspace holds what its agent wrote, and keeps the label and boundary of the container that
    it was made for. An engine knows no order of levels: beside that very pair only those will do
    that the hub names.
    Source: docs/decisions/0024-declassification.md.
    """
    if labels.get(names.LABEL_INSTALLATION) != birth.installation:
        return f"it belongs to {owner(labels)}"
    served = (labels.get(names.LABEL_LABEL, ""), labels.get(names.LABEL_BOUNDARY, ""))
    if served not in ((birth.label, birth.boundary), *birth.workspace):
        return (
            f"it holds work of label {served[0]!r} at boundary {served[1]!r}, "
            f"and this container has {birth.label!r} at {birth.boundary!r}"
        )
    return ""

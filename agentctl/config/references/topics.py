"""Topics: what is heard is said by somebody, and what is said is heard."""

from collections.abc import Iterator

from agentctl.config.finding import Finding, did_you_mean
from agentctl.config.references.known import Known, at_agent, warning
from agentctl.model.fleet import DesiredState


def topics(desired: DesiredState, known: Known) -> Iterator[Finding]:
    """Warn of topics that only one side names: probably a slip."""
    for agent in desired.agents:
        for topic in agent.subscribes:
            if topic not in known.published:
                yield warning(
                    "unspoken-topic",
                    f"agent {agent.name!r} subscribes to {topic!r}, which nobody publishes",
                    (*at_agent(agent), "subscribes"),
                    suggestion=did_you_mean(topic, known.published),
                )
        for topic in agent.publishes:
            if topic not in known.subscribed:
                yield warning(
                    "unheard-topic",
                    f"agent {agent.name!r} publishes {topic!r}, to which nobody subscribes",
                    (*at_agent(agent), "publishes"),
                    suggestion=did_you_mean(topic, known.subscribed),
                )

"""The executor that the boot document names."""

from agentd.executors.claude_code import ClaudeCode
from agentd.executors.command import Command
from agentd.executors.executor import Executor, Place
from agentd.executors.messages_api import MessagesApi


def choose(place: Place) -> Executor:
    """Return the executor of `place.settings.kind`; the boot document was checked."""
    match place.settings.kind:
        case "claude-code":
            return ClaudeCode(place)
        case "messages-api":
            return MessagesApi(place)
        case "command":
            return Command(place)
    raise ValueError("no such executor")

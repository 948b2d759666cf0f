"""Which parts of a model call would make the provider's own servers reach out to somewhere else.

A container has no network; a provider that fetches a URL for it would be one. So whatever
has the provider connect elsewhere is refused: no boundary was declared for where it leads.
Source: docs/decisions/0007-gateway.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any

# Tools that the provider runs itself, by the beginning of their `type`, and that leave it.
# A client's own tools have no `type`, or `custom`; bash_… and text_editor_… run in the container.
REACHING_TOOLS = ("web_search", "web_fetch", "mcp")


def reaches_out(document: Mapping[str, Any]) -> str:
    """Return what in the call reaches beyond the provider, "" when nothing does."""
    if document.get("mcp_servers"):
        return "`mcp_servers`"
    for tool in _objects(document.get("tools")):
        kind = tool.get("type")
        if isinstance(kind, str) and kind.startswith(REACHING_TOOLS):
            return f"the tool {kind[:40]!r}"
    if any(_is_remote(block) for part in ("messages", "system") for block in _all(document, part)):
        return "a source of type 'url'"
    return ""


def _is_remote(block: Mapping[str, Any]) -> bool:
    """Whether a block is content to be fetched: {"type": "image", "source": {"type": "url", …}}."""
    source = block.get("source")
    return isinstance(source, dict) and source.get("type") == "url"


def _all(document: Mapping[str, Any], part: str) -> Iterator[Mapping[str, Any]]:
    """Yield every content block below `part`: of messages, and of tool results within them.

    Other nesting, a tool's input above all, is data that no provider fetches by.
    """
    todo = list(_objects(document.get(part)))
    while todo:
        block = todo.pop()
        yield block
        todo.extend(_objects(block.get("content")))
        source = block.get("source")
        if isinstance(source, dict):
            todo.extend(_objects(source.get("content")))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each

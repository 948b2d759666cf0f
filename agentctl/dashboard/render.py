"""A view and its frame → HTML. Whatever a template prints is made visible and escaped, unasked."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agentctl.dashboard import spoken
from agentctl.dashboard.frame import Frame
from agentctl.dashboard.visible import short, spans, visible

TEMPLATES = Path(__file__).with_name("templates")


def render(name: str, frame: Frame, view: Any) -> str:
    """Return a page's HTML; raises jinja2's UndefinedError for what a view doesn't have."""
    return _environment().get_template(f"{name}.html").render(frame=frame, view=view)


@cache
def _environment() -> Environment:
    """Templates come from the package alone: nothing that agents or the API send is ever one."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(spans=spans, short=short)
    environment.filters.update(
        count=spoken.count, money=spoken.money, duration=spoken.duration, many=spoken.many
    )
    return environment


def _finalized(value: Any) -> Any:
    if value is None:
        return "–"
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

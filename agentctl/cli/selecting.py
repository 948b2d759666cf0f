"""The options that choose a part of a project, with Ansible's meaning: -e, --limit, --tags, --skip-tags."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a command was given; empty is the whole project as its files are."""

    extra_vars: tuple[str, ...] = ()
    limit: str = ""
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()

    @property
    def by_tags(self) -> bool:
        return bool(self.tags or self.skip_tags)

    def __str__(self) -> str:
        """Return the selection as it was written, for people; "" for the whole fleet."""
        given = (
            ("--limit", self.limit),
            ("--tags", ",".join(self.tags)),
            ("--skip-tags", ",".join(self.skip_tags)),
        )
        return " ".join(f"{option} {value}" for option, value in given if value)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options; it gets them as one argument, `chosen`."""

    @wraps(command)
    def called(
        *args: Any,
        extra_vars: tuple[str, ...],
        limit: str,
        tags: str,
        skip_tags: str,
        **options: Any,
    ) -> Any:
        chosen = Chosen(
            extra_vars=extra_vars, limit=limit, tags=words(tags), skip_tags=words(skip_tags)
        )
        return command(*args, chosen=chosen, **options)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


def words(text: str) -> tuple[str, ...]:
    """Return the words of a comma-separated option."""
    return tuple(each.strip() for each in text.split(",") if each.strip())


_OPTIONS = (
    click.option(
        "-e",
        "--extra-vars",
        multiple=True,
        metavar="K=V",
        help="A variable that wins over all others: k=v, a JSON object, or @file.",
    ),
    click.option(
        "--limit", default="", metavar="PATTERN", help="Only the hosts that this selects."
    ),
    click.option("--tags", default="", metavar="TAG,…", help="Only agents with one of these tags."),
    click.option("--skip-tags", default="", metavar="TAG,…", help="No agents with these tags."),
)

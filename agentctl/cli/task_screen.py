"""What following a task shows: a live line on a terminal, JSON lines for programs, else little."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from agentctl.cli.output import harmless

News = dict[str, Any]
Tell = Callable[[News], None]


TRIED_AGAIN = frozenset({"failed_retryable", "expired"})
PUT_OFF = "put_off"


@contextmanager
def waiting(*, output: str, attempts: int | None = None) -> Iterator[Tell]:
    """Yield what tells of a task that is waited for; all of it on stderr: stdout is the result's.

    `attempts` is how often it may be tried, None where that isn't known.
    """
    lost = LostAttempts(attempts)
    if output == "json":
        yield lambda news: _lines(news, err=True)
    elif sys.stderr.isatty():
        with _live(lost) as show:
            yield show
    else:

        def say(news: News) -> None:
            _say_held(news)
            for line in lost.lines(news):
                click.echo(line, err=True)

        yield say


class LostAttempts:
    """Counts the attempts of one task, so that each that failed can be told with its reason."""

    def __init__(self, attempts: int | None) -> None:
        self._of = f" of {attempts}" if attempts else ""
        self._begun = 0

    def lines(self, news: News) -> list[str]:
        """Return a line for each attempt that failed and isn't the last: the end says its own."""
        found = []
        for event in news["events"]:
            self._begun += event["event"] == "leased"
            ending = news["ended"] and event is news["events"][-1]
            if event["event"] in TRIED_AGAIN and not ending:
                why = harmless(event.get("detail") or "no reason given")
                found.append(f"attempt {self._begun}{self._of} failed: {why}")
            if event["event"] == PUT_OFF:
                why = harmless(event.get("detail") or "its provider was away")
                found.append(
                    f"attempt {self._begun}{self._of} was put off, and isn't counted: {why}"
                )
                self._begun -= 1
        return found


@contextmanager
def events(*, output: str) -> Iterator[Tell]:
    """Yield what prints a task's events on stdout as they come; progress on a terminal's stderr."""
    if output == "json":
        yield lambda news: _lines(news, err=False)
    elif sys.stderr.isatty():
        with _live(LostAttempts(None)) as show:

            def both(news: News) -> None:
                _events(news)
                show(news)

            yield both
    else:
        yield _events


def event_line(event: dict[str, Any]) -> str:
    """Return one event as people read it."""
    at = time.strftime("%H:%M:%S", time.localtime(event.get("at_s", 0)))
    detail = f": {harmless(event['detail'])}" if event.get("detail") else ""
    return f"{at} {event['event']}{detail}"


def in_words(news: News) -> str:
    """Return where a task stands: state, turns, tools, tokens and cost so far."""
    progress, usage = news["progress"] or {}, news.get("usage") or {}
    tokens_in = max(usage.get("input_tokens", 0), progress.get("input_tokens", 0))
    tokens_out = max(usage.get("output_tokens", 0), progress.get("output_tokens", 0))
    cost = progress.get("cost_usd", usage.get("cost_usd"))
    told = [
        f"{news['task']} {news['state']}",
        news["held_reason"] if news["state"] == "held" else "",
        _counted(progress.get("turns"), "turn"),
        _counted(progress.get("tools"), "tool call"),
        f"{tokens_in} tokens in, {tokens_out} out" if tokens_in or tokens_out else "",
        f"${cost:.4f}" if cost else "",
        harmless(progress.get("note", "")),
    ]
    return " · ".join(each for each in told if each)


def _counted(count: int | None, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _lines(news: News, *, err: bool) -> None:
    """Print an object a line: the events, then the progress."""
    for event in news["events"]:
        _line({"type": "event", "task": news["task"], **event}, err=err)
    if news["progress"]:
        known = {"state": news["state"], "usage": news.get("usage"), **news["progress"]}
        _line({"type": "progress", "task": news["task"], **known}, err=err)


def _line(document: dict[str, Any], *, err: bool) -> None:
    click.echo(json.dumps(document, ensure_ascii=False), err=err)


def _events(news: News) -> None:
    for event in news["events"]:
        click.echo(event_line(event))


def _say_held(news: News) -> None:
    for event in news["events"]:
        if event["event"] in ("held", "withdrawn"):
            click.echo(f"{news['task']} is held: {event.get('detail', '')}", err=True)


@contextmanager
def _live(lost: LostAttempts) -> Iterator[Tell]:
    from rich.console import Console  # here: whoever has no terminal starts without it
    from rich.markup import escape

    console = Console(stderr=True)
    with console.status("waiting") as status:

        def show(news: News) -> None:
            for line in lost.lines(news):
                console.print(line, markup=False, highlight=False, soft_wrap=True)
            status.update(escape(in_words(news)))

        yield show

"""Decisions per second of the policy engine, beside a bare linear scan of the same rules.

    python -m bench.policy [--rules 100] [--seconds 1] [--opa] [--json]

`again` asks 1,000 questions over and over, as a fleet at work does; `first` asks each question
once; `timed` is `again` with rules that hold at hours, at another time for each question. The
scan is what the engine would be without compiling and remembering: rule after rule, fnmatch
on each. All in one thread. With `--opa` instead: what OPA costs a submit, see bench.opa.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentctl.model.decision import Question
from agentctl.model.fleet import AccessRule, Effect, Window
from agentctl.policy import compile_rules
from agentctl.policy.engine import mismatch
from bench import opa

LEVELS = ("public", "internal", "confidential", "restricted")
BATCH = 1000  # between looks at the clock
OFFICE = Window(zone="Europe/Berlin", days=("mon", "tue"), since_min=480, until_min=1080)


def rules(count: int, *, window: Window | None = None) -> list[AccessRule]:
    """Return a deny for each tenth of the rules, narrow allows, and one wide allow at the end."""
    narrow = [
        AccessRule(
            name=f"rule {at}",
            effect=Effect.ALLOW if at % 10 else Effect.DENY,
            verb="task.submit" if at % 2 else "message.send",
            principal=f"operator:team{at}-*",
            target=f"agent:worker-{at}",
            levels=LEVELS[: 1 + at % 4],
            window=window,
        )
        for at in range(count - 1)
    ]
    wide = AccessRule(name="all", effect=Effect.ALLOW, verb="task.submit", principal="*")
    return [*narrow, replace(wide, window=window)]


def questions(count: int, *, apart: float = 0.0) -> list[Question]:
    """Return distinct questions, `apart` seconds from each other."""
    return [
        Question(
            verb="task.submit",
            principal=f"operator:team{at % 97}-ada{at}",
            target=f"agent:worker-{at % 97}",
            level=LEVELS[at % 4],
            capabilities=("research",),
            labels=(("bulk", "true"),),
            role="operator",
            at_s=1.78e9 + at * apart,
        )
        for at in range(count)
    ]


def rate(decide: Callable[[Question], object], asked: Sequence[Question], seconds: float) -> float:
    """Return decisions per second over the questions, again and again.

    Equal ones were asked before, not the same objects: the hub makes its questions anew, too.
    """
    for each in asked:
        decide(replace(each))
    endless, done = cycle(asked), 0
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        for question in islice(endless, BATCH):
            decide(question)
        done += BATCH
    return done / took


def once(given: Sequence[AccessRule], asked: Sequence[Question]) -> float:
    """Return decisions per second when no question was asked before."""
    policy = compile_rules(given)
    began = time.perf_counter()
    for question in asked:
        policy.decide(question)
    return len(asked) / (time.perf_counter() - began)


def scan(given: Sequence[AccessRule]) -> Callable[[Question], object]:
    """Return the bare scan: rules in deciding order, the first that matches decides."""
    ordered = sorted(given, key=lambda rule: rule.effect is Effect.ALLOW)
    return lambda asked: next((each for each in ordered if not mismatch(each, asked)), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--opa", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.opa:
        asks, submits = opa.submits(given.seconds)
        if given.json:
            print(json.dumps({"ask_ms": asks, "submits": [asdict(each) for each in submits]}))
        else:
            opa.show(asks, submits)
        return
    plain, timed = rules(given.rules), rules(given.rules, window=OFFICE)
    asked, later = questions(1000), questions(1000, apart=3600.0)
    compile_rules(plain).decide(asked[0])
    figures = {
        "again": rate(compile_rules(plain).decide, asked, given.seconds),
        "timed": rate(compile_rules(timed).decide, later, given.seconds),
        "first": once(plain, questions(20_000)),
        "scan": rate(scan(plain), asked, given.seconds),
    }
    if given.json:
        print(json.dumps({"rules": given.rules, "per_second": figures}))
        return
    for name, found in figures.items():
        print(f"{name:<6} {found:>12,.0f} decisions/s")


if __name__ == "__main__":
    main()

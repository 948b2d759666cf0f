"""Judges an output schema, and a value against it, in a process of its own: both may be hostile.

A schema of some hundred bytes can ask for a day's work or a gigabyte of compiled patterns, and while
it is judged nothing else in its process runs. Run as a program: `python -I schema_judge.py SECONDS`; JSON on
standard input and output. It imports nothing of agentctl, so that it is quick.
"""

import contextlib
import json
import os
import resource
import sys
from typing import Any, NoReturn

import jsonschema_rs

CPU_S_MAX = 2  # a large honest schema takes a tenth of it
MEMORY_BYTES_MAX = 1 << 30
UNUSABLE = "refers to what isn't in it, or can't be used"


def judge(schema: dict[str, Any], *values: Any) -> str:
    """Return why the schema can't be used, or how the first of `values` fails it; "" when all is well.

    Nothing of the value stands in the words. Nothing is fetched.
    """
    try:
        compiled = jsonschema_rs.Draft202012Validator(schema, retriever=_fetch_nothing)
        for value in values:
            first = next(iter(compiled.iter_errors(value)), None)
            if first is not None:
                where = "/".join(map(str, first.instance_path)) or "the whole"
                return f"{where} breaks the schema's {first.kind.name}"
    except (ValueError, jsonschema_rs.ValidationError):
        return UNUSABLE
    return ""


def _fetch_nothing(_uri: str) -> NoReturn:
    raise ValueError("nothing is fetched")


def main(cpu_s: int) -> None:
    """Judge what standard input says: `{"schema": …, "values": […]}`; the kernel ends it at `cpu_s`."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # the hub keeps to one core, which is its own
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    asked = json.load(sys.stdin.buffer)
    json.dump(judge(asked["schema"], *asked["values"]), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))

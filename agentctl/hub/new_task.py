"""A submit's body as the model's NewTask: where the raw document ends."""

import re
from typing import Any

from agentctl.errors import InputError
from agentctl.hub.bodies import is_schema
from agentctl.model.budget import Budget
from agentctl.model.task import MAX_ATTEMPTS_DEFAULT, TIMEOUT_S_DEFAULT, NewTask
from agentctl.service import output

KEY_PATTERN = r"[A-Za-z0-9._:+/=@-]{1,128}"  # UUIDs, hashes, `repo@commit:job`


def new_task(body: dict[str, Any], key: str | None) -> NewTask:
    """Return what the submitter asks for; `body` has met its schema, `key` is the Idempotency-Key.

    Raises InputError for a key of another form or an output schema that is none.
    """
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        raise InputError(f"the header Idempotency-Key must be of the form {KEY_PATTERN}")
    output_schema = body.get("output_schema")
    if output_schema is not None and not is_schema(output_schema):
        why = "is no JSON Schema of draft 2020-12"
        raise InputError(f"/output_schema: {why}", fields=[("/output_schema", why)])
    if output_schema is not None:
        output.check(output_schema)
    deadline_s, deadline_in_s = body.get("deadline_s"), body.get("deadline_in_s")
    if deadline_s is not None and deadline_in_s is not None:
        why = "stands beside deadline_s; give one of them"
        raise InputError(f"/deadline_in_s: {why}", fields=[("/deadline_in_s", why)])
    budget = body.get("budget", {})
    usd = budget.get("usd")
    return NewTask(
        prompt=body["prompt"],
        sensitivity=body.get("sensitivity"),
        capabilities=tuple(body.get("capabilities", ())),
        agent=body.get("agent"),
        labels=tuple(sorted(body.get("labels", {}).items())),
        priority=body.get("priority", 0),
        deadline_s=None if deadline_s is None else float(deadline_s),
        deadline_in_s=None if deadline_in_s is None else float(deadline_in_s),
        timeout_s=float(body.get("timeout_s", TIMEOUT_S_DEFAULT)),
        max_attempts=body.get("max_attempts", MAX_ATTEMPTS_DEFAULT),
        parent=body.get("parent"),
        budget=Budget(**{**budget, "usd": None if usd is None else float(usd)}),
        output_schema=output_schema,
        idempotency_key=key,
    )

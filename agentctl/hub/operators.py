"""The operators' listeners: tasks, fleet, generations, mode; the same on socket and TCP."""

from agentctl.hub import access, decisions, registry, state, task_artifacts, task_watching
from agentctl.hub.new_task import KEY_PATTERN, new_task
from agentctl.hub.query import Parameter
from agentctl.hub.route import Answer, Call, Route
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import TaskState
from agentctl.service import (
    alerts,
    cancel,
    declassify,
    files,
    generations,
    modes,
    retry,
    submit,
    views,
)
from agentctl.service.roles import OPERATORS, TAKEN, require_role
from agentctl.service.task_row import task_row

GENERATION_BYTES_MAX = 32 * 1024 * 1024  # 100,000 agents; 10,000 are 2.6 MiB
PAGE_MAX = 1000
PAGE_DEFAULT = 100
NAME = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
LABEL = r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?=[^\x00]{0,200}"
LABELS_MAX = 32  # as many as a task can carry
SINCE_S_MAX = 100_000_000_000.0  # as a deadline's

Operator = OperatorPrincipal


def require_submitter(call: Call[Operator]) -> None:
    """Raise Refused unless the asker may submit at all: a prompt and its schema cost to look at."""
    require_role(call.who, TAKEN["task.submit"], "submit tasks")


def require_applier(call: Call[Operator]) -> None:
    """Raise Refused unless the asker may apply at all: a generation has megabytes."""
    require_role(call.who, OPERATORS, "apply")


LIMIT = Parameter(
    name="limit",
    kind="integer",
    about="Most entries in the answer.",
    default=PAGE_DEFAULT,
    minimum=1,
    maximum=PAGE_MAX,
)
TASKS_QUERY = (
    Parameter(
        name="state", kind="string", about="Only in this state.", pattern="|".join(TaskState)
    ),
    Parameter(name="agent", kind="string", about="Only for this agent.", pattern=NAME),
    Parameter(
        name="label",
        kind="string",
        about="Only with this label, as name=value; given again, with all of them.",
        pattern=LABEL,
        count_max=LABELS_MAX,
    ),
    Parameter(
        name="since",
        kind="number",
        about="Only submitted then or later: seconds since the epoch.",
        maximum=SINCE_S_MAX,
    ),
    LIMIT,
    Parameter(
        name="before",
        kind="string",
        about="The page that begins after this task: an answer's `next`.",
        pattern=r"task-[0-9a-z]{26}",
    ),
)
ALERTS_QUERY = (
    Parameter(
        name="all",
        kind="string",
        about="Those that were resolved too.",
        default="false",
        pattern="true|false",
    ),
)
IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    kind="string",
    about="A repeat with the same key and body returns the first task.",
    pattern=KEY_PATTERN,
)


def submit_task(call: Call[Operator]) -> Answer:
    """Store a task durably, routed or held; 201 when it is new, 200 when the key was used before."""
    new = new_task(call.body, call.header("Idempotency-Key"))
    task, created = submit.submit(call.hub, new, call.who)
    return Answer(task_row(task), 201 if created else 200)


def list_tasks(call: Call[Operator]) -> Answer:
    """A page of tasks, newest first."""
    return Answer(views.tasks(call.hub, call.who, **call.query))


def cancel_task(call: Call[Operator]) -> Answer:
    """Take a task back; its agent learns by its next poll."""
    return Answer(task_row(cancel.cancel(call.hub, call.path["task"], call.who)))


def retry_task(call: Call[Operator]) -> Answer:
    """Submit an ended task once more, as a new one."""
    return Answer(task_row(retry.retry(call.hub, call.path["task"], call.who)), 201)


def declassify_task(call: Call[Operator]) -> Answer:
    """Lower a waiting or ended task's label; on record with who, why, from what to what."""
    body = call.body
    lowered = declassify.declassify(
        call.hub, call.path["task"], call.who, to=body["to"], why=body["why"]
    )
    return Answer(task_row(lowered))


def note_files(call: Call[Operator]) -> Answer:
    """Take from whoever follows a project why its files aren't applied, or that they are."""
    said = {"broken": call.body["broken"], "since_s": call.body.get("since_s")}
    return Answer(files.followed(call.hub, call.who, **said))


def list_generations(call: Call[Operator]) -> Answer:
    """Applied generations, newest first."""
    return Answer(views.generations(call.hub, call.who))


def show_latest_generation(call: Call[Operator]) -> Answer:
    """The newest generation with what it declares."""
    return Answer(views.latest_generation(call.hub, call.who))


def apply_generation(call: Call[Operator]) -> Answer:
    """Make a desired state the applied one, if nothing was applied since `expected`."""
    body = call.body
    made = generations.apply(
        call.hub,
        call.who,
        desired=body["desired"],
        expected=body["expected"],
        commit=body.get("commit", ""),
        prune=body.get("prune", False),
    )
    return Answer(made, 201 if made.get("created", True) else 200)


def show_plan(call: Call[Operator]) -> Answer:
    """The reconciler's last pass."""
    return Answer(views.plan(call.hub, call.who))


def show_mode(call: Call[Operator]) -> Answer:
    """The mode in force."""
    return Answer(views.mode(call.hub, call.who))


def set_mode(call: Call[Operator]) -> Answer:
    """Pause, stop everything, or resume."""
    reason = call.body.get("reason", "")
    return Answer(modes.set_mode(call.hub, call.who, mode=call.body["mode"], reason=reason))


def show_status(call: Call[Operator]) -> Answer:
    """Mode, generation, counts, hosts, alerts."""
    return Answer(views.status(call.hub, call.who))


def list_alerts(call: Call[Operator]) -> Answer:
    """Alerts that fire now; with `all` the resolved ones too."""
    return Answer(alerts.show(call.hub, call.who, every=call.query["all"] == "true"))


def healthy(_call: Call[None]) -> Answer:
    """Whether the process answers at all."""
    return Answer({"status": "ok"})


def ready(call: Call[None]) -> Answer:
    """Whether the hub takes work now; 503 with the mode and its reason when not."""
    yes, found = views.ready(call.hub)
    return Answer(found, 200 if yes else 503)


def metrics(call: Call[None]) -> Answer:
    """Counters in the Prometheus text format."""
    return Answer(views.metrics(call.hub))


def trust_bundle(call: Call[None]) -> Answer:
    """The keys that verify this fleet's SVIDs, as a SPIFFE bundle."""
    return Answer(call.hub.signer.bundle())


TASK = "/api/hub/tasks/{task}"

ROUTES: tuple[Route[None] | Route[Operator], ...] = (
    Route(
        method="POST",
        path="/api/hub/tasks",
        summary="Hand a task to the fleet.",
        answer=submit_task,
        admit=require_submitter,
        body="api/task",
        headers=(IDEMPOTENCY_KEY,),
        statuses=(200, 201),
        problems=(409, 429),
    ),
    Route(
        method="GET",
        path="/api/hub/tasks",
        summary="List tasks, newest first.",
        answer=list_tasks,
        query=TASKS_QUERY,
    ),
    *task_watching.ROUTES,
    *task_artifacts.OF_OPERATORS,
    Route(
        method="DELETE",
        path=TASK,
        summary="Cancel a task.",
        answer=cancel_task,
        problems=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{TASK}/retry",
        summary="Submit an ended task once more.",
        answer=retry_task,
        body="api/empty",
        statuses=(201,),
        problems=(404, 409),
    ),
    Route(
        method="POST",
        path=f"{TASK}/declassify",
        summary="Lower a task's label, and its result's.",
        answer=declassify_task,
        body="api/declassify",
        problems=(404, 409),
    ),
    *registry.ROUTES,
    Route(
        method="GET",
        path="/api/hub/generations",
        summary="List applied generations.",
        answer=list_generations,
    ),
    Route(
        method="GET",
        path="/api/hub/generations/latest",
        summary="Show the newest generation and what it declares.",
        answer=show_latest_generation,
    ),
    Route(
        method="POST",
        path="/api/hub/generations",
        summary="Apply a desired state.",
        answer=apply_generation,
        admit=require_applier,
        body="api/generation",
        body_bytes_max=GENERATION_BYTES_MAX,
        statuses=(200, 201),
        problems=(409,),
    ),
    Route(
        method="GET",
        path="/api/hub/plan",
        summary="Show the reconciler's last pass.",
        answer=show_plan,
    ),
    Route(
        method="POST",
        path="/api/hub/files",
        summary="Say why followed files are not applied, or that they are.",
        answer=note_files,
        body="api/files",
    ),
    Route(method="GET", path="/api/hub/mode", summary="Show the mode in force.", answer=show_mode),
    Route(
        method="POST",
        path="/api/hub/mode",
        summary="Pause, stop everything, or resume.",
        answer=set_mode,
        body="api/mode",
        problems=(409,),
    ),
    Route(
        method="GET",
        path="/api/hub/status",
        summary="Show mode, generation, counts, hosts and alerts.",
        answer=show_status,
    ),
    Route(
        method="GET",
        path="/api/hub/alerts",
        summary="List alerts, newest first.",
        answer=list_alerts,
        query=ALERTS_QUERY,
    ),
    *decisions.ROUTES,
    *access.ROUTES,
    *state.ROUTES,
    Route(
        method="GET",
        path="/.well-known/spiffe-bundle",
        summary="The keys that verify SVIDs.",
        answer=trust_bundle,
        open=True,
    ),
    Route(
        method="GET",
        path="/healthz",
        summary="Whether the process answers.",
        answer=healthy,
        open=True,
    ),
    Route(
        method="GET",
        path="/readyz",
        summary="Whether the hub takes work.",
        answer=ready,
        open=True,
        statuses=(200, 503),
    ),
    Route(
        method="GET",
        path="/metrics",
        summary="Counters for Prometheus.",
        answer=metrics,
        open=True,
        content_type="text/plain; version=0.0.4; charset=utf-8",
    ),
)

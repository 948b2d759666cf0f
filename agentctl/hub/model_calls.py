"""The gateway's listener: may this model call be made, is it still wanted, what did it use."""

from agentctl.hub.route import Answer, Call, Route
from agentctl.service import model_calls, usable


def open_call(call: Call[None]) -> Answer:
    """Grant a model call to the attempt whose token it carries, or refuse it."""
    return Answer(model_calls.open_call(call.hub, call.body))


def current(call: Call[None]) -> Answer:
    """Those of the open calls whose attempt is still current."""
    return Answer({"current": model_calls.current(call.hub, call.body["calls"])})


def usage(call: Call[None]) -> Answer:
    """Add what a call used to its task."""
    return Answer(model_calls.usage(call.hub, call.path["call"], call.body))


def providers(call: Call[None]) -> Answer:
    """Take which providers have no key; say which are declared, and by which generation."""
    return Answer(usable.told(call.hub, call.body))


ROUTES: tuple[Route[None], ...] = (
    Route(
        method="POST",
        path="/api/hub/providers",
        summary="Say which providers have no key, and ask which are declared.",
        answer=providers,
        body="api/providers",
        body_bytes_max=1024 * 1024,
    ),
    Route(
        method="POST",
        path="/api/hub/model-calls",
        summary="Ask leave for a model call.",
        answer=open_call,
        body="api/model-call",
        problems=(401, 403, 409),
    ),
    Route(
        method="POST",
        path="/api/hub/model-calls/current",
        summary="Ask which open calls are still wanted.",
        answer=current,
        body="api/model-calls.current",
        body_bytes_max=1024 * 1024,
    ),
    Route(
        method="POST",
        path="/api/hub/model-calls/{call}/usage",
        summary="Report what a call used.",
        answer=usage,
        body="api/usage",
    ),
)

"""Every error that agentctl raises on purpose, grouped by who must act.

Each class carries the HTTP status a listener answers with, the exit code the
command line ends with, and a stable problem type (RFC 9457). A message says
what failed, on what, and what to do; the cause stays attached with `from`.
"""

from collections.abc import Sequence
from typing import ClassVar, Self

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_UNAVAILABLE = 4
EXIT_PARTIAL = 5
EXIT_DAMAGED = 6


class AgentctlError(Exception):
    """The base of all: a message for a person, a status for HTTP, a code for the shell."""

    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = EXIT_ERROR
    type: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.check = ""

    def of_check(self, name: str) -> Self:
        """Return this error, naming which of a message's ordered checks it comes from."""
        self.check = name
        return self

    def __str__(self) -> str:
        return f"{self.detail}; {self.hint}" if self.hint else self.detail


class InputError(AgentctlError):
    """What the caller sent is not well formed. `fields` are (JSON pointer, what is wrong)."""

    status = 422
    type = "invalid-input"
    title = "Invalid input"

    def __init__(
        self, detail: str, *, hint: str | None = None, fields: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(detail, hint=hint)
        self.fields = tuple(fields)


class MalformedBody(InputError):
    """The body is not the strict JSON that this API takes."""

    status = 400
    type = "malformed-body"
    title = "Malformed body"


class TooLarge(InputError):
    """A body, prompt or list is over its named bound."""

    status = 413
    type = "too-large"
    title = "Too large"


class ConfigError(InputError):
    """The project's files, or a command's settings, can't be used as they are."""

    type = "invalid-configuration"
    title = "Invalid configuration"


class UsageError(AgentctlError):
    """A command was called in a way that can't be meant."""

    status = 400
    exit_code = EXIT_USAGE
    type = "usage"
    title = "Usage"


class NotFound(AgentctlError):
    """No such thing, or none that the caller may know of."""

    status = 404
    type = "not-found"
    title = "Not found"


class Conflict(AgentctlError):
    """The world moved: a stale attempt, a generation that isn't the newest, a name in use."""

    status = 409
    type = "conflict"
    title = "Conflict"


class Unauthenticated(AgentctlError):
    """No credential, or one that doesn't verify. The message never repeats the credential."""

    status = 401
    exit_code = EXIT_REFUSED
    type = "unauthenticated"
    title = "Not authenticated"


class Refused(AgentctlError):
    """A decision said no. `decision_id` finds it in the journal."""

    status = 403
    exit_code = EXIT_REFUSED
    type = "refused"
    title = "Refused by policy"

    def __init__(
        self,
        detail: str,
        *,
        rule: str | None = None,
        decision_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(detail, hint=hint)
        self.rule = rule
        self.decision_id = decision_id


class ProviderMisplaced(Refused):
    """A provider is where its boundary doesn't reach, so nothing goes there."""

    type = "provider-misplaced"
    title = "The provider is outside its boundary"


class Unavailable(AgentctlError):
    """Something needed is away for now; `retry_after_s` says when to come back."""

    status = 503
    exit_code = EXIT_UNAVAILABLE
    type = "unavailable"
    title = "Unavailable"

    def __init__(self, detail: str, *, retry_after_s: float = 5.0, hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.retry_after_s = retry_after_s


class Throttled(Unavailable):
    """The caller is over its rate or its share of connections."""

    status = 429
    type = "throttled"
    title = "Too many requests"


class HubUnavailable(Unavailable):
    """The hub doesn't answer."""

    type = "hub-unavailable"
    title = "Hub unavailable"


class EngineUnavailable(Unavailable):
    """A container engine doesn't answer, or failed on a verb that may be tried again."""

    type = "engine-unavailable"
    title = "Engine unavailable"


class EngineRefused(AgentctlError):
    """The engine understood and said no (no such image, name taken): trying again won't help."""

    status = 502
    type = "engine-refused"
    title = "Engine refused"


class UpstreamFailed(Unavailable):
    """A provider didn't answer, or stopped in the middle; `why` is for operators.

    The message is for agents: no addresses in it.
    """

    status = 502
    type = "upstream-failed"
    title = "The provider failed"
    why = ""

    def told(self, why: str) -> Self:
        """Return this error with what operators hear besides: the address, and the system's own words."""
        self.why = why
        return self


class UpstreamUnreached(UpstreamFailed):
    """No connection to a provider came about, so nothing of the call has left: it may be made again."""

    type = "upstream-unreached"


class UpstreamSlow(UpstreamFailed):
    """A provider took longer than its bound."""

    status = 504
    type = "upstream-slow"
    title = "The provider took too long"


class CallCut(UpstreamFailed):
    """A model call was ended from this side, for the reason that the message gives."""

    type = "call-cut"
    title = "The model call was ended"


class DestinationFailed(Unavailable):
    """A destination of egress has no address, or doesn't answer. For agents: no addresses in it."""

    status = 502
    type = "destination-failed"
    title = "The destination failed"


class SecretUnavailable(Unavailable):
    """A secret's source gave no value. The message names the source, never the value."""

    type = "secret-unavailable"
    title = "Secret unavailable"


class ProviderUnusable(AgentctlError):
    """A provider's key can't be had, and no number of tries mends that; `why` is for operators.

    The message is for agents, so it names neither file nor command of this machine.
    """

    status = 403
    exit_code = EXIT_REFUSED
    type = "provider-unusable"
    title = "The provider can't be used"

    def __init__(self, detail: str, *, why: str = "", hint: str | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.why = why


class ProviderAway(ProviderUnusable):
    """A provider can't be used for now, and the hub holds its work: nothing is gained by trying again."""

    type = "provider-away"
    title = "The provider is away"


class NoDecision(Unavailable):
    """Policy gives no answer, so it is no for now. Source: docs/decisions/0022-opa.md."""

    type = "no-decision"
    title = "No answer from policy"


class StoreUnavailable(Unavailable):
    """The store can't write: disk full, I/O error."""

    type = "store-unavailable"
    title = "Store unavailable"


class Degraded(Unavailable):
    """The hub's mode doesn't permit this now."""

    type = "mode"
    title = "Not permitted in this mode"


class PartlyFailed(AgentctlError):
    """Some of the plan's actions failed; what worked stands."""

    status = 500
    exit_code = EXIT_PARTIAL
    type = "partly-failed"
    title = "Some actions failed"


class StateDamaged(AgentctlError):
    """A record or file of the state failed its checksum, or is of another schema version."""

    status = 500
    exit_code = EXIT_DAMAGED
    type = "state-damaged"
    title = "State damaged"

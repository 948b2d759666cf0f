"""Operators' routes about credentials: signing keys, operators' tokens, codes to sign in with."""

from agentctl.hub.route import Answer, Call, Route
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import keys, sign_in, tokens

Operator = OperatorPrincipal


def list_keys(call: Call[Operator]) -> Answer:
    """The keys that SVIDs are signed and verified with."""
    return Answer(keys.listed(call.hub, call.who))


def rotate_key(call: Call[Operator]) -> Answer:
    """Sign with a new key; the one before verifies as long as its SVIDs may live."""
    return Answer(keys.rotate(call.hub, call.who), 201)


def create_token(call: Call[Operator]) -> Answer:
    """Make a token for a remote operator or CI; it is shown this once."""
    return Answer(tokens.create(call.hub, call.who, **call.body), 201)


def list_tokens(call: Call[Operator]) -> Answer:
    """What is known of each token; never a token itself."""
    return Answer(tokens.listed(call.hub, call.who))


def revoke_token(call: Call[Operator]) -> Answer:
    """Make a token worth nothing from now on."""
    return Answer(tokens.revoke(call.hub, call.who, call.path["token"]))


def make_sign_in(call: Call[Operator]) -> Answer:
    """Make a code that signs a person in to the dashboard, once and soon."""
    return Answer(sign_in.make_code(call.hub, call.who, role=call.body.get("role", "viewer")), 201)


def tell_who(call: Call[Operator]) -> Answer:
    """As whom the hub knows the asker."""
    return Answer({"name": call.who.name, "role": call.who.role.value})


ROUTES: tuple[Route[Operator], ...] = (
    Route(
        method="GET",
        path="/api/hub/whoami",
        summary="Show as whom the asker is known.",
        answer=tell_who,
    ),
    Route(method="GET", path="/api/hub/keys", summary="List signing keys.", answer=list_keys),
    Route(
        method="POST",
        path="/api/hub/keys",
        summary="Sign with a new key from now on.",
        answer=rotate_key,
        body="api/empty",
        statuses=(201,),
        problems=(409,),
    ),
    Route(
        method="POST",
        path="/api/hub/tokens",
        summary="Make an operator token.",
        answer=create_token,
        body="api/token",
        statuses=(201,),
        problems=(409,),
    ),
    Route(method="GET", path="/api/hub/tokens", summary="List tokens.", answer=list_tokens),
    Route(
        method="DELETE",
        path="/api/hub/tokens/{token}",
        summary="Revoke a token.",
        answer=revoke_token,
        problems=(404,),
    ),
    Route(
        method="POST",
        path="/api/hub/sign-ins",
        summary="Make a one-time code for the dashboard.",
        answer=make_sign_in,
        body="api/sign_in",
        statuses=(201,),
    ),
)

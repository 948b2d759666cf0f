"""The hub's HTTP API: a Falcon app for each listener, thin over the use cases in service/."""

from agentctl.hub.apps import agents_app, egress_app, gateway_app, operators_app, reconciler_app

__all__ = ["agents_app", "egress_app", "gateway_app", "operators_app", "reconciler_app"]

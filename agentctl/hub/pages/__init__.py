"""The dashboard at `/` of the operators' listeners: pages over the same services as the API, read-only.

Routes, sign-in and what a browser must be told stand here; what pages show is agentctl.dashboard's.
"""

from agentctl.hub.pages.app import mount

__all__ = ["mount"]

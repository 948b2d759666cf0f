"""Snapshots to findings, and what each mode permits; pure."""

from agentctl.monitor.mode import permits

__all__ = ["permits"]

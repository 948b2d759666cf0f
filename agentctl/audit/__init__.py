"""The journal outside the store: its export form, one canonical JSON object a line, and reading it back."""

from agentctl.audit.export import as_text, line_of, lines_of

__all__ = ["as_text", "line_of", "lines_of"]

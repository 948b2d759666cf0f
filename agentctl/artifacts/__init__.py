"""Files that tasks leave: kept by digest under the state directory, checked as they come in."""

from agentctl.artifacts.shelf import Shelf

__all__ = ["Shelf"]

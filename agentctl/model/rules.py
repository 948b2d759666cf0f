"""Access rules beside each other: whether one takes in all that another matches."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from agentctl.model.fleet import AccessRule


def covers(wide: AccessRule, narrow: AccessRule) -> bool:
    """Whether all that `narrow` matches is matched by `wide`; False when that can't be told."""
    return (
        wide.verb in ("*", narrow.verb)
        and _glob_covers(wide.principal, narrow.principal)
        and _glob_covers(wide.target, narrow.target)
        and _words_cover(wide.types, narrow.types)
        and _words_cover(wide.levels, narrow.levels)
        and set(wide.capabilities) <= set(narrow.capabilities)
        and set(wide.labels) <= set(narrow.labels)
        and wide.window in (None, narrow.window)
    )


def _glob_covers(wide: str, narrow: str) -> bool:
    """Whether a pattern takes in another; one with [sets] in it is only told by equality."""
    return wide == narrow or ("[" not in wide + narrow and fnmatchcase(narrow, wide))


def _words_cover(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    return not wide or (bool(narrow) and set(narrow) <= set(wide))

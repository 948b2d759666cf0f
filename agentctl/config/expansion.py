"""How far a few lines may unfold: agents × hosts × items of loops, and patterns × hosts."""

PLACES_MAX = 20_000  # agents on hosts, items of loops included: twice the largest fleet measured
MATCHES_MAX = 2_000_000  # terms of all patterns × hosts: a second's work


class TooLarge(Exception):
    """The plays unfold to more than a load may cost: what, and what to do."""

    def __init__(self, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.suggestion = suggestion


class Expansion:
    """Counts what the plays of one project unfold to."""

    def __init__(self) -> None:
        self._places = 0
        self._matches = 0

    def place(self) -> None:
        """Count one agent (or item of its loop) on one host. Raises TooLarge."""
        self._places += 1
        if self._places > PLACES_MAX:
            raise TooLarge(
                f"up to here the plays come to more than {PLACES_MAX} agents on hosts,"
                " items of loops counted",
                "select fewer hosts, or use `replicas`",
            )

    def pattern(self, terms: int, hosts: int) -> None:
        """Count a pattern that is held against every host. Raises TooLarge."""
        self._matches += terms * hosts
        if self._matches > MATCHES_MAX:
            raise TooLarge(
                f"up to here the patterns have more than {MATCHES_MAX} names to compare",
                "put the hosts into groups, and name those",
            )

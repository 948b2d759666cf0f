"""Splits a stream of bytes into lines, bounded: an endless line costs a fixed amount of memory."""

LINE_BYTES_MAX = 8 * 1024 * 1024  # one event of the CLI's stream, with a file's content in it


class Lines:
    """Keeps the unfinished line between chunks; drops lines over the bound whole."""

    def __init__(self, *, bytes_max: int = LINE_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._begun = bytearray()
        self._dropping = False
        self.dropped = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes, without their ends."""
        *ended, rest = chunk.split(b"\n")
        whole = [line for part in ended if (line := self._finish(part)) is not None]
        self._extend(rest)
        return whole

    def _finish(self, part: bytes) -> bytes | None:
        self._extend(part)
        line = None if self._dropping else bytes(self._begun)
        self.dropped += self._dropping
        self._begun.clear()
        self._dropping = False
        return line

    def _extend(self, part: bytes) -> None:
        if self._dropping:
            return
        self._begun += part
        if len(self._begun) > self._bytes_max:
            self._begun.clear()
            self._dropping = True

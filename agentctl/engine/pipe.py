"""Write a whole document into a pipe whose reader may be slow, dead or hostile: never block for ever."""

import os
import select
import time


def write_all(descriptor: int, document: bytes, *, within_s: float) -> None:
    """Write it all. Raises TimeoutError when it isn't taken in time, BrokenPipeError with no reader."""
    os.set_blocking(descriptor, False)
    writable = select.poll()
    writable.register(descriptor, select.POLLOUT)
    deadline_s = time.monotonic() + within_s
    rest = memoryview(document)
    while rest:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not writable.poll(left_s * 1000):
            raise TimeoutError(f"{len(rest)} bytes were not read within {within_s:g} s")
        rest = rest[os.write(descriptor, rest) :]

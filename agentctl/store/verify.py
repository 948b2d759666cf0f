"""Checks a store's files from outside, in a process of its own: a truncated file kills whoever maps it.

Run as a program: `python -I verify.py DIRECTORY`; it prints what is wrong and
exits 1. It imports nothing of agentctl, so that it is quick and can be run by hand.
"""

import signal
import subprocess
import sys
from pathlib import Path

DATA_FILE = "data.mdb"
CHECK_S_MAX = 120.0
# The structure of a gigabyte is checked in about 2.5 s; of a larger store only the length is
# checked before it is opened, and `agentctl state verify` checks all.
STRUCTURE_BYTES_MAX = 1 << 30


def faults(directory: Path, *, whole: bool = False) -> list[str]:
    """Return what is wrong with the store's files in `directory`; [] when they can be opened.

    Runs a child process. `whole` checks the structure however large the file is.
    """
    data = directory / DATA_FILE
    if not data.exists() or data.stat().st_size == 0:
        return []  # a new store, or one whose making was cut off before its first page
    command = [sys.executable, "-I", __file__, str(directory), *(["--whole"] if whole else [])]
    try:
        child = subprocess.run(
            command,
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=None if whole else CHECK_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"checking {data} took more than {CHECK_S_MAX:.0f} s"]
    if child.returncode == 0:
        return []
    return (child.stdout + child.stderr).strip().splitlines() or [_died(child.returncode)]


def _died(code: int) -> str:
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"the checking process ended by {how}"


def _truncated(directory: Path, *, size: int) -> list[str]:
    import lmdb

    # Opening reads the two meta pages with read(), which a short file can't turn into SIGBUS.
    with lmdb.open(str(directory), readonly=True, lock=False, create=False, lib_version=0) as env:
        needed = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
    return [f"{DATA_FILE} is cut off: {size} of {needed} bytes"] if size < needed else []


def check(directory: Path, *, whole: bool) -> list[str]:
    """Return what is wrong, looking in this very process; see `faults` for the safe way."""
    import lmdb
    import lmdb.verify

    size = (directory / DATA_FILE).stat().st_size
    try:
        found = _truncated(directory, size=size)
        if found or not (whole or size <= STRUCTURE_BYTES_MAX):
            return found
        return [str(each) for each in lmdb.verify.verify(str(directory), subdir=True)]  # type: ignore[no-untyped-call]
    except (lmdb.Error, lmdb.verify.VerifyError) as cause:
        return [f"{DATA_FILE}: {cause}"]


def main(argv: list[str]) -> int:
    """Print what is wrong with the store in directory argv[0]; return 1 when anything is."""
    found = check(Path(argv[0]), whole="--whole" in argv[1:])
    sys.stdout.writelines(f"{each}\n" for each in found[:20])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Find a declared secret's value where its source says, at the moment it is needed.

An error names the source and never the value; what a command prints on its standard error is
not shown either, since that may be the value too.
"""

import os
import stat
import subprocess

from agentctl.errors import SecretUnavailable
from agentctl.model.fleet import Source, SourceKind

SECRET_BYTES_MAX = 64 << 10  # keys and certificates; /run/secrets holds 1 MiB
COMMAND_S_MAX = 10.0


def resolve(source: Source, *, timeout_s: float = COMMAND_S_MAX) -> bytes:
    """Return the value: a file's and a variable's as it is, a command's output without its last newline.

    Raises SecretUnavailable when it is missing, empty or over SECRET_BYTES_MAX.
    """
    match source.kind:
        case SourceKind.FILE:
            value = _file(source.name)
        case SourceKind.ENV:
            value = _variable(source.name)
        case SourceKind.COMMAND:
            value = _command(source.argv, timeout_s)
    if not value:
        raise SecretUnavailable(f"the secret from {described(source)} is empty")
    if len(value) > SECRET_BYTES_MAX:
        raise SecretUnavailable(
            f"the secret from {described(source)} is over {SECRET_BYTES_MAX} bytes"
        )
    return value


def described(source: Source) -> str:
    """Return the source in words; of a command only its program (arguments may be delicate)."""
    if source.kind is SourceKind.COMMAND:
        return f"command {source.argv[0] if source.argv else '(none)'}"
    return f"{source.kind} {source.name}"


def _file(path: str) -> bytes:
    try:
        # Not blocking: a FIFO put in its place must not hold up the pass.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SecretUnavailable(f"the secret's file {path} is not a regular file")
            return file.read(SECRET_BYTES_MAX + 1)
    except OSError as cause:
        raise SecretUnavailable(
            f"cannot read the secret's file {path}: {cause.strerror}"
        ) from cause


def _variable(name: str) -> bytes:
    try:
        return os.environb[os.fsencode(name)]
    except KeyError:
        raise SecretUnavailable(
            f"the secret's environment variable {name} is not set where the reconciler runs"
        ) from None


def _command(argv: tuple[str, ...], timeout_s: float) -> bytes:
    what = f"the secret's command {argv[0] if argv else '(none)'}"
    if not argv:
        raise SecretUnavailable(f"{what} is empty")
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # Without its cause: that holds what was printed so far.
        raise SecretUnavailable(f"{what} gave no answer within {timeout_s:g} s") from None
    except (OSError, ValueError) as cause:
        raise SecretUnavailable(f"{what} can't be run: {type(cause).__name__}") from cause
    if done.returncode != 0:
        raise SecretUnavailable(f"{what} ended with {done.returncode}")
    return done.stdout.removesuffix(b"\n")

"""A secret comes from a file, a variable or a command; an error names the source and never the value."""

import os
from pathlib import Path

import pytest

from agentctl.engine.secrets import SECRET_BYTES_MAX, resolve
from agentctl.errors import SecretUnavailable
from agentctl.model.fleet import Source, SourceKind

CANARY = "canary-77c1"


def file(path: Path) -> Source:
    return Source(kind=SourceKind.FILE, name=str(path))


def command(*argv: str) -> Source:
    return Source(kind=SourceKind.COMMAND, argv=argv)


def variable(name: str) -> Source:
    return Source(kind=SourceKind.ENV, name=name)


def test_a_files_bytes_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\x00pem\n")
    assert resolve(file(tmp_path / "key")) == b"\x00pem\n"


def test_a_variable_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "value ")
    assert resolve(variable("A_KEY")) == b"value "


def test_a_commands_output_loses_its_last_newline_only() -> None:
    assert resolve(command("printf", "a\n\n")) == b"a\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (file(Path("/nowhere/key")), "file /nowhere/key: No such file"),
        (file(Path("/")), "Is a directory"),
        (file(Path("/dev/null")), "not a regular file"),
        (variable("NO_SUCH_VARIABLE"), "variable NO_SUCH_VARIABLE is not set"),
        (command("no-such-program"), "no-such-program can't be run"),
        (command("false"), "command false ended with 1"),
        (command(), "is empty"),
        (command("true"), "from command true is empty"),
    ],
)
def test_what_gives_no_value_is_said_by_its_source(source: Source, told: str) -> None:
    with pytest.raises(SecretUnavailable, match=told):
        resolve(source)


def test_a_fifo_in_the_files_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    with pytest.raises(SecretUnavailable, match="not a regular file"):
        resolve(file(tmp_path / "key"))


def test_a_slow_command_is_given_up() -> None:
    with pytest.raises(SecretUnavailable, match=r"no answer within 0\.2 s"):
        resolve(command("sleep", "30"), timeout_s=0.2)


def test_an_error_holds_neither_what_was_printed_nor_the_arguments() -> None:
    script = f"echo {CANARY}; echo {CANARY} >&2; exit 4"
    slow = f"echo {CANARY}; sleep 30"
    for source in (command("sh", "-c", script), command("sh", "-c", slow)):
        with pytest.raises(SecretUnavailable) as error:
            resolve(source, timeout_s=0.5)
        chain = [error.value, error.value.__cause__, error.value.__cause__]
        assert CANARY not in repr(chain) + "".join(str(each) for each in chain)


def test_a_value_over_the_bound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"x" * (SECRET_BYTES_MAX + 1))
    with pytest.raises(SecretUnavailable, match=f"over {SECRET_BYTES_MAX} bytes"):
        resolve(file(tmp_path / "key"))

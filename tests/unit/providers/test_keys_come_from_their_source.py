"""A key is fetched at use, kept a minute, and never stands in an error."""

from pathlib import Path

import pytest

from agentctl.errors import ProviderUnusable
from agentctl.model.fleet import Provider, ProviderKind, Source, SourceKind
from agentctl.providers.keys import KEPT_S, Keys


class Now:
    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def provider(source: Source | None) -> Provider:
    return Provider(
        name="claude",
        kind=ProviderKind.ANTHROPIC,
        base_url="https://api.example",
        model="m",
        boundary="public",
        api_key=source,
    )


def file(path: Path) -> Provider:
    return provider(Source(kind=SourceKind.FILE, name=str(path)))


def command(*argv: str) -> Provider:
    return provider(Source(kind=SourceKind.COMMAND, argv=argv))


def test_a_provider_without_a_source_needs_no_key() -> None:
    assert Keys(now_s=Now()).key(provider(None)) is None


def test_file_environment_and_command_give_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(now_s=Now())
    (tmp_path / "key").write_text("sk-file\n")
    monkeypatch.setenv("THE_KEY", "sk-env")
    assert keys.key(file(tmp_path / "key")) == "sk-file"
    assert keys.key(provider(Source(kind=SourceKind.ENV, name="THE_KEY"))) == "sk-env"
    assert keys.key(command("printf", "sk-command")) == "sk-command"


def test_a_key_is_kept_a_minute_and_then_fetched_anew(tmp_path: Path) -> None:
    now = Now()
    keys = Keys(now_s=now)
    path = tmp_path / "key"
    path.write_text("old")
    assert keys.key(file(path)) == "old"
    path.write_text("new")
    now.at_s += KEPT_S - 1
    assert keys.key(file(path)) == "old"
    now.at_s += 2
    assert keys.key(file(path)) == "new"


def test_a_key_that_the_provider_refused_is_fetched_anew_at_once(tmp_path: Path) -> None:
    keys = Keys(now_s=Now())
    path = tmp_path / "key"
    path.write_text("old")
    keys.key(file(path))
    path.write_text("new")
    keys.forget(file(path))
    assert keys.key(file(path)) == "new"


def test_a_missing_key_names_its_source_to_operators_alone(tmp_path: Path) -> None:
    with pytest.raises(ProviderUnusable) as caught:
        Keys(now_s=Now()).key(file(tmp_path / "absent"))
    assert caught.value.why == f"key file {tmp_path}/absent is missing"
    assert str(caught.value) == "provider claude can't be used: it has no key"


def test_an_unset_variable_and_a_folder_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("THE_KEY", raising=False)
    with pytest.raises(ProviderUnusable) as caught:
        Keys(now_s=Now()).key(provider(Source(kind=SourceKind.ENV, name="THE_KEY")))
    assert caught.value.why == "key variable THE_KEY is not set"
    with pytest.raises(ProviderUnusable) as caught:
        Keys(now_s=Now()).key(file(tmp_path))
    assert caught.value.why == f"key file {tmp_path} can't be read: Is a directory"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"sk-1\nsk-2", "one line"),
        (b"sk \xc3\xbc", "printable"),
        (b"\xff", "can't be read"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(
    tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ProviderUnusable) as caught:
        Keys(now_s=Now()).key(file(tmp_path / "key"))
    assert why in caught.value.why
    assert "sk" not in f"{caught.value} {caught.value.why}"


def test_a_failing_command_keeps_what_it_printed_to_itself() -> None:
    with pytest.raises(ProviderUnusable) as caught:
        Keys(now_s=Now()).key(command("sh", "-c", "echo sk-secret; exit 3"))
    assert caught.value.why == "key command sh ended with code 3"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__

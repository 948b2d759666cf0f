"""The boot document as it arrives on standard input: used, or refused in words that name the field."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.agentd_process import boot_document, start
from tests.fakes.hub_for_agentd import INSTANCE_TOKEN, violations


def _refusal(document: bytes) -> tuple[int, str]:
    with start() as process:
        _, stderr = process.communicate(document, timeout=10)
    line = json.loads(stderr)
    assert line["event"] == "boot.refused"
    return process.returncode, line["why"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "/version is 2, this agentd reads 1"),
        ({"ttl_s": 0}, "/ttl_s is too small"),
        ({"ttl_s": "soon"}, "/ttl_s is not a number"),
        ({"slots": True}, "/slots is not a whole number"),
        ({"hub_socket": "hub.sock"}, "/hub_socket is not an absolute path"),
        ({"executor": {"kind": "shell", "args": [], "argv": []}}, "/executor/kind is none of"),
        ({"executor": {"kind": "command", "args": [], "argv": []}}, "/executor/argv is empty"),
        ({"secrets": {"../x": ""}}, "/secrets has a name that can't be a file's"),
        ({"secrets": {"x": "no base64!"}}, "/secrets/x is not base64"),
        ({"hub_sokcet": "/x"}, "boot document has unknown fields: hub_sokcet"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    document = boot_document(Path("/nowhere"), **change)
    assert violations("boot", document) != []
    code, why = _refusal(json.dumps(document).encode())
    assert code == 2
    assert words in why
    assert INSTANCE_TOKEN not in why


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "standard input ended without a boot document"),
        (b"  \n", "standard input ended without a boot document"),
        (b'{"version": 1', "not JSON at byte"),
        (b'{"version": 1, "version": 1}', "an object has a key twice"),
        (b'{"version": NaN}', "NaN and Infinity are not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "boot document is not an object"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"{}", "/version is missing"),
    ],
)
def test_what_is_no_document_is_refused_without_a_traceback(document: bytes, words: str) -> None:
    code, why = _refusal(document)
    assert code == 2
    assert words in why

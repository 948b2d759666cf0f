"""An engine whose runc has known escapes is reported with a warning."""

import pytest

from agentctl.engine.versions import describe, runc_escapes

LATER = "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881"


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("1.1.5+ds1", ["CVE-2024-21626", LATER]),
        ("1.1.12", [LATER]),
        ("1.2.7", [LATER]),
        ("1.2.8", []),
        ("1.3.0", [LATER]),
        ("1.3.2-rc1", [LATER]),
        ("v1.3.3", []),
        ("1.4.0", []),
        ("", []),
        ("unknown", []),
    ],
)
def test_a_version_number_tells_its_known_escapes(version: str, known: list[str]) -> None:
    assert runc_escapes(version) == known


def test_the_line_says_engine_api_runc_and_the_warning() -> None:
    answer = {
        "Version": "20.10.24",
        "ApiVersion": "1.41",
        "Components": [{"Name": "Engine"}, {"Name": "runc", "Version": "1.1.12"}],
    }
    assert describe(answer) == (
        "Docker Engine 20.10.24 (API 1.41), runc 1.1.12; "
        f"known escapes unless your distribution patched them: {LATER}"
    )


def test_an_engine_that_says_little_is_described_all_the_same() -> None:
    assert describe({}) == "Docker Engine ? (API ?)"

"""The schemas in the real yaml-language-server: good files have no marks, bad ones have them in place."""

from pathlib import Path

import pytest

from tests.engine.readers.language_server import LanguageServer

FILES = (
    "inventory.yaml",
    "playbooks/fleet.yaml",
    "policies/providers.yaml",
    "policies/routing.yaml",
    "policies/access.yaml",
    "policies/monitoring.yaml",
)


def test_the_sample_project_has_no_marks(server: LanguageServer, project: Path) -> None:
    marked = {file: server.diagnostics(project / file) for file in FILES}
    assert marked == {file: [] for file in FILES}


SLIPS = [
    ("playbooks/fleet.yaml", "replicas: 2", "replicas: two", "19:17"),
    ("playbooks/fleet.yaml", "      capabilities:", "      capabilites:", ""),
    (
        "playbooks/fleet.yaml",
        "  hosts: private\n  vars",
        "  become: true\n  hosts: private\n  vars",
        "4:3",
    ),
    ("policies/routing.yaml", "levels: [public", "levels: public #", "3:9"),
    ("policies/providers.yaml", "kind: ollama", "kind: olama", "5:11"),
    ("policies/access.yaml", "allow: task.submit", "allow: task.sumbit", "5:12"),
    ("policies/monitoring.yaml", "lease: 30s", "lease: soon", "3:8"),
    ("inventory.yaml", "  children:", "  childs:", "6:3"),
]


@pytest.mark.parametrize(("file", "good", "bad", "place"), SLIPS, ids=[each[2] for each in SLIPS])
def test_a_slip_is_marked_where_it_stands(
    server: LanguageServer, project: Path, file: str, good: str, bad: str, place: str
) -> None:
    path = project / file
    assert good in path.read_text()
    path.write_text(path.read_text().replace(good, bad, 1))
    marks = server.diagnostics(path)
    assert marks
    assert any(each.startswith(place) for each in marks), marks

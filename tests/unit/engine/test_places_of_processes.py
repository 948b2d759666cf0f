"""What one ephemeral agent left is never found by the next: a scratch that stays is not used."""

from pathlib import Path

import pytest

from agentctl.engine.places import Places
from agentctl.model.fleet import Lifecycle
from agentctl.paths import StatePaths
from tests.unit.engine.births import a_birth


def test_a_scratch_that_cant_be_removed_is_not_used_again(tmp_path: Path) -> None:
    born = a_birth(Lifecycle.EPHEMERAL)
    place = Places(StatePaths(tmp_path / "state"), "local").of("acme-dev-0")
    place.prepare(born)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.workspace(kept=False).rmdir()
    place.workspace(kept=False).symlink_to(elsewhere)  # as its agent may have done
    with pytest.raises(FileExistsError):
        place.prepare(born)

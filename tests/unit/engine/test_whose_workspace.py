"""A workspace that may not serve a container: what is advised depends on whose work it holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentctl.engine.labels import labels_of, way_out
from agentctl.engine.places import Places
from agentctl.errors import EngineRefused
from agentctl.paths import StatePaths
from tests.unit.engine.births import a_birth

OURS = a_birth()
THEIRS = replace(OURS, installation="0251")
AWAY = (
    "give this installation another fleet name in inventory.yaml (vars: fleet), or start with that"
    " installation's --state; only where nobody wants what it holds, remove it"
)


def test_another_installations_work_is_not_to_be_removed_first() -> None:
    assert way_out(labels_of(THEIRS), OURS) == AWAY


@pytest.mark.parametrize("labels", [labels_of(replace(OURS, label="public")), {}])
def test_what_is_ours_or_nobodys_may_be_saved_and_removed(labels: dict[str, str]) -> None:
    assert way_out(labels, OURS) == "save what it holds and remove it, or rename the agent"


def test_the_engines_error_says_so(tmp_path: Path) -> None:
    place = Places(StatePaths(tmp_path / "state"), "local").of("acme-researcher-2")
    place.prepare(THEIRS)
    with pytest.raises(EngineRefused) as caught:
        place.prepare(OURS)
    assert str(caught.value).endswith(f": it belongs to another installation (0251); {AWAY}")

"""`serve` takes its runtime directory with it; what one that was killed left goes with another's start."""

from pathlib import Path

from tests.e2e.conftest import fleet_of, until


def test_a_clean_end_leaves_nothing_and_what_a_kill_left_is_swept_once_its_state_is_gone() -> None:
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.start()
        assert fleet.paths.door.is_dir()
        assert fleet.stop() == 0
        assert not fleet.paths.runtime.exists()
        fleet.start()
        assert fleet.serve is not None
        children = fleet.children()
        fleet.serve.kill()
        fleet.serve.wait()
        until(lambda: not any(map(lives, children.values())), what="its children ended with it")
        assert fleet.paths.runtime.exists()
        fleet.stage.state.rename(fleet.stage.root / "moved")
        with fleet_of(engine_url="process:", image="none", executor="messages-api") as another:
            another.start()
            assert not fleet.paths.runtime.exists()
            log = (another.stage.root / "serve.log").read_text()
        assert f"removed {fleet.paths.runtime}: the state that it was of is gone" in log


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()

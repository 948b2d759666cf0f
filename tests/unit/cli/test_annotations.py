"""Notes on a pull request: ten of a level and no more, each in the repository's own paths."""

from pathlib import Path

from agentctl.cli.spots import prefix_of
from agentctl.model.annotation import SHOWN_MAX, Annotation, Spot, workflow_commands


def notes(level: str, count: int) -> list[Annotation]:
    spot = Spot(file="a,b.yaml", line=1, column=2)
    return [Annotation(level=level, title="t", message=f"m{at}", spot=spot) for at in range(count)]


def test_ten_of_a_level_are_all_shown() -> None:
    lines = list(workflow_commands(notes("error", SHOWN_MAX)))
    assert len(lines) == SHOWN_MAX
    assert lines[0] == "::error file=a%2Cb.yaml,line=1,col=2,title=t::m0"


def test_past_ten_the_last_one_says_how_many_are_left_and_the_log_has_them() -> None:
    lines = list(workflow_commands(notes("error", 13)))
    assert [each.startswith("::error ") for each in lines] == [True] * 10 + [False] * 4
    assert lines[9] == (
        "::error title=and more::4 more of this kind are in the step's log; GitHub shows 10"
    )
    assert lines[10] == "error: a,b.yaml:1:2: t: m9"


def test_each_level_has_its_own_ten_and_errors_come_first() -> None:
    lines = list(workflow_commands([*notes("notice", 10), *notes("warning", 10)]))
    assert [each.partition(" ")[0] for each in lines] == ["::warning"] * 10 + ["::notice"] * 10


def test_a_line_of_the_log_alone_never_becomes_a_command() -> None:
    bad = Annotation(level="error", title="t", message="x\n::stop-commands::y")
    lines = list(workflow_commands([*notes("error", 10), bad]))
    assert not any("\n" in each for each in lines)
    assert lines[-1] == "error: t: x ::stop-commands::y"


def test_files_are_named_from_the_top_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inside = tmp_path / "fleets" / "acme"
    inside.mkdir(parents=True)
    assert prefix_of(inside, {}) == "fleets/acme/"
    assert prefix_of(tmp_path, {}) == ""
    assert prefix_of(inside, {"GITHUB_WORKSPACE": str(tmp_path / "fleets")}) == "acme/"
    assert prefix_of(inside, {"GITHUB_WORKSPACE": "/nowhere"}) == "fleets/acme/"

"""The guide's YAML validates over the sample project, and the commands that people copy exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from agentctl import resources
from agentctl.cli import agentctl, run
from agentctl.config import load

TEXTS = {name: (resources.root() / name).read_text() for name in ("docs/guide.md", "README.md")}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"# (\S+\.yaml)\n")


def blocks(text: str, language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(text) if kind == language]


def commands(text: str) -> list[str]:
    lines = [line.strip() for block in blocks(text, "sh") for line in block.splitlines()]
    return [re.split(r" &| #", line)[0].strip() for line in lines if line.startswith("agentctl ")]


def together(before: Any, part: Any) -> Any:
    """Return a document with a part added: lists go on, names are added, the rest is replaced."""
    if isinstance(before, list) and isinstance(part, list):
        return [*before, *part]
    if isinstance(before, dict) and isinstance(part, dict):
        return {**before, **{key: together(before.get(key), part[key]) for key in part}}
    return part


def test_all_of_the_guide_added_to_the_sample_validates(tmp_path: Path) -> None:
    project = tmp_path / "fleet"
    assert run(["init", str(project)]) == 0
    parts = blocks(TEXTS["docs/guide.md"], "yaml")
    for part in parts:
        named = NAMED.match(part)
        assert named, f"the first line names the file: {part[:60]!r}"
        file = project / named[1]
        before = yaml.safe_load(file.read_text()) if file.exists() else None
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(together(before, yaml.safe_load(part)), sort_keys=False))
    assert len(parts) >= 4
    assert [str(each) for each in load(project).findings] == []


@pytest.mark.parametrize(
    "line", sorted({line for text in TEXTS.values() for line in commands(text)})
)
def test_a_command_that_people_copy_exists(line: str) -> None:
    words = shlex.split(line.replace("$(script/fetch-claude)", __file__))[1:]  # any file does
    command: click.Command = agentctl
    context = click.Context(agentctl)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
        context = click.Context(command, parent=context, info_name=command.name)
    command.make_context(command.name or "", list(words), parent=context.parent)

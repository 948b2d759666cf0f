"""Every keyword that a play or a task of Ansible may have is known here, or refused with the reason.

Source: Ansible, "Playbook Keywords" (ansible-core 2.19).
"""

from pathlib import Path

import pytest

from agentctl.config import load
from agentctl.config.kinds import schema

PLAY = (
    "any_errors_fatal become become_exe become_flags become_method become_user check_mode"
    " collections connection debugger diff environment fact_path force_handlers gather_facts"
    " gather_subset gather_timeout handlers hosts ignore_errors ignore_unreachable"
    " max_fail_percentage module_defaults name no_log order port post_tasks pre_tasks"
    " remote_user roles run_once serial strategy tags tasks throttle timeout validate_argspec"
    " vars vars_files vars_prompt"
)
TASK = (
    "action any_errors_fatal args async become become_exe become_flags become_method"
    " become_user changed_when check_mode collections connection debugger delay delegate_facts"
    " delegate_to diff environment failed_when ignore_errors ignore_unreachable local_action"
    " loop loop_control module_defaults name no_log notify poll port register remote_user"
    " retries run_once tags throttle timeout until vars when with_items with_dict with_fileglob"
    " block rescue always listen include_tasks import_tasks include_role import_role"
)


@pytest.mark.parametrize(
    ("words", "place"),
    [(PLAY, "play"), (TASK, "agent"), (TASK, "agent_defaults")],
)
def test_a_keyword_of_ansibles_is_known_or_refused_with_the_reason(words: str, place: str) -> None:
    defs = schema("playbook")["$defs"]
    node = defs["play"]["properties"][place] if place == "agent_defaults" else defs[place]
    assert set(words.split()) <= set(node["properties"]) | set(node["x-refused"])
    assert not set(node["properties"]) & set(node["x-refused"])
    assert all(len(reason) > 5 for reason in node["x-refused"].values())


COMPOSE = (
    "command count depends_on deploy entrypoint env for_each healthcheck networks ports restart"
)


@pytest.mark.parametrize("word", COMPOSE.split())
def test_what_compose_and_terraform_call_so_says_what_to_write(word: str) -> None:
    assert word in schema("playbook")["$defs"]["agent"]["x-refused"]


def test_a_play_of_refused_keys_alone_misses_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/a.yaml").write_text("- import_playbook: other.yml\n")
    found = [each for each in load(tmp_path).findings if each.file == "playbooks/a.yaml"]
    assert [each.message for each in found] == [
        "'import_playbook' has no meaning here: every file in playbooks/ is read"
    ]

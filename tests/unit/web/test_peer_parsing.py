"""The container of a process, from what /proc says: every layout, and nothing that only looks like one."""

import pytest

from agentctl.web.peer import container_id, start_ticks

ID = "3f4a" * 16
OTHER = "b00c" * 16

V1 = f"""\
12:memory:/docker/{ID}
11:pids:/docker/{ID}
3:cpuset:/docker/{ID}
1:name=systemd:/docker/{ID}
0::/
"""
V1_NOT_IN_ALL = f"""\
4:memory:/docker/{ID}
1:name=systemd:/
0::/
"""


@pytest.mark.parametrize(
    "cgroup",
    [
        V1,
        V1_NOT_IN_ALL,
        f"0::/docker/{ID}\n",
        f"0::/system.slice/docker-{ID}.scope\n",
        f"0::/system.slice/docker-{ID}.scope/inner/deep\n",
        f"1:name=systemd:/system.slice/docker-{ID}.scope\n0::/system.slice/docker-{ID}.scope\n",
        f"0::/agents.slice/docker-{ID}.scope\n",
        f"0::/machine.slice/libpod-{ID}.scope\n",
        f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope\n",
        f"0::/../{ID}\n",
    ],
)
def test_every_layout_names_the_container(cgroup: str) -> None:
    assert container_id(cgroup) == ID


@pytest.mark.parametrize(
    "cgroup",
    [
        "",
        "0::/\n",
        "0::/init.scope\n",
        "0::/user.slice/user-1000.slice/session-2.scope\n",
        f"0::/docker/{ID[:-1]}\n",
        f"0::/docker/{ID}0\n",
        f"0::/docker/{ID.upper()}\n",
        f"0::/docker/x{ID}\n",
        f"0::/docker/{ID}.mount\n",
        f"0::/docker/ {ID}\n",
        f"0::/evil-{ID}.scope\n",
        f"garbage {ID}\n",
        ID,
    ],
)
def test_what_only_looks_like_a_container_is_none(cgroup: str) -> None:
    assert container_id(cgroup) == ""


def test_the_outermost_container_counts_so_that_none_can_take_anothers_name_below_its_own() -> None:
    assert container_id(f"0::/docker/{ID}/docker/{OTHER}\n") == ID


def test_below_the_readers_own_container_the_next_one_counts() -> None:
    own = f"4:memory:/docker/{OTHER}\n0::/docker/{OTHER}\n"
    peer = f"4:memory:/docker/{OTHER}/docker/{ID}\n0::/docker/{OTHER}/docker/{ID}\n"
    assert container_id(peer, own=own) == ID
    assert container_id(own, own=own) == ""


def test_hierarchies_that_name_different_containers_are_refused() -> None:
    with pytest.raises(ValueError, match="different"):
        container_id(f"4:memory:/docker/{ID}\n3:pids:/docker/{OTHER}\n")


@pytest.mark.parametrize("name", ["sh", "a b", "a) S 1 (", ") R 99 ) (", ""])
def test_the_start_time_is_field_22_whatever_the_command_calls_itself(name: str) -> None:
    fields = " ".join(["S", *map(str, range(4, 22)), "23456", *map(str, range(23, 53))])
    assert start_ticks(f"4711 ({name}) {fields}\n") == 23456

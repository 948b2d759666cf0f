"""What ssh is told: the operator's configuration counts, but nothing in it can weaken what is insisted on."""

import itertools
from pathlib import Path

import pytest

from agentctl.engine.ssh import command, scripts
from agentctl.engine.ssh.reason import REASON_CHARS_MAX, reason
from agentctl.model.ssh import ssh_address

HERE = Path("/run/agentctl/0a/door/hub.sock")
DOOR = "/run/agentctl-doors/feedfacefeed/inst-0/door"
INSTANCE = "inst-" + "0" * 26


def options(argv: list[str]) -> dict[str, str]:
    words = [value for option, value in itertools.pairwise(argv) if option == "-o"]
    return dict(each.split("=", 1) for each in words)


def test_every_command_line_insists_on_the_same() -> None:
    address = ssh_address("ssh://ops@gpu1:2222")
    lines = [
        command.engine_line(address, Path("/run/e.sock")),
        command.shell(address),
        command.door_line(address, {f"{DOOR}/hub.sock": HERE}),
    ]
    for argv in lines:
        said = options(argv)
        assert said["BatchMode"] == "yes"
        assert said["StrictHostKeyChecking"] == "yes"
        assert said["ExitOnForwardFailure"] == "yes"
        assert said["ConnectTimeout"] == "10"
        assert said["ServerAliveInterval"] == "5"
        assert {said[name] for name in ("ForwardAgent", "ForwardX11", "Tunnel")} == {"no"}
        assert (said["ControlMaster"], said["ControlPath"]) == ("no", "none")
        assert argv[:2] == ["ssh", "-T"]
        end = argv.index("--")
        assert argv[end + 1] == "gpu1", "after it no word can be an option"
        assert argv[end + 2 :] in ([], [command.REMOTE_SHELL])
        assert argv[argv.index("-p") : argv.index("-p") + 4] == ["-p", "2222", "-l", "ops"]


def test_what_the_url_leaves_out_is_left_to_the_configuration() -> None:
    argv = command.engine_line(ssh_address("ssh://gpu1"), Path("/run/e.sock"))
    assert "-p" not in argv
    assert "-l" not in argv
    assert argv[-3:] == ["/run/e.sock:/var/run/docker.sock", "--", "gpu1"]


def test_a_door_is_one_forward_for_each_socket() -> None:
    forwards = {f"{DOOR}/hub.sock": HERE, f"{DOOR}/llm.sock": Path("/run/a:b/llm.sock")}
    argv = command.door_line(ssh_address("ssh://gpu1"), forwards)
    carried = [value for option, value in itertools.pairwise(argv) if option == "-R"]
    assert carried == [f"{DOOR}/hub.sock:{HERE}", f"{DOOR}/llm.sock:/run/a\\:b/llm.sock"]


@pytest.mark.parametrize(
    ("installation", "instance"),
    [
        ("feedfacefeed", "inst-1; reboot"),
        ("feedfacefeed", f"../{INSTANCE}"),
        ("feedfacefeed", f"{INSTANCE}\n"),
        ("feedfacefeed", "inst-"),
        ("feedfacefeed", f"{INSTANCE}0"),
        ("$(reboot)", INSTANCE),
        ("", INSTANCE),
    ],
)
def test_no_other_word_gets_into_a_script(installation: str, instance: str) -> None:
    for script in (scripts.make, scripts.remove):
        with pytest.raises(ValueError, match="no instance's door"):
            script(installation, instance)


@pytest.mark.parametrize(
    ("answer", "door"),
    [
        (f"door {DOOR}\n".encode(), DOOR),
        (b"door /home/ops/.agentctl-doors/a/door\n", "/home/ops/.agentctl-doors/a/door"),
        (b"", ""),
        (b"Welcome!\ndoor /run/door\n", ""),
        (b"door relative\n", ""),
        (b"door /run/a'b\n", ""),
        (b"door /run/$(reboot)\n", ""),
        (b"door /run/../etc\n", ""),
        (b"door /run/a:/etc/shadow\n", ""),
        (b"door /run/door\nmore\n", ""),
        (b"door /run/\xff\n", ""),
        (b"door /" + b"a" * 95 + b"\n", ""),
    ],
)
def test_the_hosts_word_for_its_door_is_checked(answer: bytes, door: str) -> None:
    assert scripts.door_of(answer) == door


def test_only_a_door_is_held() -> None:
    assert f"cd '{DOOR}'".encode() in scripts.hold(DOOR)
    with pytest.raises(ValueError, match="no path of a door"):
        scripts.hold("/run/it's")


@pytest.mark.parametrize(
    ("said", "code", "why"),
    [
        (b"ops@gpu1: Permission denied (publickey).\r\n", 255, "ops@gpu1: Permission denied"),
        (
            b"ssh: connect to host gpu1 port 22: Connection refused\n",
            255,
            "ssh: connect to host gpu1 port 22: Connection refused",
        ),
        (
            (
                b"@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@\nIT IS POSSIBLE\n"
                b"Host key verification failed.\n"
            ),
            255,
            "the host key has changed",
        ),
        (
            (
                b"No ED25519 host key is known for gpu1 and you have requested strict checking.\n"
                b"Host key verification failed.\n"
            ),
            255,
            "no host key is known for gpu1: connect once with ssh",
        ),
        (b"", 255, "ssh ended with 255"),
        (b"", None, "ssh took too long"),
        (b"bad \x1b[2J\xe2\x80\xae words\n", 1, "bad ?[2J? words"),
    ],
)
def test_why_it_ended_is_one_line_of_its_own_words(said: bytes, code: int, why: str) -> None:
    assert reason(said, code, has_agent=True).startswith(why)


def test_a_host_that_says_much_is_cut_short() -> None:
    assert len(reason(b"x" * 4096, 1, has_agent=True)) == REASON_CHARS_MAX


def test_a_key_that_is_refused_without_an_agent_says_how_to_give_one() -> None:
    said = b"ops@gpu1: Permission denied (publickey).\n"
    assert "--reconciler-env SSH_AUTH_SOCK" in reason(said, 255, has_agent=False)
    assert reason(said, 255, has_agent=True) == "ops@gpu1: Permission denied (publickey)."

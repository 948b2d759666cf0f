"""agentd's entry: boots, starts its threads, waits for the end. The only place that wires parts."""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from agentd import boot, log, secret_files, spool
from agentd.boot import Boot, BootError
from agentd.desk import Desk
from agentd.door import Line
from agentd.drain import Drain
from agentd.executors.choose import choose
from agentd.executors.executor import Place
from agentd.forwarder import Forwarder
from agentd.heartbeat import Heartbeat
from agentd.hub import Hub
from agentd.identity import Identity
from agentd.inbox import Inbox
from agentd.known_secrets import KnownSecrets
from agentd.outbox import Outbox
from agentd.poll import Poll
from agentd.processes import Processes, hide_memory, reap_forever
from agentd.recall import Recall
from agentd.runner import Runner
from agentd.spool import Spool
from agentd.ttl import Ttl

EXIT_OK = 0
EXIT_NO_BOOT = 2
EXIT_CANNOT_START = 3
EXIT_CRASHED = 70  # EX_SOFTWARE
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main() -> None:
    """Run until told to stop or until the TTL; ends the process itself.

    Exit codes: 0 the end was orderly or the TTL came, 2 no usable boot
    document, 3 it can't start here, 70 a defect.
    """
    os._exit(_main())  # daemon threads hold no state: waiting for the interpreter's end can hang


def _main() -> int:
    log.install()
    try:
        hide_memory()  # before the first secret is read
        booted = boot.parse(boot.read_document(0))
        _silence_stdin()
    except BootError as refused:
        log.error("boot.refused", why=str(refused))
        return EXIT_NO_BOOT
    except OSError as cause:
        log.error("start.failed", why=str(cause))
        return EXIT_CANNOT_START
    try:
        agent = _Agent(_placed(booted), known=_known(booted))
    except OSError as cause:
        log.error("start.failed", why=str(cause))
        return EXIT_CANNOT_START
    return agent.run()


def _silence_stdin() -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _placed(booted: Boot) -> Boot:
    """Write the secrets to their files and go to the workspace; return the boot without secrets."""
    secret_files.place(booted.secrets, Path(booted.secrets_dir))
    Path(booted.workspace).mkdir(parents=True, exist_ok=True)
    os.chdir(booted.workspace)
    return replace(booted, secrets={})


def _known(booted: Boot) -> dict[str, bytes]:
    """Return what must not leave the container, by the name that a refusal gives it."""
    declared = {f"the secret {name}": value for name, value in booted.secrets.items()}
    return {"the instance token": booted.instance_token.encode(), **declared}


class _Agent:
    """All the parts of a running agentd."""

    def __init__(self, booted: Boot, *, known: Mapping[str, bytes]) -> None:
        self._booted = booted
        self._processes = Processes()
        self._child_died: queue.SimpleQueue[None] = (
            queue.SimpleQueue()
        )  # reentrant, as handlers need
        self._desk = Desk(booted.slots)
        self._drain = Drain(self._desk, grace_s=booted.grace_s)
        identity = Identity(Line(booted.hub_socket), booted.instance_token)

        def new_hub() -> Hub:
            return Hub(Line(booted.hub_socket), identity)

        workspace = Path(booted.workspace)
        self._forwarder = Forwarder(booted.llm_socket, to="the model gateway")
        self._egress = (
            Forwarder(booted.egress_socket, to="egress") if booted.egress_socket else None
        )
        self._spool = Spool(
            Outbox(new_hub(), workspace, room=self._desk.after),
            workspace / spool.DIRECTORY,
            settled=lambda hold, brought: self._poll.settled(hold, brought),
        )
        recall = Recall(self._desk, self._spool)
        runner = Runner(
            executor=choose(self._place(workspace)),
            desk=self._desk,
            spool=self._spool,
            new_hub=new_hub,
            inbox=Inbox(new_hub),
            known=KnownSecrets(known, changing=identity.held),
            workspace=workspace,
        )
        self._poll = Poll(new_hub(), desk=self._desk, runner=runner, recall=recall)
        self._heartbeat = Heartbeat(
            new_hub(), desk=self._desk, recall=recall, every_s=booted.heartbeat_s
        )

    def _place(self, workspace: Path) -> Place:
        booted = self._booted
        return Place(
            provider=booted.provider,
            settings=booted.executor,
            workspace=workspace,
            llm_socket=booted.llm_socket,
            llm_port=self._forwarder.port,
            egress_port=self._egress.port if self._egress else None,
            path=os.environ.get("PATH") or _PATH,
            processes=self._processes,
        )

    def run(self) -> int:
        """Start every thread and wait for the end; return the exit code."""
        threading.excepthook = self._crashed
        self._handle_signals()
        Ttl(
            ttl_s=self._booted.ttl_s,
            grace_s=self._booted.grace_s,
            drain=self._drain.ask,
            end=self._processes.end_all,
        ).start()
        left = spool.tidy(Path(self._booted.workspace) / spool.DIRECTORY)
        log.info(
            "agentd.started",
            agent=self._booted.agent,
            instance=self._booted.instance,
            executor=self._booted.executor.kind,
            provider=self._booted.provider.name,
            first_process=self._processes.first,
            python=sys.version.split()[0],
            unsent_of_others=left,
        )
        _start("reaper", lambda: reap_forever(self._processes, self._child_died))
        _start("forwarder", self._forwarder.serve_forever)
        if self._egress is not None:
            _start("egress", self._egress.serve_forever)
        _start("spool", self._spool.send_forever)
        _start("heartbeat", self._heartbeat.run_forever)
        _start("poll", self._poll.run_forever)
        self._drain.wait()
        self._processes.end_all()
        log.info("agentd.ended")
        return EXIT_OK

    def _handle_signals(self) -> None:
        # Process 1 gets only the signals it has a handler for.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, self._on_child)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._drain.ask()

    def _on_child(self, _number: int, _frame: FrameType | None) -> None:
        self._child_died.put(None)

    def _crashed(self, args: threading.ExceptHookArgs) -> None:
        """End everything: half an agent is worse than none, and the reconciler replaces it."""
        if args.exc_value is not None:
            log.error("agentd.crashed", where=log.where(args.exc_value))
        try:
            self._processes.end_all()
        finally:
            os._exit(EXIT_CRASHED)


def _start(name: str, target: Callable[[], Any]) -> None:
    threading.Thread(target=target, name=name, daemon=True).start()

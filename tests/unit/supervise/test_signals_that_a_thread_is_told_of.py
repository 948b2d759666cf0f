"""A signal sets no Event in a handler: it would stop for ever the thread that is just waiting on it."""

import os
import signal
import subprocess
import sys
import threading

from agentctl.supervise.signals import told

# The main thread holds the Event's own lock when the signal comes, as it does for a moment in
# every wait: a handler that sets the Event then never returns.
IN_THE_WINDOW = """
import os, signal, sys, threading, time
from agentctl.supervise.signals import told

stop = threading.Event()
with told({signal.SIGTERM: stop.set}):
    with stop._cond:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)
    print("told" if stop.wait(10) else "not told")
"""


def test_a_signal_in_the_middle_of_a_wait_is_heard() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_WINDOW],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "told\n"


def test_each_signal_has_its_act_and_the_handlers_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGHUP)
    heard: list[str] = []
    both = threading.Semaphore(0)

    def hear(word: str) -> None:
        heard.append(word)
        both.release()

    acts = {signal.SIGHUP: lambda: hear("hup"), signal.SIGUSR1: lambda: hear("usr1")}
    with told(acts):
        os.kill(os.getpid(), signal.SIGHUP)
        assert both.acquire(timeout=10)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert both.acquire(timeout=10)
    assert heard == ["hup", "usr1"]
    assert signal.getsignal(signal.SIGHUP) is before

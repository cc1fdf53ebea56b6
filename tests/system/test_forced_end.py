"""SIGTERM while code of a module does not return: the process ends all the same, names it, and has lost nothing that was
answered 250, even what was in memory only (deferred_spool)."""
import signal
import threading
import time

import pytest

from harness import patience
from harness.console import Console
from harness.messages import EXACT
from harness.wire import Wire

GOOD = 20


class Sleeper:
    """A daemon with the module `crashes`, which sleeps in one of its callbacks."""

    def __init__(self, impulse, site):
        self.impulse, self.site = impulse, site
        self.console = site.directory / "2025"

    def start(self, where, outer="suspend_delivery = true"):
        self.impulse.start(self.site.config(f"""
            crashes {{ where = "{where}" sleep = 600 Listen "{self.site.directory / 'crashes'}" {{ }} }}
            Control_Listener {{ Listen "{self.console}" {{ }} }}
            deferred_spool = true
            {outer}"""))
        for i in range(GOOD):    # in queues of all loops
            with Wire(self.impulse.address) as client:
                client.greet()
                client.mail(EXACT["plain"], recipients=[f"good@d{i}.example"])

    def send(self):
        """A message that begins everything; it may never be answered."""
        def talk():
            try:
                with Wire(self.impulse.address) as client:
                    client.greet()
                    client.mail(EXACT["plain"])
            except (OSError, AssertionError):
                pass
        thread = threading.Thread(target=talk)
        thread.start()
        return thread

    def ends(self, words, seconds):
        self.impulse.await_panic("crashes: sleeps")
        begun = time.monotonic()
        self.impulse.stop(expect=1, seconds=seconds + 30)
        assert time.monotonic() - begun < patience(seconds)
        line = f"module crashes: {words} has not returned; the process ends without it"
        assert f"impulse: {line}\n" in self.impulse.said()
        assert line in self.impulse.paniclog()

    def recovers(self):
        self.impulse.start(self.site.config("suspend_delivery = true"))
        line = self.impulse.await_panic("messages recovered")
        assert int(line.split("spool: ")[-1].split()[0]) in (GOOD, GOOD + 1), line


@pytest.fixture
def sleeper(with_modules, site):
    return Sleeper(with_modules("crashes"), site)


@pytest.mark.parametrize("where, words", [
    ("hook", "its hook at validate_rcptto"),
    ("timer", "its timer"),
    ("stream_readable", "its stream"),
    ("message_release", "the release function of what it attached"),
])
def test_on_an_event_loop(sleeper, where, words):
    sleeper.start(where)
    thread = sleeper.send()
    sleeper.ends(words, 20)
    thread.join()
    sleeper.recovers()


def test_on_the_main_thread(sleeper):
    sleeper.start("command")
    with Console(sleeper.console) as console:
        console.send("crash now\n")
        sleeper.ends("its console command crash now", 20)
    sleeper.recovers()


def test_on_the_main_thread_when_it_ends(sleeper):
    sleeper.start("teardown")
    begun = time.monotonic()
    sleeper.impulse.stop(expect=1)
    assert time.monotonic() - begun < patience(20)
    assert "module crashes: its teardown has not returned" in sleeper.impulse.said()
    sleeper.recovers()


@pytest.mark.long
def test_a_delivery_that_has_a_message_in_memory_only(sleeper):
    """Deliveries have 30 seconds, and then 5."""
    sleeper.start("deliver", 'delivery_method = "crashes"')
    sleeper.ends("its delivery_method crashes", 60)
    sleeper.recovers()


def test_a_loop_that_is_stuck_is_named_while_it_is(sleeper):
    sleeper.start("post")
    sleeper.send()
    sleeper.impulse.await_panic("crashes: sleeps")
    line = sleeper.impulse.await_panic("a turn has lasted")
    assert "event loop loop/" in line
    assert "module crashes: a function it posted; its other work waits meanwhile" in line
    sleeper.ends("a function it posted", 20)

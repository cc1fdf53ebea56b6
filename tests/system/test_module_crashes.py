"""A module that crashes is named, in whichever of its callbacks it does: the module `crashes` has one of every kind."""
import signal
import socket
import time

import pytest

from harness import patience
from harness.console import Console
from harness.messages import EXACT
from harness.wire import Wire, stuff

pytestmark = pytest.mark.plain

LARGE = EXACT["plain"] + b"0123456789abcdef\r\n" * 60000


class Crash:
    """A daemon with the module, which crashes at one place."""

    def __init__(self, impulse, site):
        self.impulse, self.site = impulse, site
        self.console = site.directory / "2025"
        self.listener = site.directory / "crashes"

    def start(self, where, outer=""):
        self.impulse.start(self.site.config(f"""
            crashes {{ where = "{where}" Listen "{self.listener}" {{ }} }}
            Control_Listener {{ Listen "{self.console}" {{ }} }}
            large_message_threshold = 65536
            {outer}"""))
        return self

    def send(self, content=EXACT["plain"], bye=True):
        """A transaction with everything; the connection may break anywhere in it."""
        with Wire(self.impulse.address) as client:
            try:
                client.greet()
                for line in ["XCRASH", "MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>", "DATA"]:
                    client.command(line)
                client.send(stuff(content) + b".\r\n")
                client.reply()
                if bye:
                    client.command("QUIT")
                    assert client.at_end()
            except OSError:
                pass

    def command(self, words):
        with Console(self.console) as console:
            try:
                console.run(words)
            except Exception:
                pass

    def talk(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(patience(10))
        try:
            client.connect(str(self.listener))
            client.sendall(b"hello\n")
            client.shutdown(socket.SHUT_WR)
            while client.recv(100):
                pass
        except OSError:
            pass
        client.close()

    def named(self, words):
        """It has ended with the signal, and named the module and what crashed."""
        assert self.impulse.process.wait(patience(20)) == -signal.SIGSEGV
        self.impulse.forget()
        assert f"impulse: module crashes: {words} crashed: SIGSEGV\n" in self.impulse.said()


@pytest.fixture
def crash(with_modules, site):
    return Crash(with_modules("crashes"), site)


def test_no_crash(crash):
    """Everything that the other tests rely on is called, and none of it is wrong but where it is told to be."""
    crash.start("nowhere")
    crash.send(LARGE)
    for words in ["crash now", "crash much", "crash loops"]:
        crash.command(words)
    crash.talk()
    crash.impulse.stop()


@pytest.mark.parametrize("where, words", [
    ("hook", "its hook at validate_rcptto"),
    ("hook_that_blocks", "its hook at validate_mailfrom"),
    ("hook_of_a_module", "its hook at crashes_point"),
    ("moment", "its hook at core_ec_message_enqueue"),
    ("message_release", "the release function of what it attached"),
    ("recipient_release", "the release function of what it attached"),
    ("session_release", "the release function of what it attached"),
    ("post", "a function it posted"),
    ("job", "its job"),
    ("job_done", "the end of its job"),
    ("timer", "its timer"),
    ("dns", "the answer of DNS to it"),
    ("queue_each", "its question to the queues"),
    ("queue_queue", "its question to the queues"),
    ("queue_done", "its question to the queues"),
    ("queue_last_answer", "its question for a last answer"),
    ("inject_read", "its injection"),
    ("inject_done", "its injection"),
    ("stream_connected", "its stream"),
    ("stream_readable", "its stream"),
    ("stream_closed", "its stream"),
    ("log_reception", "its log hook"),
    ("smtp", "its SMTP command XCRASH"),
    ("smtp_release", "the release function of its SMTP command XCRASH"),
    ("smtp_cancelled", "the cancel function of its SMTP command XCRASH"),
    ("policy_release", "its release function of a policy"),
    ("tick", "its tick"),
])
def test_in_what_a_message_begins(crash, where, words):
    crash.start(where)
    crash.send()
    if where == "policy_release":
        crash.impulse.process.terminate()
    crash.named(words)


def test_in_the_ready_function_of_a_cursor(crash):
    crash.start("cursor_ready")
    crash.send(LARGE)
    crash.named("the ready function of its cursor")


def test_in_the_cancel_function_of_a_hook(crash):
    crash.start("hook_cancelled", "module_hook_timeout = 1")
    crash.send()
    crash.named("the cancel function of its hook at validate_rcptto")


def test_in_a_delivery(crash):
    crash.start("deliver", 'delivery_method = "crashes"')
    crash.send()
    crash.named("its delivery_method crashes")


@pytest.mark.parametrize("where, line, words", [
    ("command", "crash now", "its console command crash now"),
    ("command_release", "crash now", "its console command crash now"),
    ("command_room", "crash much", "its console command crash much"),
    ("command_step", "crash loops", "its console command crash loops"),
    ("command_end", "crash loops", "its console command crash loops"),
    ("metric", "metrics", "the read function of its metric"),
])
def test_at_the_console(crash, where, line, words):
    crash.start(where)
    crash.command(line)
    crash.named(words)


def test_in_the_cancel_function_of_a_command(crash):
    crash.start("command_cancelled")
    with Console(crash.console) as console:
        console.send("crash later\n")
        time.sleep(0.2)    # it runs; nothing tells so
    crash.named("its console command crash later")


@pytest.mark.parametrize("where", ["listener", "listener_received", "listener_ended", "listener_closed"])
def test_in_a_listener(crash, where):
    crash.start(where)
    crash.talk()
    crash.named("its listener")


def test_when_logs_are_reopened(crash):
    crash.start("log_reopen")
    crash.impulse.process.send_signal(signal.SIGHUP)
    crash.named("its log hook")


def test_in_teardown(crash):
    crash.start("teardown")
    crash.impulse.process.terminate()
    crash.named("its teardown")


@pytest.mark.parametrize("where, words", [("setup", "its setup"), ("policy", "its policy function"),
                                          ("outbound_policy", "its outbound policy"),
                                          ("log_paniclog", "its log hook")])
def test_at_the_start(crash, where, words):
    with pytest.raises(AssertionError):
        crash.start(where)
    assert f"module crashes: {words} crashed: SIGSEGV\n" in crash.impulse.said()

"""deferred_spool: a message stays in memory until its first failure; what that loses, and what it must not lose."""
import signal
import threading
import time

import pytest

from harness import await_true
from harness.capture import CLOSE
from harness.daemon import run
from harness.freeze import frozen
from harness.messages import EXACT, header
from harness.wire import Wire

DEFERRED = "deferred_spool = true\nretry_interval = 1\nmax_retry_interval = 1\nmax_retries = none\n"


def send(impulse, recipients=("b@rcpt.example",), content=EXACT["plain"]):
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(content, recipients=recipients).code == 250


def arrived(capture):
    return sorted(recipient for message in capture.messages for recipient in message.recipients)


def stored(impulse, config):
    """Kills it. How many messages does the next start find?"""
    impulse.kill()
    before = len(impulse.paniclog())
    impulse.start(config)
    await_true(lambda: "started, " in impulse.paniclog()[before:], "the start is in the paniclog")
    said = impulse.paniclog()[before:]
    return int(said.split(" messages recovered")[0].rsplit(" ", 1)[1]) if "recovered" in said else 0


def test_the_promise_that_is_taken_back(impulse, site):
    """A kill before the first attempt loses a deferred message, and no other."""
    for deferred, found in ("deferred_spool = true", 0), ("deferred_spool = false", 3):
        config = site.config(f"{deferred}\nsuspend_delivery = true")
        impulse.start(config)
        send(impulse, ["b@rcpt.example", "c@rcpt.example", "d@other.example"])
        assert stored(impulse, config) == found
        impulse.stop()


def test_it_is_delivered(impulse, site, capture):
    impulse.start(site.config(DEFERRED, to=capture))
    for name in "plain", "8-bit", "a chunk less 1", "300 kB", "no body":
        send(impulse, ["b@rcpt.example", "c@other.example"], EXACT[name])
    await_true(lambda: len(arrived(capture)) == 10, "all of them")
    assert {m.content[-len(EXACT["300 kB"]):] for m in capture.messages if len(m.content) > 290_000} == {EXACT["300 kB"]}
    impulse.stop()
    assert len(impulse.mainlog("R")) == len(impulse.mainlog("D")) == 10


def test_the_sender_hears_of_its_delivery(impulse, site, captures):
    """The notification returns the header of a message that nobody else holds any more."""
    capture = captures(extensions=("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES"))
    impulse.start(site.config(DEFERRED, listener='smtp_extensions = ( "DSN" )', to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example> RET=HDRS", 250)
        client.command("RCPT TO:<b@rcpt.example> NOTIFY=SUCCESS", 250)
        client.command("DATA", 354)
        client.send(EXACT["plain"] + b".\r\n")
        assert client.reply().code == 250
    notice, = capture.wait(2)[1:]
    assert notice.sender == "" and notice.recipients == ["a@sender.example"] and b"Subject: a test" in notice.content


def test_it_is_stored_at_its_first_failure(impulse, site, captures):
    """Recipients of one message fail at different times, or not at all."""
    def behave(session, verb, line):
        return b"451 4.3.0 later" if verb == "RCPT" and any(name in line for name in failing) else None
    capture, failing = captures(behave=behave), ["b@", "c@", "d@"]
    config = site.config(DEFERRED, to=capture)
    impulse.start(config)
    send(impulse, ["a@one.example", "b@one.example", "c@two.example", "d@three.example"])
    impulse.await_log("D", 1)
    impulse.await_log("T", 3)
    failing.remove("c@")
    impulse.await_log("D", 2)
    assert stored(impulse, config) == 2
    failing.clear()
    await_true(lambda: len(arrived(capture)) == 4, "all of them")
    impulse.stop()
    assert arrived(capture) == ["a@one.example", "b@one.example", "c@two.example", "d@three.example"]
    assert all(m.content.endswith(EXACT["plain"]) for m in capture.messages)


def test_one_that_waits_is_stored_soon(impulse, site):
    """After ten seconds it is in the spool, although nobody has tried to deliver it."""
    config = site.config(DEFERRED + "suspend_delivery = true")
    impulse.start(config)
    send(impulse, ["b@one.example", "c@one.example", "d@two.example"])
    body = EXACT["plain"].split(b"\r\n\r\n", 1)[1]
    await_true(lambda: sum(file.read_bytes().count(body) for file in (site.spool / "impulse").glob("*.log")) == 3,
               "the spool holds all three", 40)
    assert stored(impulse, config) == 3


@pytest.mark.parametrize("state", ["suspended", "in flight", "no next hop"])
def test_sigterm_loses_nothing(impulse, site, captures, state):
    released = threading.Event()

    def hang(session, verb, line):
        if state != "in flight" or verb != ".":
            return None
        released.wait()
        return CLOSE

    capture = captures(behave=hang)
    if state == "no next hop":
        capture.stop()
    outer = DEFERRED + ("suspend_delivery = true\n" if state == "suspended" else "")
    outer += "body_timeout = 3\n"
    impulse.start(site.config(outer, to=capture))
    recipients = [f"r{number}@d{number % 7}.example" for number in range(40)]
    for recipient in recipients:
        send(impulse, [recipient, f"x{recipient}"])
    if state == "in flight":
        await_true(lambda: sum(s.messages for s in capture.sessions) >= 7, "under way")
    impulse.stop()
    released.set()
    after = captures()
    impulse.start(site.config("retry_interval = 1\nmax_retry_interval = 1", to=after))
    wanted = sorted(recipients + [f"x{recipient}" for recipient in recipients])
    await_true(lambda: len(arrived(after)) == len(wanted), "all of them after the start", 30)
    assert arrived(after) == wanted


@pytest.mark.long
def test_a_notification_that_is_not_stored_by_the_end(impulse, site, captures):
    """What the sender is told of a delay is made of a copy of the message, which is not stored in its place."""
    released = threading.Event()

    def delay(session, verb, line):
        return b"451 4.3.0 later" if verb == "RCPT" and released.wait() else None

    config = DEFERRED + "delay_dsn_retry_interval = 1"
    impulse.start(site.config(config, listener='smtp_extensions = ( "DSN" )', to=captures(behave=delay)))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example> NOTIFY=DELAY", 250)
        client.command("DATA", 354)
        client.send(header() + b"the only one\r\n.\r\n")
        assert client.reply().code == 250
    accepted = time.monotonic()
    await_true(lambda: time.monotonic() > accepted + 1.5, "the message is late")
    with frozen(impulse.thread("committer")):
        released.set()
        impulse.await_log("T")
        impulse.process.send_signal(signal.SIGTERM)
        impulse.await_panic("deliveries in flight did not finish in time", 60)
    impulse.stop()
    assert sum(file.read_bytes().count(b"the only one") for file in (site.spool / "impulse").glob("*.log")) == 1


def test_memory_is_bounded(impulse, site):
    """Beyond 128 MiB of content in memory, messages are stored at once."""
    config = site.config(DEFERRED + "suspend_delivery = true")
    impulse.start(config)
    content = header() + (b"x" * 990 + b"\r\n") * 250
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(600):   # 150 MB; less than 10 seconds' worth must be in memory alone
            assert client.mail(content).code == 250
    impulse.stop()
    impulse.start(config)
    impulse.await_panic("600 messages recovered")


def test_it_is_warned_of(impulse, site):
    file = site.directory / "checked.conf"
    file.write_text(site.config(listener="deferred_spool = true"))
    status, said = run("-t", "-c", file)
    line = next(number for number, text in enumerate(file.read_text().split("\n"), 1) if "deferred_spool" in text)
    assert status == 0 and f"{file}:{line}:" in said
    assert "warning: deferred_spool: a 250 is no promise" in said
    impulse.start(file.read_text())
    impulse.await_panic("deferred_spool is on: a 250 is no promise")

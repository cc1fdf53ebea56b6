"""The instruments measure what they should: the capture server keeps exact bytes and notices what is wrong."""
import smtplib

import pytest

from harness.capture import Capture
from harness.messages import EXACT, only_trace_added
from harness.wire import Wire, stuff, unstuff


@pytest.fixture
def plain():
    server = Capture()
    yield server
    server.stop()


@pytest.mark.parametrize("name", EXACT)
def test_it_keeps_exact_bytes(plain, name):
    with Wire(plain.address) as client:
        client.greet()
        assert client.mail(EXACT[name]).code == 250
    assert plain.wait()[0].content == EXACT[name] and not plain.violations


def test_smtplib_agrees(plain):
    with smtplib.SMTP(*plain.address) as client:
        client.sendmail("a@x.example", "b@y.example", EXACT["dots"])
    assert plain.wait()[0].content == EXACT["dots"]


@pytest.mark.parametrize("content", [b"a\nb\r\n", b"a\rb\r\n", b".a\r\n"])
def test_it_notices(plain, content):
    with Wire(plain.address) as client:
        client.greet()
        for line in ("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA"):
            client.command(line)
        client.send(content + b".\r\n")
        client.reply()
    assert plain.violations


def test_it_notices_a_bare_line_feed_in_a_command(plain):
    with Wire(plain.address) as client:
        client.reply()
        client.send(b"EHLO x\n")
        client.reply()
    assert plain.violations


def test_stuffing_is_undone():
    for content in EXACT.values():
        assert unstuff(stuff(content)) == content


@pytest.mark.parametrize("delivered", [
    b"Received: x\r\n" + EXACT["plain"][1:],
    EXACT["plain"],
    b"X-More: y\r\nReceived: x\r\n" + EXACT["plain"],
    b"Received: x\r\n" + EXACT["plain"] + b"\r\n",
])
def test_a_changed_message_is_noticed(delivered):
    with pytest.raises(AssertionError):
        only_trace_added(delivered, EXACT["plain"])

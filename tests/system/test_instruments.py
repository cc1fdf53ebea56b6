"""The instruments measure what they should: the capture server keeps exact bytes and notices what is wrong."""
import smtplib

import pytest

from harness.capture import ALL_EXTENSIONS, Capture
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


@pytest.mark.parametrize("content", [b"a\n.\r\n", b"a\r.b\r\n", b"\0.a\r\n", b"a\r\n\0\0.\r\n"])
def test_it_notices_what_others_take_for_an_end(plain, content):
    plain.bare = True
    test_it_notices(plain, content)


@pytest.mark.parametrize("commands", [
    ["MAIL FROM:<a@x> RET=FULL"],                       # not offered
    ["MAIL FROM:<a@x> BODY=8BITMIME BODY=7BIT"],
    ["MAIL FROM:<a@x> SIZE=ten"],
    ["MAIL FROM:<a@x>", "RCPT TO:<b@y> NOTIFY=NEVER"],
    ["MAIL FROM:<\xe4@x>"],
    ["MAIL FROM:<a@x>", "RCPT TO:<b@y>", "BDAT 0 LAST"],
    ["MAIL FROM:<a@x> SIZE=3", "RCPT TO:<b@y>", "DATA", "a\r\nb\r\n."],
])
def test_it_notices_what_was_not_offered(plain, commands):
    with Wire(plain.address) as client:
        client.greet()
        for line in commands:
            client.command(line)
    assert plain.violations


def test_it_takes_what_it_offers():
    everything = Capture(extensions=ALL_EXTENSIONS)
    with Wire(everything.address) as client:
        client.greet()
        client.command("MAIL FROM:<\xe4@x> SIZE=10 BODY=BINARYMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb", 250)
        client.command("RCPT TO:<b@y> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@y", 250)
        client.command(b"BDAT 6\r\na\n.\nb\r", 250)
        client.command(b"BDAT 4 LAST\r\n\n.\r\n", 250)
        client.command("MAIL FROM:<a@x>", 250)
    assert everything.wait()[0].content == b"a\n.\nb\r\n.\r\n" and not everything.violations
    everything.stop()


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

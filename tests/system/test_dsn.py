"""Delivery status notifications: who gets one, of what, and what it says. RFC 3461, 3464, 6522, 6533."""
import email
import email.policy
import time

import pytest

from harness import await_true
from harness.messages import EXACT, header
from harness.wire import Wire

SOON = "retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none\n"
DSN = "smtp_extensions = ( DSN ENHANCEDSTATUSCODES SMTPUTF8 )"
PLAIN = ("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES")


def send(impulse, mail="", rcpt="", sender="a@sender.example", recipient="b@rcpt.example", content=EXACT["plain"]):
    with Wire(impulse.address) as client:
        client.greet()
        client.command(f"MAIL FROM:<{sender}>{mail}\r\n".encode(), 250)
        client.command(f"RCPT TO:<{recipient}>{rcpt}\r\n".encode(), 250)
        client.command("DATA", 354)
        client.send(content + b".\r\n")
        assert client.reply().code == 250


def refusing(text=b"550 5.1.1 No such user"):
    return lambda session, verb, line: text if verb == "RCPT" and "rcpt.example" in line else None


class Notice:
    """A notification's parts: its words, the fields of its two groups, the type and text of what it returns."""

    def __init__(self, message):
        assert message.sender == ""
        self.content = message.content
        self.whole = email.message_from_bytes(message.content, policy=email.policy.default)
        parts = list(self.whole.iter_parts())
        self.words = parts[0].get_content()
        self.type = parts[1].get_content_type()
        raw = message.content.split(b"/" + self.type.split("/")[1].encode())[-1]
        groups = raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n--")[0].strip().split(b"\r\n\r\n")
        self.message, self.recipient = [dict(line.decode().split(": ", 1) for line in group.split(b"\r\n"))
                                        for group in groups]
        self.returned = parts[2].get_content_type() if len(parts) > 2 else None


def notice(impulse, capture, count=1):
    found = []
    await_true(lambda: found.__setitem__(slice(None), [m for m in capture.messages if m.sender == ""]) or
               len(found) >= count, "the notification", 25)
    return Notice(found[-1])


def no_notice(impulse, capture, records):
    """Nothing more comes after the records of these kinds."""
    for kind in records:
        impulse.await_log(kind)
    impulse.stop()
    assert not [m for m in capture.messages if m.sender == ""]
    assert len(impulse.mainlog("R")) == 1


# ---- NOTIFY --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notify, told", [("", True), (" NOTIFY=FAILURE", True), (" NOTIFY=SUCCESS,FAILURE", True),
                                          (" NOTIFY=NEVER", False), (" NOTIFY=SUCCESS,DELAY", False)])
def test_failure(impulse, site, captures, notify, told):
    capture = captures(behave=refusing())
    impulse.start(site.config(to=capture, listener=DSN))
    send(impulse, rcpt=notify)
    if told:
        assert notice(impulse, capture).recipient["Action"] == "failed"
    else:
        no_notice(impulse, capture, "P")


@pytest.mark.parametrize("notify, told", [(" NOTIFY=SUCCESS", True), (" NOTIFY=DELAY,SUCCESS,FAILURE", True),
                                          ("", False), (" NOTIFY=NEVER", False), (" NOTIFY=FAILURE", False)])
def test_success_at_a_server_without_dsn(impulse, site, captures, notify, told):
    capture = captures(extensions=PLAIN)
    impulse.start(site.config("generate_bounces = false", to=capture, listener=DSN))
    send(impulse, rcpt=notify)
    if not told:
        no_notice(impulse, capture, "D")
        return
    found = notice(impulse, capture)
    assert found.recipient["Action"] == "relayed" and found.recipient["Status"].startswith("2.")
    assert found.whole["Subject"] == "Delivery Status Notification (Relayed)"
    assert found.returned == "text/rfc822-headers"
    impulse.await_log("D", 2)
    impulse.stop()
    assert len(impulse.mainlog("R")) == 2 and not impulse.mainlog("P")
    impulse.start()
    assert "recovered" not in impulse.paniclog(), "both are gone from the spool"


def test_success_at_a_server_with_dsn(impulse, site, captures):
    """It was asked for the notification; we owe none."""
    capture = captures(extensions=(*PLAIN, "DSN"))
    impulse.start(site.config(to=capture, listener=DSN))
    send(impulse, rcpt=" NOTIFY=SUCCESS")
    no_notice(impulse, capture, "D")


def test_success_in_a_mailbox(impulse, site, captures):
    capture, lmtp = captures(extensions=PLAIN), captures(lmtp=True, extensions=PLAIN)
    impulse.start(site.config(f'Domain "rcpt.example" {{ delivery_method = "lmtp" lmtp_port = {lmtp.port} }}',
                              to=capture, listener=DSN))
    send(impulse, rcpt=" NOTIFY=SUCCESS")
    assert notice(impulse, capture).recipient["Action"] == "delivered"
    assert len(lmtp.messages) == 1


@pytest.mark.parametrize("notify, told", [(" NOTIFY=DELAY", True), (" NOTIFY=FAILURE", False), ("", False)])
def test_delay(impulse, site, captures, notify, told):
    """Once, at the first failed attempt that is late enough; the message goes on."""
    capture = captures(behave=lambda session, verb, line:
                       b"451 4.2.2 full" if verb == "RCPT" and "rcpt.example" in line and not done else None)
    done = []
    impulse.start(site.config(SOON + "delay_dsn_retry_interval = 2", to=capture, listener=DSN))
    began = time.monotonic()
    send(impulse, rcpt=notify)
    if told:
        found = notice(impulse, capture)
        assert time.monotonic() - began > 1.5
        assert found.recipient["Action"] == "delayed" and found.recipient["Status"] == "4.2.2"
        assert "Will-Retry-Until" in found.recipient and "4.2.2 full" in found.recipient["Diagnostic-Code"]
    impulse.await_log("T", 5)
    done.append(True)
    await_true(lambda: any(m.sender for m in capture.messages), "the message itself")
    impulse.stop()
    assert sum(m.sender == "" for m in capture.messages) == told
    assert not impulse.mainlog("P")


def test_a_bounce_never_bounces(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line: b"550 5.1.1 no" if verb == "RCPT" else None)
    impulse.start(site.config(to=capture, listener=DSN))
    send(impulse, rcpt=" NOTIFY=SUCCESS,FAILURE,DELAY")
    impulse.await_log("P", 2)
    impulse.stop()
    assert len(impulse.mainlog("R")) == 2


# ---- RET, ENVID, ORCPT ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option, ret, returned", [
    ("headers", "", "text/rfc822-headers"), ("headers", " RET=FULL", "message/rfc822"),
    ("all", "", "message/rfc822"), ("all", " RET=HDRS", "text/rfc822-headers"),
    ("none", "", None), ("none", " RET=HDRS", "text/rfc822-headers"), ("none", " RET=FULL", "message/rfc822")])
def test_what_is_returned(impulse, site, captures, option, ret, returned):
    capture = captures(behave=refusing())
    impulse.start(site.config(f'bounces_inline_original = "{option}"', to=capture, listener=DSN))
    send(impulse, mail=ret)
    found = notice(impulse, capture)
    assert found.returned == returned
    assert (b"Hello." in found.content) == (returned == "message/rfc822")


def test_envid_and_orcpt(impulse, site, captures):
    capture = captures(behave=refusing())
    impulse.start(site.config(to=capture, listener=DSN))
    send(impulse, mail=" RET=HDRS ENVID=QQ+2B314+3D159", rcpt=" NOTIFY=FAILURE ORCPT=rfc822;Bob+2Bx@Rcpt.Example")
    found = notice(impulse, capture)
    assert found.message["Original-Envelope-Id"] == "QQ+314=159"
    assert found.recipient["Original-Recipient"] == "rfc822; Bob+x@Rcpt.Example"
    assert found.recipient["Final-Recipient"] == "rfc822; b@rcpt.example"


# ---- the last answer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outer, restart", [("max_retries = 1\n", False), ("message_expiration = 4\n", False),
                                            ("message_expiration = 6\n", True)])
def test_the_last_answer_is_in_the_bounce(impulse, site, captures, outer, restart):
    capture = captures(behave=refusing(b"450 4.2.1 try the other door"))
    config = site.config("retry_interval = 2\nmax_retry_interval = 2\nmax_retries = none\n" + outer, to=capture)
    impulse.start(config)
    send(impulse)
    if restart:
        impulse.await_log("T", 1)
        impulse.stop()
        time.sleep(6)   # it expires while nobody is there
        impulse.start(config)
    found = notice(impulse, capture)
    assert found.recipient["Status"] == "5.4.7"
    assert found.recipient["Diagnostic-Code"] == "smtp; 450 4.2.1 try the other door"
    assert found.recipient["Remote-MTA"] == "dns; [127.0.0.1]"
    assert "exceeded max" in found.words and "try the other door" in found.words


# ---- beyond ASCII --------------------------------------------------------------------------------------------------------


def test_utf8(impulse, site, captures):
    capture = captures(behave=refusing(), extensions=(*PLAIN, "SMTPUTF8"))
    impulse.start(site.config(to=capture, listener=DSN))
    send(impulse, mail=" SMTPUTF8", sender="änne@sender.example", recipient="bjørn@rcpt.example",
         content=header("X-Greeting: Grüße".encode()) + b"Hello.\r\n")
    found = notice(impulse, capture)
    assert capture.messages[-1].commands[0].encode("latin-1").startswith("MAIL FROM:<>".encode())
    assert "SMTPUTF8" in capture.messages[-1].commands[0]
    assert capture.messages[-1].recipients[0].encode("latin-1").decode() == "änne@sender.example"
    assert found.whole.get_param("report-type") == "global-delivery-status"
    assert found.type == "message/global-delivery-status" and found.returned == "message/global-headers"
    assert found.recipient["Final-Recipient"] == "utf-8; bjørn@rcpt.example"
    assert "bjørn" in found.words and "X-Greeting: Grüße".encode() in found.content


def test_utf8_of_an_ascii_sender_needs_no_smtputf8(impulse, site, captures):
    """The header of the notification is ASCII, so that a next hop with 8BITMIME will do."""
    hops = captures(behave=refusing(), extensions=(*PLAIN, "SMTPUTF8")), captures(extensions=PLAIN)
    impulse.start(site.config(f'Domain "sender.example" {{ gateway = "127.0.0.1" remote_smtp_port = {hops[1].port} }}',
                              to=hops[0], listener=DSN))
    send(impulse, mail=" SMTPUTF8", recipient="bjørn@rcpt.example")
    found = notice(impulse, hops[1])
    assert found.recipient["Final-Recipient"] == "utf-8; bjørn@rcpt.example"

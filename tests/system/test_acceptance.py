"""From the end of the content to the answer: recipients that a module refuses, one by one; modules that take too long."""
import time

import pytest

from harness import await_true
from harness.freeze import frozen
from harness.messages import EXACT
from harness.sdk import build
from harness.wire import Wire

TO_BE_ASKED = 'recipients { debug_level = NOTICE }\n'


@pytest.fixture
def impulse(impulse, installed, modules):
    """With the module `recipients` beside its own."""
    build(installed, "recipients", modules)
    impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    return impulse


def send(client, *locals_, sender="a@sender.example", content=EXACT["plain"], rcpt=""):
    client.command(f"MAIL FROM:<{sender}>", 250)
    for local in locals_:
        client.command(f"RCPT TO:<{local}@rcpt.example>{rcpt}", 250)
    client.command("DATA", 354)
    client.send(content + b".\r\n")
    return client.reply()


def exchange(impulse, *locals_, **named):
    with Wire(impulse.address, 20) as client:
        client.greet()
        return send(client, *locals_, **named)


def by_recipient(capture):
    return {recipient: message for message in capture.messages for recipient in message.recipients}


def await_recipients(capture, *recipients):
    """Until these, and nobody else, have a message. Returns the messages by recipient."""
    await_true(lambda: len(by_recipient(capture)) >= len(recipients), f"{recipients}: {by_recipient(capture)}")
    assert set(by_recipient(capture)) == set(recipients)
    return by_recipient(capture)


# ---- one recipient of several is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["each", "bind"])
def test_one_refused_of_three(impulse, site, capture, hook):
    impulse.start(site.config(TO_BE_ASKED, to=capture))
    assert exchange(impulse, "b", f"{hook}-550", "c").code == 250
    messages = await_recipients(capture, "b@rcpt.example", "c@rcpt.example", "a@sender.example")
    notice = messages["a@sender.example"]
    assert notice.sender == ""
    assert f"Final-Recipient: rfc822; {hook}-550@rcpt.example".encode() in notice.content
    assert b"Action: failed" in notice.content and b"Status: 5.7.1" in notice.content
    assert b"not for this recipient" in notice.content and b"Subject: a test" in notice.content
    assert b"b@rcpt.example" not in notice.content.split(b"message/delivery-status")[1].split(b"\r\n--")[0]


def test_a_refused_recipient_is_in_question_no_more(impulse, site, capture):
    """Neither for the message that it was refused for, nor after a recipient was asked about behind its content."""
    impulse.start(site.config(TO_BE_ASKED, to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(2):
            client.command("MAIL FROM:<a@sender.example>", 250)
            client.command("RCPT TO:<b@rcpt.example>", 250)
            client.command("RCPT TO:<no@rcpt.example>", 550)
            client.command("DATA", 354)
            client.send(EXACT["plain"] + b".\r\n")
            assert client.reply().code == 250
    impulse.await_log("D", 2)


def test_recipients_do_not_leak_into_each_other(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED, to=capture))
    assert exchange(impulse, "mark-x", "b", "mark-y").code == 250
    await_recipients(capture, "mark-x@rcpt.example", "b@rcpt.example", "mark-y@rcpt.example")
    assert not impulse.mainlog("P")


def test_what_the_logs_say(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED, to=capture))
    exchange(impulse, "b", "each-550", "c")
    impulse.await_log("D", 3)
    failed, = impulse.mainlog("P")
    assert failed.text == "550 5.7.1 [internal] not for this recipient" and failed.stage == "0"
    received = impulse.mainlog("R")
    assert [r.protocol for r in received].count("esmtp") == 3 and [r.protocol for r in received].count("internal") == 1
    batch = {r.batch for r in received if r.protocol == "esmtp"}
    assert batch == {failed.batch}, "the recipients of one message share the batch id"
    assert len({r.message for r in received}) == 4
    await_true(impulse.rejectlog, "a record of it")
    line, = impulse.rejectlog()
    assert ' P="reading body" E=550 M=recipients CTXCONN=[' in line and line.endswith("] not for this recipient")
    context = line.split("CTXMESS=[")[1]
    assert "rcptto_localpart=each-550" in context and 'mailfrom_string="MAIL FROM:<a@sender.example>"' in context


def test_all_refused_is_answered(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED, to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        assert send(client, "each-550", "each-554").text == "554 5.7.1 not for this recipient"
        assert send(client, "b").code == 250, "the session goes on"
    impulse.await_log("D")
    assert [m.recipients for m in capture.messages] == [["b@rcpt.example"]]
    await_true(lambda: len(impulse.rejectlog()) == 2, "a record of each")
    assert not impulse.mainlog("P")


def test_a_refusal_for_now_answers_the_whole(impulse, site, capture):
    """The client comes again with all of them; nobody hears that a message failed for good."""
    impulse.start(site.config(TO_BE_ASKED, to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        assert send(client, "b", "each-550", "each-451", "c").text == "451 4.7.1 not for this recipient"
        assert send(client, "b").code == 250
    impulse.await_log("D")
    assert len(capture.messages) == 1 and not impulse.mainlog("P")


def test_no_notification_where_none_is_wanted(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED + "generate_bounces_for_multi_recipient_policy_rejections = false",
                              to=capture))
    assert exchange(impulse, "b", "each-550").code == 250
    impulse.await_log("D")
    impulse.stop()
    assert [m.recipients for m in capture.messages] == [["b@rcpt.example"]]
    assert len(impulse.mainlog("R")) == 1 and not impulse.mainlog("P") and len(impulse.rejectlog()) == 1


def test_no_notification_to_the_null_sender(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED, to=capture))
    assert exchange(impulse, "b", "each-550", sender="").code == 250
    impulse.await_log("D")
    impulse.await_log("P")
    impulse.stop()
    assert [m.recipients for m in capture.messages] == [["b@rcpt.example"]]


def test_the_report_survives_a_kill(impulse, site, captures):
    """What was promised by the 250: the others are delivered, and this one's sender is told."""
    capture = captures(behave=lambda session, verb, line: b"451 4.3.0 later" if down and verb == "MAIL" else None)
    down = True
    config = site.config(TO_BE_ASKED + "retry_interval = 1\nmax_retry_interval = 1", to=capture)
    impulse.start(config)
    assert exchange(impulse, "b", "each-550").code == 250
    impulse.kill()
    down = False
    impulse.start(config)
    await_true(lambda: set(by_recipient(capture)) == {"b@rcpt.example", "a@sender.example"}, "both are there")
    assert sum("each-550@rcpt.example" in m.recipients for m in capture.messages) == 0, "never delivered"


# ---- time ----------------------------------------------------------------------------------------------------------------


def test_a_hook_that_never_answers(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED + "data_processing_timeout = 1", to=capture))
    with Wire(impulse.address, 20) as client:
        client.greet()
        began = time.monotonic()
        assert send(client, "never").text == "451 4.4.5 data_processing_timeout exceeded"
        assert 0.9 < time.monotonic() - began < 10
        assert send(client, "wake").code == 250, "what it says later is heard by nobody, and the session goes on"
        assert send(client, "b").code == 250
    capture.wait(2)
    assert set(by_recipient(capture)) == {"wake@rcpt.example", "b@rcpt.example"}
    await_true(impulse.rejectlog, "a record of it")
    line, = impulse.rejectlog()
    assert ' P="reading body" E=451 M=core ' in line


def test_a_hook_that_answers_in_time(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED + "data_processing_timeout = 20", to=capture))
    assert exchange(impulse, "slow-300", "b", "slow-200").code == 250
    await_recipients(capture, "slow-300@rcpt.example", "b@rcpt.example", "slow-200@rcpt.example")


def test_the_time_is_for_all_hooks_together(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED + "data_processing_timeout = 1", to=capture))
    reply = exchange(impulse, "slow-400", "slow-401", "slow-402", "slow-403")
    assert reply.text == "451 4.4.5 data_processing_timeout exceeded"


def test_the_daemon_ends_while_a_hook_thinks(impulse, site):
    """What the module says when everything is gone already harms nobody."""
    impulse.start(site.config(TO_BE_ASKED + "data_processing_timeout = 1"))
    clients = []
    for nap in range(1001, 1100, 4):   # one of them ends when the daemon does
        client = Wire(impulse.address, 20)
        clients.append(client)
        client.greet()
        for local in ("MAIL FROM:<a@sender.example>", f"RCPT TO:<slow-{nap}@rcpt.example>"):
            client.command(local, 250)
        client.command("DATA", 354)
        client.send(EXACT["plain"] + b".\r\n")
    await_true(impulse.rejectlog, "given up")
    for client in clients:
        client.close()
    impulse.stop()


def test_no_limit(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED + "data_processing_timeout = 0", to=capture))
    assert exchange(impulse, "slow-1500").code == 250


def test_the_client_leaves_while_a_hook_thinks(impulse, site, capture):
    impulse.start(site.config(TO_BE_ASKED + "data_processing_timeout = 1", to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<never@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(EXACT["plain"] + b".\r\n")
    assert exchange(impulse, "wake").code == 250
    capture.wait(1)
    impulse.stop()
    assert set(by_recipient(capture)) == {"wake@rcpt.example"}


def test_the_spool_takes_too_long(impulse, site, captures):
    """A message that becomes durable too late is refused, leaves the spool, and is never delivered."""
    capture = captures()
    config = site.config("data_processing_timeout = 1", to=capture)
    impulse.start(config)
    with Wire(impulse.address, 20) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        for local in "late", "later":
            client.command(f"RCPT TO:<{local}@rcpt.example>", 250)
        client.command("DATA", 354)
        with frozen(impulse.thread("committer")):
            client.send(EXACT["plain"] + b".\r\n")
            time.sleep(1.5)   # the time that is too long
        assert client.reply().text == "451 4.4.5 data_processing_timeout exceeded"
        impulse.kill()
    impulse.start(config)
    assert exchange(impulse, "b").code == 250
    capture.wait(1)
    impulse.stop()
    assert set(by_recipient(capture)) == {"b@rcpt.example"}
    assert "recovered" not in impulse.paniclog(), "nothing was in the spool after the kill"


def test_a_client_that_idles_after_a_hook(impulse, site, capture):
    """The time that hooks may take is longer than the time that clients may: it is not the clients'."""
    impulse.start(site.config(TO_BE_ASKED + "data_processing_timeout = 600", listener="idle_time = 1", to=capture))
    with Wire(impulse.address, 20) as client:
        client.greet()
        assert send(client, "slow-10").code == 250
        assert client.reply().text == "421 4.4.2 no input in time, closing connection"

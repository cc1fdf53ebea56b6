"""What modules do to messages: header fields, bodies, senders and recipients, in small and in large messages, stored,
recovered and delivered byte for byte.
"""
import re

import pytest

from harness import await_true
from harness.messages import HEADER, large
from harness.sdk import build
from harness.wire import Wire, stuff

EDITORS = "editor { }\nwitness { }\n"
SMALL = b"Hello.\r\nThe last line.\r\n"
LARGE = b"".join(b"line %d of a large body\r\n" % i for i in range(25000)) + b"The last line.\r\n"


@pytest.fixture
def impulse(impulse, installed, modules):
    """With the modules `editor` and `witness` beside its own."""
    build(installed, "editor", modules)
    build(installed, "witness", modules)
    impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    return impulse


def message(*commands, body=SMALL, header=HEADER):
    return header + b"".join(b"X-Do: " + command.encode() + b"\r\n" for command in commands) + b"\r\n" + body


def send(impulse, content, **named):
    with Wire(impulse.address, 60) as client:
        client.greet()
        return client.mail(content, **named)


def parts(content):
    """The header without the trace field, unfolded, as a list of (name, value); and the body."""
    header, body = content.split(b"\r\n\r\n", 1)
    fields = re.sub(rb"\r\n(?=[ \t])", b"", header).decode("utf-8", "surrogateescape").split("\r\n")
    fields = [tuple(field.split(": ", 1)) for field in fields]
    return [field for field in fields if field[0] != "Received"], body


def names(fields):
    return [name for name, _ in fields]


@pytest.fixture(params=["small", "large"])
def body(request):
    return SMALL if request.param == "small" else LARGE


def deliver(impulse, site, capture, content, **named):
    impulse.start(site.config(EDITORS, to=capture))
    assert send(impulse, content, **named).code == 250
    return parts(capture.wait()[0].content)


# ---- header fields ------------------------------------------------------------------------------------------------------


def test_fields_added_replaced_and_removed(impulse, site, capture, body):
    commands = ["front X-First 1", "end X-Last 9", "before subject 0 X-Before b", "behind subject 0 X-Behind c",
                "replace SUBJECT 0 another subject", "end X-Many a", "end X-Many b", "end X-Many c", "remove x-many 1",
                "remove message-id -1", "purge to"]
    fields, delivered = deliver(impulse, site, capture, message(*commands, body=body))
    assert delivered == body
    assert fields[:-2] == [
        ("X-First", "1"), ("From", "Ann <a@sender.example>"), ("X-Before", "b"), ("Subject", "another subject"),
        ("X-Behind", "c"), ("Date", "Thu, 1 Jan 2026 00:00:00 +0000"), ("X-Last", "9"), ("X-Many", "a"), ("X-Many", "c")]
    (_, first), (_, second) = fields[-2:]
    assert first == "X-First Received " + " ".join(names(fields[1:-2])), "the second module sees what the first made"
    content = capture.messages[0].content
    seen = len(content) - len(f"X-Witness: {second}\r\n") - len(f"X-Witness: {first}\r\n")
    assert second == f"10 fields, {seen + len(first) + 13} bytes, subject another subject"


def test_the_size_follows(impulse, site, capture, body):
    deliver(impulse, site, capture, message("front X-First " + "x" * 500, body=body))
    impulse.await_log("D")
    content = capture.messages[0].content
    assert int(impulse.mainlog("R")[0].size) == len(content) == int(impulse.mainlog("D")[0].size)


def test_long_values_are_folded(impulse, site, capture):
    fields, _ = deliver(impulse, site, capture, message("end X-Long " + "word " * 800 + "end"))
    assert ("X-Long", "word " * 800 + "end") in fields
    assert all(len(line) <= 998 for line in capture.messages[0].content.split(b"\r\n"))


def test_what_must_not_be_possible(impulse, site, capture, body):
    fields, delivered = deliver(impulse, site, capture, message("spoil", body=body))
    assert ("X-Spoiled", "16 of 16 refused") in fields and delivered == body
    assert not {"X-A", "X-B", "X-Failed"} & set(names(fields))


def test_beyond_the_bound(impulse, site, capture, body):
    """256 KiB of text: then an edit is refused, and what was taken out makes room again."""
    fields, delivered = deliver(impulse, site, capture, message("front X-First 1", "fill", body=body))
    filled, = [int(value) for name, value in fields if name == "X-Filled"]
    assert 262144 // 950 < filled <= 262144 // 900 and delivered == body
    assert fields[0] == ("X-First", "1") and "X-Failed" not in names(fields)


# ---- bodies -------------------------------------------------------------------------------------------------------------


def test_the_last_line_is_found_and_replaced(impulse, site, capture, body):
    fields, delivered = deliver(impulse, site, capture, message("last and this is another one", body=body))
    assert "X-Failed" not in names(fields)
    assert delivered == body.replace(b"The last line.", b"and this is another one")


def test_20_megabytes(impulse, site, capture):
    body = large(20_000_000).split(b"\r\n\r\n", 1)[1] + b"The last line.\r\n"
    content = message("front X-First 1", "last another end", body=body)
    fields, delivered = deliver(impulse, site, capture, content)
    assert "X-Failed" not in names(fields) and fields[0] == ("X-First", "1")
    assert delivered == body[:-len(b"The last line.\r\n")] + b"another end\r\n"


def test_text_put_in(impulse, site, capture, body):
    _, delivered = deliver(impulse, site, capture, message(r"insert first\r\n.\r\n\r\n", body=body))
    assert delivered == b"first\r\n.\r\n\r\n" + body


@pytest.mark.parametrize("lines", [0, 3, 100_000])
def test_another_body(impulse, site, capture, body, lines):
    content = message("front X-First 1", f"body {lines}", "last the end" if lines else "front X-Second 2", body=body)
    fields, delivered = deliver(impulse, site, capture, content)
    expected = [b"this is line %d of another body\r\n" % i for i in range(lines)]
    if lines:
        expected[-1] = b"the end\r\n"
    assert "X-Failed" not in names(fields), fields
    assert delivered == b"".join(expected)
    impulse.await_log("D")
    await_true(lambda: "X-First" in names(fields), "edits before it stay")


def test_reading_on_the_loop(impulse, site, capture, body):
    content = message("count", body=body)
    fields, _ = deliver(impulse, site, capture, content)
    received = len(capture.messages[0].content.split(b"\r\n\r\n")[0].split(b"Received", 1)[1].split(b"From:")[0]
                   .splitlines())
    assert ("X-Lines", str(content.count(b"\r\n") + received)) in fields


def test_a_client_leaves_while_a_message_is_read_on_the_loop(impulse, site, capture):
    """Until `cancelled` has been called the message is there, with what is attached to it."""
    impulse.start(site.config(EDITORS, to=capture))
    client = Wire(impulse.address)
    client.greet()
    client.command("MAIL FROM:<a@sender.example>", 250)
    client.command("RCPT TO:<b@rcpt.example>", 250)
    client.command("DATA", 354)
    client.send(stuff(message("count", body=20 * LARGE)) + b".\r\n")
    client.close()
    impulse.await_panic("nobody waits for the lines of a message from <a@sender.example>")
    impulse.stop()
    assert "the message ended" not in impulse.paniclog()


# ---- sender and recipients ----------------------------------------------------------------------------------------------


def test_sender_and_recipients(impulse, site, capture):
    commands = ["sender other@sender.example", "add new@rcpt.example", "drop c@rcpt.example",
                "move d@rcpt.example e@rcpt.example"]
    impulse.start(site.config(EDITORS, to=capture))
    assert send(impulse, message(*commands), recipients=[f"{local}@rcpt.example" for local in "bcd"]).code == 250
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) >= 3, "a copy for each recipient")
    assert {r for m in capture.messages for r in m.recipients} == {f"{x}@rcpt.example" for x in ("b", "e", "new")}
    assert {m.sender for m in capture.messages} == {"other@sender.example"}


def test_hooks_move_the_recipient_in_question(impulse, site, capture, body):
    """The daemon and the hooks after that see the new address and no longer the old one."""
    recipients = ["early-1@rcpt.example", "late-2@rcpt.example", "early-late-3@rcpt.example", "b@rcpt.example"]
    impulse.start(site.config(EDITORS + 'Domain "moved.example" { }\n', to=capture))
    assert send(impulse, message(body=body), recipients=recipients).code == 250
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) >= 4, "a copy for each recipient")
    assert {r for m in capture.messages for r in m.recipients} == {
        "1@moved.example", "2@moved.example", "3@moved.example", "b@rcpt.example"}


def test_nobody_is_left(impulse, site, capture):
    impulse.start(site.config(EDITORS, to=capture))
    assert send(impulse, message("drop b@rcpt.example")).code == 250
    assert send(impulse, message("drop b@rcpt.example", body=LARGE)).code == 250
    assert send(impulse, message("sender -")).code == 250
    impulse.await_log("D")
    assert [m.sender for m in capture.messages] == [""] and len(impulse.mainlog("R")) == 1


def test_edits_of_one_recipient(impulse, site, capture, body):
    recipients = ["own-1@rcpt.example", "b@rcpt.example", "own-2@rcpt.example"]
    impulse.start(site.config(EDITORS, to=capture))
    assert send(impulse, message("front X-All 1", body=body), recipients=recipients).code == 250
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) >= 3, "a copy for each recipient")
    for copy in capture.messages:
        fields, delivered = parts(copy.content)
        own, = copy.recipients
        assert delivered == body and ("X-All", "1") in fields
        assert ("X-Own" in names(fields)) == own.startswith("own-")
        if own.startswith("own-"):
            assert ("X-Own", own) in fields and ("Subject", "your own subject") in fields
        else:
            assert ("Subject", "a test") in fields


# ---- in the spool -------------------------------------------------------------------------------------------------------


def test_edits_survive_kill_9(impulse, site, capture, body):
    recipients = ["own-1@rcpt.example", "b@rcpt.example"]
    impulse.start(site.config(EDITORS + "suspend_delivery = true\n", to=capture))
    content = message("front X-First 1", "last another end", body=body)
    assert send(impulse, content, recipients=recipients).code == 250
    impulse.kill()
    impulse.start(site.config(EDITORS, to=capture))
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) >= 2, "a copy for each recipient")
    for copy in capture.messages:
        fields, delivered = parts(copy.content)
        assert delivered == body.replace(b"The last line.", b"another end")
        assert ("X-First", "1") in fields and ("X-Own" in names(fields)) == (copy.recipients[0][:4] == "own-")
    impulse.await_log("D", 2)


def test_a_notification_has_the_edited_form(impulse, site, capture, body):
    impulse.start(site.config(EDITORS + 'Domain "nowhere.example" { remote_smtp_port = 1 gateway = "127.0.0.1" '
                              'max_retries = 0 message_expiration = 1 retry_interval = 1 }\n', to=capture))
    content = message("front X-First 1", "replace Subject 0 edited", body=body)
    assert send(impulse, content, recipients=["b@nowhere.example"]).code == 250
    notice = capture.wait()[0]
    assert notice.sender == "" and b"\r\nX-First: 1\r\n" in notice.content
    assert b"\r\nSubject: edited\r\n" in notice.content and b"a test" not in notice.content

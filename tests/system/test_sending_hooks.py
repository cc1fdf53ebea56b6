"""Modules that change a message at the moment it leaves: what is delivered, to the byte; what is stored; who is waited for,
and for how long; what becomes of an attempt that a module refuses, forgets or breaks."""
import re
import signal
import time
import zlib

import pytest

from harness import SANITIZER, await_true, patience, scaled
from harness.capture import ALL_EXTENSIONS, CLOSE
from harness.messages import EXACT, HEADER, large
from harness.sdk import build
from harness.wire import Wire

SMALL = HEADER + b"X-Secret: inside\r\n\r\nHello.\r\n.\r\n..\r\nThe last line.\r\n"
LARGE = HEADER + b"X-Secret: inside\r\n\r\n" + large(1_000_000).split(b"\r\n\r\n", 1)[1]
BODIES = {"small": SMALL, "large": LARGE}


@pytest.fixture
def impulse(impulse, installed, modules):
    build(installed, "signer", modules)
    impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    return impulse


def signer(name="one", **options):
    return f'signer "{name}" {{ ' + " ".join(f'{option} = "{value}"' for option, value in options.items()) + " }\n"


def send(impulse, content, code=250, **named):
    with Wire(impulse.address, 60) as client:
        client.greet()
        assert client.mail(content, **named).code == code


def signed(content, sent, field=b"X-Digest", append=b"", removed=b"X-Secret: inside\r\n", note=b""):
    """Is `content` what was sent, with a trace field, and what a signer makes of that?"""
    trace = re.search(rb"Received: .*?\r\n(?=\S)", content, re.S)[0]
    body = sent.split(b"\r\n\r\n", 1)[1]
    fields = len(re.findall(rb"^\S", trace + sent.split(b"\r\n\r\n", 1)[0], re.M))
    digest = b"%s: crc=%08x; body=%d; fields=%d\r\n" % (field, zlib.crc32(body), len(body), fields)
    header, _ = sent.replace(removed, b"", 1).split(b"\r\n\r\n", 1)
    expected = digest + trace + header + b"\r\n" + note + b"\r\n" + body + (append + b"\r\n" if append else b"")
    assert content == expected
    return True


def asked(impulse, count=1):
    """What the module says that it was asked, so many times at least."""
    def lines():
        return [line.split(": asked about ", 1)[1] for line in impulse.paniclog().splitlines() if ": asked about " in line]
    await_true(lambda: len(lines()) >= count, f"{count} attempts that the module was asked about")
    return lines()


def reload(impulse, config):
    impulse.write(config)
    impulse.reload()
    impulse.await_panic("configuration reloaded")


# ---- what is delivered --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["loop", "thread", "block"])
@pytest.mark.parametrize("size", BODIES)
def test_a_message_is_signed(impulse, site, capture, how, size):
    impulse.start(site.config(signer(how=how, remove="x-secret", append=".behind it all"), to=capture))
    send(impulse, BODIES[size])
    message, = capture.wait()
    assert signed(message.content, BODIES[size], append=b".behind it all")
    record, = impulse.await_log("D")
    assert f"SIZE={len(message.content)}" in message.session.parameters()
    assert int(record.size) == len(message.content) > int(impulse.mainlog("R")[0].size)
    assert asked(impulse) == [f"b@rcpt.example of a@sender.example by 127.0.0.1 (127.0.0.1) in default for rcpt.example, "
                              f"{impulse.mainlog('R')[0].size} bytes, retries=0"]


@pytest.mark.parametrize("size", BODIES)
def test_what_is_stored_stays_as_it_is(impulse, site, captures, size):
    """Three attempts, each of them signed once."""
    answers = iter([b"451 4.3.0 not now", b"451 4.3.0 not now", None])
    tried = []
    capture = captures(behave=lambda session, verb, line: next(answers) if verb == "." else tried.append(
        session.parameters()) if verb == "RCPT" else None)
    impulse.start(site.config(signer(remove="x-secret", append="end") + "retry_interval = 1", to=capture))
    send(impulse, BODIES[size])
    message, = capture.wait()
    assert signed(message.content, BODIES[size], append=b"end")
    assert len(tried) == 3 and tried[0] == tried[1] == tried[2]
    assert [line.rsplit(", ", 1)[1] for line in asked(impulse, 3)] == [f"retries={i}" for i in range(3)]


def test_20_megabytes(impulse, site, capture):
    """Streamed: nobody holds more of it than a few parts."""
    content = large(20_000_000).replace(b"Subject: a test\r\n", b"Subject: a test\r\nX-Secret: inside\r\n", 1)
    impulse.start(site.config("suspend_delivery = true\n" + signer(), to=capture))
    send(impulse, content)
    impulse.await_log("R")
    before = impulse.peak_memory()
    reload(impulse, site.config(signer(remove="x-secret", append="end"), to=capture))
    message, = capture.wait(seconds=60)
    assert signed(message.content, content, append=b"end")
    impulse.await_log("D")
    assert SANITIZER or impulse.peak_memory() - before < 8_000_000, "it is not loaded"


def test_a_second_module_sees_what_the_first_made(impulse, site, capture):
    impulse.start(site.config(signer("two", field="X-Second", how="thread", priority=10) +
                              signer("one", remove="x-secret", append="end", priority=-10), to=capture))
    send(impulse, SMALL)
    message, = capture.wait()
    second, content = message.content.split(b"\r\n", 1)
    body = SMALL.split(b"\r\n\r\n", 1)[1] + b"end\r\n"
    assert second == b"X-Second: crc=%08x; body=%d; fields=7" % (zlib.crc32(body), len(body))
    assert signed(content, SMALL, append=b"end")


def test_one_attempt_for_several_recipients(impulse, site, capture):
    impulse.start(site.config(signer(remove="x-secret"), to=capture))
    send(impulse, SMALL, recipients=[f"{local}@rcpt.example" for local in "abc"])
    message, = capture.wait()
    assert message.recipients == ["a@rcpt.example", "b@rcpt.example", "c@rcpt.example"]
    assert signed(message.content, SMALL)
    assert len(impulse.await_log("D", 3)) == 3
    assert [line.split(" of ")[0] for line in asked(impulse)] == ["a@rcpt.example,b@rcpt.example,c@rcpt.example"]


def test_a_delivery_method_of_a_module(impulse, site):
    (site.directory / "mail").mkdir()
    impulse.start(site.config(f'delivery_method = "maildir"\nmaildir {{ path = "{site.directory}/mail/%d/%l" }}\n' +
                              signer(remove="x-secret", append="end")))
    for content in (SMALL, LARGE):
        send(impulse, content)
    records = impulse.await_log("D", 2)
    for content, file in zip((SMALL, LARGE), sorted((site.directory / "mail").rglob("new/*"),
                                                    key=lambda file: file.stat().st_size)):
        text = file.read_bytes().replace(b"\n", b"\r\n")
        text = text[text.index(b"X-Digest: "):]
        assert signed(text, content, append=b"end") and len(text) in {int(record.size) for record in records}


def test_lmtp(impulse, site, captures):
    capture = captures(lmtp=True)
    impulse.start(site.config(f'{signer(remove="x-secret")}delivery_method = "lmtp"\nlmtp_port = {capture.port}\n'
                              'gateway = "127.0.0.1"'))
    send(impulse, SMALL, recipients=["a@rcpt.example", "b@rcpt.example"])
    message, = capture.wait()
    assert signed(message.content, SMALL) and len(message.recipients) == 2


def test_a_binary_message(impulse, site, captures):
    """BDAT says the size of what was made of it."""
    capture = captures(extensions=ALL_EXTENSIONS)
    content = SMALL + b"\r\n.\r\n\n\r\0\xff no end"
    impulse.start(site.config(signer(remove="x-secret"), 'SMTP_Extensions = ( "CHUNKING" "BINARYMIME" )', to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example> BODY=BINARYMIME", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.send(b"BDAT %d LAST\r\n" % len(content) + content)
        assert client.reply().code == 250
    message, = capture.wait()
    assert signed(message.content, content)


@pytest.fixture
def deliver(impulse, site, captures):
    """deliver(OPTION=VALUE, ...): SMALL, as a next hop with all extensions gets it from a signer with these options."""
    def go(**options):
        capture = captures(extensions=ALL_EXTENSIONS)
        impulse.start(site.config(signer(remove="x-secret", **options), to=capture))
        send(impulse, SMALL)
        message, = capture.wait()
        return message

    return go


def test_what_the_next_hop_needs_follows(deliver):
    message = deliver(note="grüß")
    assert signed(message.content, SMALL, note="X-Note: grüß\r\n".encode())
    assert {"BODY=8BITMIME", "SMTPUTF8"} <= set(message.session.parameters())


def test_what_the_next_hop_does_not_offer(impulse, site, capture):
    impulse.start(site.config(signer(note="grüß") + "generate_bounces = false", to=capture))
    send(impulse, SMALL)
    record, = impulse.await_log("P")
    assert "554 5.6.9 [internal] the header is not ASCII" in record.line and not capture.messages


def test_eight_bits_in_the_body_need_no_smtputf8(deliver):
    message = deliver(append="grüß")
    assert signed(message.content, SMALL, append="grüß".encode())
    assert "BODY=8BITMIME" in message.session.parameters() and "SMTPUTF8" not in message.session.parameters()


@pytest.mark.parametrize("how", ["loop", "thread", "block"])
def test_many_messages_on_one_connection(impulse, site, capture, how):
    impulse.start(site.config("suspend_delivery = true\n" + signer(how=how, remove="x-secret"), to=capture))
    for i in range(30):
        send(impulse, SMALL.replace(b"a test", b"test %d" % i))
    reload(impulse, site.config("max_outbound_connections = 1\n" + signer(how=how, remove="x-secret"), to=capture))
    for message in capture.wait(30):
        assert signed(message.content, SMALL.replace(b"a test", re.search(rb"test \d+", message.content)[0]))
    assert len(impulse.await_log("D", 30)) == 30 and len(asked(impulse, 30)) == 30


# ---- what modules answer ------------------------------------------------------------------------------------------------


def test_not_now(impulse, site, capture):
    """For all recipients of the attempt; others are delivered meanwhile, and these as soon as the module is willing."""
    impulse.start(site.config(signer(answer="transient", only="no") + "retry_interval = 1", to=capture))
    send(impulse, SMALL, recipients=["no@rcpt.example", "with@rcpt.example"])
    for record in impulse.await_log("T", 2)[:2]:
        assert "451 4.7.5 [internal] there is no key" in record.line
    send(impulse, SMALL)
    assert b"X-Half" not in capture.wait()[0].content
    reload(impulse, site.config(signer(remove="x-secret") + "retry_interval = 1", to=capture))
    assert signed(capture.wait(2)[1].content, SMALL)
    assert len(impulse.await_log("D", 3)) == 3


def test_never(impulse, site, capture):
    impulse.start(site.config(signer(answer="fail", only="no"), to=capture))
    send(impulse, SMALL, recipients=["no@rcpt.example", "with@rcpt.example"])
    for record in impulse.await_log("P", 2):
        assert "550 5.7.5 [internal] there is no key" in record.line
    bounces = capture.wait(2)
    assert all(b"550 5.7.5 " in bounce.content and b"X-Half" not in bounce.content and bounce.sender == ""
               for bounce in bounces)


def test_a_thousand_refusals(impulse, site, capture):
    """None of them keeps the others from being tried, and nothing is lost."""
    impulse.start(site.config("suspend_delivery = true\n" + signer(answer="transient"), to=capture))
    with Wire(impulse.address, 60) as client:
        client.greet()
        for _ in range(20):
            assert client.mail(SMALL, recipients=[f"r{i}@rcpt.example" for i in range(50)]).code == 250
    refusing = 'ESMTP_Listener { batch_handling = "bifurcate_always" }\nmax_recipients_per_batch = 1\n'
    reload(impulse, site.config(refusing + signer(answer="transient"), to=capture))
    assert len(impulse.await_log("T", 1000, 60)) == 1000
    assert not capture.messages


def test_nonsense_is_named_and_the_message_waits(impulse, site, capture):
    impulse.start(site.config(signer(answer="nonsense"), to=capture))
    send(impulse, SMALL)
    record, = impulse.await_log("T")
    assert "451 4.3.0 [internal] temporary local problem" in record.line
    assert "module signer:one: its hook at message_sending returned what is no verdict; refused with 451 4.3.0" in \
        impulse.await_panic("no verdict")
    assert not capture.messages


@pytest.mark.parametrize("size", BODIES)
def test_what_is_not_possible_here(impulse, site, capture, size):
    """And IMP_DONE: the second module is not asked."""
    impulse.start(site.config(signer(answer="spoil") + signer("two", priority=1), to=capture))
    send(impulse, BODIES[size])
    message, = capture.wait()
    first, content = message.content.split(b"\r\n", 1)
    assert first == b"X-Spoiled: 8 of 8 refused" and content.endswith(BODIES[size])
    assert message.commands[0].startswith("MAIL FROM:<a@sender.example>") and len(asked(impulse)) == 1


@pytest.mark.plain
def test_a_crash_is_named_and_the_message_is_there(impulse, site, capture):
    impulse.start(site.config(signer(answer="crash"), to=capture))
    send(impulse, SMALL)
    impulse.process.wait(20)
    assert "signer:one: its hook at message_sending" in impulse.paniclog()
    impulse.forget()
    impulse.start(site.config(signer(remove="x-secret"), to=capture))
    message, = capture.wait()
    assert signed(message.content, SMALL)


# ---- who is waited for --------------------------------------------------------------------------------------------------


def test_a_suspension_ends_at_its_deadline(impulse, site, capture):
    impulse.start(site.config(signer(answer="never", deadline_ms=300, only="no"), to=capture))
    send(impulse, SMALL, recipients=["no@rcpt.example", "with@rcpt.example"])
    for record in impulse.await_log("T", 2):
        assert "451 4.3.0 [internal] a module did not answer in time" in record.line
    assert "module signer:one: its hook at message_sending did not answer within 300 ms" in \
        impulse.await_panic("did not answer within")
    impulse.await_panic("nobody waits any more for <a@sender.example>")
    send(impulse, SMALL)
    assert b"X-Half" not in capture.wait()[0].content
    assert len(capture.sessions) == 1, "the connection has served on"


@pytest.mark.parametrize("method", ["esmtp", "maildir"])
def test_a_blocking_hook_that_is_late_keeps_what_it_uses(impulse, site, capture, method):
    held = site.directory / "held"
    (site.directory / "mail").mkdir()
    impulse.start(site.config(
        f'delivery_method = "{method}"\nmaildir {{ path = "{site.directory}/mail/%d/%l" }}\n'
        'retry_interval = 3600\n' + signer(how="block", hold=held, deadline_ms=300), to=capture))
    send(impulse, LARGE)
    record, = impulse.await_log("T")
    assert "a module did not answer in time" in record.line
    held.touch()
    send(impulse, SMALL)
    impulse.await_log("D")
    impulse.stop()
    assert len(impulse.mainlog("D")) == 1 and len(asked(impulse, 2)) == 2


def test_a_hook_that_no_thread_begins_with(impulse, site, capture):
    """It is named with its pool, and not called any more."""
    held = site.directory / "held"
    impulse.start(site.config('ThreadPool "IO" { Concurrency = 1 }\nmax_outbound_connections = 2\nretry_interval = 3600\n' +
                              signer(how="block", hold=held, deadline_ms=500), to=capture))
    for recipient in ("a@rcpt.example", "b@other.example", "c@third.example"):
        send(impulse, SMALL, recipients=[recipient])
    assert all("a module did not answer in time" in record.line for record in impulse.await_log("T", 3))
    impulse.await_panic("was not begun within 500 ms")
    held.touch()
    send(impulse, SMALL)
    capture.wait()
    assert len(asked(impulse, 2)) == 2


@pytest.mark.parametrize("how", ["thread", "block"])
def test_the_connection_dies_meanwhile(impulse, site, capture, how):
    """A connection that had served nobody: the attempt has failed, once, and the next one is made on another."""
    held = site.directory / "held"
    impulse.start(site.config(signer(how=how, hold=held, remove="x-secret") + "retry_interval = 2", to=capture))
    send(impulse, SMALL)
    impulse.await_panic("asked about b@rcpt.example")
    for connection in list(capture.open):
        connection.shutdown(2)
    record, = impulse.await_log("T")
    assert "451 4.4.2 [internal] connection closed by remote host" in record.line
    if how == "thread":
        impulse.await_panic("nobody waits any more for <a@sender.example>")
    held.touch()
    message, = capture.wait()
    assert signed(message.content, SMALL)
    impulse.await_log("D")
    impulse.stop()
    assert len(impulse.mainlog("D")) == 1 and len(impulse.mainlog("T")) == 1 and len(capture.messages) == 1


def test_a_connection_that_has_served_dies_meanwhile(impulse, site, captures):
    """The message was not tried: it goes out on another connection, at once."""
    held = site.directory / "held"
    capture = captures()
    impulse.start(site.config(signer(how="thread", hold=held, only="no", remove="x-secret") +
                              "max_outbound_connections = 1\nretry_interval = 3600", to=capture))
    send(impulse, SMALL)
    impulse.await_log("D")
    send(impulse, SMALL, recipients=["no@rcpt.example"])
    impulse.await_panic("asked about no@rcpt.example")
    for connection in list(capture.open):
        connection.shutdown(2)
    impulse.await_panic("nobody waits any more")
    held.touch()
    assert signed(capture.wait(2)[1].content, SMALL)
    assert not impulse.mainlog("T") and len(asked(impulse, 3)) == 3


@pytest.mark.parametrize("deferred", ["false", "true"])
@pytest.mark.parametrize("method", ["esmtp", "maildir"])
def test_a_stop_does_not_wait(impulse, site, capture, method, deferred):
    (site.directory / "mail").mkdir()
    outer = f'delivery_method = "{method}"\nmaildir {{ path = "{site.directory}/mail/%d/%l" }}\n' \
            f'deferred_spool = {deferred}\n'
    impulse.start(site.config(outer + signer(answer="never"), to=capture))
    for recipient in ("a@rcpt.example", "b@other.example"):
        send(impulse, SMALL, recipients=[recipient])
    asked(impulse, 2)
    begun = time.monotonic()
    impulse.process.send_signal(signal.SIGTERM)
    impulse.stop()
    assert time.monotonic() - begun < patience(10)
    assert impulse.paniclog().count("nobody waits any more") == 2 and not impulse.mainlog("T")
    impulse.start(site.config(outer + signer(remove="x-secret"), to=capture))
    assert len(impulse.await_log("D", 2)) == 2


@pytest.mark.parametrize("deferred", ["false", "true"])
def test_a_stop_does_not_wait_for_a_hook_that_blocks(impulse, site, capture, deferred):
    outer = f'deferred_spool = {deferred}\n'
    impulse.start(site.config(outer + signer(how="block", hold=site.directory / "never"), to=capture))
    send(impulse, LARGE)
    asked(impulse)
    begun = time.monotonic()
    impulse.stop(expect=1)
    assert time.monotonic() - begun < patience(20)
    assert "signer:one: its hook at message_sending has not returned; the process ends without it" in impulse.paniclog()
    impulse.start(site.config(outer + signer(remove="x-secret"), to=capture))
    message, = capture.wait()
    assert signed(message.content, LARGE)
    impulse.await_log("D")


@pytest.mark.parametrize("how", ["thread", "block"])
def test_a_reload_in_the_middle(impulse, site, capture, how):
    """The attempt goes on with the module that was asked; the next one has the new one."""
    held = site.directory / "held"
    impulse.start(site.config(signer(how=how, hold=held, remove="x-secret") + signer("last", field="X-Last", priority=9),
                              to=capture))
    send(impulse, SMALL)
    impulse.await_panic("asked about")
    reload(impulse, site.config(signer(field="X-New", remove="x-secret"), to=capture))
    send(impulse, SMALL, sender="c@sender.example", recipients=["c@other.example"])
    assert signed(capture.wait()[0].content, SMALL, field=b"X-New")
    held.touch()
    last, content = capture.wait(2)[1].content.split(b"\r\n", 1)
    assert last.startswith(b"X-Last: ") and signed(content, SMALL)
    assert len(impulse.await_log("D", 2)) == 2


@pytest.mark.parametrize("how", ["loop", "thread", "block"])
def test_reloads_while_messages_leave(impulse, site, captures, how):
    """Over connections that break: each message arrives once, signed by one generation's module."""
    count = scaled(300, 100)
    commands = {"MAIL": 0}

    def behave(_, verb, line):
        if verb != "MAIL":
            return None
        commands[verb] += 1
        return CLOSE if commands[verb] % 13 == 0 else None
    capture = captures(behave=behave)

    def config(field):
        return site.config(f"retry_interval = 1\nmax_outbound_connections = 5\n{signer(how=how, field=field, remove='x-secret')}",
                           to=capture)
    impulse.start(config("X-0"))
    sent = 0
    for generation in range(1, 6):
        with Wire(impulse.address, 60) as client:
            client.greet()
            for _ in range(count // 5):
                content = (LARGE if sent % 10 == 0 else SMALL).replace(b"a test", b"test %d." % sent)
                assert client.mail(content).code == 250
                sent += 1
        impulse.write(config(f"X-{generation}"))
        impulse.reload()
        await_true(lambda: impulse.paniclog().count("configuration reloaded") == generation, "it is reloaded")
    seen = set()
    for message in capture.wait(sent, 60):
        number = re.search(rb"Subject: test (\d+)\.", message.content)[1]
        content = (LARGE if int(number) % 10 == 0 else SMALL).replace(b"a test", b"test %s." % number)
        assert signed(message.content, content, field=message.content[:3])
        seen.add(number)
    assert len(impulse.await_log("D", sent)) == sent == len(seen) == len(capture.messages)


def test_nobody_asks(impulse, site, captures):
    """An early end of the connection while nobody is asked is as it was."""
    capture = captures(behave=lambda session, verb, line: CLOSE if verb == "MAIL" else None)
    impulse.start(site.config(to=capture))
    send(impulse, EXACT["plain"])
    impulse.await_log("T")

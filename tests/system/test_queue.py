"""What happens to mail that cannot go out at once: retries, their growth, expiry, bounces; and the way it goes out."""
import email
import email.policy
import re
import threading
import time

import pytest

from harness import SANITIZER, await_true, patience
from harness.capture import CLOSE
from harness.messages import EXACT, header, only_trace_added
from harness.wire import Wire


def send(impulse, content=EXACT["plain"], **named):
    with Wire(impulse.address) as client:
        client.greet()
        reply = client.mail(content, **named)
        assert reply.code == 250, reply


# ---- retries -------------------------------------------------------------------------------------------------------


def test_next_hop_down_then_up(impulse, site, captures):
    first = captures()
    first.stop()
    impulse.start(site.config("retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none", to=first))
    send(impulse)
    impulse.await_log("T", 1)
    second = captures(("127.0.0.1", first.port))
    message, = second.wait()
    only_trace_added(message.content, EXACT["plain"])
    delivery, = impulse.await_log("D")
    assert int(delivery.retries) == len(impulse.mainlog("T")) >= 1


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_refused_for_a_while_at(impulse, site, captures, verb):
    """A 4xx reply at any stage, then delivery."""
    refused = []

    def behave(session, asked, line):
        if asked == verb and not refused:
            refused.append(line)
            return b"451 4.7.1 greylisted"
        if asked == "HELO" and verb == "EHLO" and len(refused) == 1:
            refused.append(line)
            return b"451 4.7.1 greylisted"
        return None

    capture = captures(behave=behave)
    impulse.start(site.config("retry_interval = 1\nmax_retries = none", to=capture))
    send(impulse)
    message, = capture.wait()
    assert refused
    only_trace_added(message.content, EXACT["plain"])
    impulse.await_log("D")
    assert len(impulse.mainlog("T")) == 1
    assert impulse.mainlog("T")[0].text == "451 4.7.1 greylisted"


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_hung_up_at(impulse, site, captures, verb):
    """The next hop closes at any stage; the message is tried again and arrives."""
    once = []

    def behave(session, asked, line):
        if asked == verb and not once:
            once.append(line)
            return CLOSE
        return None

    capture = captures(behave=behave)
    impulse.start(site.config("retry_interval = 1\nmax_retries = none", to=capture))
    send(impulse)
    message, = capture.wait()
    only_trace_added(message.content, EXACT["plain"])
    impulse.await_log("D")


def test_intervals_double_up_to_the_greatest(impulse, site, captures):
    attempts = []

    def behave(session, verb, line):
        if verb == "RCPT":
            attempts.append(time.monotonic())
            return b"450 4.2.1 later" if len(attempts) < 5 else None
        return None

    capture = captures(behave=behave)
    impulse.start(site.config("retry_interval = 1\nmax_retry_interval = 3\nmax_retries = none", to=capture))
    send(impulse)
    capture.wait(seconds=30)
    gaps = [after - before for before, after in zip(attempts, attempts[1:])]
    assert len(gaps) == 4
    slack = 2.5 if SANITIZER else 1.2
    for gap, expected in zip(gaps, [1, 2, 3, 3]):
        assert expected - 0.1 <= gap <= expected + slack, gaps
    assert [record.retries for record in impulse.mainlog("T")] == ["0", "1", "2", "3"]
    assert impulse.await_log("D")[0].retries == "4"


def test_retries_go_on_after_a_restart(impulse, site, captures):
    closed = captures()
    closed.stop()
    config = site.config("retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none", to=closed)
    impulse.start(config)
    send(impulse)
    impulse.await_log("T")
    impulse.stop()
    opened = captures(("127.0.0.1", closed.port))
    impulse.start(config)
    only_trace_added(opened.wait()[0].content, EXACT["plain"])
    assert int(impulse.await_log("D")[0].retries) >= 1


def test_one_recipient_refused_the_other_delivered(impulse, site, captures):
    def behave(session, verb, line):
        return b"550 5.1.1 unknown" if verb == "RCPT" and "bad@" in line else None

    capture = captures(behave=behave)
    impulse.start(site.config("generate_bounces = false", to=capture))
    send(impulse, recipients=["good@x.example", "bad@x.example"])
    impulse.await_log("D")
    impulse.await_log("P")
    assert [m.recipients for m in capture.messages] == [["good@x.example"]]


# ---- the end of patience -------------------------------------------------------------------------------------------


def parts_of_bounce(content):
    """The three parts of an RFC 3464 notification: words, status fields (a list of groups), the original."""
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "delivery-status"
    for name in ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version"):
        assert parsed[name], name
    assert parsed["Auto-Submitted"].startswith("auto-")
    words, status, original = parsed.iter_parts()
    assert words.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    assert original.get_content_type() in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers")
    return parsed, words, status.get_payload(), original


def check_bounce(message, sender="a@sender.example", recipient="b@rcpt.example"):
    assert message.sender == "" and message.recipients == [sender]
    parsed, words, groups, original = parts_of_bounce(message.content)
    assert parsed["To"].addresses[0].addr_spec == sender
    assert recipient in words.get_content()
    assert groups[0]["Reporting-MTA"] == "dns; mx.impulse.example"
    assert groups[1]["Final-Recipient"].replace(" ", "").lower() == f"rfc822;{recipient}"
    assert groups[1]["Action"] == "failed"
    assert re.fullmatch(r"5\.\d+\.\d+", groups[1]["Status"])
    assert b"Subject: a test" in bytes(original) or "Subject: a test" in original.as_string()
    return groups[1]


def test_permanent_failure_bounces(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line:
                       b"550 5.1.1 No such user" if verb == "RCPT" and "b@rcpt" in line else None)
    impulse.start(site.config(to=capture))
    send(impulse)
    fields = check_bounce(capture.wait()[0])
    assert fields["Status"] == "5.1.1"
    assert fields["Diagnostic-Code"].startswith("smtp;") and "No such user" in fields["Diagnostic-Code"]
    impulse.await_log("D")
    assert [record.protocol for record in impulse.mainlog("R")] == ["esmtp", "internal"]
    assert len(impulse.mainlog("P")) == 1


def test_expiry_bounces(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line:
                       b"450 4.2.0 full" if verb == "RCPT" and "b@rcpt" in line else None)
    impulse.start(site.config("message_expiration = 3\nretry_interval = 1\nmax_retry_interval = 1\n"
                              "max_retries = none", to=capture))
    send(impulse)
    fields = check_bounce(capture.wait(seconds=30)[0])
    assert fields["Status"] in ("5.4.7", "5.4.5")
    record, = impulse.await_log("P")
    assert "[internal]" in record.text and record.text.startswith("554 5.4.")
    assert 3 <= float(record.seconds) < 15


def test_expiry_with_the_next_hop_down(impulse, site, captures):
    closed = captures()
    closed.stop()
    impulse.start(site.config("message_expiration = 2\nretry_interval = 1\nmax_retry_interval = 1\n"
                              "max_retries = none\ngenerate_bounces = false", to=closed))
    send(impulse)
    record, = impulse.await_log("P")
    assert record.text.startswith("554 5.4.")


def test_max_retries(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line: b"450 4.2.0 full" if verb == "RCPT" else None)
    impulse.start(site.config("retry_interval = 1\nmax_retry_interval = 1\nmax_retries = 2\n"
                              "generate_bounces = false", to=capture))
    send(impulse)
    record, = impulse.await_log("P")
    assert "5.4.7" in record.text
    assert sum(1 for s in capture.sessions for c in s.commands if c.startswith("RCPT")) == 3


def test_no_bounce_to_the_null_reverse_path(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line:
                       b"550 5.1.1 no" if verb == "RCPT" and "b@rcpt" in line else None)
    impulse.start(site.config(to=capture))
    send(impulse, sender="")
    impulse.await_log("P")
    send(impulse, recipients=["after@x.example"])   # whatever the failure led to would come before this one
    impulse.await_log("D")
    assert [m.recipients for m in capture.messages] == [["after@x.example"]]


def test_a_bounce_that_fails_is_not_bounced(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line: b"550 5.1.1 no" if verb == "RCPT" else None)
    impulse.start(site.config(to=capture))
    send(impulse)
    impulse.await_log("P", 2)
    impulse.stop()
    assert len(impulse.mainlog("R")) == 2 and len(impulse.mainlog("P")) == 2


def test_generate_bounces_false(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line: b"550 5.1.1 no" if verb == "RCPT" else None)
    impulse.start(site.config("generate_bounces = false", to=capture))
    send(impulse)
    impulse.await_log("P")
    impulse.stop()
    assert len(impulse.mainlog("R")) == 1


def test_an_8_bit_message_bounces(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line:
                       b"550 5.1.1 no" if verb == "RCPT" and "b@rcpt" in line else None)
    impulse.start(site.config(to=capture))
    send(impulse, header("Subject: Grüße".encode()) + "Grüße\r\n".encode())
    check_bounce(capture.wait()[0])


# ---- the way out ---------------------------------------------------------------------------------------------------


def test_a_connection_is_used_again(impulse, site, capture):
    impulse.start(site.config("max_outbound_connections = 1", to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(20):
            assert client.mail(EXACT["plain"]).code == 250
    capture.wait(20)
    assert len(capture.sessions) == 1 and capture.sessions[0].messages == 20


def test_max_deliveries_per_connection(impulse, site, capture):
    impulse.start(site.config("max_outbound_connections = 1\nmax_deliveries_per_connection = 5", to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(20):
            assert client.mail(EXACT["plain"]).code == 250
    capture.wait(20)
    assert max(session.messages for session in capture.sessions) <= 5


def test_max_outbound_connections(impulse, site, captures):
    """Never more at once than permitted, however much waits."""
    now, most, lock = [0], [0], threading.Lock()

    def behave(session, verb, line):
        if verb == "CONNECT":
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
        if verb == "QUIT":
            with lock:
                now[0] -= 1
        return None

    capture = captures(behave=behave)
    impulse.start(site.config("max_outbound_connections = 2", to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(100):
            client.mail(EXACT["plain"])
    capture.wait(100)
    assert 1 <= most[0] <= 2


def test_pipelining(impulse, site, capture):
    """MAIL, RCPT and DATA leave as one segment when the next hop offers PIPELINING."""
    impulse.start(site.config(to=capture))
    send(impulse)
    session = capture.wait()[0].session
    burst = next(burst for burst in session.bursts if burst.startswith(b"MAIL"))
    assert b"RCPT TO:<b@rcpt.example>" in burst and b"DATA\r\n" in burst


def test_a_next_hop_without_pipelining(impulse, site, captures):
    capture = captures(extensions=())
    impulse.start(site.config(to=capture))
    send(impulse)
    session = capture.wait()[0].session
    for burst in session.bursts:
        assert burst.count(b"\r\n") == 1, burst


def test_a_next_hop_that_knows_only_helo(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line: b"500 5.5.1 what?" if verb == "EHLO" else None)
    impulse.start(site.config(to=capture))
    send(impulse)
    session = capture.wait()[0].session
    assert [command.split()[0] for command in session.commands[:2]] == ["EHLO", "HELO"]


def test_size_and_8bitmime_are_declared(impulse, site, capture):
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example> BODY=8BITMIME", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(EXACT["8-bit"] + b".\r\n")
        assert client.reply().code == 250
    session = capture.wait()[0].session
    mail = next(command for command in session.commands if command.startswith("MAIL"))
    assert "BODY=8BITMIME" in mail.upper()


def test_ehlo_hostname(impulse, site, capture):
    impulse.start(site.config('ehlo_hostname = "out.impulse.example"', to=capture))
    send(impulse)
    assert capture.wait()[0].session.commands[0] == "EHLO out.impulse.example"


def test_hostname_is_what_ehlo_says_by_default(impulse, site, capture):
    impulse.start(site.config(to=capture))
    send(impulse)
    assert capture.wait()[0].session.commands[0] == "EHLO mx.impulse.example"


# ---- routes and scopes ----------------------------------------------------------------------------------------------


def test_routes_by_preference(impulse, site, captures):
    """The first route while it works; the next one when it does not."""
    down, best, spare = captures(), captures(), captures()
    down.stop()
    impulse.start(site.config(f"""retry_interval = 1
      routes = ( "smtp://127.0.0.1?port={spare.port}&pref=30" "smtp://127.0.0.1?port={best.port}&pref=20"
                 "smtp://127.0.0.1?port={down.port}&pref=10" )"""))
    send(impulse)
    best.wait()
    assert not spare.messages


def test_route_with_a_port_after_the_host(impulse, site, capture):
    impulse.start(site.config(f'routes = ( "smtp://127.0.0.1:{capture.port}" )'))
    send(impulse)
    capture.wait()


def test_routes_to_an_ipv6_address(impulse, site, captures):
    capture = captures(("::1", 0))
    impulse.start(site.config(f'routes = ( "smtp://[::1]:{capture.port}" )'))
    send(impulse)
    capture.wait()


def test_gateway_by_name(impulse, site, capture):
    impulse.start(site.config(f'gateway = "localhost"\nremote_smtp_port = {capture.port}'))
    send(impulse)
    capture.wait()


def test_domain_scopes(impulse, site, captures):
    """The Domain that names the recipient's, a glob, a regex, and the global gateway for everybody else."""
    one, glob, pattern, rest = captures(), captures(), captures(), captures()
    impulse.start(site.config(f"""
      gateway = "127.0.0.1"
      remote_smtp_port = {rest.port}
      Domain "one.example" {{ remote_smtp_port = {one.port} }}
      Domain "*.glob.example" {{ remote_smtp_port = {glob.port} }}
      Domain "/^re[0-9]+[.]example$/" {{ remote_smtp_port = {pattern.port} }}
    """))
    send(impulse, recipients=["a@one.example", "b@x.glob.example", "d@re7.example", "e@other.example",
                              "f@glob.example"])
    assert one.wait()[0].recipients == ["a@one.example"]
    assert glob.wait()[0].recipients == ["b@x.glob.example"]
    assert pattern.wait()[0].recipients == ["d@re7.example"]
    rest.wait(2)
    assert {r for m in rest.messages for r in m.recipients} == {"e@other.example", "f@glob.example"}


@pytest.mark.parametrize("value", ["internal", "true"])
def test_blackhole_in_a_domain(impulse, site, capture, value):
    """Accepted, durable at 250, then failed with Momentum's line; nothing goes out."""
    impulse.start(site.config(f'Domain "void.example" {{ blackhole = {value} generate_bounces = false }}', to=capture))
    send(impulse, recipients=["a@void.example", "b@rcpt.example"])
    capture.wait()
    impulse.await_log("D")
    record, = impulse.await_log("P")
    assert record.domain == "void.example" and record.text == "554 5.7.0 [internal] Blackholed"
    assert [m.recipients for m in capture.messages] == [["b@rcpt.example"]]


def test_blackhole_inline(impulse, site, capture):
    impulse.start(site.config('Domain "void.example" { blackhole = inline }', to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        assert client.command("RCPT TO:<a@void.example>").text == "551 5.7.1 recipient blackholed"
        client.command("RCPT TO:<a@rcpt.example>", 250)


def test_a_blackholed_message_does_not_come_back(impulse, site):
    impulse.start(site.config("blackhole = true\ngenerate_bounces = false"))
    send(impulse)
    impulse.await_log("R")
    impulse.stop()
    impulse.start()
    send(impulse)
    impulse.await_log("P", 2)
    impulse.stop()
    assert len(impulse.mainlog("R")) == 2 and len(impulse.mainlog("P")) == 2


# ---- next hops that do not keep to the protocol ------------------------------------------------------------------------


def test_a_host_that_hangs_up_after_its_greeting_is_not_asked_in_a_loop(impulse, site, captures):
    """It is treated as a host that cannot be reached: the message waits for its retry."""
    def behave(session, verb, line):
        return b"250 capture.example\r\n421 4.3.2 not now" if verb == "EHLO" and len(capture.sessions) < 3 else None

    capture = captures(behave=behave)
    impulse.start(site.config("retry_interval = 2\nmax_retries = none", to=capture))
    send(impulse)
    began = time.monotonic()
    capture.wait()
    assert time.monotonic() - began > 3 and len(capture.sessions) == 3
    impulse.await_log("D")
    assert len(impulse.mainlog("T")) == 2


def test_a_reply_that_comes_byte_by_byte_does_not_come_in_time(impulse, site, captures):
    """A timeout is for a whole reply."""
    def behave(session, verb, line):
        if verb == "MAIL" and len(capture.sessions) == 1:
            for byte in b"250 " + 40 * b"x":
                session.connection.sendall(bytes([byte]))
                time.sleep(0.2)
        return None

    capture = captures(behave=behave)
    impulse.start(site.config("mailfrom_timeout = 1\nretry_interval = 1\nmax_retries = none", to=capture))
    began = time.monotonic()
    send(impulse)
    failure, = impulse.await_log("T")
    assert "no MAIL FROM response" in failure.text and time.monotonic() - began < patience(5)
    capture.wait()


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "."])
def test_a_connection_out_of_step_is_not_used_again(impulse, site, captures, verb):
    """354 where nothing of the kind can be said: whatever comes next may belong to anything."""
    capture = captures(behave=lambda session, asked, line:
                       b"354 Go on" if asked == verb and session is capture.sessions[0] else None)
    impulse.start(site.config("retry_interval = 1\nmax_retries = none", to=capture))
    send(impulse)
    capture.wait(2 if verb == "." else 1)
    assert len(capture.sessions) == 2
    impulse.await_log("D")
    assert len(impulse.mainlog("T")) == 1

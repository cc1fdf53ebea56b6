"""What a transcript cannot show: how replies are grouped, what limits cost, what several connections see."""
import re
import subprocess

import pytest

from harness import await_true
from harness.messages import EXACT, header
from harness.wire import Wire

BURST = (b"EHLO c.example\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\n"
         b"RCPT TO:<c@rcpt.example>\r\nNOOP\r\nRSET\r\nVRFY x\r\nHELP\r\nNOOP\r\nNOOP\r\n")


def test_a_burst_costs_one_read_and_one_write(impulse, site, tmp_path):
    impulse.start(site.config())
    trace = tmp_path / "strace"
    with Wire(impulse.address) as client:
        client.reply()
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=read,recvfrom,recvmsg,readv,write,writev,sendto,"
                                   "sendmsg", "-e", "signal=none", "-yy", "-o", trace, "-p", str(impulse.pid)],
                                  stderr=subprocess.PIPE)
        try:
            await_true(lambda: impulse.is_traced(), "strace is attached to all threads")
            client.send(BURST)
            replies = [client.reply() for _ in range(BURST.count(b"\r\n"))]
        finally:
            tracer.terminate()
            tracer.communicate()
    assert [reply.code for reply in replies[:4]] == [250] * 4
    calls = [line for line in trace.read_text().splitlines() if f":{site.port}->" in line]
    # A read that finds nothing (EAGAIN) is not counted: it takes nothing from the burst.
    reads = [line for line in calls if re.search(r" (read|recvfrom|recvmsg|readv)\(", line) and "EAGAIN" not in line]
    writes = [line for line in calls if re.search(r" (write|writev|sendto|sendmsg)\(", line)]
    assert len(reads) == 1 and len(writes) == 1, "\n".join(calls)


def test_replies_of_a_burst_come_together(impulse, site):
    impulse.start(site.config())
    with Wire(impulse.address) as client:
        client.reply()
        client.send(BURST)
        await_true(lambda: client.socket.recv(65536, 0x2).count(b"\r\n") >= BURST.count(b"\r\n"), "all at once")


def test_commands_after_data_in_the_same_burst(impulse, site, capture):
    """Transactions may follow each other without waiting for any reply but DATA's (RFC 2920)."""
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.reply()
        client.send(b"EHLO c.example\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 354]
        client.send(header() + b"one\r\n.\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<c@rcpt.example>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 354]
        client.send(header() + b"two\r\n.\r\nQUIT\r\n")
        assert [client.reply().code for _ in range(2)] == [250, 221]
    assert sorted(m.recipients[0] for m in capture.wait(2)) == ["b@rcpt.example", "c@rcpt.example"]


def test_max_receptions_per_connection(impulse, site, capture):
    impulse.start(site.config(listener="max_receptions_per_connection = 2", to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"]).code == 250
        assert client.mail(EXACT["plain"]).code == 250
        reply = client.command("MAIL FROM:<a@sender.example>")
        assert reply.code == 421 and client.at_end()
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"]).code == 250
    capture.wait(3)


def test_limits_of_a_peer(impulse, site):
    """The longest prefix that covers the client decides; others keep the listener's value."""
    impulse.start(site.config(listener='max_recipients_per_message = 3\n'
                                       'Peer "127.0.0.0/8" { max_recipients_per_message = 2 }\n'
                                       'Peer "127.0.0.7" { max_recipients_per_message = 1 }',
                              listen='Peer "127.0.0.9/32" { max_recipients_per_message = 4 }'))

    def accepted(source):
        with Wire(impulse.address, source=source) as client:
            client.greet()
            client.command("MAIL FROM:<a@sender.example>", 250)
            return sum(client.command(f"RCPT TO:<r{i}@rcpt.example>").code == 250 for i in range(6))

    assert [accepted(source) for source in ("127.0.0.1", "127.0.0.7", "127.0.0.9")] == [2, 1, 4]


def test_received_header_names_helo_and_unix_clients(impulse, site, capture):
    path = str(site.directory / "smtp.sock")
    impulse.start(site.config(listener=f'open_relay = true\n  Listen "{path}" {{}}', to=capture))
    with Wire(path) as client:
        client.reply()
        client.command("HELO old.example", 250)
        assert client.mail(EXACT["plain"]).code == 250
    content = capture.wait()[0].content
    assert content.startswith(b"Received: from old.example ") and b"with SMTP" in content


@pytest.mark.parametrize("own", ["true", "false"])
def test_a_hundred_received_fields_are_no_loop(impulse, site, capture, own):
    """RFC 5321 section 6.3: at least 100 of them pass, whether a field of our own comes on top or not."""
    impulse.start(site.config(f"rfc2822_trace_headers = {own}", to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        for count, code in ((100, 250), (101, 554), (100, 250)):
            assert client.mail(b"".join(b"Received: %d\r\n" % i for i in range(count)) + b"\r\n").code == code
    capture.wait(2)


def test_what_every_server_takes(impulse, site, capture):
    """RFC 5321 section 4.5.3.1: the least that a server has to take, and one more where a limit is ours."""
    impulse.start(site.config(to=capture))
    longest = ".".join(c * 63 for c in "abcd")     # 255 octets
    with Wire(impulse.address) as client:
        client.reply()
        for name, code in ((longest, 250), (longest + "e", 501)):
            assert client.command(f"EHLO {name}").code == code
            assert client.command(f"HELO {name}").code == code
        client.command("EHLO c.example")
        content = b"Subject: " + b"x" * 989 + b"\r\n\r\n" + b"y" * 998 + b"\r\n" + (b"z" * 70 + b"\r\n") * 900
        assert client.mail(content, recipients=[f"r{i}@rcpt.example" for i in range(100)]).code == 250
    capture.wait(1)
    assert capture.messages[0].content.endswith(content)

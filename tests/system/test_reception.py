"""Mail goes in at one end and comes out at the other, byte for byte, with real clients and a real next hop."""
import re
import shutil
import smtplib
import subprocess

import pytest

from harness import await_true, patience, scaled
from harness.daemon import free_port
from harness.freeze import frozen
from harness.messages import ANY_HEADER, EXACT, header, large, only_trace_added
from harness.wire import Wire, all_read


@pytest.mark.parametrize("name", EXACT)
def test_arrives_byte_for_byte(impulse, site, capture, name):
    impulse.start(site.config(ANY_HEADER, to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT[name]).code == 250
    message, = capture.wait()
    trace = only_trace_added(message.content, EXACT[name])
    assert message.sender == "a@sender.example" and message.recipients == ["b@rcpt.example"]
    # RFC 5321 section 4.4: who said hello, from where, by whom, with what, the id, for whom, when.
    assert re.match(rb"Received: from client\.example \(.*\[?127\.0\.0\.1\]?.*\)\s+by mx\.impulse\.example\b.*\s+"
                    rb"with ESMTP\s.*\bid\b.*;\s+\w{3}, +\d+ \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", trace, re.S), trace


def test_20_megabytes(impulse, site, capture):
    sent = large(20_000_000)
    impulse.start(site.config(to=capture))
    before = impulse.peak_memory()
    with Wire(impulse.address, timeout=60) as client:
        client.greet()
        assert client.mail(sent).code == 250
    message, = capture.wait(seconds=60)
    only_trace_added(message.content, sent)
    # Memory does not grow with the message's size; what it does grow by is the spool's and the sockets'.
    assert impulse.peak_memory() - before < scaled(80, 300) * 2**20


def test_the_final_dot_in_every_possible_split(impulse, site, capture):
    """The end of a message is found wherever the network cuts it."""
    end = b"last line\r\n.\r\n"
    impulse.start(site.config(to=capture))
    for cut in range(len(end)):
        with Wire(impulse.address) as client:
            client.greet()
            client.command("MAIL FROM:<a@sender.example>", 250)
            client.command("RCPT TO:<b@rcpt.example>", 250)
            client.command("DATA", 354)
            client.send(header() + end[:cut])
            client.send(end[cut:] + b"QUIT\r\n")
            assert client.reply().code == 250
            assert client.reply().code == 221
            assert client.at_end()
    for message in capture.wait(len(end)):
        only_trace_added(message.content, header() + b"last line\r\n")


def test_no_command_runs_before_the_message_is_answered(impulse, site, capture):
    """The disk is slow, the last bytes of a large message fill the last chunk that may wait for it, and commands follow
    in the same packet: the message is answered first, with its id."""
    impulse.start(site.config(to=capture))
    chunks = 4 * 262144
    with Wire(impulse.address) as client:
        client.greet()
        for line in ("MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>", "DATA"):
            client.command(line)
        content = header() + b"z" * (chunks - 1000 - len(header()))
        with frozen(impulse.thread("committer")):
            client.send(content)
            await_true(lambda: all_read(site.port), "the daemon has read it")
            client.send(b"z" * 1000 + b"\r\n.\r\nRSET\r\nNOOP\r\n")
            await_true(lambda: all_read(site.port), "the daemon has read it")
        assert re.fullmatch(r"250 2\.0\.0 OK \S+", client.reply().text)
        assert client.reply().text == client.reply().text == "250 2.0.0 OK"
    only_trace_added(capture.wait()[0].content, content + b"z" * 1000 + b"\r\n")


def test_one_byte_at_a_time(impulse, site, capture):
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.reply()
        session = b"EHLO c.example\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\nDATA\r\n"
        for byte in session:
            client.send(bytes([byte]))
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 354]
        for byte in EXACT["plain"] + b"..dot\r\n.\r\n":
            client.send(bytes([byte]))
        assert client.reply().code == 250
    only_trace_added(capture.wait()[0].content, EXACT["plain"] + b".dot\r\n")


def test_one_copy_for_each_recipient(impulse, site, capture):
    recipients = [f"r{i}@d{i % 3}.example" for i in range(50)]
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"], recipients=recipients).code == 250
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) >= 50, "50 recipients served")
    assert sorted(r for m in capture.messages for r in m.recipients) == sorted(recipients)
    for message in capture.messages:
        only_trace_added(message.content, EXACT["plain"])


def test_null_reverse_path(impulse, site, capture):
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"], sender="").code == 250
    assert capture.wait()[0].sender == ""


# ---- clients from Debian ----------------------------------------------------------------------------------------


def test_python_smtplib(impulse, site, capture):
    impulse.start(site.config(to=capture))
    with smtplib.SMTP(*impulse.address, timeout=patience(10)) as client:
        client.ehlo()
        assert client.has_extn("pipelining") and client.has_extn("8bitmime")
        assert client.has_extn("size") and client.has_extn("enhancedstatuscodes")
        refused = client.sendmail("a@sender.example", ["b@rcpt.example", "c@rcpt.example"], EXACT["dots"])
        assert refused == {}
        assert client.verify("b@rcpt.example")[0] in (250, 252, 502)
        assert client.noop()[0] == 250 and client.rset()[0] == 250
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) == 2, "both copies")
    for message in capture.messages:
        only_trace_added(message.content, EXACT["dots"])


def test_smtplib_without_a_final_newline(impulse, site, capture):
    """The CR LF before the dot is part of the content, whoever puts it there."""
    impulse.start(site.config(to=capture))
    with smtplib.SMTP(*impulse.address, timeout=patience(10)) as client:
        client.sendmail("a@sender.example", ["b@rcpt.example"], header() + b"no newline")
    only_trace_added(capture.wait()[0].content, header() + b"no newline\r\n")


def test_swaks(impulse, site, capture):
    impulse.start(site.config(to=capture))
    body = "line\\n.dot\\n..\\nGr\xfc\xdfe"
    done = subprocess.run(["swaks", "--server", f"127.0.0.1:{site.port}", "--from", "a@sender.example", "--to",
                           "b@rcpt.example,c@other.example", "--pipeline", "--header", "Subject: from swaks",
                           "--body", body], capture_output=True, text=True, timeout=patience(30))
    assert done.returncode == 0, done.stdout + done.stderr
    await_true(lambda: {r for m in capture.messages for r in m.recipients} ==
               {"b@rcpt.example", "c@other.example"}, "both recipients")
    for message in capture.messages:
        assert b"Subject: from swaks\r\n" in message.content
        assert b"line\r\n.dot\r\n..\r\n" in message.content


def test_swaks_over_a_unix_socket(impulse, site, capture):
    path = site.directory / "smtp.sock"
    impulse.start(site.config(listener=f'open_relay = true\n  Listen "{path}" {{ }}', to=capture))
    done = subprocess.run(["swaks", "--socket", str(path), "--from", "a@sender.example", "--to", "b@rcpt.example"],
                          capture_output=True, text=True, timeout=patience(30))
    assert done.returncode == 0, done.stdout + done.stderr
    capture.wait()


@pytest.fixture
def smtp_sink(site):
    """Postfix's smtp-sink as the next hop, one file a message; yields (port, folder)."""
    port, folder = free_port(), site.directory / "sink"
    folder.mkdir()
    shutil.chown(folder, "nobody", "nogroup")
    process = subprocess.Popen(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "smtp-sink",
                                "-d", f"{folder}/%M.", f"127.0.0.1:{port}", "100"], cwd=folder)

    def listening():
        try:
            Wire(("127.0.0.1", port)).close()
            return True
        except OSError:
            return False

    await_true(listening, "smtp-sink listens")
    yield port, folder
    process.kill()
    process.wait()


@pytest.mark.parametrize("size", [1, 1000, 10240, 102400])
def test_smtp_source_to_smtp_sink(impulse, site, smtp_sink, size):
    """Postfix's load generator through impulsed to Postfix's sink: the count and the sizes agree."""
    count = scaled(200, 40)
    port, folder = smtp_sink
    impulse.start(site.config(f'gateway = "127.0.0.1"\nremote_smtp_port = {port}'))
    done = subprocess.run(["smtp-source", "-s", "10", "-m", str(count), "-l", str(size), "-f", "a@sender.example",
                           "-t", "b@rcpt.example", f"127.0.0.1:{site.port}"], capture_output=True, text=True,
                          timeout=patience(60))
    assert done.returncode == 0, done.stdout + done.stderr
    deliveries = impulse.await_log("D", count, 30)
    await_true(lambda: sum(1 for _ in folder.iterdir()) >= count, "all files in the sink")
    # smtp-sink stores LF line ends and a header of its own; smtp-source's content is X throughout.
    assert len(deliveries) == count and sum(1 for _ in folder.iterdir()) == count
    for file in folder.iterdir():
        content = file.read_bytes()
        assert content.count(b"by mx.impulse.example (") == 1 and content.count(b"X") > 0.9 * size


def test_smtp_source_many_recipients_a_message(impulse, site, smtp_sink):
    port, folder = smtp_sink
    impulse.start(site.config(f'gateway = "127.0.0.1"\nremote_smtp_port = {port}'))
    subprocess.run(["smtp-source", "-s", "5", "-m", "20", "-r", "10", "-l", "2000", "-f", "a@sender.example",
                    "-t", "b@rcpt.example", f"127.0.0.1:{site.port}"], check=True, timeout=patience(60))
    assert len(impulse.await_log("D", 200, 30)) == 200
    assert len(impulse.mainlog("R")) == 200

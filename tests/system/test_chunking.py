"""BDAT with more content than fits into memory at once, and with chunks of every size."""
import os
import random

from harness import scaled
from harness.freeze import frozen, system_calls
from harness.messages import header, large, only_trace_added
from harness.wire import Wire

FDATASYNC = 83 if os.uname().machine == "aarch64" else 75
CHUNKING = 'SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "CHUNKING" )'


def begin(client):
    client.greet()
    client.command("MAIL FROM:<a@sender.example>", 250)
    client.command("RCPT TO:<b@rcpt.example>", 250)


def chunks(content, sizes):
    """The commands and bytes of `content` in chunks of these sizes, the last one empty."""
    parts, at = [], 0
    while at < len(content):
        part = content[at:at + next(sizes)]
        parts.append(b"BDAT %d\r\n%s" % (len(part), part))
        at += len(part)
    return [*parts, b"BDAT 0 LAST\r\n"]


def test_replies_of_a_group_leave_together(impulse, site, capture):
    """MAIL, RCPT and the whole message in one segment, their replies in one: nobody waits for a delayed ACK."""
    impulse.start(site.config(listener=CHUNKING, to=capture))
    content = header() + b"hello\r\n"
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(3):
            client.send(b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\nBDAT %d LAST\r\n%s"
                        % (len(content), content))
            assert [line[:3] for line in client.socket.recv(4096).splitlines()] == [b"250"] * 3
    assert len(capture.wait(3)) == 3


def test_an_answer_does_not_wait_for_the_next_message(impulse, site, capture):
    """Two messages in one segment, and a disk that hangs in the second: the client hears that the first one is durable, and
    does not send it again."""
    impulse.start(site.config(listener=CHUNKING, to=capture))
    content = header() + b"hello\r\n"
    message = b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\nBDAT %d LAST\r\n%s" % (len(content), content)
    committer = impulse.thread("committer")
    with Wire(impulse.address) as client:
        client.greet()
        with frozen(committer):
            client.send(2 * message)
            syncs = (number for number in system_calls(committer) if number == FDATASYNC)
            next(syncs)
            next(syncs)
            assert [client.reply().code for _ in range(5)] == [250] * 5
        assert client.reply().code == 250
    assert len(capture.wait(2)) == 2


def test_chunks_of_all_sizes(impulse, site, capture):
    """8 MB in chunks from one byte to a MiB, all pipelined: byte for byte, with an answer each, in bounded memory."""
    impulse.start(site.config(listener=CHUNKING, to=capture))
    sent, source = large(8_000_000), random.Random(7)
    sizes = iter(lambda: source.choice([1, 7, 100, 4096, 65536, 262143, 262144, 1048576]), None)
    parts = chunks(sent, sizes)
    before = impulse.peak_memory()
    with Wire(impulse.address, timeout=60) as client:
        begin(client)
        for part in parts:
            client.send(part)
        codes = [client.reply().code for _ in parts]
        assert codes == [250] * len(parts)
    message, = capture.wait(seconds=60)
    only_trace_added(message.content, sent)
    assert impulse.peak_memory() - before < scaled(80, 300) * 2**20


def test_many_small_chunks(impulse, site, capture):
    """Each is a command: none of the 20,000 may get lost where reads and writes end."""
    impulse.start(site.config(listener=CHUNKING, to=capture))
    sent = header() + b"".join(b"%d\r\n" % number for number in range(2500))
    parts = chunks(sent, iter(lambda: 1 + len(sent) // 20_000, None))
    with Wire(impulse.address, timeout=60) as client:
        begin(client)
        for first in range(0, len(parts), 500):
            client.send(b"".join(parts[first:first + 500]))
            assert {client.reply().code for _ in parts[first:first + 500]} == {250}
    message, = capture.wait(seconds=60)
    only_trace_added(message.content, sent)


def test_a_chunk_above_the_limit_does_not_fill_memory(impulse, site):
    impulse.start(site.config(listener=CHUNKING + "\nmax_message_size = 1000000"))
    size = scaled(100, 30) * 1_000_000
    with Wire(impulse.address, timeout=60) as client:
        begin(client)
        before = impulse.peak_memory()
        client.send(b"BDAT %d LAST\r\n%s" % (size, header()))
        for _ in range(size // 1_000_000):
            client.send(b"x" * 998 + b"\r\n" + b"y" * 998_998 + b"\r\n")
        # The header was more than announced: the bytes behind the chunk are a command.
        assert client.reply().text.startswith("552 5.3.4")
        assert client.reply().code == 500
        assert client.command("NOOP").code == 250
    assert impulse.peak_memory() - before < scaled(16, 64) * 2**20


def test_the_client_leaves_within_a_chunk(impulse, site):
    """Nothing of it is accepted, and nothing stays behind."""
    impulse.start(site.config(listener=CHUNKING))
    for announced in (1000, 10_000_000):
        with Wire(impulse.address) as client:
            begin(client)
            client.send(b"BDAT %d LAST\r\n%s" % (announced, header() + b"x" * (announced // 2)))
    with Wire(impulse.address) as client:
        client.greet()
    impulse.stop()
    assert not impulse.mainlog("R")


def test_a_message_that_is_refused_is_one_record(impulse, site):
    """However many chunks it has; the next message is another one."""
    impulse.start(site.config(listener=CHUNKING + "\nmax_message_size = 1000"))
    content = header() + b"x\r\n" * 2000
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(2):
            client.command("MAIL FROM:<a@sender.example>", 250)
            client.command("RCPT TO:<b@rcpt.example>", 250)
            parts = chunks(content, iter([600] * 100))
            client.send(b"".join(parts))
            replies = [client.reply().code for _ in parts]
            assert replies[0] == 250 and replies[1] == 552 and set(replies[2:]) == {503}
        client.command("QUIT", 221)
    impulse.stop()
    assert len(impulse.rejectlog()) == 2

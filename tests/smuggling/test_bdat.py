"""Variants of the end of a message within BDAT, where nothing but the size ends a chunk (RFC 3030): one answer a chunk, at
most one message, and on to a server that knows DATA alone with true line ends and stuffed dots."""
import pytest

from harness import await_true
from relays import ALLOW, BINARY, DEFAULT, FIX
from variants import END, HEADER, POSITIONS, SMUGGLED, VARIANTS, places

TRUE_ENDS = {"CRLF.CRLF": (END, "the true end of DATA"), "twice": (END + END, "and once more"),
             "CRCRLF.CRLF": (b"\r\r\n.\r\n", "behind a stray CR"), "CRLF.CRLF LF": (b"\r\n.\r\n\n", "and before one")}
ALL = {**VARIANTS, **TRUE_ENDS}


def transfer(client, recipient, chunks, body=""):
    """One transaction in one packet; the last chunk's reply, and proof that no byte was taken for a command."""
    client.send(f"MAIL FROM:<a@sender.example>{body}\r\nRCPT TO:<{recipient}>\r\n".encode() +
                b"".join(b"BDAT %d%s\r\n%s" % (len(chunk), b" LAST" if i + 1 == len(chunks) else b"", chunk)
                         for i, chunk in enumerate(chunks)))
    assert [client.reply().code for _ in range(2)] == [250, 250]
    replies = [client.reply() for _ in chunks]
    client.command("NOOP", 250)
    client.command("RSET", 250)
    return replies[-1] if replies[-1].code == 250 else next(reply for reply in replies if reply.code != 250)


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
@pytest.mark.parametrize("position", POSITIONS)
def test_whole(relay, policy, position):
    server = relay(policy)
    with server.client() as client:
        for variant, _ in ALL.values():
            content, recipient = POSITIONS[position](variant), server.recipient()
            server.judge(transfer(client, recipient, [content]), recipient, content, position)
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
@pytest.mark.parametrize("name", ALL)
def test_a_chunk_ends_at_every_byte(relay, policy, name):
    server = relay(policy)
    variant = ALL[name][0]
    content = POSITIONS["in the body"](variant)
    with server.client() as client:
        for place in places(content, variant):
            recipient = server.recipient()
            server.judge(transfer(client, recipient, [content[:place], content[place:]]), recipient, content,
                         "in the body")
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
def test_a_chunk_for_each_byte(relay, policy):
    server = relay(policy)
    with server.client() as client:
        for variant, _ in ALL.values():
            content, recipient = POSITIONS["in the body"](variant[-20:]), server.recipient()
            start = content.index(b"text")
            chunks = [content[:start], *(content[i:i + 1] for i in range(start, start + 50)), content[start + 50:], b""]
            server.judge(transfer(client, recipient, chunks), recipient, content, "in the body")
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
@pytest.mark.parametrize("last", [b"no end", b"a CR\r", b"an LF\n", b"a dot\r\n.", b"a dot and a CR\r\n.\r", b"\0", b"."])
def test_content_without_a_line_end_at_its_end(relay, policy, last):
    """On its way by DATA it gets one, which must not make an end out of what was none."""
    server, recipient = relay(policy), None
    with server.client() as client:
        recipient = server.recipient()
        content = HEADER + b"\r\ntext\r\n" + last
        reply = transfer(client, recipient, [content])
        server.judge(reply, recipient, content, "in the body")
    if reply.code == 250:
        wanted = server.expected[recipient]
        server.expected[recipient] = {c if c.endswith(b"\r\n") else c + b"\r\n" for c in wanted}
    server.arrived()


@pytest.mark.parametrize("before", [b"", b"MAIL FROM:<a@sender.example>\r\n", b"MAIL FROM:<a@sender.example>\r\n"
                                    b"RCPT TO:<not an address>\r\n"])
def test_a_chunk_that_comes_at_the_wrong_time_is_no_command(relay, before):
    """A chunk that cannot be taken is thrown away, not read as commands."""
    server = relay(DEFAULT)
    chunk = SMUGGLED + b".\r\n"
    with server.client() as client:
        client.send(before + b"BDAT %d LAST\r\n%sNOOP\r\n" % (len(chunk), chunk))
        replies = [client.reply() for _ in range(before.count(b"\n") + 2)]
        assert replies[-2].code in (503, 554), replies
        assert replies[-1].text == "250 2.0.0 OK"
        client.command("QUIT", 221)
        assert client.at_end()
    server.arrived()


def test_binary_content_is_not_sent_by_data(relay):
    """BODY=BINARYMIME: a bare CR or LF is nothing but a byte, so it is for servers that take BINARYMIME alone."""
    server = relay(BINARY)
    with server.client() as client:
        for variant, _ in ALL.values():
            reply = transfer(client, server.recipient(), [POSITIONS["in the body"](variant)], " BODY=BINARYMIME")
            assert reply.code == 250, reply
    await_true(lambda: len(server.daemon.mainlog("P")) == len(ALL), "all of them failed for good")
    assert not server.capture.messages and len(server.daemon.mainlog("R")) == len(ALL)

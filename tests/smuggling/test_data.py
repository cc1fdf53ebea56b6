"""Variants of the end of a message after DATA, whole and in pieces: one answer, at most one message, and what is passed on
is what was sent, or has true line ends throughout."""
import pytest

from relays import ALLOW, BREAK, DEFAULT, FIX, POLICIES, answer, cut_at_every_byte, transaction
from variants import (BARE, ENDS, POSITIONS, STUFFED, VARIANTS, after_line_end, fixed, strict_end,
                      unstuffed)


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("position", POSITIONS)
def test_whole(relay, policy, position):
    """Each variant in one packet, commands pipelined behind it."""
    server = relay(policy)
    with server.client(unix=False) as client:
        for variant, _ in VARIANTS.values():
            wire, recipient = POSITIONS[position](variant), server.recipient()
            assert strict_end(wire) < 0
            transaction(client, recipient)
            client.send(wire + b".\r\nRSET\r\n")
            reply = client.reply()
            server.judge(reply, recipient, unstuffed(wire), position)
            assert client.reply().text == "250 2.0.0 OK"
            client.command("NOOP", 250)
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
@pytest.mark.parametrize("name", VARIANTS)
def test_cut_at_every_byte(relay, policy, name):
    server = relay(policy)
    with server.client() as client:
        cut_at_every_byte(server, client, VARIANTS[name][0])
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
def test_byte_by_byte(relay, policy):
    """Each variant one TCP segment a byte."""
    server = relay(policy)
    with server.client(unix=False) as client:
        for variant, _ in VARIANTS.values():
            wire, recipient = POSITIONS["in the body"](variant[-40:]), server.recipient()
            transaction(client, recipient)
            start = wire.index(b"text")
            client.send(wire[:start])
            for place in range(start, start + 60):
                client.send(wire[place:place + 1])
            client.send(wire[start + 60:] + b".\r\n")
            server.judge(answer(client), recipient, unstuffed(wire), "in the body")
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
@pytest.mark.parametrize("before", [b"\r", b"\n", b"\n\r", b"\r\r\r", b"\n\n", b"\0"])
def test_a_true_end_behind_a_stray_byte(relay, policy, before):
    """CR CR LF . CR LF and its like do hold the true end; what is before it is judged as content."""
    server = relay(policy)
    recipient, wire = server.recipient(), POSITIONS["in the body"](b"")
    wire = wire[:wire.index(b"text") + 4] + before + b"\r\n"
    with server.client() as client:
        transaction(client, recipient)
        client.send(wire + b".\r\n")
        server.judge(answer(client), recipient, wire, "in the body")
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_client_leaves_at_the_variant(relay, policy, name):
    """What ends with the connection instead of a true end is no message."""
    server = relay(policy)
    wire = POSITIONS["in the body"](VARIANTS[name][0])
    with server.client() as client:
        transaction(client, server.recipient())
        client.sent_and_read(wire[:wire.index(b"MAIL FROM")])
    with server.client() as client:
        client.command("NOOP", 250)
    server.arrived()


def test_lines_that_are_broken(relay):
    """Where a line that is too long is broken, what begins the next line is no end, and no dot of it is lost."""
    server = relay(BREAK)
    sent = {}
    with server.client() as client:
        for name, (variant, _) in VARIANTS.items():
            for shift in range(6):
                wire = POSITIONS["in the body"](b"y" * (994 + shift) + after_line_end(variant))
                recipient = server.recipient()
                transaction(client, recipient)
                client.send(wire + b".\r\n")
                assert answer(client).code == 250, name
                sent[recipient] = server.expected[recipient] = fixed(unstuffed(wire))
    for message in server.one_each():
        content = sent[message.recipients[0]]
        assert not ENDS.search(message.wire)
        assert not BARE.search(message.wire)
        delivered = STUFFED.sub(rb"\1", message.wire)
        assert delivered.replace(b"\r\n", b"").endswith(content.replace(b"\r\n", b""))
    assert not server.capture.violations

"""Real servers behind Impulse: they see one message for each that was accepted. Postfix with smtpd_forbid_bare_newline=no
ends messages at more than CR LF . CR LF, which is shown first: handed the same bytes directly, it sees two. Debian's Exim
was mended, and is one more opinion."""
import pytest

from harness import await_true
from harness.capture import Capture
from harness.exim import Exim
from harness.postfix import Postfix
from harness.wire import Wire
from relays import ALLOW, DEFAULT, FIX, Relay, answer, transaction
from variants import POSITIONS, VARIANTS, unstuffed

pytestmark = pytest.mark.xdist_group("smuggling-next-hops")     # its servers are started once

SERVERS = {"postfix": lambda folder, capture: Postfix(folder, capture.address, {"smtpd_forbid_bare_newline": "no"}),
           "exim": lambda folder, capture: Exim(folder, capture.address)}


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    """(the server, the capture server behind it)"""
    capture = Capture()
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param) / "mta", capture) as running:
        yield running, capture
    capture.stop()


def count_accepted(address, variant):
    """Hands a server the variant with a message hidden behind it; how many messages did it accept?"""
    with Wire(address) as client:
        client.greet()
        transaction(client, "r@rcpt.example")
        client.send(POSITIONS["in the body"](variant) + b".\r\nQUIT\r\n")
        accepted = 0
        try:
            while (reply := client.reply()).code != 221:
                accepted += reply.code == 250 and ("queued as" in reply.text or "OK id=" in reply.text)
        except ConnectionError:
            pass
    return accepted


@pytest.mark.parametrize("server", ["postfix"], indirect=True)
def test_it_is_lenient_indeed(server):
    running, capture = server
    before = len(capture.messages)
    accepted = {name: count_accepted(running.address, variant) for name, (variant, _) in VARIANTS.items()}
    assert accepted["LF.CRLF"] == accepted["LF.LF"] == accepted["CRLF.LF"] == accepted["CR NUL LF.CRLF"] == 2
    await_true(lambda: len(capture.messages) - before >= sum(accepted.values()), "all of them at the capture server")
    capture.messages.clear()
    capture.violations.clear()


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
def test_one_message_each(server, tmp_path_factory, certificates, policy):
    running, capture = server
    relay = Relay(tmp_path_factory.mktemp("relay"), policy, certificates, capture, running)
    try:
        with relay.client() as client:
            for position, place in POSITIONS.items():
                for variant, _ in VARIANTS.values():
                    wire, recipient = place(variant), relay.recipient()
                    transaction(client, recipient)
                    client.send(wire + b".\r\n")
                    relay.judge(answer(client), recipient, unstuffed(wire), position)
        relay.one_each()
    finally:
        relay.daemon.close()
        capture.messages.clear()
        capture.violations.clear()


def test_as_many_behind_as_in_front(tmp_path_factory, relay):
    """Impulse as the second server, behind a lenient one: what that took for one message is one."""
    second = relay(DEFAULT)
    before = len(second.capture.messages)
    for name, make in SERVERS.items():
        with make(tmp_path_factory.mktemp(name) / "mta", second.daemon) as first:
            accepted = sum(count_accepted(first.address, variant) for variant, _ in VARIANTS.values())
            assert accepted >= len(VARIANTS) - 3
            before += accepted
            await_true(lambda: len(second.capture.messages) >= before, f"{before} messages:\n{first.log()[-3000:]}", 60)
    assert len(second.capture.messages) == before == len(second.daemon.await_log("R", before))

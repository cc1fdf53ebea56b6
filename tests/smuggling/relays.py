"""Daemons by policy, each in front of a capture server, and conversations in pieces."""
import fcntl
import itertools
import struct
import termios
import time

from harness import await_true, patience
from harness.capture import Capture
from harness.daemon import Impulse, Site
from harness.wire import Wire
from variants import ENDS, POSITIONS, VICTIM, fixed, has_bare, places, stuffed, unstuffed

BARE = "message content with a bare CR or LF"


class Policy:
    """`settings`: the configuration; `body`, `header`: what it does with a bare CR or LF there."""

    def __init__(self, name, settings, body, header):
        self.name, self.settings, self.body, self.header = name, settings, body, header

    def __repr__(self):
        return self.name

    @property
    def even(self):
        return self.body == self.header


DEFAULT = Policy("default", "", "deny", "deny")
FIX = Policy("fix", 'invalid_line_endings = "fix"', "fix", "fix")
ALLOW = Policy("allow", 'invalid_line_endings = "allow"', "allow", "allow")
BREAK = Policy("break-lines", 'rfc2822_max_line_length = 998\nrfc2822_max_line_length_policy = "fix"\n'
               'invalid_line_endings = "fix"', "fix", "fix")
BINARY = Policy("binary", "", "deny", "deny")
POLICIES = [
    DEFAULT, FIX, ALLOW,
    Policy("deny", 'invalid_line_endings = "deny"', "deny", "deny"),
    Policy("body-fix", 'rfc2822_lone_lf_in_body = "fix"', "fix", "deny"),
    Policy("body-ignore", 'rfc2822_lone_lf_in_body = "ignore"', "allow", "deny"),
    Policy("headers-fix", 'rfc2822_lone_lf_in_headers = "fix"', "deny", "fix"),
    Policy("both-fix", 'rfc2822_lone_lf_in_body = "fix"\nrfc2822_lone_lf_in_headers = "fix"', "fix", "fix"),
]


class Pieces(Wire):
    """A client that can wait until the server has read what it sent, so that a cut is one for the server, too. That is
    what a Unix socket tells and TCP does not."""

    def sent_and_read(self, data):
        self.send(data)
        end = time.monotonic() + patience(10)
        while struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0" * 4))[0]:
            assert time.monotonic() < end, "the server does not read"
            time.sleep(0)


class Relay:
    """One daemon under a policy. All its mail goes to `next_hop`, if that is a server, which hands it on to `capture`."""

    def __init__(self, folder, policy, certificates, capture=None, next_hop=None):
        self.site, self.policy = Site(folder), policy
        self.capture = capture or Capture()
        self.path = str(self.site.directory / "s")
        self.daemon = Impulse(self.site)
        self.daemon.start(self.site.config(
            f"generate_bounces = false\n{policy.settings}", f"""open_relay = true
  SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "STARTTLS" "CHUNKING" "BINARYMIME" )
  TLS_Certificate = "{certificates.certificate}"
  TLS_Key = "{certificates.key}"
  Listen "{self.path}" {{ }}""", to=next_hop or self.capture))
        self.numbers = itertools.count(1)
        self.expected = {}      # by recipient: the contents of which one must arrive

    def client(self, unix=True, tls=None):
        """A client that has said EHLO, under TLS if `tls` is an ssl.SSLContext."""
        client = Pieces(self.path if unix else self.daemon.address)
        client.greet()
        if tls:
            client.command("STARTTLS", 220)
            client.start_tls(tls)
            client.command("EHLO client.example", 250)
        return client

    def recipient(self, domain="rcpt.example"):
        return f"r{next(self.numbers)}@{domain}"

    def judge(self, reply, recipient, content, position=None):
        """`content` (as it is without dot-stuffing) was answered with `reply`. Was that right, and what must arrive?"""
        policy, bare = self.policy, has_bare(content)
        if reply.code == 250:
            assert not (bare and policy.body == policy.header == "deny"), reply
            self.expected[recipient] = {content, fixed(content)} if not policy.even else \
                {fixed(content) if policy.body == "fix" else content}
            return
        assert reply.text.startswith(("550 5.6.", "554 5.6.")), reply
        # Without a header a message may be refused for that; under an uneven policy it depends on where the header ends.
        if position in ("in the body", "at the start of the body", "at the end") and (policy.body != "deny" or not bare):
            raise AssertionError(f"refused: {reply}")

    def arrived(self):
        """All that was accepted is there, once, as it should be, and nothing else is."""
        for message in self.one_each():
            recipient, = message.recipients
            assert not ENDS.search(message.wire), "somebody takes a part of it for its end"
            self.only_trace_added(message.wire, [stuffed(content) for content in self.expected[recipient]])
        allowed = {BARE} if "allow" in (self.policy.body, self.policy.header) else set()
        assert set(self.capture.violations) <= allowed, self.capture.violations

    def one_each(self):
        """One message for each that was accepted, and nothing else, was received and is there."""
        await_true(lambda: len(self.capture.messages) >= len(self.expected), "all that was accepted arrives", 30)
        recipients = [recipient for message in self.capture.messages for recipient in message.recipients]
        assert VICTIM not in recipients, "a second message"
        assert sorted(recipients) == sorted(self.expected)
        assert len(self.daemon.await_log("R", len(self.expected))) == len(self.expected)
        return self.capture.messages

    @staticmethod
    def only_trace_added(wire, contents):
        traces = [wire[:len(wire) - len(content)] for content in contents if wire.endswith(content)]
        assert traces, (wire[-400:], contents)
        trace = min(traces, key=len)
        assert trace.startswith(b"Received: ") and trace.endswith(b"\r\n") and not has_bare(trace), trace

    def close(self):
        self.daemon.close()
        self.capture.stop()


def transaction(client, recipient):
    """MAIL, RCPT and DATA in one packet."""
    client.send(f"MAIL FROM:<a@sender.example>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode())
    assert [client.reply().code for _ in range(3)] == [250, 250, 354]


def cut_at_every_byte(server, client, variant):
    """The variant in a body, cut in two at every byte of it and of the true end behind it; the server has read the first
    part when the second is sent."""
    wire = POSITIONS["in the body"](variant) + b".\r\n"
    for place in places(wire, variant):
        recipient = server.recipient()
        transaction(client, recipient)
        client.sent_and_read(wire[:place])
        client.send(wire[place:])
        server.judge(answer(client), recipient, unstuffed(wire[:-3]), "in the body")


def answer(client):
    """The one reply to a message, and proof that nothing in it was taken for a command: NOOP's reply is the next."""
    reply = client.reply()
    client.command("NOOP", 250)
    return reply

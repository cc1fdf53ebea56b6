"""Postfix's SMTP client relays to Impulse: TLS, SASL by each mechanism, pipelining, DSN parameters, SMTPUTF8.

XCLIENT is not among what it sends: Postfix understands it as a server only.
"""
import pytest

from harness import await_true
from harness.messages import EXACT, header
from harness.postfix import Postfix
from harness.services import PASSWORD, USER, unfolded
from harness.wire import Wire, stuff

pytestmark = pytest.mark.plain

# Postfix breaks longer lines than 998 and knows no NULs; all else it passes on.
NAMES = ("plain", "empty lines", "dots", "8-bit", "control bytes", "trailing spaces", "long line", "folded header",
         "looks like commands", "300 kB")
TLS = {"smtp_tls_security_level": "secure", "smtp_tls_secure_cert_match": "mx.impulse.example"}


@pytest.fixture
def relay(services, site, certificates):
    """relay(settings) -> a running Postfix in front of Impulse"""
    running = []

    def start(settings, address=None):
        made = Postfix(site.directory / "postfix", address or services.address,
                       {"smtp_tls_CAfile": certificates.ca, "smtp_tls_loglevel": 1, **settings})
        running.append(made.__enter__())
        return made
    yield start
    for one in running:
        one.__exit__()


def sasl(mechanism):
    return {"smtp_sasl_auth_enable": "yes", "smtp_sasl_password_maps": f"static:{USER}:{PASSWORD}",
            "smtp_sasl_mechanism_filter": mechanism.lower(), "smtp_sasl_security_options": "",
            "smtp_sasl_tls_security_options": ""}


def hand_over(postfix, content, parameters="", recipients=("b@rcpt.example",), more=""):
    with Wire(postfix.address) as client:
        client.greet()
        client.command(f"MAIL FROM:<a@sender.example>{parameters}", 250)
        for recipient in recipients:
            client.command(f"RCPT TO:<{recipient}>{more}", 250)
        client.command("DATA", 354)
        client.send(stuff(content) + b".\r\n")
        assert client.reply().code == 250
        client.command("QUIT", 221)


def after_postfix(services, protocol, user=None, count=1):
    """What arrived, each behind Impulse's trace header; it begins with Postfix's own Received."""
    contents = []
    await_true(lambda: len(services.capture.messages) >= count, "messages behind Postfix", 30)
    for message in services.capture.messages:
        place = message.content.index(b"Received: from client.example")
        trace = message.content[:place].decode()
        assert f" with {protocol} " in unfolded(trace, "Received"), trace
        if user:
            services.authenticated(trace, user)
        contents.append(message.content[place:])
    return contents


def own_trace(content):
    """Without Postfix's Received field."""
    lines = content.split(b"\r\n")
    end = next(i for i, line in enumerate(lines) if i and line[:1] not in (b" ", b"\t"))
    return b"\r\n".join(lines[end:])


@pytest.mark.parametrize("settings, protocol", [({}, "ESMTP"), (TLS, "ESMTPS")], ids=["plain", "tls"])
def test_messages_that_are_hard_to_carry(services, relay, settings, protocol):
    services.start("open_relay = true")
    postfix = relay(settings)
    for name in NAMES:
        hand_over(postfix, EXACT[name])
    arrived = [own_trace(content) for content in after_postfix(services, protocol, count=len(NAMES))]
    wanted = [EXACT[name] for name in NAMES if name != "300 kB"]
    for content in wanted:
        assert content in arrived, content[:400]
    if settings:
        assert "Verified TLS connection established to 127.0.0.1" in postfix.log()


def test_tls_from_the_first_byte(services, relay):
    services.start("open_relay = true")
    postfix = relay({**TLS, "smtp_tls_wrappermode": "yes"}, services.tls_address)
    hand_over(postfix, EXACT["plain"])
    assert [own_trace(content) for content in after_postfix(services, "ESMTPS")] == [EXACT["plain"]]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_sasl(services, relay, mechanism):
    services.start()
    postfix = relay({**TLS, **sasl(mechanism)})
    hand_over(postfix, EXACT["plain"])
    assert [own_trace(content) for content in after_postfix(services, "ESMTPSA", USER)] == [EXACT["plain"]]


def test_client_certificate(services, relay, certificates):
    """EXTERNAL is not among what Postfix can do with its certificate; TLS_Verified_Peer_Can_Relay needs none."""
    services.start('relay_hosts = ( "192.0.2.0/24" )\n  TLS_Verified_Peer_Can_Relay = true')
    certificate, key = certificates.client(USER)
    postfix = relay({**TLS, "smtp_tls_cert_file": certificate, "smtp_tls_key_file": key})
    hand_over(postfix, EXACT["plain"])
    assert [own_trace(content) for content in after_postfix(services, "ESMTPS")] == [EXACT["plain"]]


def test_pipelining_of_many_recipients(services, relay):
    services.start("open_relay = true")
    postfix = relay(TLS)
    recipients = [f"r{i}@rcpt.example" for i in range(40)]
    hand_over(postfix, EXACT["plain"], recipients=recipients)
    services.impulse.await_log("D", 40)
    assert sorted(r for m in services.capture.messages for r in m.recipients) == sorted(recipients)


@pytest.fixture
def capture(captures):
    return captures(extensions=("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN"))


def test_dsn_parameters(services, relay):
    services.start("open_relay = true")
    postfix = relay({})
    hand_over(postfix, EXACT["plain"], " RET=HDRS ENVID=id+2B1",
              more=" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;orig@rcpt.example")
    arrived, = services.capture.wait()
    mail, rcpt = arrived.commands
    assert "RET=HDRS" in mail and "ENVID=id+2B1" in mail
    assert "NOTIFY=SUCCESS,DELAY" in rcpt and "ORCPT=rfc822;orig@rcpt.example" in rcpt


def test_smtputf8(services, relay):
    services.start("open_relay = true")
    postfix = relay({})
    hand_over(postfix, header("X-Greeting: Füße".encode()) + b"text\r\n", " SMTPUTF8 BODY=8BITMIME",
              recipients=["jürgen@rcpt.example".encode().decode("latin-1")])
    arrived, = services.capture.wait()
    assert "SMTPUTF8" in arrived.commands[0]
    assert arrived.recipients[0].encode("latin-1").decode() == "jürgen@rcpt.example"
    assert " with UTF8SMTP " in unfolded(arrived.content.decode(), "Received")

"""Exim's SMTP client relays to Impulse: BDAT, pipelining, TLS, AUTH; PRDR, which is not offered, is not missed."""
import pytest

from harness.exim import Exim
from harness.messages import EXACT
from harness.services import PASSWORD, USER, unfolded
from harness.wire import Wire

pytestmark = pytest.mark.plain

NAMES = ("plain", "empty lines", "dots", "8-bit", "control bytes", "trailing spaces", "long line", "longer line",
         "folded header", "looks like commands", "300 kB")
AUTHENTICATORS = {
    "PLAIN": f"plain:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = ^{USER}^{PASSWORD}\n",
    "LOGIN": f"login:\n  driver = plaintext\n  public_name = LOGIN\n  client_send = : {USER} : {PASSWORD}\n",
    "CRAM-MD5": f"cram:\n  driver = cram_md5\n  public_name = CRAM-MD5\n  client_name = {USER}\n"
                f"  client_secret = {PASSWORD}\n",
    "EXTERNAL": f"external:\n  driver = external\n  public_name = EXTERNAL\n  client_send = {USER}\n",
}


@pytest.fixture
def relay(services, site):
    running = []

    def start(transport="", authenticators="", address=None):
        made = Exim(site.directory / "exim", address or services.address, transport=transport,
                    authenticators=authenticators)
        running.append(made.__enter__())
        return made
    yield start
    for one in running:
        one.__exit__()


def hand_over(exim, *contents, recipients=("b@rcpt.example",)):
    with Wire(exim.address) as client:
        client.greet()
        for content in contents:
            assert client.mail(content, recipients=recipients).code == 250


def after_exim(services, protocol, count=1, user=None):
    """What arrived, without Impulse's and Exim's trace headers."""
    contents = []
    for message in services.capture.wait(count, 40):
        place = message.content.index(b"Received: from [127.0.0.1] (helo=client.example)")
        trace = message.content[:place].decode()
        assert f" with {protocol} " in unfolded(trace, "Received"), trace
        if user:
            services.authenticated(trace, user)
        lines = message.content[place:].split(b"\r\n")
        end = next(i for i, line in enumerate(lines) if i and line[:1] not in (b" ", b"\t"))
        contents.append(b"\r\n".join(lines[end:]))
    return contents


def tls(certificates):
    return f"hosts_require_tls = *\n  tls_verify_certificates = {certificates.ca}\n  tls_verify_hosts = *\n" \
           "  tls_verify_cert_hostnames =\n"


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("chunking", [False, True], ids=["data", "bdat"])
def test_messages_that_are_hard_to_carry(services, relay, certificates, chunking, encrypted):
    """By BDAT where it is offered, in several chunks when it is large; by DATA where Exim is told not to."""
    services.start("open_relay = true")
    exim = relay(("" if chunking else "hosts_try_chunking =\n  ") + (tls(certificates) if encrypted else "hosts_avoid_tls = *"))
    hand_over(exim, *(EXACT[name] for name in NAMES))
    arrived = after_exim(services, "ESMTPS" if encrypted else "ESMTP", len(NAMES))
    for name in NAMES:
        assert EXACT[name] in arrived, name
    # Exim notes a K with what was sent in chunks.
    assert exim.log().count(" K C=") == (len(NAMES) if chunking else 0), exim.log()


def test_several_recipients_in_one_transaction(services, relay):
    services.start("open_relay = true")
    recipients = [f"r{i}@rcpt.example" for i in range(20)]
    hand_over(relay(), EXACT["plain"], recipients=recipients)
    services.impulse.await_log("D", 20)
    assert sorted(r for m in services.capture.messages for r in m.recipients) == sorted(recipients)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_auth(services, relay, certificates, mechanism):
    services.start()
    hand_over(relay("hosts_require_auth = *\n  " + tls(certificates), AUTHENTICATORS[mechanism]), EXACT["plain"])
    assert after_exim(services, "ESMTPSA", user=USER) == [EXACT["plain"]]


def test_external(services, relay, certificates, site):
    services.start()
    # Exim reads its key as an ordinary user.
    copies = []
    for file in certificates.client(USER):
        copy = site.directory / file.name
        copy.write_bytes(file.read_bytes())
        copy.chmod(0o644)
        copies.append(copy)
    hand_over(relay("hosts_require_auth = *\n  " + tls(certificates) +
                    f"  tls_certificate = {copies[0]}\n  tls_privatekey = {copies[1]}\n",
                    AUTHENTICATORS["EXTERNAL"]), EXACT["plain"])
    assert after_exim(services, "ESMTPSA", user=USER) == [EXACT["plain"]]


def test_tls_from_the_first_byte(services, relay, certificates):
    services.start("open_relay = true")
    hand_over(relay("protocol = smtps\n  " + tls(certificates), address=services.tls_address), EXACT["plain"])
    assert after_exim(services, "ESMTPS") == [EXACT["plain"]]


def test_prdr_is_not_offered_and_not_missed(services, relay):
    services.start("open_relay = true")
    with Wire(services.address) as client:
        assert "PRDR" not in client.greet().text
    hand_over(relay("hosts_try_prdr = *"), EXACT["plain"], recipients=["b@rcpt.example", "c@rcpt.example"])
    services.impulse.await_log("D", 2)

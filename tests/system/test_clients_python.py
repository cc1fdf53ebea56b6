"""Python's smtplib: STARTTLS, SMTP_SSL, each AUTH mechanism it has, SMTPUTF8, DSN parameters."""
import smtplib
from email.message import EmailMessage
from email.policy import SMTPUTF8

import pytest

from harness import await_true, patience
from harness.messages import EXACT
from harness.services import PASSWORD, USER, trace_before

pytestmark = pytest.mark.plain

SENT = EXACT["8-bit"]


def connect(services):
    return smtplib.SMTP(*services.address, local_hostname="client.example", timeout=patience(10))


def send(client, **named):
    assert client.sendmail("a@sender.example", ["b@rcpt.example"], SENT, **named) == {}


@pytest.fixture
def context(certificates):
    """Checks the certificate and the name in it, as smtplib's default context does."""
    made = certificates.context()
    made.check_hostname = True
    return made


def test_starttls(services, context):
    services.start("open_relay = true")
    with connect(services) as client:
        client.ehlo()
        assert client.has_extn("starttls") and not client.has_extn("requiretls")
        assert client.starttls(context=context)[0] == 220
        client.ehlo()
        assert not client.has_extn("starttls")
        send(client)
    services.arrived(SENT, "ESMTPS")


def test_smtp_ssl(services, context):
    services.start("open_relay = true")
    with smtplib.SMTP_SSL(*services.tls_address, local_hostname="client.example", timeout=patience(10),
                          context=context) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        send(client)
    services.arrived(SENT, "ESMTPS")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("initial", [False, True], ids=["challenged", "initial"])
def test_auth(services, context, mechanism, tls, initial):
    services.start()
    with connect(services) as client:
        if tls:
            client.starttls(context=context)
        client.ehlo()
        assert mechanism in client.esmtp_features["auth"].split()
        client.user, client.password = USER, PASSWORD
        method = getattr(client, "auth_" + mechanism.lower().replace("-", "_"))
        assert client.auth(mechanism, method, initial_response_ok=initial)[0] == 235
        send(client)
    services.arrived(SENT, "ESMTPSA" if tls else "ESMTPA", user=USER)


def test_login_takes_the_best(services):
    services.start()
    with connect(services) as client:
        assert client.login(USER, PASSWORD)[0] == 235
        send(client)
    services.arrived(SENT, "ESMTPA", user=USER)


def test_login_fails(services):
    services.start()
    client = connect(services)      # it tries one mechanism after the other, until it is hung up on
    with pytest.raises(smtplib.SMTPAuthenticationError) as failure:
        client.login(USER, "wrong")
    assert failure.value.smtp_code == 535
    client.close()
    with connect(services) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(client)


@pytest.fixture
def capture(captures):
    return captures(extensions=("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN"))


def test_smtputf8(services):
    """Addresses and a header in UTF-8, RFC 6531."""
    services.start("open_relay = true")
    message = EmailMessage()
    message["From"], message["To"] = "Änne <änne@sender.example>", "Jürgen <jürgen@bücher.example>"
    message["Subject"], message["Date"] = "Grüße", "Thu, 1 Jan 2026 00:00:00 +0000"
    message["Message-ID"] = "<1@sender.example>"
    message.set_content("Füße, 世界\n")
    with connect(services) as client:
        client.ehlo()
        assert client.has_extn("smtputf8")
        assert client.send_message(message) == {}
    arrived, = services.capture.wait()
    assert "SMTPUTF8" in arrived.commands[0] and "BODY=8BITMIME" in arrived.commands[0]
    assert arrived.sender.encode("latin-1").decode() == "änne@sender.example"
    assert arrived.recipients[0].encode("latin-1").decode().startswith("jürgen@")
    sent = message.as_bytes(policy=SMTPUTF8)
    assert " with UTF8SMTP" in trace_before(arrived.content, sent)


def test_dsn_parameters(services):
    services.start("open_relay = true")
    with connect(services) as client:
        client.sendmail("a@sender.example", ["b@rcpt.example"], SENT, mail_options=["RET=HDRS", "ENVID=id+2B1"],
                        rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;orig@rcpt.example"])
    arrived, = services.capture.wait()
    assert "RET=HDRS" in arrived.commands[0] and "ENVID=id+2B1" in arrived.commands[0]
    assert "NOTIFY=SUCCESS,FAILURE" in arrived.commands[1] and "ORCPT=rfc822;orig@rcpt.example" in arrived.commands[1]
    trace_before(arrived.content, SENT)


def test_a_hundred_messages_on_one_connection(services, context):
    services.start("open_relay = true")
    with connect(services) as client:
        client.starttls(context=context)
        for _ in range(100):
            send(client)
    await_true(lambda: len(services.capture.messages) == 100, "all messages")

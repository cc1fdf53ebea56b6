"""swaks with all it has: TLS, each AUTH mechanism, PROXY headers, XCLIENT, pipelining."""
import re
import subprocess

import pytest

from harness import await_true, patience
from harness.messages import header
from harness.services import PASSWORD, REALM, USER, unfolded

pytestmark = pytest.mark.plain

SENT = header() + b".dot\r\n..\r\n. \r\nlast\r\n"     # a last line of a dot alone is the end to swaks
ARRIVES = SENT + b"\r\n"                                  # which ends what it reads with an empty line
AUTH = ("--auth-user", USER, "--auth-password", PASSWORD)


def swaks(port, *arguments, sent=SENT, recipients="b@rcpt.example"):
    """(status, what it said)"""
    done = subprocess.run(["swaks", "--server", f"127.0.0.1:{port}", "--ehlo", "client.example", "--from",
                           "a@sender.example", "--to", recipients, "--data", "-", *map(str, arguments)],
                          input=sent.replace(b"\r\n", b"\n").replace(b"%", b"%%"), capture_output=True,
                          timeout=patience(30))
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def completed(*arguments, **named):
    status, said = swaks(*arguments, **named)
    assert status == 0, said
    return said


def test_plain(services):
    services.start("open_relay = true")
    completed(services.port)
    services.arrived(ARRIVES, "ESMTP")


def test_starttls(services, certificates):
    services.start("open_relay = true")
    said = completed(services.port, "--tls", "--tls-verify", "--tls-ca-path", certificates.ca)
    assert "TLS started" in said and "CN=mx.impulse.example" in said
    services.arrived(ARRIVES, "ESMTPS")


def test_tls_from_the_first_byte(services, certificates):
    services.start("open_relay = true")
    completed(services.tls_port, "--tls-on-connect", "--tls-verify", "--tls-ca-path", certificates.ca)
    services.arrived(ARRIVES, "ESMTPS")


@pytest.mark.parametrize("protocol, named", [("tlsv1_2", "TLSv1.2"), ("tlsv1_3", "TLSv1.3")])
def test_protocols(services, protocol, named):
    services.start("open_relay = true")
    said = completed(services.port, "--tls", "--tls-protocol", protocol)
    assert f"TLS started with cipher {named}" in said
    services.arrived(ARRIVES, "ESMTPS")


@pytest.mark.parametrize("tls", [(), ("--tls",)], ids=["plain", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"])
def test_auth(services, mechanism, tls):
    services.start()
    said = completed(services.port, "--auth", mechanism, *AUTH, "--auth-extra", f"realm={REALM}", *tls)
    assert re.search(r"<[~-] +235 2\.7\.0 ", said), said
    services.arrived(ARRIVES, "ESMTPSA" if tls else "ESMTPA", user=USER)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"])
@pytest.mark.parametrize("user, password", [(USER, "wrong"), ("nobody", PASSWORD)])
def test_auth_fails(services, mechanism, user, password):
    services.start()
    status, said = swaks(services.port, "--auth", mechanism, "--auth-user", user, "--auth-password", password,
                         "--auth-extra", f"realm={REALM}")
    assert status == 28 and re.search(r"<\*\* 535 5\.7\.8 ", said), said
    status, said = swaks(services.port)
    assert status == 24, said   # no valid recipients
    assert not services.capture.messages


@pytest.mark.parametrize("more", [(), ("--tls",), ("--tls", "--auth", "PLAIN", *AUTH)], ids=["plain", "tls", "auth"])
def test_pipelining(services, more):
    services.start("open_relay = true")
    recipients = ["b@rcpt.example", "c@rcpt.example", "d@other.example"]
    completed(services.port, "--pipeline", *more, recipients=",".join(recipients))
    services.arrived(ARRIVES, ["ESMTP", "ESMTPS", "ESMTPSA"][[0, 1, 5].index(min(len(more), 5))], recipients)


@pytest.mark.parametrize("family, source, version", [
    ("TCP4", "192.0.2.7", 1), ("TCP6", "2001:db8::7", 1), ("AF_INET", "192.0.2.7", 2), ("AF_INET6", "2001:db8::7", 2)])
def test_proxy_header(services, family, source, version):
    """Who may relay is decided by the address in the header."""
    services.start('relay_hosts = ( "192.0.2.0/24" "2001:db8::/32" )', listener="Proxy_Protocol = true")
    destination = "::1" if ":" in source else "127.0.0.1"
    arguments = ["--proxy-version", version, "--proxy-family", family, "--proxy-source-port", 4321, "--proxy-dest",
                 destination, "--proxy-dest-port", 25, "--proxy-source"]
    completed(services.port, *arguments, source)
    trace = services.arrived(ARRIVES, "ESMTP")
    assert f"[{'IPv6:' if ':' in source else ''}{source}]" in unfolded(trace, "Received"), trace
    status, said = swaks(services.port, *arguments, "2001:db9::8" if ":" in source else "198.51.100.8")
    assert status == 24, said


@pytest.mark.parametrize("tls", [(), ("--tls",)], ids=["plain", "tls"])
def test_xclient(services, tls):
    services.start('relay_hosts = ( "192.0.2.0/24" )', extensions=("XCLIENT",))
    completed(services.port, *tls, "--xclient-addr", "192.0.2.9", "--xclient-name", "nine.example", "--xclient-helo",
              "helo.example", "--xclient-proto", "ESMTP")
    trace = services.arrived(ARRIVES, "ESMTPS" if tls else "ESMTP")
    assert "[192.0.2.9]" in unfolded(trace, "Received"), trace


def test_xclient_login(services):
    """Who was logged in where the client comes from."""
    services.start(extensions=("XCLIENT",))
    completed(services.port, "--xclient-login", "ann", "--xclient-addr", "198.51.100.3")
    await_true(lambda: services.capture.messages, "the message")

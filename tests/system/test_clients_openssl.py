"""openssl s_client: STARTTLS and TLS at once, protocols, session resumption, client certificates."""
import re
import subprocess

import pytest

from harness import patience
from harness.messages import EXACT
from harness.services import USER
from harness.wire import stuff

pytestmark = pytest.mark.plain

SENT = EXACT["dots"]


class Client:
    """s_client with its standard input and output as the encrypted connection."""

    def __init__(self, services, *arguments, at_once=False):
        place = ["-connect", f"127.0.0.1:{services.tls_port}"] if at_once else \
            ["-connect", f"127.0.0.1:{services.port}", "-starttls", "smtp", "-name", "client.example"]
        self.errors = open(services.site.directory / "s_client", "w+b")
        self.process = subprocess.Popen(
            ["openssl", "s_client", *place, "-CAfile", str(services.certificates.ca), "-verify_return_error", "-nocommands",
             "-ign_eof", *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.said = b""

    def reply(self):
        """The next reply; what s_client itself prints is kept in `said`."""
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            line = self.process.stdout.readline()
            self.said += line
            assert line, self.said
            if re.match(rb"\d{3}[ -].*\r\n", line):
                lines.append(line)
        return int(lines[-1][:3])

    def command(self, line):
        self.process.stdin.write(line + b"\r\n")
        self.process.stdin.flush()
        return self.reply()

    def mail(self, content):
        for line, code in ((b"EHLO client.example", 250), (b"MAIL FROM:<a@sender.example>", 250),
                           (b"RCPT TO:<b@rcpt.example>", 250), (b"DATA", 354), (stuff(content) + b".", 250)):
            assert self.command(line) == code, self.said
        return self

    def quit(self):
        """Ends the session; everything that s_client printed."""
        assert self.command(b"QUIT") == 221
        self.process.stdin.close()
        self.said += self.process.stdout.read()
        assert self.process.wait(patience(10)) == 0
        self.process.stdout.close()
        self.errors.seek(0)
        self.said += self.errors.read()
        self.errors.close()
        return self.said.decode(errors="replace")


@pytest.mark.parametrize("at_once", [False, True], ids=["starttls", "at once"])
@pytest.mark.parametrize("version, named", [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_protocols(services, at_once, version, named):
    services.start("open_relay = true")
    client = Client(services, version, "-verify_hostname", "mx.impulse.example", at_once=at_once)
    if at_once:
        assert client.reply() == 220
    said = client.mail(SENT).quit()
    assert f"New, {named}, Cipher is" in said and "Verify return code: 0 (ok)" in said
    services.arrived(SENT, "ESMTPS")


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_protocols_are_refused(services, version):
    """RFC 8996."""
    services.start("open_relay = true")
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{services.port}", "-starttls", "smtp",
                           version, "-cipher", "ALL:@SECLEVEL=0"], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=patience(20))
    assert done.returncode != 0 and b"Cipher is (NONE)" in done.stdout


@pytest.mark.parametrize("at_once", [False, True], ids=["starttls", "at once"])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_resumption(services, site, at_once, version):
    services.start("open_relay = true")
    session = site.directory / "session"
    for arguments, expected in ((("-sess_out", session), "New"), (("-sess_in", session), "Reused")):
        client = Client(services, version, *arguments, at_once=at_once)
        if at_once:
            assert client.reply() == 220
        said = client.mail(SENT).quit()
        assert re.search(rf"^{expected}, TLSv1", said, re.M), said
    services.arrived(SENT, "ESMTPS", ("b@rcpt.example",) * 2)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_client_certificate(services, certificates, version):
    """A certificate that leads to TLS_Client_CA lets relay where it is configured to."""
    services.start('relay_hosts = ( "192.0.2.0/24" )\n  TLS_Verified_Peer_Can_Relay = true')
    certificate, key = certificates.client(USER)
    client = Client(services, version, "-cert", certificate, "-key", key)
    client.mail(SENT).quit()
    services.arrived(SENT, "ESMTPS")


def test_a_stranger_may_not_relay(services, certificates):
    services.start('relay_hosts = ( "192.0.2.0/24" )\n  TLS_Verified_Peer_Can_Relay = true')
    certificate, key = certificates.stranger(USER)
    for arguments in ((), ("-cert", certificate, "-key", key)):
        client = Client(services, *arguments)
        assert client.command(b"EHLO client.example") == 250
        assert client.command(b"MAIL FROM:<a@sender.example>") == 250
        assert client.command(b"RCPT TO:<b@rcpt.example>") == 550
        client.quit()

"""msmtp: each AUTH mechanism it shares with us, SCRAM and EXTERNAL among them; STARTTLS, TLS at once."""
import subprocess

import pytest

from harness import patience
from harness.messages import EXACT
from harness.services import PASSWORD, USER

pytestmark = pytest.mark.plain

SENT = EXACT["dots"]
TRUST = "tls on\ntls_trust_file {ca}\ntls_starttls {starttls}\n"


@pytest.fixture
def msmtp(services, site, certificates):
    """msmtp(account's lines, tls=None|"starttls"|"at once") -> (status, what it said)"""
    def run(lines, tls=None, recipients=("b@rcpt.example",)):
        file = site.directory / "msmtprc"
        file.write_text(
            f"account default\nhost 127.0.0.1\nport {services.tls_port if tls == 'at once' else services.port}\n"
            "domain client.example\nfrom a@sender.example\n" +
            (TRUST.format(ca=certificates.ca, starttls="on" if tls == "starttls" else "off") if tls else "tls off\n") +
            lines + "\n")
        file.chmod(0o600)
        done = subprocess.run(["msmtp", f"--file={file}", "--debug", "--", *recipients],
                              input=SENT.replace(b"\r\n", b"\n"), capture_output=True, timeout=patience(30))
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")
    return run


@pytest.mark.parametrize("tls, protocol", [(None, "ESMTP"), ("starttls", "ESMTPS"), ("at once", "ESMTPS")])
def test_without_authentication(services, msmtp, tls, protocol):
    services.start("open_relay = true")
    status, said = msmtp("auth off", tls, ("b@rcpt.example", "c@other.example"))
    assert status == 0, said
    services.arrived(SENT, protocol, ("b@rcpt.example", "c@other.example"))


@pytest.mark.parametrize("tls", ["starttls", "at once"])
@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256"])
def test_auth(services, msmtp, mechanism, tls):
    services.start()
    status, said = msmtp(f"auth {mechanism}\nuser {USER}\npassword {PASSWORD}", tls)
    assert status == 0, said
    services.arrived(SENT, "ESMTPSA", user=USER)


@pytest.mark.parametrize("mechanism", ["cram-md5", "scram-sha-1", "scram-sha-256"])
def test_auth_without_tls(services, msmtp, mechanism):
    services.start()
    status, said = msmtp(f"auth {mechanism}\nuser {USER}\npassword {PASSWORD}")
    assert status == 0, said
    services.arrived(SENT, "ESMTPA", user=USER)


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram-md5", "digest-md5", "scram-sha-1", "scram-sha-256"])
def test_auth_fails(services, msmtp, mechanism):
    services.start()
    status, said = msmtp(f"auth {mechanism}\nuser {USER}\npassword wrong", "starttls")
    assert status == 77 and "535 5.7.8" in said, said    # EX_NOPERM


@pytest.mark.parametrize("tls", ["starttls", "at once"])
def test_external(services, msmtp, certificates, tls):
    """The client's certificate says who it is."""
    services.start()
    certificate, key = certificates.client(USER)
    status, said = msmtp(f"auth external\nuser {USER}\ntls_cert_file {certificate}\ntls_key_file {key}", tls)
    assert status == 0, said
    services.arrived(SENT, "ESMTPSA", user=USER)


def test_external_by_a_stranger(services, msmtp, certificates):
    """A certificate that leads to no authority of ours says nothing."""
    services.start()
    certificate, key = certificates.stranger(USER)
    status, said = msmtp(f"auth external\nuser {USER}\ntls_cert_file {certificate}\ntls_key_file {key}", "starttls")
    assert status != 0 and not services.capture.messages, said

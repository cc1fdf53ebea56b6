"""curl: smtp:// and smtps://, AUTH mechanisms, EXTERNAL, the AUTH parameter of MAIL, several recipients, SMTPUTF8."""
import subprocess

import pytest

from harness import patience
from harness.messages import EXACT
from harness.services import PASSWORD, USER

pytestmark = pytest.mark.plain

SENT = EXACT["dots"]


@pytest.fixture
def curl(services, site, certificates):
    def run(*arguments, smtps=False, sender="a@sender.example", recipients=("b@rcpt.example",)):
        file = site.directory / "message"
        file.write_bytes(SENT)
        url = f"smtps://127.0.0.1:{services.tls_port}" if smtps else f"smtp://127.0.0.1:{services.port}"
        to = [word for recipient in recipients for word in ("--mail-rcpt", recipient)]
        done = subprocess.run(["curl", "--silent", "--show-error", "--verbose", "--cacert", certificates.ca,
                               f"{url}/client.example", "--mail-from", sender, *to, "--upload-file", file,
                               *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=patience(30))
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")
    return run


@pytest.mark.parametrize("arguments, smtps, protocol", [
    ((), False, "ESMTP"), (("--ssl-reqd",), False, "ESMTPS"), ((), True, "ESMTPS"),
    (("--ssl-reqd", "--tls-max", "1.2"), False, "ESMTPS")], ids=["smtp", "ssl-reqd", "smtps", "tls-1.2"])
def test_schemes(services, curl, arguments, smtps, protocol):
    services.start("open_relay = true")
    recipients = ("b@rcpt.example", "c@rcpt.example", "d@other.example")
    status, said = curl(*arguments, smtps=smtps, recipients=recipients)
    assert status == 0, said
    services.arrived(SENT, protocol, recipients)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5"])
@pytest.mark.parametrize("initial", [(), ("--sasl-ir",)], ids=["challenged", "initial"])
@pytest.mark.parametrize("smtps", [False, True], ids=["starttls", "smtps"])
def test_auth(services, curl, mechanism, initial, smtps):
    services.start()
    status, said = curl("--ssl-reqd", "--user", f"{USER}:{PASSWORD}", "--login-options", f"AUTH={mechanism}", *initial,
                        smtps=smtps)
    assert status == 0, said
    services.arrived(SENT, "ESMTPSA", user=USER)


def test_auth_of_its_own_choice(services, curl):
    services.start()
    status, said = curl("--ssl-reqd", "--user", f"{USER}:{PASSWORD}")
    assert status == 0, said
    services.arrived(SENT, "ESMTPSA", user=USER)


def test_auth_fails(services, curl):
    services.start()
    status, said = curl("--user", f"{USER}:wrong")
    assert status == 67 and "535 5.7.8" in said, said   # CURLE_LOGIN_DENIED


@pytest.mark.parametrize("smtps", [False, True], ids=["starttls", "smtps"])
def test_external(services, curl, certificates, smtps):
    services.start()
    certificate, key = certificates.client(USER)
    status, said = curl("--ssl-reqd", "--cert", certificate, "--key", key, "--user", f"{USER}:", "--login-options",
                        "AUTH=EXTERNAL", smtps=smtps)
    assert status == 0, said
    services.arrived(SENT, "ESMTPSA", user=USER)


@pytest.mark.parametrize("identity", ["orig@sender.example", ""])
def test_mail_auth(services, curl, identity):
    """AUTH= of MAIL: who was the first to submit it, RFC 4954 section 5."""
    services.start()
    status, said = curl("--ssl-reqd", "--user", f"{USER}:{PASSWORD}", "--mail-auth", identity)
    assert status == 0, said
    assert f"MAIL FROM:<a@sender.example> AUTH=<{identity}>" in said     # the brackets are curl's own
    services.arrived(SENT, "ESMTPSA", user=USER)

"""SMTP authentication as clients, operators and strangers meet it. What is said on the wire is in
tests/protocol/rfc4954; what TLS changes about it is in the tests of real clients."""
import base64
import hashlib
import re
import signal
import smtplib
import subprocess
import threading

import pytest

from harness import await_true, patience
from harness.daemon import run
from harness.wire import Wire

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
PLAIN = base64.b64encode(b"\0ann\0secret").decode()
WRONG = base64.b64encode(b"\0ann\0wrong").decode()


class Office:
    """A daemon whose clients authenticate in plain text; no address may relay."""

    def __init__(self, impulse, site):
        self.impulse, self.site = impulse, site
        self.passwords, self.digests = site.directory / "passwords", site.directory / "digests"
        self.log = site.log / "acctlog.ec"
        self.passwords.write_text("# for tests\nann:secret\nblocked:pw\n")
        digest = hashlib.md5(b"ann:Realm One:secret").hexdigest()
        self.digests.write_text(f"ann:Realm One:{digest}\n")

    def configuration(self, listener="", outer="", starttls=""):
        parameters = "\n".join(
            f'Auth{name}Parameters = [ uri = "file://{self.passwords}" log_authentication = "true" ]'
            for name in ("Plain", "Login", "CramMD5", "SCRAM") if f"Auth{name}Parameters" not in listener)
        return self.site.config(outer, f"""
  relay_hosts = ( )
  SMTP_Extensions = ( "ENHANCEDSTATUSCODES" {starttls} "AUTH {' '.join(MECHANISMS)}" )
  {parameters}
  AuthDigestMD5Parameters = [ uri = "digest://{self.digests}" realm = "Realm One" ]
  {listener}""", logger=f'acctlog = "{self.log}"')

    def start(self, **more):
        self.impulse.start(self.configuration(**more))
        return self

    def connect(self):
        wire = Wire(self.impulse.address)
        wire.reply()
        wire.command("EHLO client.example")
        return wire

    def auth(self, line=f"AUTH PLAIN {PLAIN}"):
        with self.connect() as wire:
            return wire.command(line).text


@pytest.fixture
def office(impulse, site):
    return Office(impulse, site)


# ---- clients -----------------------------------------------------------------------------------------------------


def gsasl(port, mechanism, user="ann", password="secret"):
    done = subprocess.run(["gsasl", "--client", "--smtp", "--no-starttls", "-d", "--connect", f"127.0.0.1:{port}",
                           "-m", mechanism, "-a", user, "-p", password, "--service", "smtp", "--hostname", "localhost",
                           "--realm", "Realm One", "--quality-of-protection", "qop-auth"],
                          input="", capture_output=True, text=True, timeout=patience(20))
    return done.stdout + done.stderr


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_gsasl(office, mechanism):
    office.start()
    assert re.search(r"^235 2\.7\.0 ", gsasl(office.site.port, mechanism), re.M)
    assert re.search(r"^535 5\.7\.8 ", gsasl(office.site.port, mechanism, password="wrong"), re.M)
    assert re.search(r"^535 5\.7\.8 ", gsasl(office.site.port, mechanism, user="eve"), re.M)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("initial", [True, False])
def test_smtplib(office, mechanism, initial):
    office.start()
    with smtplib.SMTP(*office.impulse.address, timeout=patience(20)) as client:
        client.ehlo("client.example")
        assert mechanism in client.esmtp_features["auth"]
        client.user, client.password = "ann", "secret"
        code, _ = client.auth(mechanism, getattr(client, "auth_" + mechanism.lower().replace("-", "_")),
                              initial_response_ok=initial)
        assert code == 235
        client.mail("ann@sender.example")
        assert client.rcpt("b@rcpt.example")[0] == 250


# ---- operators ---------------------------------------------------------------------------------------------------


def test_a_change_of_the_file_holds_at_once(office):
    office.start()
    assert office.auth().startswith("235 ")
    office.passwords.write_text("ann:secre2\n")
    assert office.auth().startswith("535 ")
    office.passwords.unlink()
    for _ in range(3):
        assert office.auth() == "454 4.7.0 temporary authentication failure"
    office.passwords.write_text("ann:secret\n")
    assert office.auth().startswith("235 ")
    complaint = f"cannot read passwords from {office.passwords}"
    office.impulse.await_panic(complaint)
    assert office.impulse.paniclog().count(complaint) == 1


def test_acctlog(office):
    office.start()
    office.auth()
    office.auth(f"AUTH PLAIN {WRONG}")
    await_true(lambda: office.log.exists() and len(office.log.read_text().splitlines()) == 2, "two records")
    first, second = office.log.read_text().splitlines()
    assert re.fullmatch(rf"\d{{10}}@N@127\.0\.0\.1:{office.site.port}@127\.0\.0\.1:\d+@ann@1", first)
    assert second.endswith("@ann@0")


def findings(office, listener="", **more):
    path = office.site.directory / "checked.conf"
    path.write_text(office.configuration(listener, **more))
    return run("-t", "-c", path)


@pytest.mark.parametrize("listener, status, text", [
    ("", 0, "AUTH PLAIN or LOGIN without STARTTLS: passwords cross the network in clear text"),
    ('AuthPlainParameters = [ uri = "ecauth://" ]', 0, 'scheme "ecauth" is not available: nobody can authenticate'),
    ('AuthPlainParameters = [ uri = "file:///nonexistent" ]', 0, "cannot read /nonexistent: No such file"),
    ('AuthPlainParameters = [ uri = "digest:///etc/x" ]', 1, "is not what this mechanism can use"),
    ('AuthPlainParameters = [ log_authentication = "true" ]', 1, "uri is missing"),
    ('AuthPlainParameters = [ uri = "file:///etc/x" realm = "x" ]', 1, '"realm" has no meaning here'),
    ('Peer "10.0.0.0/8" { Always_Allow = true }', 0, "may relay to everywhere, without a password"),
    ('Via "127.0.0.2" { Peer "10.0.0.0/8" { Always_Allow = true } }', 0, "may relay to everywhere"),
])
def test_what_a_check_says(office, listener, status, text):
    code, said = findings(office, listener)
    assert code == status and text in said, said
    line = next(line for line in said.splitlines() if text in line)
    assert re.match(r"\S+/checked\.conf:\d+:\d+: ", line), line


def test_what_a_check_says_of_plain_text(office):
    """Not where TLS protects the passwords; where it need not, at the option that says so."""
    office.passwords.chmod(0o600)
    tls = '"STARTTLS"'
    assert "clear text" not in findings(office, starttls=tls)[1]
    said = findings(office, "Plaintext_Authentication = true", starttls=tls)[1]
    assert "PLAIN and LOGIN are offered before STARTTLS: passwords cross the network in clear text" in said
    assert "clear text" not in findings(office, "Use_SSL = true")[1]


def test_a_file_of_another_realm_is_told(office):
    """Clients are asked for the realm of the option, or hostname; ec_md5passwd writes the console's by default."""
    option = f'AuthDigestMD5Parameters = [ uri = "digest://{office.digests}" ]'
    text = f'no record of {office.digests} is of the realm "mx.impulse.example"; the first is of "Realm One"'
    assert text in findings(office, option)[1]
    assert "of the realm" not in findings(office)[1]


def test_those_who_cannot_authenticate_are_named(office):
    """A Peer goes before the Listen: what it offers its clients may not hold AUTH."""
    text = 'authentication is required and none is possible for the clients of Peer "127.0.0.3": '
    peer = 'Peer "127.0.0.3" { SMTP_Extensions = ( "DSN" ) }'
    assert text in findings(office, f"Enable_Authentication = true {peer}")[1]
    assert "none is possible" not in findings(office, "Enable_Authentication = true")[1]
    peer = 'Peer "127.0.0.3" { SMTP_Extensions = ( "DSN" ) Open_Relay = true }'  # who may relay need not authenticate
    assert "none is possible" not in findings(office, f"Enable_Authentication = true {peer}")[1]


def test_a_mechanism_that_is_none_is_named(office):
    said = findings(office, 'SMTP_Extensions = ( "AUTH PLAIN  PLIAN,LOGIN" "AUTH=NTLM" )')[1]
    assert re.findall(r"smtp_extensions: AUTH (\S+) is not offered", said) == ["PLIAN", "NTLM"]


def test_a_bad_line_is_named(office):
    office.passwords.write_text("ann:secret\nbob\n")
    assert f"{office.passwords}:2:1: " in findings(office)[1]


# ---- strangers ---------------------------------------------------------------------------------------------------


def guess(office, answers):
    """Guesses until the server hangs up."""
    with office.connect() as wire:
        for _ in range(10):
            answers.append(wire.command(f"AUTH PLAIN {WRONG}").code)
            if wire.unread or len(answers) % 3 == 0:
                break
        answers.append(wire.reply().code)
        assert wire.at_end()


def test_guessing_does_not_keep_others_waiting(office):
    office.start()
    answers = [[] for _ in range(40)]
    guessers = [threading.Thread(target=guess, args=(office, list_)) for list_ in answers]
    for thread in guessers:
        thread.start()
    for _ in range(5):
        assert office.auth().startswith("235 ")
    for thread in guessers:
        thread.join(patience(60))
    assert answers == [[535, 535, 535, 421]] * 40


def test_clients_that_leave_in_the_middle(office):
    office.start()
    for line in (f"AUTH PLAIN {PLAIN}", "AUTH CRAM-MD5", "AUTH SCRAM-SHA-256 biwsbj1hbm4scj1hYmM="):
        for _ in range(30):
            wire = office.connect()
            wire.send(line.encode() + b"\r\n")
            wire.close()
    assert office.auth().startswith("235 ")


def test_commands_sent_along_wait_for_the_answer(office):
    office.start()
    with office.connect() as wire:
        wire.send(f"AUTH PLAIN {PLAIN}\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\n".encode())
        assert [wire.reply().code for _ in range(3)] == [235, 250, 250]


# ---- reload and end ----------------------------------------------------------------------------------------------


def test_a_reload_within_an_exchange(office):
    office.start()
    with office.connect() as wire:
        assert wire.command("AUTH PLAIN").code == 334
        office.impulse.reload()
        office.impulse.await_panic("configuration reloaded")
        assert wire.command(PLAIN).code == 235
        assert wire.command("MAIL FROM:<a@sender.example>").code == 421


def test_the_end_within_an_exchange(office):
    office.start()
    with office.connect() as wire:
        assert wire.command("AUTH LOGIN").code == 334
        office.impulse.process.send_signal(signal.SIGTERM)
        assert wire.reply().code == 421
        assert wire.at_end()


@pytest.mark.parametrize("credentials", [PLAIN, WRONG])
@pytest.mark.parametrize("right, expected", [('relay_hosts = ( "127.0.0.0/8" )', 250),
                                             ('relay_hosts = ( )\ncontext = [ can_relay = "true" ]', 250),
                                             ("relay_hosts = ( )", 550)])
def test_starttls_takes_the_right_of_a_user_not_that_of_an_address(office, certificates, credentials, right, expected):
    configuration = office.configuration(f"""Plaintext_Authentication = true
TLS_Certificate = "{certificates.certificate}"
TLS_Key = "{certificates.key}" """, starttls='"STARTTLS"')
    office.impulse.start(configuration.replace("relay_hosts = ( )", right))
    with office.connect() as client:
        client.command(f"AUTH PLAIN {credentials}", 235 if credentials == PLAIN else 535)
        client.command("STARTTLS", 220)
        client.start_tls(certificates.context())
        client.command("EHLO client.example", 250)
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", expected)

"""nodemailer, Node.js's client: STARTTLS, TLS at once, AUTH, many messages on one connection, DSN, SMTPUTF8.

Installed from npm's registry with the version and the checksum of nodemailer/package-lock.json; npm keeps a copy of its own,
so the network is needed once. Where the registry cannot be reached it is Debian's package of nodemailer.
"""
import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import await_true, patience
from harness.messages import EXACT, header
from harness.services import PASSWORD, USER, trace_before, unfolded

pytestmark = pytest.mark.plain

SOURCE = Path(__file__).parent / "nodemailer"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # the system's, where npm and Node.js bring their own
DEBIAN = Path("/usr/share/nodejs")
ENVIRONMENT = os.environ | {"NODE_PATH": str(DEBIAN)}  # looked at after the folder's own node_modules
ENVIRONMENT.setdefault("NODE_EXTRA_CA_CERTS", AUTHORITIES)
SENT = EXACT["dots"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A folder with nodemailer and send.js."""
    folder = tmp_path_factory.mktemp("nodemailer")
    for file in SOURCE.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    done = subprocess.run(["npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund",
                           "--fetch-retries=1", "--fetch-retry-mintimeout=1000"],  # else it insists for 70 seconds
                          cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
                          env=ENVIRONMENT)
    if done.returncode != 0:
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        assert (DEBIAN / "nodemailer").is_dir(), done.stdout + done.stderr
    return folder


def message(content=SENT, sender="a@sender.example", recipients=("b@rcpt.example",), **more):
    return {"envelope": {"from": sender, "to": list(recipients)}, "raw": base64.b64encode(content).decode(), **more}


@pytest.fixture
def nodemailer(installed, services, certificates):
    """nodemailer(*messages, transport options) -> (status, what it said)"""
    def run(*messages, at_once=False, **options):
        transport = {"host": "127.0.0.1", "port": services.tls_port if at_once else services.port, "secure": at_once,
                     "name": "client.example", "tls": {"ca": certificates.ca.read_text(), "servername":
                                                       "mx.impulse.example"}, **options}
        done = subprocess.run(["node", "send.js"], cwd=installed, env=ENVIRONMENT, capture_output=True, text=True, timeout=patience(60),
                              input=json.dumps({"transport": transport, "messages": messages or [message()]}))
        return done.returncode, done.stdout + done.stderr
    return run


def test_plain(services, nodemailer):
    services.start("open_relay = true")
    recipients = ("b@rcpt.example", "c@rcpt.example", "d@other.example")
    status, said = nodemailer(message(recipients=recipients), ignoreTLS=True)
    assert status == 0, said
    services.arrived(SENT, "ESMTP", recipients)


@pytest.mark.parametrize("at_once", [False, True], ids=["starttls", "at once"])
def test_tls(services, nodemailer, at_once):
    services.start("open_relay = true")
    status, said = nodemailer(at_once=at_once, requireTLS=True)
    assert status == 0, said
    services.arrived(SENT, "ESMTPS")


def test_starttls_is_taken_when_it_is_offered(services, nodemailer):
    services.start("open_relay = true")
    status, said = nodemailer()
    assert status == 0, said
    services.arrived(SENT, "ESMTPS")


@pytest.mark.parametrize("ignore_tls, protocol", [(True, "ESMTPA"), (False, "ESMTPSA")], ids=["plain", "tls"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_auth(services, nodemailer, mechanism, ignore_tls, protocol):
    services.start()
    status, said = nodemailer(auth={"user": USER, "pass": PASSWORD}, authMethod=mechanism, ignoreTLS=ignore_tls)
    assert status == 0, said
    services.arrived(SENT, protocol, user=USER)


def test_auth_fails(services, nodemailer):
    services.start()
    status, said = nodemailer(auth={"user": USER, "pass": "wrong"})
    assert status == 1 and said.startswith("535"), said
    assert not services.capture.messages


def test_a_pool_of_connections(services, nodemailer):
    """Fifty messages over three connections that stay open."""
    services.start()
    status, said = nodemailer(*[message() for _ in range(50)], pool=True, maxConnections=3,
                              auth={"user": USER, "pass": PASSWORD})
    assert status == 0 and len(json.loads(said)) == 50, said
    services.arrived(SENT, "ESMTPSA", ("b@rcpt.example",) * 50, user=USER)
    assert len({record.connection for record in services.impulse.await_log("R", 50)}) <= 3


@pytest.fixture
def capture(captures):
    return captures(extensions=("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN"))


def test_dsn(services, nodemailer):
    services.start("open_relay = true")
    status, said = nodemailer(message(dsn={"id": "id+1", "return": "headers", "notify": ["failure", "delay"],
                                           "recipient": "orig@rcpt.example"}))
    assert status == 0, said
    (mail, rcpt), = (m.commands for m in services.capture.wait())
    assert "RET=HDRS" in mail and "ENVID=id+2B1" in mail
    assert "NOTIFY=FAILURE,DELAY" in rcpt and "ORCPT=rfc822;orig@rcpt.example" in rcpt


def test_smtputf8(services, nodemailer):
    services.start("open_relay = true")
    content = header("X-Greeting: Füße".encode()) + b"text\r\n"
    status, said = nodemailer(message(content, "änne@sender.example", ["jürgen@rcpt.example"], use8BitMime=True))
    assert status == 0, said
    arrived, = services.capture.wait()
    assert "SMTPUTF8" in arrived.commands[0]
    assert arrived.sender.encode("latin-1").decode() == "änne@sender.example"
    assert " with UTF8SMTPS " in unfolded(trace_before(arrived.content, content), "Received")
    await_true(lambda: services.impulse.mainlog("D"), "the delivery is logged")

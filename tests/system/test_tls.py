"""TLS towards clients: what the tls_* options do, seen by OpenSSL, Python and GnuTLS; certificates that change, or come
from Vault; clients that are slow, wrong or many; testssl.sh. (RFC 3207's conversations are in protocol/rfc3207.)"""
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from harness import await_true, patience
from harness.daemon import PROGRAM, Impulse, built_with, run
from harness.wire import Wire

STARTTLS = 'SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "STARTTLS" )'


def listener(certificates, more="", starttls=STARTTLS):
    return f'{starttls}\nTLS_Certificate = "{certificates.certificate}"\nTLS_Key = "{certificates.key}"\n{more}\n'


@pytest.fixture
def serve(impulse, site, certificates):
    """Starts the daemon with STARTTLS, the tests' certificate and further options of the listener."""
    return lambda more="", outer="", starttls=STARTTLS, **named: impulse.start(
        site.config(outer, listener(certificates, more, starttls), **named))


def secured(address, context, greeting="EHLO client.example"):
    """A client after STARTTLS and, unless told otherwise, its second EHLO."""
    wire = Wire(address)
    wire.greet()
    wire.command("STARTTLS", 220)
    wire.start_tls(context)
    if greeting:
        wire.command(greeting, 250)
    return wire


def s_client(address, *arguments):
    """What `openssl s_client` says of a handshake after STARTTLS; None when it fails."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"{address[0]}:{address[1]}", "-starttls", "smtp",
                           *map(str, arguments)], input="QUIT\n", capture_output=True, text=True, check=False,
                          timeout=patience(30))
    said = done.stdout + done.stderr
    return None if "Cipher is (NONE)" in said or "Cipher    : 0000" in said else said


# ---- protocols, ciphers, curves --------------------------------------------------------------------------------------

OLD = ("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")


@pytest.mark.parametrize("options, works, fails", [
    ("", [("-tls1_2",), ("-tls1_3",)], [OLD]),
    ('TLS_Protocols = "+TLSv1.3"', [("-tls1_3",)], [("-tls1_2",), OLD]),
    ('TLS_Protocols = "+ALL:-TLSv1.3"', [("-tls1_2",)], [("-tls1_3",), OLD]),
    ('TLS_Protocols = "+ALL"\nTLS_Ciphers = "DEFAULT@SECLEVEL=0"', [("-tls1_2",), ("-tls1_3",), OLD], []),
    ('TLS_Ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"\nTLS_Protocols = "+TLSv1.2"',
     [("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")], [("-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")]),
    ('TLSv13_Ciphersuites = "TLS_AES_128_GCM_SHA256"\nTLS_Protocols = "+TLSv1.3"',
     [("-ciphersuites", "TLS_AES_128_GCM_SHA256")], [("-ciphersuites", "TLS_AES_256_GCM_SHA384")]),
])
def test_protocols_and_ciphers(serve, options, works, fails):
    impulse = serve(options)
    for arguments in works:
        assert s_client(impulse.address, *arguments), arguments
    for arguments in fails:
        assert not s_client(impulse.address, *arguments), arguments


def test_the_server_prefers(serve):
    impulse = serve('TLS_Ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"')
    said = s_client(impulse.address, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" in said


def test_curves(serve):
    impulse = serve(outer='TLS_EC_Curve_Names = "secp384r1:prime256v1"')
    assert "P-384" in s_client(impulse.address, "-groups", "P-521:P-384") or \
        "secp384r1" in s_client(impulse.address, "-groups", "P-521:P-384")
    assert not s_client(impulse.address, "-groups", "X25519")


@pytest.mark.parametrize("dhe", [True, False])
def test_dhe(impulse, site, certificates, dhe):
    certificate, key = certificates.rsa
    impulse.start(site.config(f"TLS_Enable_DHE_Ciphers = {str(dhe).lower()}",
                              f'{STARTTLS}\nTLS_Certificate = "{certificate}"\nTLS_Key = "{key}"'))
    only = ("-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384")
    assert bool(s_client(impulse.address, *only)) == dhe
    assert s_client(impulse.address, "-tls1_2")


@pytest.mark.parametrize("options, may", [("", False), ("TLS_Allow_Renegotiation = true", True),
                                          ("TLS_Allow_Renegotiation = false", False)])
def test_renegotiation(serve, options, may):
    """A line R makes s_client ask for it."""
    impulse = serve(options)
    address = "{}:{}".format(*impulse.address)
    client = subprocess.Popen(["openssl", "s_client", "-connect", address, "-starttls", "smtp", "-tls1_2"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    watch = threading.Timer(patience(20), client.kill)
    watch.start()
    said = ""

    def write(text):
        with suppress(BrokenPipeError):  # it ends when it is refused
            client.stdin.write(text)

    write(b"R\n")
    for line in client.stdout:
        said += line.decode()
        if line.startswith(b"RENEGOTIATING"):
            write(b"NOOP\n")
        if line.startswith(b"250 2.0.0"):
            break
    client.stdin.close()
    client.wait()
    client.stdout.close()
    watch.cancel()
    assert "RENEGOTIATING" in said
    assert ("250 2.0.0" in said) == may, said
    assert ("no renegotiation" in said) != may, said


def test_gnutls(serve, certificates):
    impulse = serve()
    done = subprocess.run(["gnutls-cli", "--starttls-proto=smtp", f"--x509cafile={certificates.ca}", "--sni-hostname=localhost",
                           "--verify-hostname=localhost", f"--port={impulse.site.port}", "127.0.0.1"], input="QUIT\r\n",
                          capture_output=True, text=True, check=False, timeout=patience(30))
    assert "The certificate is trusted" in done.stdout and "TLS1.3" in done.stdout, done.stdout + done.stderr


# ---- configurations that are refused ---------------------------------------------------------------------------------

@pytest.mark.parametrize("line, part", [
    ('TLS_Certificate = "/nowhere/cert.pem"', "tls_certificate: cannot read /nowhere/cert.pem: No such file"),
    ('TLS_Ciphers = "NO-SUCH"', 'tls_ciphers: "NO-SUCH": no cipher match'),
    ('TLS_Protocols = "+TLSv9"', 'tls_protocols: "+TLSv9" is not'),
    ('TLS_Client_CA = "/nowhere/ca.pem"', "tls_client_ca: cannot read /nowhere/ca.pem"),
    ('TLS_Verify_Mode = "require"', "tls_verify_mode: require needs tls_client_ca"),
    ('TLSv13_Ciphersuites = "TLS_NO_SUCH"', 'tlsv13_ciphersuites: "TLS_NO_SUCH"'),
])
def test_refused_at_load(impulse, site, line, part):
    text = site.config(listener=f"{STARTTLS}\n{line}")
    impulse.write(text)
    number = next(i for i, given in enumerate(text.splitlines(), 1) if line in given)
    done = subprocess.run([str(PROGRAM), "-t", "-c", str(impulse.file)], capture_output=True, text=True, check=False,
                          env=impulse.environment)
    assert done.returncode == 1
    assert f"{impulse.file}:{number}:" in done.stderr and part in done.stderr, done.stderr
    with pytest.raises(AssertionError, match="impulsed ended with 1"):
        impulse.start()


# ---- certificates of clients -----------------------------------------------------------------------------------------

def seen(impulse, context, greeting="HELO x"):
    """What the connection context has of TLS, as the rejectlog shows it; None when the handshake fails."""
    before = len(impulse.rejectlog())
    try:
        with secured(impulse.address, context, greeting) as client:
            client.command("MAIL FROM:<a@sender.example>", 250)
            client.command("RCPT TO:<b@rcpt.example>", 550)
    except (ssl.SSLError, ConnectionError):
        return None
    await_true(lambda: len(impulse.rejectlog()) > before, "a rejectlog record")
    return impulse.rejectlog()[-1]


def no_tickets(context):
    """TLS 1.2: what is wrong with a client's certificate is known within the handshake."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.mark.parametrize("mode", ["", 'TLS_Verify_Mode = "none"', 'TLS_Verify_Mode = "require"'])
def test_client_certificates(serve, certificates, mode):
    impulse = serve(f'relay_hosts = ( )\nTLS_Client_CA = "{certificates.ca}"\n{mode}')
    nobody = seen(impulse, no_tickets(certificates.context()))
    ann = seen(impulse, no_tickets(certificates.context("ann")))
    stranger = seen(impulse, no_tickets(certificates.context(stranger="ann")))
    assert "tls=on" in ann and "tls_protocol=TLSv1.2" in ann and "tls_cipher=ECDHE-" in ann
    assert "tls_cipher_algbits=256" in ann and "tls_cipher_usebits=256" in ann
    if "none" in mode:
        assert all("tls_client" not in said for said in (nobody, ann, stranger))
        return
    assert "tls_client_verified=yes" in ann and "tls_client_cert_subject_cn=ann" in ann
    assert '"CN=ann,O=Tests of Impulse"' in ann and "tls_client_cert_issuer_cn=ca" in ann
    if "require" in mode:
        assert nobody is None and stranger is None
    else:
        assert "tls_client" not in nobody
        assert "tls_client_cert_subject_cn=ann" in stranger and "tls_client_verified" not in stranger


def test_a_resumed_session_is_verified_as_it_was(serve, certificates):
    impulse = serve(f'relay_hosts = ( )\nTLS_Client_CA = "{certificates.ca}"')
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = certificates.context("ann")
        context.minimum_version = context.maximum_version = version
        session = None
        for turn in range(3):
            wire = Wire(impulse.address)
            wire.greet()
            wire.command("STARTTLS", 220)
            wire.socket = context.wrap_socket(wire.socket, session=session)
            wire.command("HELO x", 250)
            assert wire.socket.session_reused == (turn > 0)
            session = wire.socket.session
            wire.command("MAIL FROM:<a@sender.example>", 250)
            wire.command("RCPT TO:<b@rcpt.example>", 550)
            wire.close()
        await_true(lambda: len(impulse.rejectlog()) % 3 == 0, "the records")
        assert all("tls_client_verified=yes" in line for line in impulse.rejectlog())


def test_a_certificate_that_has_ended_is_not_resumed(serve, certificates):
    """Each resumption brings a ticket for another hour; the certificate's end is the end of them."""
    impulse = serve(f'relay_hosts = ( )\nTLS_Client_CA = "{certificates.ca}"\nTLS_Verified_Peer_Can_Relay = true')
    context, session = certificates.short_lived("brief", patience(5)), None

    def may_relay():
        nonlocal session
        with Wire(impulse.address) as wire:
            wire.greet()
            wire.command("STARTTLS", 220)
            wire.socket = context.wrap_socket(wire.socket, session=session)
            wire.command("HELO x", 250)
            wire.command("MAIL FROM:<a@sender.example>", 250)
            code = wire.command("RCPT TO:<b@rcpt.example>").code
            session = wire.socket.session
            return code == 250

    assert may_relay() and may_relay()
    await_true(lambda: not may_relay(), "the end of the certificate")


@pytest.mark.parametrize("command", ["XCLIENT ADDR=192.0.2.77", "XREMOTEIP 192.0.2.77"])
def test_a_certificate_is_not_that_of_whom_it_speaks_for(serve, certificates, command):
    impulse = serve(f"""relay_hosts = ( )
SMTP_Extensions = ( "STARTTLS" "XCLIENT" "XREMOTEIP" "AUTH EXTERNAL" )
TLS_Client_CA = "{certificates.ca}"
TLS_Verified_Peer_Can_Relay = true""", starttls="")
    with secured(impulse.address, certificates.context("ann")) as gateway:
        gateway.command(command)
        assert "EXTERNAL" not in gateway.command("EHLO stranger.example", 250).text
        gateway.command("AUTH EXTERNAL =", 504)
        gateway.command("MAIL FROM:<a@sender.example>", 250)
        gateway.command("RCPT TO:<b@rcpt.example>", 550)


def test_tickets_are_not_taken_by_another_listener(impulse, site, certificates):
    """A session that a listener without client certificates began is none for one that requires them."""
    port = free_port()
    strict = f'Listen "127.0.0.1:{port}" {{ TLS_Client_CA = "{certificates.ca}" TLS_Verify_Mode = "require" }}'
    impulse.start(site.config(listener=listener(certificates, strict)))
    context = no_tickets(certificates.context())
    with secured(impulse.address, context) as client:
        session = client.socket.session
    assert session.has_ticket
    wire = Wire(("127.0.0.1", port))
    wire.greet()
    wire.command("STARTTLS", 220)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(wire.socket, session=session)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- messages --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_a_message_arrives_byte_for_byte(serve, certificates, capture, size):
    impulse = serve(to=capture)
    content = b"Subject: x\r\n\r\n" + b"".join(b"%d line\r\n" % i for i in range(size // 10))
    with secured(impulse.address, certificates.context()) as client:
        assert client.mail(content).code == 250
        client.command("QUIT", 221)
        assert client.at_end()
    arrived = capture.wait(seconds=60)[0].content
    assert arrived.endswith(content)
    trace = arrived[:-len(content)].decode()
    assert " with ESMTPS id " in trace and "(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256)" in trace


def test_use_ssl(impulse, site, certificates, capture):
    impulse.start(site.config(listener=listener(certificates, "Use_SSL = true"), to=capture))
    wire = Wire(impulse.address)
    wire.start_tls(certificates.context())
    assert "STARTTLS" not in wire.greet().text
    assert wire.mail(b"Subject: x\r\n\r\ny\r\n").code == 250
    wire.close()
    assert "with ESMTPS" in capture.wait()[0].content.decode()


def test_use_ssl_behind_a_proxy(impulse, site, certificates):
    """The header in plain text, and the ClientHello in the same segment."""
    impulse.start(site.config(listener=listener(certificates, "Use_SSL = true\nProxy_Protocol = true")))
    wire = Wire(impulse.address)
    client, server = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = certificates.context().wrap_bio(server, client)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    wire.send(b"PROXY TCP4 203.0.113.9 198.51.100.2 50000 25\r\n" + client.read())
    heard = b""
    while not heard.endswith(b"\r\n"):
        server.write(wire.socket.recv(65536))
        try:
            tls.do_handshake()
            wire.send(client.read())
            heard += tls.read(1000)
        except ssl.SSLWantReadError:
            wire.send(client.read())
    assert heard.startswith(b"220 ")
    wire.close()


def test_a_drain_says_421_through_tls(serve, certificates):
    impulse = serve()
    with secured(impulse.address, certificates.context()) as client:
        stopping = threading.Thread(target=impulse.stop)
        stopping.start()
        assert client.reply().code == 421
        assert client.at_end()
        stopping.join()


# ---- certificates of ours --------------------------------------------------------------------------------------------

def test_a_certificate_is_made_where_none_is(impulse, site, certificates):
    impulse.start(site.config('hostname = "mx.self.example"', f'{STARTTLS}\nTLS_Certificate = "none"'))
    impulse.await_panic("one was made for mx.self.example, signed by itself")
    shown = s_client(impulse.address)
    assert "CN = mx.self.example" in shown and "self-signed" in shown
    first = der(impulse, certificates)
    impulse.reload()
    impulse.await_panic("configuration reloaded")
    assert der(impulse, certificates) == first
    status, said = run("-t", "-c", impulse.file)
    assert status == 0 and "\nimpulsed: TLS is offered and no certificate is configured" in said


def der(impulse, certificates):
    """The certificate that a new connection is shown."""
    with secured(impulse.address, certificates.any_context()) as client:
        return client.socket.getpeercert(binary_form=True)


def install(certificates, folder, name):
    """A certificate for `name` where the configuration looks for it, put there at once."""
    issued, key = certificates.files(name)
    if not issued.exists():
        certificates.issue(name, name, f"DNS:{name}")
    for source, target in ((key, folder / "server.key"), (issued, folder / "server.pem")):
        (folder / "next").write_bytes(source.read_bytes())
        (folder / "next").chmod(0o644)
        os.replace(folder / "next", target)
    return ssl.PEM_cert_to_DER_cert(issued.read_text())


def test_certificates_are_read_again(impulse, site, certificates, tmp_path):
    first = install(certificates, tmp_path, "first.example")
    impulse.start(site.config(listener=f'{STARTTLS}\nTLS_Certificate = "{tmp_path}/server.pem"\n'
                              f'TLS_Key = "{tmp_path}/server.key"'))
    assert der(impulse, certificates) == first
    with secured(impulse.address, certificates.any_context()) as client:
        second = install(certificates, tmp_path, "second.example")
        await_true(lambda: der(impulse, certificates) == second, "the new certificate")
        client.command("NOOP", 250)
    # One that cannot be used: said once, and the one before stays.
    (tmp_path / "server.pem").write_text("no certificate")
    line = impulse.await_panic("clients are shown the certificate that was read before")
    assert "server.pem" in line and "no PEM certificate" in line
    assert der(impulse, certificates) == second
    # A configuration with it is refused, and the running one stays.
    impulse.reload()
    impulse.await_panic("Reconfigure failed")
    assert der(impulse, certificates) == second
    third = install(certificates, tmp_path, "third.example")
    await_true(lambda: der(impulse, certificates) == third, "the repaired certificate")
    assert impulse.paniclog().count("clients are shown the certificate that was read before") <= 2


class Vault(BaseHTTPRequestHandler):
    """KV version 2, with what the test has put into `secrets`."""
    secrets, asked = {}, []

    def do_GET(self):
        self.asked.append((self.path, self.headers["X-Vault-Token"]))
        secret = self.secrets.get(self.path)
        allowed = self.headers["X-Vault-Token"] == "hvs.test"
        body = json.dumps({"data": {"data": secret}} if secret and allowed else {"errors": []}).encode()
        self.send_response(403 if not allowed else 200 if secret else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.skipif(not built_with("libcurl"), reason="built without Vault")
@pytest.mark.parametrize("token", ["hvs.test", "hvs.wrong"])
def test_certificates_from_vault(site, certificates, token):
    server = HTTPServer(("127.0.0.1", 0), Vault)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Vault.secrets = {"/v1/secret/data/tls/mx": {"cert": certificates.certificate.read_text(),
                                                "key": certificates.key.read_text()}}
    impulse = Impulse(site, environment={"VAULT_ADDR": f"http://127.0.0.1:{server.server_port}", "VAULT_TOKEN": token,
                                         "no_proxy": "*"})
    config = site.config(listener=f'{STARTTLS}\nTLS_Certificate = "vault://secret/tls/mx#cert"\n'
                         'TLS_Key = "vault://secret/tls/mx"')
    try:
        if token == "hvs.test":
            impulse.start(config)
            assert der(impulse, certificates) == ssl.PEM_cert_to_DER_cert(certificates.certificate.read_text())
            assert ("/v1/secret/data/tls/mx", "hvs.test") in Vault.asked
        else:
            with pytest.raises(AssertionError, match="Vault answers 403: VAULT_TOKEN may not read it") as refused:
                impulse.start(config)
            assert token not in str(refused.value)
    finally:
        server.shutdown()
        server.server_close()
        impulse.close()


# ---- clients that are slow, wrong, many ------------------------------------------------------------------------------

def test_slow_handshakes(serve, certificates):
    """A client that stalls in the handshake, or drips, has idle_time for all of it, and is in nobody's way."""
    impulse = serve("Idle_Time = 2")
    stalled = [Wire(impulse.address) for _ in range(20)]
    for wire in stalled:
        wire.greet()
        wire.command("STARTTLS", 220)
        wire.send(b"\x16\x03\x01\x02\x00\x01")
    dripping, begun, ended = stalled[0], time.monotonic(), None
    with secured(impulse.address, certificates.context()) as client:
        client.command("NOOP", 250)
    dripping.socket.settimeout(0.1)
    while ended is None and time.monotonic() < begun + patience(15):
        try:
            dripping.send(b"\0")
            if dripping.socket.recv(1) == b"":
                ended = time.monotonic()
        except TimeoutError:
            pass
        except OSError:
            ended = time.monotonic()
    assert ended and 1 < ended - begun
    for wire in stalled[1:]:
        assert wire.at_end()
    for wire in stalled:
        wire.close()


def test_a_failed_handshake_is_seen(serve, certificates):
    """Once a minute, however many there are; that a client goes is no failure."""
    impulse = serve()
    for what in (b"", *[b"\x16\x03\x01\x00\x05hello"] * 20):
        with Wire(impulse.address) as client:
            client.greet()
            client.command("STARTTLS", 220)
            client.send(what)
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(1000):
                pass
    line = impulse.await_panic("TLS with ")
    assert re.search(r": TLS with 127\.0\.0\.1 failed: \w[\w ]+$", line) and "eof" not in line
    with secured(impulse.address, certificates.context()):
        pass
    assert impulse.paniclog().count("TLS with ") == 1


def test_a_thousand_handshakes(serve, certificates):
    """Whole ones, given-up ones and garbage: memory does not grow with them (and a leak ends the daemon's test)."""
    impulse = serve()
    context = certificates.context()

    def round_of(count):
        for i in range(count):
            wire = Wire(impulse.address)
            wire.reply()
            wire.command("STARTTLS", 220)
            if i % 10 == 8:
                wire.send(b"\x16\x03\x01\x00\x05hello")
            elif i % 10 != 9:
                wire.start_tls(context)
                wire.command("NOOP", 250)
            wire.close()
    round_of(300)
    before = int(impulse.status("VmRSS").split()[0])
    round_of(700)
    grown = int(impulse.status("VmRSS").split()[0]) - before
    if not os.environ.get("IMPULSE_SANITIZER"):
        assert grown < 4096, f"{grown} KiB more after 700 handshakes"
    with secured(impulse.address, context) as client:
        client.command("NOOP", 250)


def test_idle_connections_are_lean(serve, certificates):
    impulse = serve()
    context = certificates.context()
    first = secured(impulse.address, context)
    before = int(impulse.status("VmRSS").split()[0])
    held = [secured(impulse.address, context) for _ in range(200)]
    each = (int(impulse.status("VmRSS").split()[0]) - before) / len(held)
    print(f"an idle session with TLS: {each:.1f} KiB")
    if not os.environ.get("IMPULSE_SANITIZER"):
        assert each < 64
    for wire in [first, *held]:
        wire.close()


# ---- an auditor's view -----------------------------------------------------------------------------------------------

@pytest.mark.long
@pytest.mark.plain
@pytest.mark.timeout(900)
def test_testssl(impulse, site, certificates):
    """testssl.sh finds nothing above LOW on the defaults."""
    certificate, key = certificates.issue("audited", "localhost",
                                          "DNS:localhost,IP:127.0.0.1\ncrlDistributionPoints=URI:http://127.0.0.1:9/ca.crl",
                                          days=180)
    impulse.start(site.config(listener=f'{STARTTLS}\nTLS_Certificate = "{certificate}"\nTLS_Key = "{key}"'))
    found = site.directory / "testssl.json"
    done = subprocess.run(["testssl", "--quiet", "--warnings", "batch", "--color", "0", "--ip", "one", "--add-ca",
                           certificates.ca, "-t", "smtp", "-p", "-s", "-S", "-P", "-U", "--jsonfile", found,
                           f"127.0.0.1:{site.port}"], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=800)
    findings = json.loads(found.read_text())
    assert {"TLS1_2", "TLS1_3", "cert_chain_of_trust", "heartbleed", "LOGJAM", "cipherlist_NULL"} <= {f["id"] for f in findings}, done.stdout
    above = [f for f in findings if f["severity"] in ("MEDIUM", "HIGH", "CRITICAL", "FATAL")]
    assert not above, json.dumps(above, indent=1)

"""HAProxy in front: the client's own address decides, whichever version of the PROXY header HAProxy writes."""
import subprocess
import time

import pytest

from harness import await_true, patience, scaled
from harness.daemon import free_port
from harness.messages import EXACT, only_trace_added
from harness.services import unfolded
from harness.wire import Wire

CONFIGURATION = """
global
  stats socket {folder}/haproxy.sock mode 600 level admin
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
{sections}
"""
SECTION = """
listen {name}
  bind 127.0.0.1:{port}
  {options}
  server impulse 127.0.0.1:{to} {server}
"""


class Haproxy:
    """haproxy.port[name] for each of `servers`: name -> (what stands behind 'server', options, Impulse's port)"""

    def __init__(self, folder, servers):
        self.folder, self.port = folder, {name: free_port() for name in servers}
        self.names = servers
        sections = "".join(SECTION.format(name=name, port=self.port[name], server=server, options=options, to=to)
                           for name, (server, options, to) in servers.items())
        (folder / "haproxy.cfg").write_text(CONFIGURATION.format(folder=folder, sections=sections))
        self.process = subprocess.Popen(["haproxy", "-f", str(folder / "haproxy.cfg"), "-db"],
                                        stdin=subprocess.DEVNULL, stdout=open(folder / "haproxy.out", "wb"),
                                        stderr=subprocess.STDOUT)
        await_true(self.listening, "HAProxy listens")

    def listening(self):
        assert self.process.poll() is None, (self.folder / "haproxy.out").read_text()
        return (self.folder / "haproxy.sock").exists()

    def client(self, name, source="127.0.0.1"):
        return Wire(("127.0.0.1", self.port[name]), source=source)

    def status(self, name):
        """What the last health check of that server found: its fields by name."""
        with Wire(str(self.folder / "haproxy.sock")) as control:
            control.send(b"show stat\n")
            text = b""
            while part := control.socket.recv(65536):
                text += part
        lines = text.decode().lstrip("# ").splitlines()
        rows = [dict(zip(lines[0].split(","), line.split(","))) for line in lines[1:] if line]
        return next(row for row in rows if row["pxname"] == name and row["svname"] == "impulse")

    def close(self):
        self.process.terminate()
        self.process.wait(patience(10))


@pytest.fixture
def haproxy(site):
    running = []

    def start(**servers):
        running.append(Haproxy(site.directory, servers))
        return running[-1]
    yield start
    for one in running:
        one.close()


VERSIONS = {"v1": "send-proxy", "v2": "send-proxy-v2"}
PROXIED = "Proxy_Protocol = true"


@pytest.mark.parametrize("version", VERSIONS)
def test_relay_hosts_by_the_original_address(services, site, haproxy, version):
    services.start('relay_hosts = ( "127.0.0.2" )', listener=PROXIED)
    proxy = haproxy(smtp=(VERSIONS[version], "", site.port))
    with proxy.client("smtp", "127.0.0.2") as client:
        client.greet()
        assert client.mail(EXACT["dots"]).code == 250
    trace = services.arrived(EXACT["dots"], "ESMTP")
    assert "[127.0.0.2]" in unfolded(trace, "Received")
    reception, = services.impulse.await_log("R")
    assert reception.peer.startswith("127.0.0.2"), reception
    with proxy.client("smtp", "127.0.0.3") as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        assert client.command("RCPT TO:<b@rcpt.example>").code == 550


@pytest.mark.parametrize("version", VERSIONS)
def test_peer_by_the_original_address(services, site, haproxy, version):
    services.start("open_relay = true", listener=f"""{PROXIED}
  Peer "127.0.0.4" {{ Max_Recipients_Per_Message = 1 banner_hostname = "four.impulse.example" }}
  Peer "127.0.0.5" {{ Always_Deny = true }}""")
    proxy = haproxy(smtp=(VERSIONS[version], "", site.port))
    with proxy.client("smtp", "127.0.0.4") as client:
        assert "four.impulse.example" in client.reply().text
        client.command("EHLO client.example", 250)
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        assert client.command("RCPT TO:<c@rcpt.example>").code == 452
    with proxy.client("smtp", "127.0.0.5") as client:
        try:
            assert client.reply().code in (421, 554)
        except ConnectionError:
            pass
    with proxy.client("smtp", "127.0.0.6") as client:
        assert "mx.impulse.example" in client.reply().text


def test_service_sessions_are_counted_by_the_original_address(services, site, haproxy):
    """A Peer's budget is for the clients behind the proxy, not for the proxy."""
    services.start("open_relay = true", listener=f'{PROXIED}\n  Peer "127.0.0.4" {{ Service_Sessions = 1 }}')
    proxy = haproxy(smtp=("send-proxy-v2", "", site.port))
    with proxy.client("smtp", "127.0.0.4") as first, proxy.client("smtp", "127.0.0.5") as other:
        first.greet()
        other.greet()
        with proxy.client("smtp", "127.0.0.4") as second:
            assert second.reply().code == 421
        first.command("QUIT", 221)


@pytest.mark.parametrize("version", VERSIONS)
def test_starttls_behind_it(services, site, haproxy, certificates, version):
    services.start("open_relay = true", listener=PROXIED)
    proxy = haproxy(smtp=(VERSIONS[version], "", site.port))
    with proxy.client("smtp", "127.0.0.2") as client:
        client.greet()
        client.command("STARTTLS", 220)
        client.start_tls(certificates.context())
        client.command("EHLO client.example", 250)
        assert client.mail(EXACT["300 kB"]).code == 250
    assert "[127.0.0.2]" in unfolded(services.arrived(EXACT["300 kB"], "ESMTPS"), "Received")


@pytest.mark.parametrize("version", VERSIONS)
def test_use_ssl_behind_it(services, haproxy, certificates, version):
    """The header is plain text, and the handshake follows it."""
    services.start('relay_hosts = ( "127.0.0.2" )', listener=PROXIED)
    proxy = haproxy(smtps=(VERSIONS[version], "", services.tls_port))
    with proxy.client("smtps", "127.0.0.2") as client:
        client.start_tls(certificates.context())
        client.greet()
        assert client.mail(EXACT["dots"]).code == 250
    assert "[127.0.0.2]" in unfolded(services.arrived(EXACT["dots"], "ESMTPS"), "Received")


@pytest.mark.parametrize("version, check, options", [
    ("v1", "check check-send-proxy inter 100ms", "option smtpchk EHLO haproxy.example"),
    ("v2", "check check-send-proxy inter 100ms", "option smtpchk EHLO haproxy.example"),
    ("v1", "check check-send-proxy inter 100ms", ""),
    ("v2", "check check-send-proxy inter 100ms", "")], ids=["v1-smtpchk", "v2-smtpchk", "v1-connect", "v2-connect"])
def test_health_checks(services, site, haproxy, version, check, options):
    """HAProxy's own connections carry LOCAL or UNKNOWN; they find the server well, and leave nothing behind."""
    services.start("open_relay = true", listener=PROXIED)
    proxy = haproxy(smtp=(f"{VERSIONS[version]} {check}", options, site.port))
    await_true(lambda: proxy.status("smtp")["check_status"] in ("L7OK", "L4OK"), "a health check that ended")
    checked = proxy.status("smtp")
    assert checked["status"] == "UP" and checked["check_status"] == ("L7OK" if options else "L4OK"), checked
    if options:
        assert checked["check_code"] in ("250", "221"), checked     # its QUIT is part of it
    with proxy.client("smtp", "127.0.0.2") as client:
        client.greet()
        assert client.mail(EXACT["plain"]).code == 250
    services.arrived(EXACT["plain"], "ESMTP")
    assert proxy.status("smtp")["chkdown"] == "0"


def test_no_header_in_time(services):
    """Proxy_Protocol_Timeout: who sends no header is closed without a banner."""
    services.start("open_relay = true", listener=f"{PROXIED}\n  Proxy_Protocol_Timeout = 1")
    began = time.monotonic()
    with Wire(services.address) as client:
        assert client.at_end()
    assert 0.5 < time.monotonic() - began < scaled(5, 10)
    with Wire(services.address) as client:      # nor does a header that never ends help
        client.send(b"PROXY TCP4 192.0.2.7")
        assert client.at_end()


def test_a_proxy_that_writes_no_header(services, site, haproxy):
    """Without send-proxy the client's first words are no header: closed, never served under the proxy's address."""
    services.start("open_relay = true", listener=PROXIED)
    proxy = haproxy(smtp=("", "", site.port))
    with proxy.client("smtp") as client:
        client.send(b"EHLO client.example\r\n")
        assert client.at_end()


def test_a_listen_beside_it_for_direct_clients(services, site, haproxy):
    services.start("open_relay = true", listener=f'Listen "127.0.0.9:{site.port}" {{ {PROXIED} }}')
    with Wire(services.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"]).code == 250
    only_trace_added(services.capture.wait()[0].content, EXACT["plain"])
    with Wire(("127.0.0.9", site.port)) as client:
        client.send(b"EHLO client.example\r\n")
        assert client.at_end()

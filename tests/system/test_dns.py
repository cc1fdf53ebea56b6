"""Routing by DNS: mail exchangers of a real name server, in order of preference; resolv_conf; what DNS refuses."""
import socket

import pytest

from harness import patience
from harness.capture import Capture
from harness.daemon import run
from harness.messages import EXACT
from harness.nameserver import Nameserver
from harness.wire import Wire

PORT = 2525
RECORDS = (
    "mx-host=two.example,mx1.two.example,10", "mx-host=two.example,mx2.two.example,20",
    "host-record=mx1.two.example,10.0.0.1", "host-record=mx2.two.example,10.0.0.2",
    "host-record=bare.example,10.0.0.1",                    # no MX: its own address (RFC 5321 section 5.1)
    "mx-host=six.example,mx.six.example,10", "host-record=mx.six.example,fd53::1",
    "mx-host=null.example,.,0",                             # RFC 7505
    "mx-host=hub.example,mx1.two.example,10",
)


@pytest.fixture
def dns(namespace, site):
    namespace.address("10.0.0.1", "10.0.0.2", "fd53::1")
    server = Nameserver(namespace, site.directory, *RECORDS)
    yield server
    server.stop()


@pytest.fixture
def exchange(namespace):
    """Makes a capture server on an address of the namespace."""
    made = []

    def make(address, **named):
        made.append(namespace.call(Capture, (address, PORT), **named))
        return made[-1]

    yield make
    for capture in made:
        capture.stop()
        assert not capture.violations


@pytest.fixture
def send(impulse, site, namespace, dns):
    """Starts impulsed inside, with the name server, and sends to the recipients."""
    impulse.prefix = namespace.prefix

    def go(*recipients, outer=""):
        impulse.start(site.config(f'resolv_conf = "{dns.resolv_conf}"\nremote_smtp_port = {PORT}\n'
                                  f'retry_interval = 1\ngenerate_bounces = false\n{outer}'))

        def inside():
            with Wire(impulse.address) as client:
                client.greet()
                assert client.mail(EXACT["plain"], recipients=recipients).code == 250

        namespace.call(inside)

    return go


def test_best_exchanger_first(send, exchange):
    first, second = exchange("10.0.0.1"), exchange("10.0.0.2")
    send("b@two.example")
    first.wait()
    assert not second.messages


def test_next_exchanger_when_the_best_is_down(send, exchange):
    second = exchange("10.0.0.2")
    send("b@two.example")
    second.wait()


def test_no_exchanger_means_the_address(send, exchange, dns):
    first = exchange("10.0.0.1")
    send("b@bare.example")
    first.wait()
    assert dns.asked("query[MX] bare.example")


def test_ipv6_exchanger(send, exchange):
    six = exchange("fd53::1")
    send("b@six.example")
    six.wait()


def test_mx_as_a_route(send, exchange):
    first = exchange("10.0.0.1")
    send("b@two.example", outer='routes = ( "__mx__" )')
    first.wait()


def test_fixed_route_before_mx(send, exchange):
    """Routes are tried in their order: a host first, the domain's exchangers when it is down."""
    first = exchange("10.0.0.1")
    send("b@two.example", outer='routes = ( "10.0.0.2" "__mx__" )')
    first.wait()


def test_gateway_by_name_of_the_name_server(send, exchange, dns):
    second = exchange("10.0.0.2")
    send("b@anything.example", outer='gateway = "mx2.two.example"')
    second.wait()
    assert not dns.asked("query[MX] anything.example")


def test_null_mx(send, impulse):
    send("b@null.example")
    record, = impulse.await_log("P")
    assert record.text.startswith("550 5.4.4 ") or "5.1.10" in record.text, record


def test_a_domain_that_does_not_exist(send, impulse):
    send("b@nowhere.example")
    record = impulse.await_log("P")[0]
    assert record.text.startswith("554 5.4.4 "), record


def test_no_name_server_is_a_transient_failure(send, impulse, dns):
    dns.stop()
    send("b@two.example", outer="max_retry_interval = 1\nmax_retries = none")
    record = impulse.await_log("T", seconds=60)[0]
    assert record.text[:1] == "4" and "[internal]" in record.text
    assert not impulse.mainlog("P")


@pytest.mark.parametrize("path", ["/dev/zero", "/nowhere/resolv.conf"])
def test_a_resolv_conf_that_is_no_file_stops_the_start(site, path):
    file = site.directory / "ecelerity.conf"
    file.write_text(site.config(f'resolv_conf = "{path}"\n'))
    status, output = run("-d", "-c", file)
    assert status == 1
    assert f"resolv_conf {path}" in output


def test_stopped_while_a_name_server_keeps_silent(impulse, site):
    """Lookups under way do not keep the daemon, nor their memory (which a sanitizer watches)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(patience(10))
        resolv_conf = site.directory / "resolv.conf"
        resolv_conf.write_text(f"nameserver 127.0.0.1@{silent.getsockname()[1]}\n")
        impulse.start(site.config(f'resolv_conf = "{resolv_conf}"'))
        with Wire(impulse.address) as client:
            client.greet()
            assert client.mail(EXACT["plain"]).code == 250
        silent.recv(4096)
        impulse.stop()

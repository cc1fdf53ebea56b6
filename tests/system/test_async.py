"""Modules that wait without blocking: for a policy service over TCP, a Unix socket and TLS, for DNS, for a job on a
thread pool and for the clock; and what becomes of all that at a reload and at the end."""
import socket
import ssl
import threading
import time

import pytest

from harness import await_true, patience
from harness.messages import EXACT
from harness.nameserver import Nameserver
from harness.wire import Wire


class PolicyService:
    """Answers each line with "answer" and the line, or with nothing at all."""

    def __init__(self, address, context=None, answer="not for "):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.bind(address)
        self.listener.listen(50)
        self.address = self.listener.getsockname()
        self.context, self.answer, self.asked, self.connections, self.left = context, answer, [], [], 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            for line in connection.makefile("rb"):
                self.asked.append(line.decode().strip())
                if self.answer is not None:
                    answer = self.answer + self.asked[-1] if self.answer.endswith(" ") else self.answer
                    connection.sendall(answer.encode() + b"\n")
            connection.close()
        except OSError:
            pass
        self.left += 1

    def stop(self):
        self.listener.close()


@pytest.fixture
def serve():
    made = []

    def make(*arguments, **named):
        made.append(PolicyService(*arguments, **named))
        return made[-1]
    yield make
    for service in made:
        service.stop()


@pytest.fixture
def concierge(with_modules, site):
    """Starts impulse with a concierge of these options."""
    impulse = with_modules("concierge")

    def config(outer="", to=None, **options):
        stanza = " ".join(f'{name} = "{value}"' for name, value in options.items())
        return site.config(f"concierge {{ debug_level = NOTICE {stanza} }}\n{outer}", to=to)

    def start(*arguments, **named):
        impulse.start(config(*arguments, **named))
        return impulse
    start.config = config
    return start


def rcpt(impulse, recipient):
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        return client.command(f"RCPT TO:<{recipient}>").text


def test_a_policy_service_over_tcp(concierge, serve):
    service = serve(("127.0.0.1", 0))
    impulse = concierge(host="localhost", port=service.address[1])
    assert rcpt(impulse, "ask@rcpt.example") == "550 5.7.1 not for ask@rcpt.example"
    service.answer = "OK"
    assert rcpt(impulse, "ask@rcpt.example").startswith("250 ")
    assert service.asked == ["ask@rcpt.example"] * 2


def test_a_policy_service_over_a_unix_socket(concierge, serve, site):
    path = str(site.directory / "policy")
    service = serve(path)
    impulse = concierge(path=path)
    assert rcpt(impulse, "ask@rcpt.example") == "550 5.7.1 not for ask@rcpt.example"
    service.stop()
    (site.directory / "policy").unlink()
    assert rcpt(impulse, "ask@rcpt.example") == f"550 5.7.1 no policy: 1 {path}: No such file or directory"


@pytest.mark.parametrize("name, said", [
    ("localhost", "550 5.7.1 not for ask@rcpt.example by mx.impulse.example"),
    ("other.example", "hostname mismatch")])
def test_a_policy_service_over_tls(concierge, serve, certificates, name, said):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    service = serve(("127.0.0.1", 0), context=context)
    impulse = concierge(host="127.0.0.1", port=service.address[1], ca_file=certificates.ca, name=name)
    assert said in rcpt(impulse, "ask@rcpt.example")


def test_a_service_that_nobody_vouches_for_is_not_asked(concierge, serve, certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.stranger("ann"))
    service = serve(("127.0.0.1", 0), context=context)
    impulse = concierge(host="127.0.0.1", port=service.address[1], ca_file=certificates.ca, name="localhost")
    assert rcpt(impulse, "ask@rcpt.example").startswith("550 5.7.1 no policy: 2 ")
    assert not service.asked


def test_authorities_that_cannot_be_read_stop_the_start(concierge, impulse):
    with pytest.raises(AssertionError):
        concierge(host="localhost", port=1, ca_file="/nonexistent/ca.pem")
    assert "module concierge: CA file /nonexistent/ca.pem: " in impulse.said()


def test_a_service_that_does_not_answer_is_waited_for_until_the_deadline(concierge, serve):
    service = serve(("127.0.0.1", 0), answer=None)
    impulse = concierge(host="127.0.0.1", port=service.address[1], patience_ms=200)
    assert rcpt(impulse, "ask@rcpt.example") == "550 5.7.1 no policy: 3 the deadline has passed"
    await_true(lambda: service.left == 1, "the connection is closed")


def test_the_service_is_left_when_the_client_leaves(concierge, serve):
    service = serve(("127.0.0.1", 0), answer=None)
    impulse = concierge(host="127.0.0.1", port=service.address[1], patience_ms=60000)
    with Wire(impulse.address) as client:
        client.send(b"HELO c\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<ask@rcpt.example>\r\n")
        await_true(lambda: service.asked, "it is asked")
    await_true(lambda: service.left == 1, "the connection is closed")


def test_many_sessions_ask_at_once(concierge, serve):
    service = serve(("127.0.0.1", 0), answer="OK")
    impulse = concierge(host="127.0.0.1", port=service.address[1])
    clients = [Wire(impulse.address) for _ in range(40)]
    for client in clients:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.send(b"RCPT TO:<ask@rcpt.example>\r\nRCPT TO:<later@rcpt.example>\r\nRCPT TO:<job@rcpt.example>\r\n")
    for client in clients:
        assert [client.reply().code for _ in range(3)] == [250, 250, 550]
        client.close()
    assert len(service.asked) == 40


def test_a_job_comes_back_to_the_loop_of_its_session(concierge):
    impulse = concierge()
    assert rcpt(impulse, "job@rcpt.example") == "550 5.7.1 worked, and back"


def test_timers(concierge, capture):
    impulse = concierge(to=capture)
    assert rcpt(impulse, "later@rcpt.example").startswith("250 ")
    await_true(lambda: rcpt(impulse, "ticks@rcpt.example") == "550 5.7.1 ticks", "the loop's timer ticks")


def test_dns(concierge, impulse, site, namespace):
    server = Nameserver(namespace, site.directory, "mx-host=two.example,mx1.two.example,10",
                        "txt-record=two.example,v=spf1 -all", "ptr-record=1.0.0.10.in-addr.arpa,client.example",
                        "host-record=mx1.two.example,10.0.0.1")
    namespace.address("10.0.0.1")
    try:
        impulse.prefix = namespace.prefix
        impulse.start(concierge.config(f'resolv_conf = "{server.resolv_conf}"'))
        ask = lambda recipient: namespace.call(rcpt, impulse, recipient)
        assert ask("dns@two.example").startswith("550 5.7.1 status=0 security=0 mx=10:mx1.two.example txt=v=spf1 -all")
        assert ask("dns@none.example").startswith("550 5.7.1 status=2 security=0 mx=0:none txt=none")
        assert ask("dns@mx1.two.example").startswith("550 5.7.1 status=1 ")
        assert ask("name@rcpt.example") in ("550 5.7.1 you are localhost", "550 5.7.1 you are nobody")
        assert server.asked("two.example") and server.asked("in-addr.arpa") in (True, False)
    finally:
        server.stop()


def test_reloads_end_what_the_old_instance_has_open(concierge, impulse, serve):
    """Timers and streams of an instance end with its last session, and then it is torn down."""
    service = serve(("127.0.0.1", 0), answer=None)
    options = {"host": "127.0.0.1", "port": service.address[1], "patience_ms": 60000}
    concierge(**options)
    with Wire(impulse.address) as client:
        client.send(b"HELO c\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<ask@rcpt.example>\r\n")
        await_true(lambda: service.asked, "it is asked")
        for reloads in range(1, 6):
            impulse.reload()
            await_true(lambda: impulse.paniclog().count("configuration reloaded") == reloads, "reloaded")
        await_true(lambda: impulse.paniclog().count("concierge: torn down") == 4, "all but two are torn down")
    await_true(lambda: impulse.paniclog().count("concierge: torn down") == 5, "the first one, too")


def test_the_end_is_not_held_up(concierge, serve, capture):
    service = serve(("127.0.0.1", 0), answer="OK")
    impulse = concierge(host="127.0.0.1", port=service.address[1], to=capture)
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"]).code == 250
    begun = time.monotonic()
    impulse.stop()
    assert time.monotonic() - begun < patience(10)

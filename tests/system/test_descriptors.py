"""Open files are shared out: silent next hops and strangers take none of what the daemon needs."""
import os
import re
import resource
import socket
import threading
from pathlib import Path

import pytest

from harness import await_true, patience
from harness.console import Console
from harness.daemon import Impulse
from harness.messages import EXACT
from harness.wire import Wire

QUIET = "retry_interval = 1000\ngenerate_bounces = false\n"


@pytest.fixture
def silent():
    """A host that accepts every connection and says nothing; .open is how many there are."""
    listening, held = socket.create_server(("127.0.0.1", 0), backlog=4000), set()

    def watch(connection):
        try:
            while connection.recv(100):
                pass
        except OSError:
            pass
        held.discard(connection)
        connection.close()

    def accept():
        try:
            while True:
                connection, _ = listening.accept()
                held.add(connection)
                threading.Thread(target=watch, args=(connection,), daemon=True).start()
        except OSError:
            pass

    threading.Thread(target=accept, daemon=True).start()

    class Host:
        port, open = listening.getsockname()[1], held
    yield Host
    listening.close()
    for connection in list(held):
        connection.close()


def limited(site, files):
    return Impulse(site, ["prlimit", f"--nofile={files}:{files}"])


def text(site, outer, **more):
    return site.config(f'{QUIET}{outer}\nControl_Listener {{ Listen "{site.directory}/2025" {{ }} }}\n', **more)


def metric(impulse, name):
    with Console(impulse.site.directory / "2025") as console:
        found = re.search(rf"^{re.escape(name)} (\S+)", console.run("metrics"), re.M)
    return float(found[1])


def send(impulse, domains, start=0, content=EXACT["plain"]):
    with Wire(impulse.address) as client:
        client.greet()
        for first in range(start, start + domains, 500):
            last = min(start + domains, first + 500)
            reply = client.mail(content, recipients=[f"b@d{i}.example" for i in range(first, last)])
            assert reply.code == 250, reply


def test_silent_hosts_do_not_take_the_descriptors(site, silent, capture):
    """One message to 1,000 domains of a silent host: clients, reload and console go on; other domains have their turn."""
    impulse = limited(site, 400)
    config = text(site, f'gateway = "127.0.0.1"\nremote_smtp_port = {silent.port}\nehlo_timeout = 4\n'
                  f'Domain "good.example" {{ remote_smtp_port = {capture.port} }}')
    try:
        impulse.start(config)
        send(impulse, 1000)
        await_true(lambda: metric(impulse, "impulse_outbound_waiting_queues") > 500, "the others wait")
        assert len(silent.open) <= 150
        clients = [Wire(impulse.address) for _ in range(60)]
        for client in clients:
            client.greet()
        reply = clients[0].mail(EXACT["plain"], recipients=["b@good.example"])
        assert reply.code == 250
        impulse.reload()
        impulse.await_panic("configuration reloaded")
        for client in clients:
            client.close()
        capture.wait(seconds=60)
        assert metric(impulse, "impulse_outbound_obstructed_total") == 0
        assert "open files" not in impulse.paniclog()
        impulse.stop()
    finally:
        impulse.close()


def test_strangers_have_a_share(site, silent):
    """Clients beyond their share get 421; deliveries, console and reload go on."""
    impulse = limited(site, 300)
    held = []
    try:
        impulse.start(text(site, f'gateway = "127.0.0.1"\nremote_smtp_port = {silent.port}'))
        with Wire(impulse.address) as client:
            client.greet()
            for _ in range(200):
                held.append(socket.create_connection(impulse.address))
            greetings = [connection.recv(100)[:3] for connection in held]
            assert 50 < greetings.count(b"220") < 150 and greetings.count(b"421") >= 50
            assert client.mail(EXACT["plain"]).code == 250
        await_true(lambda: silent.open, "a delivery")
        impulse.reload()
        impulse.await_panic("configuration reloaded")
        assert metric(impulse, 'impulse_budget_refused_total{budget="clients"}') >= 50
        assert "connections of clients at a time" in impulse.paniclog()
        for connection in held:
            connection.close()
        impulse.stop()
    finally:
        impulse.close()


def test_server_max_outbound_connections(impulse, site, silent, captures):
    """So many in all, and the reserve for domains that have none; what waits is delivered in its turn."""
    def config(limit, reserve, to):
        return text(site, f"server_max_outbound_connections = {limit}\nserver_reserve_outbound_connections = {reserve}\n"
                    f'gateway = "127.0.0.1"\nremote_smtp_port = {to}\nehlo_timeout = 300')
    impulse.start(config(3, 0, silent.port))
    send(impulse, 20)
    await_true(lambda: metric(impulse, "impulse_outbound_waiting_queues") == 17, "17 queues wait")
    await_true(lambda: len(silent.open) == 3, "3 connections")
    impulse.write(config(3, 2, silent.port))
    impulse.reload()
    await_true(lambda: len(silent.open) == 5, "5 connections")
    assert metric(impulse, "impulse_outbound_waiting_queues") == 15
    capture = captures()
    impulse.write(config(2, 1, capture.port))
    impulse.reload()
    await_true(lambda: impulse.paniclog().count("configuration reloaded") == 2, "the reload")
    for connection in list(silent.open):
        connection.shutdown(socket.SHUT_RDWR)
    capture.wait(15, seconds=30)
    assert len(impulse.mainlog("T")) <= 5


def test_a_domain_gets_no_second_connection_from_the_reserve(impulse, site, silent):
    impulse.start(text(site, "server_max_outbound_connections = 1\nserver_reserve_outbound_connections = 1\n"
                       f'gateway = "127.0.0.1"\nremote_smtp_port = {silent.port}'))
    with Wire(impulse.address) as client:
        client.greet()
        for _ in range(40):
            assert client.mail(EXACT["plain"], recipients=["b@many.example"]).code == 250
    await_true(lambda: len(silent.open) == 1, "one connection")
    await_true(lambda: metric(impulse, "impulse_outbound_waiting_queues") == 1, "it wants more")
    send(impulse, 1)
    await_true(lambda: len(silent.open) == 2, "the reserve")


def highest_descriptor(impulse):
    return max(int(name) for name in os.listdir(f"/proc/{impulse.pid}/fd"))


def test_local_trouble_counts_against_nobody(impulse, site, capture):
    """Without descriptors nothing is tried, nothing is counted, accept does not spin, and all goes on afterwards."""
    impulse.start(text(site, "retry_interval = 1", to=capture))
    client, console = Wire(impulse.address), Console(site.directory / "2025")
    client.greet()
    assert client.mail(EXACT["plain"]).code == 250
    capture.wait()
    impulse.await_log("D")
    console.run("metrics")
    before = resource.prlimit(impulse.pid, resource.RLIMIT_NOFILE)
    await_true(lambda: not capture.open, "no idle connection", patience(20))
    taken = {int(name) for name in os.listdir(f"/proc/{impulse.pid}/fd")}
    free = next(i for i in range(1000) if i not in taken)
    resource.prlimit(impulse.pid, resource.RLIMIT_NOFILE, (free, before[1]))
    assert client.mail(EXACT["plain"]).code == 250
    impulse.await_panic("deliveries wait, and no attempt is counted: no connection can be begun: Too many open files")
    late = socket.create_connection(impulse.address)
    impulse.await_panic("accept: Too many open files; raise the process's limit of open files")
    used = sum(map(int, Path(f"/proc/{impulse.pid}/stat").read_text().rsplit(") ", 1)[1].split()[11:13]))
    assert re.search(r"^impulse_accept_failures_total [1-9]", console.run("metrics"), re.M)
    assert re.search(r"^impulse_outbound_obstructed_total [1-9]", console.run("metrics"), re.M)
    resource.prlimit(impulse.pid, resource.RLIMIT_NOFILE, before)
    assert late.recv(3) == b"220"
    capture.wait(2)
    await_true(lambda: len(impulse.mainlog("D")) == 2, "both delivered")
    assert [record.retries for record in impulse.mainlog("D")] == ["0", "0"]
    assert not impulse.mainlog("T")
    spent = sum(map(int, Path(f"/proc/{impulse.pid}/stat").read_text().rsplit(") ", 1)[1].split()[11:13])) - used
    assert spent < 2 * os.sysconf("SC_CLK_TCK")
    assert impulse.paniclog().count("accept: Too many open files") == 1
    late.close()
    client.close()
    console.close()


def test_limits_that_do_not_fit_are_said(site):
    impulse = limited(site, 1000)
    try:
        impulse.start(text(site, "server_max_outbound_connections = 5000\nserver_max_file_descriptors = 600",
                           listen="max_connections = 900"))
        assert resource.prlimit(impulse.pid, resource.RLIMIT_NOFILE)[0] == 600
        impulse.await_panic("server_max_outbound_connections is 5000, but 600 open files leave room for 197")
        impulse.await_panic("max_connections of the Listens that set it is 900 together, but 600 open files")
        impulse.stop()
    finally:
        impulse.close()

"""How many sessions there may be at a time, and who is given up: exact with many clients at once, several loops,
acceptor threads and reloads."""
import os
import select
import socket
import subprocess
import threading
from time import monotonic

import pytest

from harness import await_true, patience, scaled
from harness.daemon import ENVIRONMENT, PROGRAM, ROOT, Impulse
from harness.messages import EXACT
from harness.wire import Wire

LIMIT = b"421 4.4.5 Service unavailable, concurrency limit reached.\r\n"

# The loops accept, or threads of a pool do.
WAYS = {"loops": ("", ""), "acceptors": ('ThreadPool "in" { concurrency = 4 }', 'Concurrency = 4 Pool_Name = "in"')}


def first_lines(clients, seconds=20):
    """What each of the sockets hears first; b"" where the server closed without a word."""
    heard, waiting = {}, {client.fileno(): client for client in clients}
    poll = select.epoll()
    for fd in waiting:
        poll.register(fd, select.EPOLLIN)
    while waiting:
        events = poll.poll(patience(seconds))
        assert events, f"{len(waiting)} clients hear nothing"
        for fd, _ in events:
            client = waiting.pop(fd)
            poll.unregister(fd)
            heard[client] = client.recv(1000)
    poll.close()
    return heard


def connect_all(address, sources, each, threads=4):
    """So many connections from each source, from several threads at once."""
    wanted, clients, lock = [source for source in sources for _ in range(each)], [], threading.Lock()

    def run():
        while True:
            with lock:
                if not wanted:
                    return
                source = wanted.pop()
            client = socket.create_connection(address, patience(10), (source, 0))
            with lock:
                clients.append(client)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return clients


def sockets(impulse):
    """Those that the daemon has open, by name. (That of its word to systemd may be among them right after the start.)"""
    found = set()
    folder = f"/proc/{impulse.pid}/fd"
    for name in os.listdir(folder):
        try:
            found.add(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            pass
    return {name for name in found if name.startswith("socket:")}


def admitted(heard, source=None):
    return [client for client, line in heard.items()
            if line.startswith(b"220 ") and source in (None, client.getsockname()[0])]


@pytest.mark.parametrize("way", WAYS)
def test_budgets_are_exact_with_many_clients_at_once(site, impulse, way):
    outer, listen = WAYS[way]
    each = scaled(150, 40)
    peer, ceiling = each // 3, each
    impulse.start(site.config(f'EventLoop "default" {{ concurrency = 4 }}\n{outer}', listen=listen, listener=f"""
        Listener_Sessions = {ceiling}
        Peer "127.0.1.1" {{ Listener_Sessions = {peer} }}
        Peer "127.0.1.2" {{ Service_Sessions = {peer} }}
    """))
    before = sockets(impulse)
    for _ in range(2):  # a second time, with every slot given back
        clients = connect_all(impulse.address, ["127.0.1.1", "127.0.1.2"], each)
        heard = first_lines(clients)
        for source in ("127.0.1.1", "127.0.1.2"):
            assert len(admitted(heard, source)) == peer
        assert {line for line in heard.values() if not line.startswith(b"220 ")} == {LIMIT}
        more = connect_all(impulse.address, ["127.0.1.3"], each)
        others = first_lines(more)
        assert len(admitted(others)) == ceiling - 2 * peer
        for client in clients + more:
            client.close()
        await_true(lambda: sockets(impulse) <= before, "the slots are free again")


def first_reply(impulse):
    with Wire(impulse.address) as client:
        return client.reply().code


def test_strangers_leave_files_for_the_spool(site, capture):
    """They have the share of the open files that is for clients; mail is stored and delivered all the same."""
    impulse = Impulse(site, prefix=["prlimit", "--nofile=150:150"])
    try:
        impulse.start(site.config(to=capture))
        with Wire(impulse.address, 20) as client:
            client.greet()
            strangers = [socket.create_connection(impulse.address) for _ in range(300)]
            heard = first_lines(strangers)
            assert 50 < len(admitted(heard)) < 150
            assert {line for line in heard.values() if not line.startswith(b"220 ")} == {
                b"421 4.3.2 too many connections, try again later\r\n"}
            for _ in range(3):
                assert client.mail(EXACT["plain"]).code == 250
            capture.wait(3)
        impulse.await_panic("connections of clients at a time")
        for stranger in strangers:
            stranger.close()
        await_true(lambda: first_reply(impulse) == 220, "the slots are free again")
    finally:
        impulse.close()


def test_a_slot_is_held_until_the_connection_is_closed(site, impulse):
    impulse.start(site.config(listener="Listener_Sessions = 1"))
    with Wire(impulse.address) as first:
        first.greet()
        first.command("QUIT", 221)
        assert first.at_end()           # it lingers: the client has not closed its side
        with Wire(impulse.address) as second:
            assert second.reply().code == 421

    def free():
        with Wire(impulse.address) as client:
            return client.reply().code == 220

    await_true(free, "the slot is free")


def test_sessions_count_after_a_reload(site, impulse):
    impulse.start(site.config(listener="Listener_Sessions = 3"))
    with Wire(impulse.address) as first, Wire(impulse.address) as second:
        first.greet(), second.greet()
        impulse.write(site.config(listener="Listener_Sessions = 2 Idle_Time = 250"))
        impulse.reload()
        impulse.await_panic("reloaded")
        with Wire(impulse.address) as third:
            assert third.reply().code == 421
        impulse.write(site.config(listener="Listener_Sessions = 3 Idle_Time = 251"))
        impulse.reload()
        await_true(lambda: admits_one(impulse.address), "the new limit")


def admits_one(address):
    with Wire(address) as client:
        return client.reply().code == 220


# ---- PROXY headers -----------------------------------------------------------------------------------------------

V1 = b"PROXY TCP4 192.0.2.1 198.51.100.2 50000 25\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x10\xc0\x00\x02\x01\xc6\x33\x64\x02\x04\x00\x00\x19\xea\x00\x01x"


@pytest.mark.parametrize("header", [V1, V2], ids=["1", "2"])
def test_a_header_may_come_in_two_parts_cut_anywhere(site, impulse, header):
    impulse.start(site.config(listen="Proxy_Protocol = true", listener='Peer "192.0.2.1" { Banner_Hostname = seen }'))
    data = header + b"HELO client.example\r\n"
    for cut in range(1, len(data)):
        with Wire(impulse.address) as client:
            client.send(data[:cut])
            assert not select.select([client.socket], [], [], 0.002)[0] or cut >= len(header)
            client.send(data[cut:])
            assert client.reply().text.startswith("220 seen")
            assert client.reply().code == 250
    with Wire(impulse.address) as client:
        for byte in data:
            client.send(bytes([byte]))
        assert client.reply().text.startswith("220 seen") and client.reply().code == 250


def test_a_client_that_leaves_within_its_header_leaves_nothing(site, impulse):
    impulse.start(site.config(listen="Proxy_Protocol = true Listener_Sessions = 1"))
    for cut in (0, 1, 20):
        with Wire(impulse.address) as client:
            client.send(V1[:cut])

    def works():
        with Wire(impulse.address) as client:
            try:
                client.send(V1)
                return client.reply().code == 220
            except ConnectionError:
                return False

    await_true(works, "the slot is free")


@pytest.mark.parametrize("sent, why", [(b"EHLO no.proxy\r\n", "begins with something else"),
                                       (b"PROXY TCP", "had none within Proxy_Protocol_Timeout")])
def test_a_missing_header_is_seen(site, impulse, sent, why):
    """Once a minute, however many there are; a proxy that connects and says nothing is none of them."""
    impulse.start(site.config(listen="Proxy_Protocol = true Proxy_Protocol_Timeout = 1"))
    with Wire(impulse.address) as client:
        client.socket.shutdown(socket.SHUT_WR)
        assert client.at_end()
    clients = [Wire(impulse.address) for _ in range(20)]
    for client in clients:
        client.send(sent)
    for client in clients:
        assert client.at_end()
        client.close()
    line = impulse.await_panic("Proxy_Protocol needs")
    assert ": 127.0.0.1 was closed: " in line and line.endswith(why)
    assert impulse.paniclog().count("Proxy_Protocol needs") == 1


def test_a_shutdown_does_not_wait_for_a_header(site, impulse):
    impulse.start(site.config(listen="Proxy_Protocol = true Proxy_Protocol_Timeout = 0"))
    with Wire(impulse.address) as client:
        client.send(V1[:10])
        assert not select.select([client.socket], [], [], 0.1)[0]
        impulse.stop(seconds=15)
        assert client.at_end()


# ---- throttles ---------------------------------------------------------------------------------------------------

def test_messages_wait_their_turn_on_all_loops(site, impulse, capture):
    """Ten a second: twenty-five messages of five clients take two seconds, and all are accepted."""
    impulse.start(site.config('EventLoop "default" { concurrency = 3 }\ninbound_throttle_messages = "10"', to=capture))
    times = []

    def client():
        with Wire(impulse.address, timeout=30) as wire:
            wire.greet()
            for _ in range(5):
                assert wire.mail(b"Subject: x\r\n\r\n").code == 250
                times.append(monotonic())

    clients = [threading.Thread(target=client) for _ in range(5)]
    start = monotonic()
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert len(times) == 25
    times.sort()
    assert times[-1] - start >= 1.95


def test_a_shutdown_does_not_wait_for_a_turn(site, impulse):
    impulse.start(site.config('inbound_throttle_messages = "1/59"\nblackhole = internal'))
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(b"Subject: x\r\n\r\n").code == 250
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.send(b"DATA\r\n")
        assert not select.select([client.socket], [], [], 0.2)[0]
        start = monotonic()
        impulse.stop()
        assert client.reply().code == 421 and client.at_end()
        assert monotonic() - start < patience(15)


# ---- clients that do not read ------------------------------------------------------------------------------------

WORK = {
    "commands": b"HELP\r\n" * 500,
    "messages": b"RSET\r\n" * 300 + b"MAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\nDATA\r\n.\r\n",
}


def flood(client, data):
    """Sends until nothing goes through any more: the replies are stuck."""
    client.setblocking(False)
    try:
        while select.select([], [client], [], 0.3)[1]:
            client.send(data)
    except (BlockingIOError, ConnectionError):
        pass


@pytest.mark.parametrize("reads", [False, True], ids=["not at all", "a byte now and then"])
@pytest.mark.parametrize("work", WORK)
def test_a_client_that_does_not_read_its_replies_is_given_up(site, impulse, work, reads):
    """Also when the replies are those to messages, which wait for the disk before they are said."""
    impulse.start(site.config("blackhole = internal", listener="Idle_Time = 1\nTCP_Send_Buffer_Size = 4096"))
    before = sockets(impulse)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.connect(impulse.address)
        client.sendall(b"EHLO client.example\r\n")
        await_true(lambda: sockets(impulse) - before, "the session")
        flood(client, WORK[work])

        def given_up():
            if reads:
                try:
                    client.recv(1)
                except (BlockingIOError, ConnectionError):
                    pass
            return sockets(impulse) <= before

        await_true(given_up, "the session has ended", 20)


# ---- many --------------------------------------------------------------------------------------------------------

def test_twenty_thousand_connections():
    """The load program's own judgement; it says so when the limit of open files allows fewer."""
    done = subprocess.run([ROOT / "tests" / "load" / "connections", str(scaled(20000, 1000))], capture_output=True,
                          text=True, timeout=patience(100), env=ENVIRONMENT | {"IMPULSED": str(PROGRAM)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nexact" in done.stdout

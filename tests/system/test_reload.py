"""Reload: what a new configuration changes of a running daemon, and what it must not touch."""
import contextlib
import itertools
import os
import re
import socket
import stat
import subprocess
import threading
import time

import pytest

from harness import SANITIZER, await_true, patience, scaled
from harness.console import Console
from harness.daemon import PROGRAM, ROOT, free_port
from harness.messages import EXACT
from harness.wire import Wire


def reload(impulse, config, seconds=15):
    """Writes the configuration, reloads, and waits for the end of it. Returns what the paniclog says of it."""
    before = len(impulse.paniclog())
    impulse.write(config)
    impulse.reload()
    done = re.compile("configuration reloaded|Reconfigure failed")
    await_true(lambda: done.search(impulse.paniclog(), before), f"the end of the reload:\n{impulse.paniclog()}",
               seconds)
    return impulse.paniclog()[before:]


def banner(address):
    with Wire(address) as client:
        return client.reply().text


def refused(address):
    """Does nobody listen there?"""
    try:
        Wire(address).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    return False


def listening(port):
    """(inode, backlog) of the socket that listens on the port."""
    out = subprocess.run(["ss", "-H", "-ltne", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"LISTEN\s+\d+\s+(\d+)\s.*\bino:(\d+)", out)
    return found and (int(found[2]), int(found[1]))


# ---- Listens ---------------------------------------------------------------------------------------------------------


def test_a_listen_that_stays_keeps_its_socket_and_sessions(impulse, site):
    impulse.start(site.config())
    socket_before, _ = listening(site.port)
    with Wire(impulse.address) as client:
        client.greet()
        reload(impulse, site.config(listen="Listen_Backlog = 77"))
        assert client.command("NOOP").code == 250
    assert listening(site.port) == (socket_before, 77)


def test_an_address_written_in_another_way_is_the_same_listen(impulse, site):
    config = site.config().replace("127.0.0.1:", ":")
    impulse.start(config)
    before = listening(site.port)
    reload(impulse, config.replace('Listen ":', 'Listen "*:').replace("ESMTP_Listener {",
                                                                     'ESMTP_Listener { banner_hostname = "b.example"'))
    assert listening(site.port) == before
    assert "b.example" in banner(impulse.address)


def test_two_listens_with_one_address_are_refused(impulse, site):
    config = site.config()
    impulse.start(config)
    said = reload(impulse, site.config(listener=f'Listen "127.0.0.1:0{site.port}" {{ }}'))
    assert "is the address of Listen" in said and "Reconfigure failed" in said
    assert banner(impulse.address).startswith("220")


def test_a_removed_listen_ends_its_sessions_at_mail_or_rset(impulse, site, capture):
    other = ("127.0.0.1", free_port())
    config = site.config(to=capture)
    impulse.start(site.config(to=capture, listener=f'Listen "127.0.0.1:{other[1]}" {{ }}'))
    with Wire(other) as mail, Wire(other) as rset, Wire(other) as busy, Wire(other) as idle:
        for client in (mail, rset, busy, idle):
            client.greet()
        busy.command("MAIL FROM:<a@sender.example>", 250)
        reload(impulse, config)
        assert refused(other)
        assert mail.command("NOOP").code == 250
        assert mail.command("MAIL FROM:<a@sender.example>").text == "421 4.3.2 Reconfiguration in progress"
        assert rset.command("RSET").text == "421 4.3.2 Reconfiguration in progress"
        assert mail.at_end() and rset.at_end()
        # A message that was begun is finished.
        busy.command("RCPT TO:<b@rcpt.example>", 250)
        busy.command("DATA", 354)
        busy.send(EXACT["plain"] + b".\r\n")
        assert busy.reply().code == 250
        assert busy.command("MAIL FROM:<a@sender.example>").code == 421
        assert idle.command("QUIT").code == 221
    capture.wait()


def test_a_disabled_listen_closes_and_comes_back(impulse, site):
    other = ("127.0.0.1", free_port())
    with_other = site.config(listener=f'Listen "127.0.0.1:{other[1]}" {{ }}')
    impulse.start(with_other)
    reload(impulse, with_other.replace(f"{other[1]}\" {{ }}", f"{other[1]}\" {{ enable = false }}"))
    assert refused(other)
    reload(impulse, with_other)
    assert banner(other).startswith("220")


def acceptors(impulse):
    """How many threads of the pool wait for connections: they stand in poll(2)."""
    count = 0
    for task in os.listdir(f"/proc/{impulse.pid}/task"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{impulse.pid}/task/{task}/comm") as name, \
                    open(f"/proc/{impulse.pid}/task/{task}/syscall") as call:
                count += name.read().startswith("accept") and call.read().split()[0] in ("7", "271")
    return count


def test_threads_that_accept_come_and_go(impulse, site):
    pool = 'ThreadPool "accept" { concurrency = 4 }\n'
    impulse.start(site.config(outer=pool))
    socket_before, _ = listening(site.port)
    for listen, count in (('Concurrency = 3 Pool_Name = "accept"', 3), ('Concurrency = 1 Pool_Name = "accept"', 1),
                          ("", 0)):
        said = reload(impulse, site.config(outer=pool, listen=listen))
        assert "threaded accept" not in said
        await_true(lambda: acceptors(impulse) == count, f"{count} acceptors ({acceptors(impulse)})")
        assert banner(impulse.address).startswith("220")
    assert listening(site.port)[0] == socket_before


def test_a_pool_that_is_not_there_yet(impulse, site):
    impulse.start(site.config())
    said = reload(impulse, site.config(outer='ThreadPool "later" { concurrency = 4 }',
                                       listen='Concurrency = 2 Pool_Name = "later"'))
    assert 'ThreadPool "later" is made at the next start' in said
    assert banner(impulse.address).startswith("220")


def test_what_an_open_socket_cannot_become_is_said(impulse, site):
    impulse.start(site.config(listen="TCP_Recv_Buffer_Size = 50000"))
    assert "TCP_Recv_Buffer_Size of an open socket" in reload(impulse, site.config())
    assert banner(impulse.address).startswith("220")


def test_the_mode_of_a_unix_socket(impulse, site):
    path = str(site.directory / "smtp.sock")
    config = site.config(listener=f'Listen "{path}" {{ File_Mode = 0660 }}')
    impulse.start(config)
    inode = os.stat(path).st_ino
    reload(impulse, config.replace("0660", "0600"))
    assert (stat.S_IMODE(os.stat(path).st_mode), os.stat(path).st_ino) == (0o600, inode)
    reload(impulse, site.config())
    assert not os.path.exists(path)


def test_a_listen_that_cannot_be_opened_changes_nothing(impulse, site):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        impulse.start(site.config(listener='banner_hostname = "one.example"'))
        free = ("127.0.0.1", free_port())
        said = reload(impulse, site.config(listener=f"""banner_hostname = "two.example"
            Listen "127.0.0.1:{free[1]}" {{ }}
            Listen "127.0.0.1:{taken.getsockname()[1]}" {{ }}"""))
        assert "Reconfigure failed" in said and "Address already in use" in said
        assert "one.example" in banner(impulse.address)
        assert refused(free)


def test_a_large_configuration(impulse, site, tmp_path):
    """200,000 Domains and 20,000 Peers: a start and reloads, within 400 MB."""
    domains, peers = scaled(200_000, 5_000), scaled(20_000, 2_000)
    large = tmp_path / "domains.conf"
    large.write_text("".join(f'Domain "d{i * 7919 % domains}.example" {{\n  retry_interval = {i + 1}\n'
                             f"  max_outbound_connections = {i % 50 + 1}\n}}\n" for i in range(domains)))
    blocks = "".join(f'Peer "10.{i >> 14}.{i >> 6 & 255}.{(i & 63) * 4}/30" {{ max_message_size = {i % 9 + 1}000 }}\n'
                     for i in range(peers))
    config = site.config(outer=f'include "{large}"', listen=blocks + 'Peer "127.0.0.1" { max_message_size = 12345 }')
    impulse.start(config, 60)
    for size in ("54321", "12345"):
        assert "configuration reloaded" in reload(impulse, config.replace("12345", size), 60)
        with Wire(impulse.address) as client:
            assert f"SIZE {size}" in client.greet().text
    if not SANITIZER:
        assert impulse.peak_memory() < 400 << 20


# ---- what may not change ---------------------------------------------------------------------------------------------


def test_options_that_may_not_change_are_named(impulse, site):
    config = site.config(outer='EventLoop "more" { concurrency = 1 }')
    impulse.start(config)
    changed = config.replace("spool\"", "other-spool\"").replace("impulsed.pid", "other.pid") \
        .replace("concurrency = 1", "concurrency = 2").replace("hostname = ", "# a line more\nhostname = ")
    said = reload(impulse, changed)
    assert "configuration reloaded" in said
    for option, text in (("spoolbase", "spoolbase = "), ("pidfile", "pidfile = "), ("concurrency", "concurrency = 2")):
        line = 1 + next(i for i, line in enumerate(changed.splitlines()) if text in line)
        assert re.search(rf"{impulse.file}:{line}(:\d+)?: .*\b{option}\b", said), (option, said)
    assert "hostname" not in said.replace("banner_hostname", "")
    # Nothing was changed, and nothing is said when nothing changes.
    assert not (site.directory / "other.pid").exists() and not (site.directory / "other-spool").exists()
    assert "spoolbase" not in reload(impulse, changed)


# ---- the ways to ask for it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["SIGHUP", "config reload", "impulsectl reload"])
def test_every_way_to_reload_does_the_same(impulse, site, way):
    path, other = site.directory / "2025", ("127.0.0.1", free_port())
    control = f'Control_Listener {{ Listen "{path}" {{ }} }}\n'
    impulse.start(site.config(outer=control, listener=f'Listen "127.0.0.1:{other[1]}" {{ }}'))
    socket_before, _ = listening(site.port)

    def ask():
        """What the operator is told; None when nobody is there to hear it."""
        if way == "SIGHUP":
            impulse.reload()
            return None
        if way == "config reload":
            with Console(path) as console:
                return console.ask(way)[1]
        done = subprocess.run([PROGRAM.parent / "impulsectl", "reload", "-s", path], capture_output=True, text=True)
        return done.stdout + done.stderr

    with Wire(impulse.address) as stays, Wire(other) as goes:
        stays.greet()
        goes.greet()
        changed = site.config(outer=control + 'pidfile = "/nowhere/pid"', listen="Listen_Backlog = 77")
        impulse.write(changed)
        told = ask()
        impulse.await_panic("configuration reloaded (generation 2)")
        assert f"{impulse.file}:" in impulse.await_panic("pidfile was changed")
        assert told is None or ("pidfile was changed" in told and "generation 2" in told)
        assert refused(other) and listening(site.port) == (socket_before, 77)
        assert goes.command("RSET").code == 421 and stays.command("MAIL FROM:<a@sender.example>").code == 421
    impulse.write(changed + "\nno_such_option = 1\n")
    told = ask()
    impulse.await_panic("Reconfigure failed")
    impulse.await_panic("no_such_option")
    assert told is None or "no_such_option" in told
    assert banner(impulse.address).startswith("220")


# ---- many reloads under load -----------------------------------------------------------------------------------------

RELOADS = scaled(1000, 60)


class Load:
    """Clients that send; what they lose but for a 421 is a failure."""

    numbers = itertools.count()   # every message has a sender of its own
    AHEAD = 3000                  # messages that clients are ahead of deliveries: what is queued is bounded

    def __init__(self, addresses, capture, recipients=("b",), content=EXACT["plain"]):
        self.recipients, self.content = itertools.cycle(recipients), content
        self.addresses, self.capture, self.before = addresses, capture, len(capture.messages)
        self.accepted, self.farewells, self.failures = [], [], []
        self.stop = threading.Event()

    def __enter__(self):
        self.threads = [threading.Thread(target=self.client, args=client) for client in self.addresses]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def client(self, address, comes_and_goes):
        while not self.stop.is_set():
            try:
                self.capture.wait(self.before + len(self.accepted) - self.AHEAD, 60)
                wire = self.enter(address, comes_and_goes)
                if wire:
                    with wire:
                        self.converse(wire)
            except Exception as error:
                self.failures.append(f"{address}, which {'goes' if comes_and_goes else 'stays'}: {error!r}")

    @staticmethod
    def enter(address, comes_and_goes):
        """
        A connection that was greeted; None: there is no Listen. One that goes resets a client whose handshake is under
        way in that moment, which the client learns in connect() or as it waits for the greeting.
        """
        try:
            wire = Wire(address, timeout=20)
        except (ConnectionRefusedError, ConnectionResetError):
            if not comes_and_goes:
                raise
            time.sleep(0.001)
            return None
        try:
            assert wire.reply().code == 220
            return wire
        except ConnectionResetError:
            wire.close()
            if not comes_and_goes:
                raise
            return None

    def converse(self, wire):
        wire.command("EHLO client.example", 250)
        for number in range(4):
            sender = f"{next(self.numbers)}@sender.example"
            reply = wire.command(f"MAIL FROM:<{sender}>" if number < 3 else "RSET")
            if reply.code == 421:
                assert reply.text == "421 4.3.2 Reconfiguration in progress"
                assert wire.at_end()
                self.farewells.append(sender)
                return
            assert reply.code == 250, reply
            if number == 3:
                break
            wire.command(f"RCPT TO:<{next(self.recipients)}@rcpt.example>", 250)
            wire.command("DATA", 354)
            wire.send(self.content + b".\r\n")
            assert wire.reply().code == 250
            self.accepted.append(sender)
        wire.command("QUIT", 221)


def reload_often(impulse, configs, count, load=None):
    """One reload as soon as the one before is complete and, with `load`, a message was accepted since."""
    for number in range(count):
        if load:
            seen = len(load.accepted)
            await_true(lambda: len(load.accepted) > seen, "a message is accepted", 30)
        impulse.write(configs[number % len(configs)])
        before = impulse.notices.count("READY=1")
        impulse.reload()
        end = time.monotonic() + patience(15)
        while impulse.notices.count("READY=1") == before:
            assert time.monotonic() < end, impulse.paniclog()[-2000:]
            time.sleep(0.0005)


def usage(impulse):
    """Bytes of memory, descriptors and threads, when the daemon rests."""
    return (int(impulse.status("VmRSS").split()[0]) * 1024, len(os.listdir(f"/proc/{impulse.pid}/fd")),
            len(impulse.threads()))


def reload_under_load(impulse, configs, counts, clients, capture, pool_threads=0, each=False, **what):
    """
    Reloads so many times, as often as there are counts, while clients send; `each` generation accepts a message. Nothing is lost, nothing is left behind but
    up to `pool_threads` threads of pools that begin with the first jobs: returns the messages that were accepted, and
    those that a reload refused with 421.
    """
    accepted, farewells, samples = [], 0, []
    for count in counts:
        with Load(clients, capture, **what) as load:
            reload_often(impulse, configs, count, load if each else None)
        assert not load.failures, (len(load.failures), load.failures[:5])
        accepted += load.accepted
        farewells += len(load.farewells)
        capture.wait(len(accepted), 60)
        await_true(lambda: not capture.open, "the connections of the deliveries are closed", 30)
        samples.append(usage(impulse))
    assert sorted(message.sender for message in capture.messages) == sorted(accepted)
    said = impulse.paniclog()
    assert said.count("configuration reloaded") == sum(counts) and "Reconfigure failed" not in said
    (memory, files, threads), (memory_after, files_after, threads_after) = samples
    assert files_after <= files and 0 <= threads_after - threads <= pool_threads, samples
    if not SANITIZER:
        # What a message leaves in the spool's table in memory is below 6 KB. A generation takes more than 256 KiB,
        # so one that leaked at every 30th of 800 reloads would be seen.
        assert memory_after - memory < (6 << 20) + 6000 * len(load.accepted), samples
    return len(accepted), farewells


def test_a_thousand_reloads_under_load(impulse, site, captures):
    capture = captures(keep=False)
    other = ("127.0.0.1", free_port())
    pool = 'ThreadPool "accept" { concurrency = 3 }\n'
    configs = [
        site.config(outer=pool, to=capture, listener=f'Listen "127.0.0.1:{other[1]}" {{ }}'),
        site.config(outer=pool, to=capture, listen='Concurrency = 2 Pool_Name = "accept"'),
        site.config(outer=pool, to=capture, listener=f"""Peer "127.0.0.0/8" {{ max_message_size = 1000000 }}
            Listen "127.0.0.1:{other[1]}" {{ Concurrency = 1 Pool_Name = "accept" }}"""),
        site.config(outer=pool + 'Domain "/^rcpt/" { max_outbound_connections = 5 }', to=capture),
    ]
    impulse.start(configs[-1])
    clients = [(impulse.address, False)] * 2 + [(other, True)]
    _, farewells = reload_under_load(impulse, configs, (RELOADS // 5, RELOADS - RELOADS // 5), clients, capture)
    assert farewells > RELOADS // 20


# Modules that are there to fail, or to be measured.
NOT_LOADED = {"faulty", "misbehaves"}
# Stanzas of modules for which an empty one would not do.
STANZAS = {
    "echo_listener": lambda: f'echo_listener "one" {{ Listen "127.0.0.1:{free_port()}" {{ }} }}',
    "greylist_demo": lambda: "greylist_demo { delay = 0 }",
    "pass_through": lambda: "\n".join(f'pass_through "{number}" {{ }}' for number in range(10)),
}


def stanza(folder):
    if folder.name in STANZAS:
        return STANZAS[folder.name]()
    generic = "kind = generic" in (folder / f"{folder.name}.ecm").read_text()
    return f'{folder.name} {chr(34) + "one" + chr(34) if generic else ""} {{ }}'


def test_reloads_under_load_with_every_module(with_modules, site, captures):
    """All modules of tests/modules at once: each instance is set up and torn down while messages pass its hooks."""
    folders = [folder for folder in sorted((ROOT / "tests/modules").iterdir()) if folder.name not in NOT_LOADED]
    impulse = with_modules(*(folder.name for folder in folders))
    capture = captures()
    every = "\n".join(stanza(folder) for folder in folders)
    configs = [site.config(outer=every, to=capture),
               site.config(outer=every + '\nDomain "/^rcpt/" { max_outbound_connections = 5 }', to=capture)]
    impulse.start(configs[-1])
    count = scaled(200, 40)
    accepted, _ = reload_under_load(impulse, configs, (count // 5, count - count // 5), [(impulse.address, False)] * 3,
                                    capture, pool_threads=55, each=True, recipients=("b", "later", "own-b"),
                                    content=b"X-Do: front X-Added yes\r\n" + EXACT["plain"])
    assert accepted >= count
    assert all(b"X-Added: yes\r\n" in message.content for message in capture.messages)

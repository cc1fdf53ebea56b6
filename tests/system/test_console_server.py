"""The console's server: its sockets, its sessions and their limits, and the commands about the process."""
import os
import re
import shutil
import socket
import stat
import subprocess
import time

import pytest

from harness import await_true
from harness.console import Console, Refused
from harness.daemon import MODULES, free_port, run
from harness.messages import header
from harness.wire import Wire


class Site:
    """A daemon with a Unix console, whatever else `control` and `outer` say."""

    def __init__(self, impulse, site):
        self.impulse, self.site = impulse, site
        self.path = site.directory / "2025"

    def text(self, control="", unix="", outer="", **more):
        return self.site.config(outer=f'{outer}\nControl_Listener {{ {control} Listen "{self.path}" {{ {unix} }} }}\n',
                                **more)

    def start(self, *arguments, **named):
        self.impulse.start(self.text(*arguments, **named))
        return self

    def console(self, **named):
        return Console(self.path, **named)


@pytest.fixture
def daemon(impulse, site):
    return Site(impulse, site)


# ---- the process ---------------------------------------------------------------------------------------------------

def test_commands_about_the_process(daemon, capture):
    daemon.start(to=capture)
    with daemon.console() as console:
        assert re.fullmatch(r"Impulse \d+\.\d+\.\d+\n", console.run("version"))
        assert console.run("pid") == f"{daemon.impulse.pid}\n"
        assert console.run("PID") == f"{daemon.impulse.pid}\n"
        assert "  Scope_Name: ec_logger\n  Instance_Name: ec_logger\n" in console.run("module list")
        threads = console.run("threads stats")
        assert "IO thread pool: concurrency 50\n" in threads and threads == console.run("threads")
        assert console.run("threads io queue") == "Jobs in the IO pool\n0 jobs\n"
        assert console.run("threads cpu queue") == "Jobs in the CPU pool\n0 jobs\n"
        assert console.run("") == ""
        everything = console.run("help")
        for command in ("config begin from scratch", "authz id", "summary reset", "help [COMMAND]"):
            assert command in everything
        assert console.run("help summary").count("summary") >= 2 and "config" not in console.run("help summary")


def test_what_is_no_command(daemon):
    daemon.start()
    with daemon.console() as console:
        assert 'did you mean "summary"' in console.fail("sumary")
        assert 'did you mean "config commit"' in console.fail("config comit")
        assert 'did you mean "reopen logs"' in console.fail("ec_logger:ec_logger reopen logs")
        assert "Unknown command" in console.fail("x" * 5000)
        assert '"help config" shows' in console.fail("config") and '"help config"' in console.fail("config frobnicate 1")
        assert "too many arguments" in console.fail("pid 1")
        assert "lacks an argument" in console.fail("config get")
        assert "not closed" in console.fail('config get "hostname')
        assert "NUL" in console.fail(b"config get\0hostname\n")
        console.fail(bytes(range(128, 256)) + b"\n")
        console.fail("help nonsense")
        assert console.run("pid")


def rows(summary):
    return dict(re.findall(r"^ {8}([\w ]+): +([\w.]+)", summary, re.M))


def test_summary_counts(daemon, capture):
    daemon.start(to=capture, outer='Domain "later.example" { gateway = "127.0.0.1" remote_smtp_port = 1\n'
                                    'retry_interval = 1 }')
    with daemon.console() as console, Wire(daemon.impulse.address) as wire:
        wire.greet()
        assert rows(console.run("summary"))["Inbound Concurrency"] == "1"
        wire.mail(header() + b"x\r\n", recipients=("a@rcpt.example", "b@rcpt.example", "c@later.example"))
        wire.command("MAIL FROM:<a@sender.example>", 250)
        assert wire.command("RCPT TO:<@@>").code >= 500
        daemon.impulse.await_log("D", 2)
        daemon.impulse.await_log("T", 3)
        expected = {"Received Messages": "3", "Successfully Delivered Messages": "2", "Rejected Messages": "1",
                    "Failed Messages": "0", "Total Queue Size": "1", "Delayed Queue Size": "1",
                    "Active Queue Size": "0", "Outbound Concurrency": "0"}
        await_true(lambda: expected.items() <= rows(console.run("summary")).items(), f"a summary with {expected}")
        assert console.run("summary reset") == "statistics cleared.\n"
        seen = rows(console.run("summary"))
        assert seen["Received Messages"] == seen["Successfully Delivered Messages"] == "0"
        assert seen["Total Queue Size"] == "1"


def test_reopen_logs(daemon):
    daemon.start()
    moved = daemon.site.log / "moved"
    with daemon.console() as console:
        (daemon.site.log / "paniclog.ec").rename(moved)
        console.run("reopen logs")
        await_true((daemon.site.log / "paniclog.ec").exists, "the paniclog is made anew")


def test_shutdown(daemon):
    daemon.start()
    idle = daemon.console()
    with daemon.console() as console:
        console.send("shutdown\nversion\n")
        assert console.answer() == (True, "Shutting down.\n")
        assert console.closed()
    assert idle.closed()
    assert daemon.impulse.process.wait(20) == 0
    assert not daemon.path.exists()


# ---- reload --------------------------------------------------------------------------------------------------------

def test_reload(daemon):
    daemon.start()
    with daemon.console() as console:
        assert "generation 2" in console.run("config reload")
        daemon.impulse.write(daemon.text(outer="idle_tme = 4\nBlackhole = maybe\n"))
        said = console.fail("config reload")
        assert re.search(r"ecelerity.conf:\d+:\d+: .*idle_tme", said) and "Blackhole" in said or "blackhole" in said
        assert said.endswith("Reconfigure failed.\n")
        assert "Blackhole = 0" in console.run("config eval blackhole")
        daemon.impulse.write(daemon.text(outer='Blackhole = true\nEventLoop "x" { concurrency = 1 }\n'))
        said = console.run("config reload")
        assert re.search(r"ecelerity.conf:\d+: .*takes effect when the daemon is started anew", said), said
        assert "Blackhole = " in console.run("config get blackhole")
    daemon.impulse.await_panic("Reconfigure failed.")


def test_reload_of_another_file(daemon):
    daemon.start()
    other = daemon.site.directory / "other.conf"
    other.write_text(daemon.text(outer="Max_Retries = 77"))
    with daemon.console() as console:
        assert "absolute" in console.fail("config reload other.conf")
        assert "No such file" in console.fail("config reload /nonexistent/x.conf")
        console.run(f"config reload {other}")
        assert "77" in console.run("config get max_retries")
        daemon.impulse.reload()  # SIGHUP reads the file that the daemon was started with
        await_true(lambda: not console.ask("config get max_retries")[0] or
                   "77" not in console.ask("config get max_retries")[1], "the first file applies again")


def test_reload_keeps_the_sockets_that_stay(daemon):
    port, later = free_port(), free_port()
    daemon.start(control=f'Listen "127.0.0.1:{port}" {{ }}')
    inode = os.stat(daemon.path).st_ino
    console, gone = daemon.console(), Console(("127.0.0.1", port))
    daemon.impulse.write(daemon.text(control=f'Listen "127.0.0.1:{later}" {{ }}', unix="file_mode = 0666"))
    console.run("config reload")
    assert os.stat(daemon.path).st_ino == inode
    assert stat.S_IMODE(os.stat(daemon.path).st_mode) == 0o666
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 5)
    with Console(("127.0.0.1", later)) as new:
        new.run("version")
    assert "no such Listen" in gone.fail("version") and gone.closed()
    console.run("version")


def test_a_reload_that_cannot_listen_changes_nothing(daemon):
    daemon.start()
    other = free_port()
    with daemon.console() as console, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        daemon.impulse.write(daemon.text(
            control=f'Listen "127.0.0.1:{other}" {{ }} Listen "127.0.0.1:{port}" {{ }}'))
        assert "Address already in use" in console.fail("config reload")
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", other), 5)
        daemon.impulse.write(daemon.text(control=f'Listen "127.0.0.1:{other}" {{ }}',
                                         listener=f'Listen "127.0.0.1:{port}" {{ }}'))
        assert "Address already in use" in console.fail("config reload")
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", other), 5)
        console.run("version")


# ---- sockets -------------------------------------------------------------------------------------------------------

def test_the_socket_is_the_daemons_alone(daemon):
    site, modules = daemon.site, daemon.site.directory / "modules"
    shutil.copytree(MODULES, modules)  # the tree may lie in a folder that is root's alone
    daemon.impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    site.spool.mkdir()
    for folder in (site.spool, site.log, site.directory):
        os.chown(folder, 65534, 65534)
    daemon.start(user="nobody")
    file = os.stat(daemon.path)
    assert stat.S_IMODE(file.st_mode) == 0o600 and file.st_uid == 65534
    with daemon.console() as console:
        assert 'username="root"' in console.run("authz id")


def test_file_mode_lets_others_in(daemon):
    daemon.start(unix="File_Mode = 0666")
    script = (f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(daemon.path)!r});"
              "s.sendall(b'authz id\\n'); s.shutdown(socket.SHUT_WR); print(s.makefile().read())")
    said = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-c", script], text=True,
                          capture_output=True, check=True).stdout
    assert '<AuthzInformation username="nobody">' in said


def test_a_stale_socket_is_replaced(daemon):
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(daemon.path))
    daemon.start()
    with daemon.console() as console:
        console.run("version")


def test_peers(daemon):
    port = free_port()
    daemon.start(control=f'''
        Listen "127.0.0.1:{port}" {{
          Enable_Authentication = true
          Peer "127.0.0.2" {{ Always_Deny = true }}
          Peer "127.0.0.1" {{ Always_Allow = true }}
        }}''')

    def connect(source):
        console = Console.__new__(Console)
        console.socket = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
        console.file = console.socket.makefile("rb")
        console.mechanisms = None
        console.greeting()
        return console

    assert connect("127.0.0.1").run("version")
    with pytest.raises(Refused, match="may not use the console"):
        connect("127.0.0.2")
    assert connect("127.0.0.3").mechanisms == []


def test_a_unix_connection_is_judged_as_one_from_loopback(daemon):
    daemon.start(unix='Peer "127.0.0.0/8" { Always_Deny = true }')
    with pytest.raises(Refused):
        daemon.console()


def test_several_listeners(daemon):
    port = free_port()
    daemon.start(outer=f'Control_Listener "more" {{ Timeout = 1 Listen "127.0.0.1:{port}" {{ }} }}')
    with Console(("127.0.0.1", port)) as more, daemon.console() as console:
        assert more.run("pid") == console.run("pid")
        assert more.closed()  # after its second
        console.run("pid")


def test_tcp_without_authentication_warns(daemon):
    file = daemon.site.directory / "c.conf"
    file.write_text(daemon.text(control='Listen ":2025" { }'))
    status, said = run("-t", "-c", file)
    assert status == 0 and "warning: no authentication: whoever can connect" in said


# ---- sessions ------------------------------------------------------------------------------------------------------

def test_timeout(daemon):
    daemon.start(control="Timeout = 1")
    begin = time.monotonic()
    with daemon.console() as console:
        assert console.closed()
        assert 0.8 < time.monotonic() - begin < 10


def test_lines_in_one_packet_and_in_pieces(daemon):
    daemon.start()
    with daemon.console() as console:
        console.send("version\r\npid\n\nver")
        assert [console.answer()[0] for _ in range(3)] == [True] * 3
        for letter in "sion\n":
            console.send(letter)
        assert console.answer()[1].startswith("Impulse")


def test_half_close(daemon):
    daemon.start()
    with daemon.console() as console:
        console.send("version\npid\nconfig unset domain x")  # the last line has no end: it is not a command
        console.socket.shutdown(socket.SHUT_WR)
        assert console.answer()[1].startswith("Impulse")
        assert console.answer()[1] == f"{daemon.impulse.pid}\n"
        assert console.closed()


def test_long_lines(daemon):
    daemon.start()
    mebibyte = 1024 * 1024
    with daemon.console() as console:
        long = "config get " + "x" * (mebibyte - 11)
        assert "too long" not in console.fail(long)
        assert console.fail(long + "x") == "The line is too long\n"
        assert console.fail("(" * mebibyte)
        assert console.run("pid")
        with pytest.raises(OSError):  # one that never ends
            for _ in range(40):
                console.send(b"y" * mebibyte)
    with daemon.console() as console:
        console.run("pid")


def test_a_client_that_does_not_read(daemon):
    """It asks for more than fits into the socket's buffers and reads nothing: the daemon holds one answer of it."""
    daemon.start()
    with daemon.console() as console:
        before = daemon.impulse.peak_memory()
        console.socket.settimeout(2)
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += console.socket.send(b"help\n" * 10000)
        except TimeoutError:
            pass
        assert sent < 16 * 1024 * 1024
        assert daemon.impulse.peak_memory() - before < 16 * 1024 * 1024
        with daemon.console() as other:
            assert other.run("pid")
        console.socket.settimeout(20)
        assert console.answer()[0]  # and what it reads at last is whole


def test_garbage(daemon):
    daemon.start()
    for data in (os.urandom(200_000), b"\n" * 50_000, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 1000, b"= 5\nOK\n"):
        with daemon.console() as console:
            console.send(data + b"\npid\n")
            console.socket.shutdown(socket.SHUT_WR)
            said = console.file.read()
            assert said.endswith(f"{daemon.impulse.pid}\nOK\n".encode()), said[-200:]


def test_many_connections(daemon):
    port = free_port()
    daemon.start(control=f'Listen "127.0.0.1:{port}" {{ }}')
    idle = [Console(("127.0.0.1", port)) for _ in range(200)]
    assert all(console.run("pid") for console in idle)
    more = []
    with pytest.raises(Refused, match="Too many connections"):
        for _ in range(100):
            more.append(Console(("127.0.0.1", port)))
    assert len(idle) + len(more) == 256
    with daemon.console() as console:  # another Listen has room of its own
        assert console.run("pid")
    idle.pop().close()

    def has_room():
        try:
            Console(("127.0.0.1", port)).close()
            return True
        except Refused:
            return False

    await_true(has_room, "there is room again")
    for console in idle + more:
        console.close()


def test_connections_that_come_and_go_leave_nothing(daemon):
    daemon.start()

    def descriptors():
        return len(os.listdir(f"/proc/{daemon.impulse.pid}/fd"))

    with daemon.console() as console:
        console.run("pid")
        before = descriptors()
        for _ in range(300):
            with daemon.console(greeted=False) as other:
                other.send("pid\n")
        await_true(lambda: descriptors() == before, "every descriptor is closed")

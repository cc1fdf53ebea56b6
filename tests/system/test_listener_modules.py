"""Listeners of protocols that modules bring along."""
import socket

import pytest

from harness import await_true, patience
from harness.daemon import free_port, run
from harness.wire import Wire


class Client:
    """One connection of lines."""

    def __init__(self, address, ready=True):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.settimeout(patience(10))
        self.socket.connect(address)
        self.file = self.socket.makefile("rb")
        if ready:
            assert self.line() == "ready"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def line(self):
        """The next line; None at the end."""
        try:
            return self.file.readline().decode().rstrip("\n") or None
        except ConnectionResetError:
            return None

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\n")
        return self.line()


class Echo:
    def __init__(self, impulse, site):
        self.impulse, self.site = impulse, site
        self.address = ("127.0.0.1", free_port())
        self.name = f"127.0.0.1:{self.address[1]}"

    def text(self, options="", listen="", name="a", more=""):
        return self.site.config(f'echo_listener "{name}" {{ {options} Listen "{self.name}" {{ {listen} }} }}\n{more}')

    def start(self, *arguments, **named):
        self.impulse.start(self.text(*arguments, **named))
        return self

    def reload(self, *arguments, **named):
        before = self.impulse.paniclog().count("configuration reloaded")
        self.impulse.write(self.text(*arguments, **named))
        self.impulse.reload()
        await_true(lambda: self.impulse.paniclog().count("configuration reloaded") > before, "it is reloaded")

    def client(self, **named):
        return Client(self.address, **named)


@pytest.fixture
def echo(with_modules, site):
    impulse = with_modules("echo_listener")
    return Echo(impulse, site)


def test_it_serves(echo):
    echo.start()
    with echo.client() as client, echo.client() as other:
        assert client.ask("one") == "hello: one"
        client.socket.sendall(b"two\nthr")
        assert client.line() == "hello: two"
        client.socket.sendall(b"ee\nquit\nnobody\n")
        assert client.line() == "hello: three" and client.line() == "bye" and client.line() is None
        await_true(lambda: other.ask("where") == f"127.0.0.1 at {echo.name} by {echo.name}, 1", "the other one is gone")
    with Wire(echo.impulse.address) as wire:
        wire.greet()


def test_a_unix_socket(echo):
    path = str(echo.site.directory / "echo")
    echo.start(more=f'echo_listener "b" {{ greeting = "unix" Listen "{path}" {{ }} }}')
    with Client(path) as client:
        assert client.ask("one") == "unix: one"
    with echo.client() as client:
        assert client.ask("one") == "hello: one"


def test_a_slow_client(echo):
    echo.start()
    with echo.client() as client:
        client.socket.sendall(b"big 1000000\n")
        with echo.client() as other:
            assert other.ask("one") == "hello: one"
        assert all(client.line() == f"line {number}" for number in range(1000000, 0, -1))
        assert client.ask("end") == "hello: end"
    assert echo.impulse.peak_memory() < 1 << 30


def test_a_line_without_end(echo):
    echo.start()
    with echo.client() as client:
        try:
            client.socket.sendall(b"x" * 1000000)
        except ConnectionError:
            pass
        assert client.line() is None


def test_the_limit_of_connections(echo):
    echo.start(listen="max_connections = 2")
    with echo.client() as one, echo.client():
        with echo.client(ready=False) as third:
            assert third.line() is None
        echo.impulse.await_panic("2 connections are open (max_connections)")
        assert one.ask("quit") == "bye" and one.line() is None
        def served():
            with echo.client(ready=False) as again:
                return again.line() == "ready"
        await_true(served, "its place is free")
        echo.reload(listen="max_connections = 0")
        with echo.client(), echo.client(), echo.client():
            pass


def test_reloads(echo):
    echo.start()
    with echo.client() as old:
        echo.reload('greeting = "next"')
        with echo.client() as new:
            assert old.ask("x") == "hello: x" and new.ask("x") == "next: x"
            echo.impulse.write(echo.site.config())
            echo.impulse.reload()
            await_true(lambda: echo.impulse.paniclog().count("configuration reloaded") == 2, "it is reloaded")
            with pytest.raises(ConnectionRefusedError):
                echo.client()
            assert old.ask("y") == "hello: y" and new.ask("y") == "next: y", "open connections go on"


def test_as_a_stream(echo):
    echo.start("stream = true", listen="max_connections = 2")
    with echo.client() as client, echo.client() as other:
        assert client.ask("one") == "hello by stream: one" and other.ask("two") == "hello by stream: two"
        with echo.client(ready=False) as third:
            assert third.line() is None
        client.socket.sendall(b"quit\n")
        assert client.line() is None
        def served():
            with echo.client(ready=False) as again:
                return again.line() == "ready"
        await_true(served, "its place is free")
        echo.reload('stream = true greeting = "next"')
        assert other.ask("two") == "hello by stream: two", "an open one keeps its instance"
        with echo.client() as new:
            assert new.ask("x") == "next by stream: x"
            echo.impulse.stop()


def test_it_is_disabled(echo):
    echo.start("enabled = false")
    with pytest.raises(ConnectionRefusedError):
        echo.client()


def test_a_module_that_takes_none(echo):
    said = echo.impulse.failed_start(echo.text("registered = false"))
    assert f'Listen "{echo.name}": the module echo_listener takes no connections' in said
    echo.start()
    echo.impulse.write(echo.text("registered = false"))
    echo.impulse.reload()
    echo.impulse.await_panic("takes no connections")
    with echo.client() as client:
        assert client.ask("x") == "hello: x", "the running one goes on"


def test_one_address_is_one_listens(echo):
    echo.name = f"127.0.0.1:{echo.impulse.address[1]}"
    echo.impulse.write(echo.text())
    status, said = run("-t", "-c", echo.impulse.file, environment=echo.impulse.environment)
    assert status == 1 and "is the address of Listen" in said


def test_threaded_accept_and_mistakes(echo):
    echo.start(listen='concurrency = 2 pool_name = "IO"')
    with echo.client() as client:
        assert client.ask("x") == "hello: x"
    echo.impulse.write(echo.text(listen='nonesuch = 1'))
    status, said = run("-t", "-c", echo.impulse.file, environment=echo.impulse.environment)
    assert status == 1 and "nonesuch" in said


def test_the_end_of_the_daemon(echo):
    echo.start()
    with echo.client() as client, echo.client():
        client.socket.sendall(b"big 10000000\n")
        echo.impulse.stop()

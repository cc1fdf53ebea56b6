"""Extensions and commands of SMTP that a module adds."""
import socket
import threading

import pytest

from harness import await_true, patience
from harness.daemon import free_port, run
from harness.sdk import build
from harness.wire import Wire

pytestmark = pytest.mark.xdist_group("modules")   # one installation for all of them

MODULE = "smtp_demo { debug_level = NOTICE }"


@pytest.fixture
def demo(installed, impulse, modules):
    build(installed, "smtp_demo", modules)
    impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    return impulse


def test_ehlo_says_it(demo, site):
    demo.start(site.config(MODULE))
    with Wire(demo.address) as client:
        lines = client.greet().text.split("\n")
        assert [line.strip() for line in lines if "XDEMO" in line] == ["250-XDEMO ONE TWO"]
        assert not any("XTRUSTED" in line for line in lines)
        assert client.command("XTRUSTED").code == 500


def test_its_command(demo, site):
    demo.start(site.config(MODULE))
    with Wire(demo.address) as client:
        client.greet()
        assert client.command("xDemo  hello  ").text.endswith('127.0.0.1 said "hello" after EHLO client.example'), "any case"
        assert client.command("XDEMO later").text == "250 2.0.0 from a thread"
        assert client.command("XDEMO lines").text.split() == ["250-2.0.0", "first", "250-2.0.0", "sec?ond", "250", "2.0.0", "last"]
        assert client.command("XDEMO refuse").text == "550 5.7.1 no"
        assert client.command("XDEMO nonsense").text == "451 go ahead"
        assert client.command("XLIVING x").code == 501
        assert client.command("XLIVING").text == "250 0"
        assert client.command("XDEMONSTRATE").code == 500 and client.command("XDEM").code == 500
    demo.stop()
    line, = [line for line in demo.rejectlog() if "E=550" in line]
    assert " M=smtp_demo " in line


def test_pipelined_commands_wait(demo, site):
    demo.start(site.config(MODULE))
    with Wire(demo.address) as client:
        client.greet()
        client.send(b"NOOP\r\nXDEMO later\r\nMAIL FROM:<a@sender.example>\r\nXDEMO later\r\nRCPT TO:<b@rcpt.example>\r\nRSET\r\n")
        assert [client.reply().code for _ in range(6)] == [250] * 6


def test_it_ends_the_session(demo, site):
    demo.start(site.config(MODULE))
    with Wire(demo.address) as client:
        client.greet()
        assert client.command("XDEMO leave").code == 421
        assert client.at_end()


def test_an_answer_that_does_not_come(demo, site):
    demo.start(site.config(MODULE))
    with Wire(demo.address) as client:
        client.greet()
        assert client.command("XDEMO never").text == "451 4.3.0 the command was not answered in time"
        demo.await_panic("module smtp_demo: the SMTP command XDEMO was not answered in time (2000 ms)")
        demo.await_panic("cancelled")
        await_true(lambda: client.command("XLIVING").text == "250 0", "the call has ended")


def test_the_client_leaves(demo, site):
    demo.start(site.config(MODULE))
    with Wire(demo.address) as client:
        client.greet()
        client.send(b"XDEMO never\r\n")
    demo.await_panic("cancelled")
    assert "not answered in time" not in demo.paniclog()
    with Wire(demo.address) as client:
        client.greet()
        await_true(lambda: client.command("XLIVING").text == "250 0", "the call has ended")


def test_where_it_is_named(demo, site):
    demo.start(site.config(MODULE, listen='SMTP_Extensions = ( "XTRUSTED" )'))
    with Wire(demo.address) as client:
        assert "250-XTRUSTED" in client.greet().text
        assert client.command("XTRUSTED hello").code == 250
    status, said = run("-t", "-c", demo.file, environment=demo.environment)
    assert status == 0 and "XTRUSTED" not in said, "its manifest says that there may be one"


def test_reloads(demo, site):
    demo.start(site.config(MODULE))
    with Wire(demo.address) as old:
        old.greet()
        demo.write(site.config())
        demo.reload()
        demo.await_panic("configuration reloaded")
        with Wire(demo.address) as client:
            assert "XDEMO" not in client.greet().text
            assert client.command("XDEMO hello").code == 500
        assert old.command("XDEMO hello").code == 250, "a session keeps what it began with"


def test_names_that_are_taken(demo, site):
    demo.write(site.config('smtp_demo { verb = "BDAT" }'))
    status, said = run("-d", "-c", demo.file, environment=demo.environment)
    assert status == 1
    assert 'SMTP command "BDAT" of module smtp_demo is already registered by the SMTP server' in said


def test_the_end_of_the_daemon(demo, site):
    """A command that is not answered holds nothing up."""
    demo.start(site.config('smtp_demo { debug_level = NOTICE }'))
    with Wire(demo.address) as client:
        client.greet()
        client.send(b"XDEMO later\r\nXDEMO later\r\nXDEMO never\r\n")
        client.reply()
        demo.stop()


def test_a_module_that_is_installed_later(installed, impulse, site, modules):
    """Its manifest brings a new keyword and a new listener stanza, while the loops' sessions look theirs up."""
    impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    impulse.start(site.config())
    ended = threading.Event()

    def greet():
        while not ended.is_set():
            with Wire(impulse.address) as client:
                client.greet()
                client.command("XDEMONSTRATE", 500)
                client.command("NOOP", 250)

    clients = [threading.Thread(target=greet) for _ in range(2)]
    try:
        for client in clients:
            client.start()
        build(installed, "smtp_demo", modules)
        build(installed, "echo_listener", modules)
        echo = f"127.0.0.1:{free_port()}"
        impulse.write(site.config(f'{MODULE}\necho_listener "a" {{ Listen "{echo}" {{ }} }}',
                                  listener='SMTP_Extensions = ( "XTRUSTED" )'))
        impulse.reload()
        impulse.await_panic("configuration reloaded")
    finally:
        ended.set()
        for client in clients:
            client.join()
    with Wire(impulse.address) as client:
        assert "250-XTRUSTED" in client.greet().text
        assert client.command("XTRUSTED hello").code == 250
    socket.create_connection(("127.0.0.1", int(echo.split(":")[1])), timeout=patience(10)).close()

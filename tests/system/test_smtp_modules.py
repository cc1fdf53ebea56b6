"""Extensions and commands of SMTP that a module adds."""
import socket
import threading

import pytest

from harness import await_true, patience
from harness.daemon import free_port, run
from harness.sdk import build
from harness.wire import Wire

MODULE = "smtp_demo { debug_level = NOTICE }"


@pytest.fixture
def demo(with_modules):
    return with_modules("smtp_demo")


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


def test_an_answer_is_one_answer(demo, site):
    """Neither control bytes in an enhanced code nor a second answer bring a client's count of replies out of step."""
    demo.start(site.config(MODULE))
    with Wire(demo.address) as client:
        client.greet()
        assert client.command("XDEMO inject").text == "250 2??250 5 one reply"
        assert client.command("XDEMO twice").text == "250 2.0.0 once"
        assert client.command("XDEMO refuse").text == "550 5.7.1 no"
        assert client.command("XLIVING").text == "250 0"
    demo.await_panic("module smtp_demo: the SMTP command XDEMO was answered twice; the second time is ignored")


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


def test_parameters(demo, site):
    demo.start(site.config(MODULE, listen='SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "DSN" )'))
    with Wire(demo.address) as client:
        client.greet()

        def mail(parameters):
            said = client.command(f"MAIL FROM:<a@sender.example>{parameters}").text
            client.command("RSET", 250)
            return said

        assert mail(" XCLASS=bulk").startswith("250 ")
        assert mail(" SIZE=100 xclass=urgent RET=HDRS").startswith("250 "), "any case, any order"
        assert mail(" XCLASS=x") == "501 5.5.4 x is no?class for client.example"
        assert mail(" XCLASS=odd") == mail(" XCLASS") == "501 5.5.4 invalid parameter value"
        assert mail(" XCLASS=bulk XCLASS=bulk") == "501 5.5.4 parameter given twice"
        assert mail(" XTAG=1").startswith("555 5.5.4 "), "that is RCPT's"
        assert mail(" XFLAG").startswith("555 5.5.4 "), "XTRUSTED is not offered"
        assert mail(" XCLASSES=1").startswith("555 5.5.4 ")
        client.command("MAIL FROM:<a@sender.example> XCLASS=bulk", 250)
        assert client.command("RCPT TO:<b@tell.example> XTAG=a+2Bb").text == '550 5.7.1 class "bulk" tag "a+2Bb"'
        assert client.command("RCPT TO:<b@tell.example> XTAG").text == '550 5.7.1 class "bulk" tag ""'
        assert client.command("RCPT TO:<b@tell.example>").text == '550 5.7.1 class "bulk" tag "none"'
        client.command("HELO client.example", 250)
        assert mail(" XCLASS=bulk").startswith("555 5.5.4 "), "no extension without EHLO"
    demo.stop()
    line = next(line for line in demo.rejectlog() if "is no?class" in line)
    assert " M=smtp_demo " in line


def test_a_parameter_of_a_named_extension(demo, site):
    demo.start(site.config(MODULE, listen='SMTP_Extensions = ( "XTRUSTED" )'))
    with Wire(demo.address) as client:
        client.greet()
        assert client.command("MAIL FROM:<a@sender.example> XFLAG=1").code == 501
        client.command("MAIL FROM:<a@sender.example> XFLAG", 250)


def test_parameters_are_stored_with_the_message(demo, site):
    """Each recipient has its own; a delivery method reads them after a restart."""
    demo.start(site.config(f'{MODULE}\nDomain "held.example" {{ delivery_method = smtp_demo suspend_delivery = true }}'))
    with Wire(demo.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example> XCLASS=bulk", 250)
        client.command("RCPT TO:<b@held.example> XTAG=one", 250)
        client.command("RCPT TO:<c@held.example> XTAG", 250)
        client.command("RCPT TO:<d@held.example>", 250)
        client.command("DATA", 354)
        client.command("Subject: x\r\n\r\nx\r\n.", 250)
    demo.stop()
    demo.start(site.config(f'{MODULE}\nDomain "held.example" {{ delivery_method = smtp_demo }}'))
    for tag in ("one", "", "none"):
        demo.await_panic(f'delivered class "bulk" tag "{tag}"')


@pytest.mark.parametrize("option, said", [
    ('parameter = "SIZE"', 'SMTP parameter "MAIL SIZE" of module smtp_demo is already registered by the SMTP server'),
    ('parameter = "x y"', 'imp_smtp_add_parameter: "x y": a name is letters, digits and \'-\''),
    ('parameter_keyword = "DSN"', 'imp_smtp_add_parameter: "XCLASS": its keyword is not one that this instance has registered'),
])
def test_parameters_that_cannot_be(demo, site, option, said):
    assert said in demo.failed_start(site.config(f"smtp_demo {{ {option} }}"))


def test_names_that_are_taken(demo, site):
    said = demo.failed_start(site.config('smtp_demo { verb = "BDAT" }'))
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

"""Console commands of modules: they answer at once, later, in parts, from pools and from every loop; and what else
modules register: services and routes."""
import signal
import time
from pathlib import Path

import pytest

from harness import SANITIZER, await_true
from harness.console import Console
from harness.sdk import build


@pytest.fixture
def demo(with_modules, site):
    """impulse with the module console_demo and a console."""
    impulse = with_modules("console_demo")
    impulse.path = site.directory / "2025"
    impulse.text = lambda outer='console_demo "a" { debug_level = NOTICE }', control="": site.config(
        outer=f'{outer}\nControl_Listener {{ {control} Listen "{impulse.path}" {{ }} }}\n')
    impulse.console = lambda: Console(impulse.path)
    return impulse


def test_its_commands_are_there(demo):
    demo.start(demo.text())
    with demo.console() as console:
        everything = console.run("help")
        assert "demo count LINES\n    prints lines\n" in everything and "config begin\n" in everything
        names = [line for line in everything.splitlines() if not line.startswith(" ")]
        assert names == sorted(names, key=lambda line: line.split(" [")[0].lower()), "in one order, whoever owns them"
        assert console.run("help demo count") == ("demo count LINES\n    prints lines\n    Owner: module console_demo:a. "
                                                  "Thread: pool IO, where it may block.\n")
        assert console.fail("demo tell") == "demo tell lacks an argument: usage: demo tell WORD\n"
        assert 'did you mean "demo wait"?' in console.fail("demo wayt")


def test_an_answer_that_comes_later(demo):
    demo.start(demo.text())
    with demo.console() as first, demo.console() as second:
        first.send("demo wait\npid\n")
        assert first.line() == "= 8" and first.line() == "waiting", "a part of the answer, before its end"
        assert second.run("version"), "others are served meanwhile"
        second.run("demo tell soon")
        assert first.answer() == (True, "soon was told\n")
        assert first.answer() == (True, f"{demo.pid}\n"), "the next command of the session comes after it"
        first.send("demo wait\n")
        assert first.line() == "= 8" and first.line() == "waiting"
        second.run("demo tell no")
        assert first.answer() == (False, "no was told\n")


def test_a_command_that_misuses_its_call(demo):
    """It waits for its client on the main thread, which would serve the client, and finishes twice."""
    demo.start(demo.text())
    with demo.console() as console:
        assert console.run("demo misuse") == 512 * 1024 * "."
        assert console.run("version")
    demo.await_panic("module console_demo:a: a console command would wait for its client on an event loop")


def test_the_client_leaves(demo):
    demo.start(demo.text())
    with demo.console() as other:
        with demo.console() as client:
            client.send("demo wait\n")
            assert client.line() == "= 8"
        demo.await_panic("the client has left")
        other.fail("demo tell anybody")
        with demo.console() as client:
            client.send("demo count 100000000\n")
            assert client.line().startswith("= ")
        demo.await_panic("counting was given up")


def test_a_client_that_has_said_all_is_answered(demo):
    demo.start(demo.text())
    with demo.console() as client, demo.console() as other:
        client.send("demo wait\n")
        assert client.line() == "= 8" and client.line() == "waiting"
        client.socket.shutdown(1)
        assert client.line() == "= 0", "is anybody there?"
        other.run("demo tell half")
        assert client.answer() == (True, "half was told\n")


def test_a_slow_client_makes_the_command_wait(demo):
    """40 MB of answer, and the daemon holds no more of it than before."""
    demo.start(demo.text())
    with demo.console() as client, demo.console() as other:
        client.send("demo count 3000000\n")
        await_true(lambda: other.run("version"), "an answer")
        before = int(demo.status("VmRSS").split()[0])
        output = b""
        line = client.line()
        while line.startswith("= "):
            output += client.file.read(int(line[2:]))
            line = client.line()
        grown = int(demo.status("VmRSS").split()[0]) - before
        assert line == "OK" and (SANITIZER or grown < 20 * 1024)    # a sanitizer keeps what was freed
        assert output == b"".join(b"line %d\n" % i for i in range(3000000))


def test_one_that_does_not_wait_is_cut_off(demo):
    demo.start(demo.text())
    with demo.console() as client:
        done, output = client.ask("demo flood")
        assert not done and output.endswith("The output is too long for this console.\n")
        assert client.run("version"), "the session goes on"


def test_every_loop_answers(demo):
    demo.start(demo.text())
    with demo.console() as client:
        lines = client.run("demo loops 5000").splitlines()
        loops = len(lines) // 5000
        assert loops == sum(name.startswith("loop/") for name in demo.threads())
        assert lines == [f"loop {loop} line {i}" for loop in range(loops) for i in range(5000)] + ["that was all"]


def test_a_reload_while_a_command_goes_on(demo):
    """The old instance stays until its command is finished; the new one has the commands from then on."""
    demo.start(demo.text())
    with demo.console() as first, demo.console() as second:
        first.send("demo wait\n")
        assert first.line() == "= 8" and first.line() == "waiting"
        second.run("config reload")
        second.run("demo tell still")
        assert first.answer() == (True, "still was told\n")
        demo.file.write_text(demo.text(outer=""))
        second.run("config reload")
        assert "Unknown command" in second.fail("demo tell nobody")


def test_the_end_of_the_daemon(demo):
    demo.start(demo.text())
    with demo.console() as client:
        client.send("demo wait\n")
        assert client.line() == "= 8"
        demo.process.send_signal(signal.SIGTERM)
        demo.await_panic("the client has left")
    demo.stop()


def test_the_end_while_nobody_reads(demo):
    """Loops that wait for clients who do not read are told that nobody does before they are gone."""
    demo.start(demo.text())
    clients = [demo.console() for _ in range(10)]
    try:
        for client in clients:
            client.send("demo loops 100000000\n")
            assert client.line().startswith("= ")
        await_true(lambda: all_parked(demo), "every loop waits for its client")
        demo.stop()
    finally:
        for client in clients:
            client.close()


def all_parked(demo):
    """Does the daemon use no processor any more?"""
    before = Path(f"/proc/{demo.pid}/stat").read_text().split()[13:15]
    time.sleep(0.3)
    return before == Path(f"/proc/{demo.pid}/stat").read_text().split()[13:15]


def test_names_that_are_taken(demo):
    output = demo.failed_start(demo.text('console_demo "a" { clash = "config set" }'))
    assert ('module console_demo:a: console command "config set" of module console_demo:a is already registered by '
            'the console') in output
    output = demo.failed_start(demo.text('console_demo "a" { }\nconsole_demo "b" { }'))
    assert ('console command "demo wait" of module console_demo:b is already registered by module console_demo:a'
            in output)


def test_authorization(demo):
    demo.start(demo.text(control='Enable_Authorization = true '
                                 'AuthorizationParameters = [ uri = "groups:///nonexistent" ]'))
    with demo.console() as client:
        assert client.fail("demo count 5") == "Not Authorized for this command\n"


def test_routes(demo):
    demo.start(demo.text())
    with demo.console() as client:
        assert client.run("module routes") == "GET /demo/table\n\tmodule console_demo:a: shows the table (on main)\n"


def test_what_is_registered(demo, installed, site, modules):
    """The daemon's own and the modules', in one order and one form."""
    for module in ("smtp_demo", "echo_listener", "odd"):
        build(installed, module, modules)
    demo.start(demo.text('smtp_demo { }\nodd { }'))
    with demo.console() as client:
        commands = client.run("module smtp commands")
        assert "RCPT\n\tthe SMTP server: names a recipient of the message (RFC 5321) (on the session's event loop)\n" in commands
        assert "XTRUSTED\n\tmodule smtp_demo: is for those who are trusted (on the session's event loop)\n" in commands
        names = [line for line in commands.splitlines() if not line.startswith("\t")]
        assert names == sorted(names) and len(names) > 15
        parameters = client.run("module smtp parameters")
        assert "RCPT NOTIFY\n\tthe SMTP server: NEVER, or some of" in parameters
        assert "MAIL XCLASS\n\tmodule smtp_demo: what kind of message it is (on the session's event loop)\n" in parameters
        extensions = client.run("module smtp extensions")
        assert "SIZE\n\tthe SMTP server: the size of a message may be declared (RFC 1870) (on the" in extensions
        assert "XDEMO\n\tmodule smtp_demo: Extensions and commands of SMTP (on the" in extensions
        assert "Control_Listener\n\tthe console: takes the console's commands (on main)\necho_listener\n\tmodule echo_listener: " in client.run("module listeners")
        methods = client.run("module delivery methods")
        assert "lmtp\n\tthe SMTP client: LMTP" in methods and "odd\n\tmodule odd: Delivers with results of all kinds (on pool IO)\n" in methods
        assert client.run("module routes") == "" == client.run("module services")


def test_services(demo):
    demo.start(demo.text('console_demo "a" { service = offer }\nconsole_demo "b" { service = find commands = false }'))
    with demo.console() as client:
        assert client.run("module services") == ("greeting\n\tmodule console_demo:a: Console commands that answer later "
                                                 "and in parts (on the caller's)\n"), "without help: the description"
        assert client.run("demo greet").startswith("good evening, ")
        client.run("config reload")
        assert client.run("demo greet").startswith("good evening, ")
    demo.stop()
    output = demo.failed_start(demo.text('console_demo "b" { service = find }'))
    assert 'no module that is set up before this one offers the service "greeting"' in output
    output = demo.failed_start(demo.text('console_demo "a" { service = offer }\n'
                                         'console_demo "b" { commands = false service = wrong_version }'))
    assert 'the service "greeting" of module console_demo:a is version 2, not 1' in output

"""Hook points by name: the daemon's and modules' own, their order, hooks that may block."""
import pytest

from harness.console import Console
from harness.daemon import run
from harness.messages import EXACT
from harness.sdk import build
from harness.wire import Wire

pytestmark = pytest.mark.xdist_group("modules")   # one installation for all of them

CONSOLE = 'Control_Listener {{ Listen "{}" {{ }} }}\n'


@pytest.fixture
def asked(installed, impulse, modules):
    """impulse, with asker and answerer beside its own modules."""
    for name in ("asker", "answerer"):
        build(installed, name, modules)
    impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
    return impulse


def rcpt(impulse, local):
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        return client.command(f"RCPT TO:<{local}@rcpt.example>")


@pytest.mark.parametrize("stanzas", ["asker { }\nanswerer { }", "answerer { }\nasker { }"])
def test_a_point_of_one_module_is_hooked_by_another(asked, site, stanzas):
    """Whoever is set up first."""
    asked.start(site.config(stanzas))
    assert rcpt(asked, "b").code == 250
    assert rcpt(asked, "refused").text == "550 5.7.1 not that one (says answerer)"


def test_a_point_that_only_tells_refuses_nothing(asked, site):
    asked.start(site.config('asker { }\nanswerer { point = "Asker_Was_Here" }'))
    assert rcpt(asked, "refused").code == 250
    asked.await_panic("module answerer: its hook at asker_was_here refuses where nothing can be refused")


def test_an_unknown_point_stops_the_start(asked, site, modules):
    file = site.directory / "unknown.conf"
    file.write_text(site.config('asker { }\nanswerer { point = "asker_about_recipent" }'))
    status, said = run("-d", "-c", file, "--modules", modules)
    assert status == 1
    assert 'module answerer: there is no hook point "asker_about_recipent"; did it mean "asker_about_recipient"?' in said


def test_a_pool_that_is_not_there_stops_the_start(asked, site, modules):
    """Although the module does not pass the failure on."""
    file = site.directory / "unknown.conf"
    file.write_text(site.config('asker { }\nanswerer { pool = "deep end" }'))
    status, said = run("-d", "-c", file, "--modules", modules)
    assert status == 1 and 'module answerer: imp_hook_add: there is no ThreadPool "deep end"' in said


def test_module_hooks_lists_them_in_order(asked, site):
    path = site.directory / "2025"
    asked.start(site.config("asker { }\nanswerer { }\n" + CONSOLE.format(path), "relay_hosts = ( )"))
    with Console(path) as console:
        points = {}
        for line in console.run("module hooks").splitlines():
            if line.startswith("\t"):
                points[name].append(line.strip())
            else:
                name = line
                points[name] = []
    assert points["validate_rcptto"] == [
        "core: RCPT TO (on the session's event loop; asked, may suspend)",
        "hook of relay, priority -1000, deadline 60000 ms",
        "hook of asker, priority 0, deadline 60000 ms",
    ]
    assert points["validate_data"] == [
        "core: the content has arrived and is not stored yet (on the session's event loop; asked, may suspend)"]
    assert points["validate_data_spool_each_rcpt"][1:] == [
        "hook of answerer, priority 1000, on ThreadPool IO, deadline 60000 ms"]
    assert points["asker_about_recipient"] == [
        "asker: a recipient is asked for; the argument is its address (on its caller's thread; asked)",
        "hook of answerer, priority 0",
    ]
    assert points["asker_was_here"] == ["asker: the same, but nobody can object (on its caller's thread; told)"]


def test_a_hook_that_may_block_keeps_nobody_waiting(asked, site, capture):
    """One event loop: the session of a blocked hook waits, the others do not."""
    asked.start(site.config('asker { }\nanswerer { }\nEventLoop "default" { concurrency = 1 }\n', to=capture))
    with Wire(asked.address) as blocked:
        blocked.greet()
        blocked.command("MAIL FROM:<a@sender.example>", 250)
        blocked.command("RCPT TO:<blocked@rcpt.example>", 250)
        blocked.command("RCPT TO:<b@rcpt.example>", 250)
        blocked.command("DATA", 354)
        blocked.send(EXACT["plain"] + b".\r\n")
        with Wire(asked.address) as other:
            other.greet()
            assert other.mail(EXACT["plain"], recipients=["refuser@rcpt.example"]).text == \
                "451 4.7.1 from a@sender.example by 127.0.0.1"
        assert rcpt(asked, "unblock").code == 250
        assert blocked.reply().code == 250
    capture.wait()

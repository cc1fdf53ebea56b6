"""The running configuration in the console: transactions of several sessions, and what a commit does to the daemon."""
import os

import pytest

from harness import await_true
from harness.console import Console
from harness.daemon import free_port
from harness.messages import header
from harness.wire import Wire


@pytest.fixture
def path(impulse, site):
    """The console's socket of a running daemon with a few settings."""
    path = site.directory / "2025"
    (site.directory / "domains.conf").write_text('Domain "included.example" {\n  Max_Retries = 5\n}\n')
    impulse.start(site.config(outer=f"""
Message_Expiration = 86400
Domain earthlink.net {{
  Message_Expiration = 900
}}
include "domains.conf"
Control_Listener {{ Listen "{path}" {{ }} }}
"""))
    return path


def get(console, option):
    done, said = console.ask(f"config get {option}")
    return said.strip() if done else None


def await_farewell(wire):
    """A loop learns of the new generation by a message of its own, which one command may overtake."""
    code = wire.command("MAIL FROM:<a@sender.example>").code
    if code == 250:
        code = wire.command("RSET").code
    assert code == 421


def test_set_and_unset_at_once(path, impulse):
    with Console(path) as console:
        assert console.run("config set suspend_delivery true").strip() == "Suspend_Delivery = true"
        assert get(console, "suspend_delivery") == "Suspend_Delivery = true"
        said = console.run("config unset domain earthlink.net message_expiration")
        assert said.split("\n")[0] == '"Message_Expiration" has been unset. Effective value is now:'
        assert "Message_Expiration = 86400" in said
        assert "Message_Expiration = 86400" in console.run("config eval domain earthlink.net message_expiration")
        assert "\nnote: option idle_time differs" in console.run("config set esmtp_listener idle_time 77")
        assert "\nwarning: option default_charset is read" in console.run("config set default_charset utf-8")
        console.fail("config set no_such_option 1")
        console.fail("config set message_expiration soon")
        console.fail("config unset")
        assert impulse.file.read_text().count("900") == 1  # the file is not written


def test_a_set_takes_effect_in_the_daemon(path, impulse):
    port = free_port()
    with Console(path) as console, Wire(impulse.address) as wire:
        wire.greet()
        console.run('config set esmtp_listener reconfig_message "come again"')
        await_farewell(wire)
        console.run(f'config set esmtp_listener listen 127.0.0.1:{port} banner_hostname "second.example"')
        with Wire(("127.0.0.1", port)) as second:
            assert "second.example" in second.reply().text
        console.run(f"config unset esmtp_listener listen 127.0.0.1:{port}")


def test_a_transaction_takes_effect_together(path):
    with Console(path) as console, Console(path) as other:
        console.run("config begin")
        console.run("config set max_retries 11")
        console.run("config set domain earthlink.net max_retries 12")
        console.run("config unset domain earthlink.net message_expiration")
        assert get(console, "max_retries") == "Max_Retries = 11"  # it sees its own changes
        assert get(other, "max_retries") is None or "11" not in get(other, "max_retries")
        assert "Max_Retries = 12" in console.run("config show domain earthlink.net")
        replay = console.run("config replay").splitlines()
        assert replay == ["config set max_retries 11", "config set domain earthlink.net max_retries 12",
                          "config unset domain earthlink.net message_expiration"]
        console.run("config commit")
        assert get(other, "max_retries") == "Max_Retries = 11"
        assert "Max_Retries = 12" in other.run("config get domain earthlink.net max_retries")
        console.fail("config replay")


def test_locate(path):
    with Console(path) as console:
        everything = console.run("config locate domain")
        assert everything.count("is at ") == 2
        assert "earthlink" in console.run("config locate Domain earth.+")
        one = console.run(r"config locate domain (^|[.])incl[a-u]d{1,2}ed\.example$")
        assert one.count("is at ") == 1 and "included.example" in one
        assert console.run('config locate domain "^inc" ') == one


def test_rollback(path):
    with Console(path) as console:
        before = console.run("config showrecurse")
        console.run("config begin")
        console.run("config set max_retries 11")
        assert console.run("config showrecurse") != before
        console.run("config rollback")
        assert console.run("config showrecurse") == before


def test_the_end_of_a_session_rolls_back(path):
    with Console(path) as console:
        before = console.run("config showrecurse")
        with Console(path) as other:
            other.run("config begin")
            other.run("config set max_retries 11")
        assert console.run("config showrecurse") == before


def test_words_that_need_a_transaction_or_none(path):
    with Console(path) as console:
        for command in ("commit", "rollback", "replay"):
            assert "No transaction has begun" in console.fail(f"config {command}")
        console.run("config begin")
        assert "has begun already" in console.fail("config begin")
        assert "has begun already" in console.fail("config begin from scratch")
        assert "transaction" in console.fail("config reload")
        console.run("config commit")
        assert "generation" not in console.run("config begin")
        console.run("config rollback")


def test_the_first_commit_wins(path):
    with Console(path) as first, Console(path) as second:
        for console, value in ((first, 21), (second, 22)):
            console.run("config begin")
            console.run(f"config set max_retries {value}")
        first.run("config commit")
        assert "Commit failed" in second.fail("config commit")
        assert second.run("config replay") == "config set max_retries 22\n"  # it goes on until it is rolled back
        assert "Commit failed" in second.fail("config commit")
        second.run("config rollback")
        assert get(second, "max_retries") == "Max_Retries = 21"


@pytest.mark.parametrize("change", ["config set blackhole true", "config reload"])
def test_whatever_changes_the_configuration_wins(path, change):
    with Console(path) as first, Console(path) as second:
        first.run("config begin")
        first.run("config set max_retries 22")
        second.run(change)
        assert "Commit failed" in first.fail("config commit")


def test_a_commit_that_cannot_listen_changes_nothing(path, site):
    with Console(path) as console:
        console.run("config begin")
        console.run("config set max_retries 22")
        console.run('config set esmtp_listener listen "192.0.2.1:2525" enable true')
        said = console.fail("config commit")
        assert "192.0.2.1:2525" in said and "Commit failed" in said
        with Console(path) as other:
            assert get(other, "max_retries") != "Max_Retries = 22"
        console.run('config unset esmtp_listener listen "192.0.2.1:2525"')
        console.run("config commit")
        assert get(console, "max_retries") == "Max_Retries = 22"


def test_a_commit_of_what_is_wrong_as_a_whole(path):
    with Console(path) as console:
        console.run("config begin")
        console.run("config set bind_address nowhere")
        said = console.fail("config commit")
        assert '"nowhere"' in said and "Commit failed" in said
        console.run("config rollback")
        console.run("config set max_retries 3")


def test_from_scratch(path, impulse, site):
    with Console(path) as console:
        console.run("config begin from scratch")
        assert "earthlink" not in console.run("config showrecurse")
        for command in ('hostname "scratch.example"', f'control_listener listen "{path}" enable true'):
            console.run(f"config set {command}")
        console.run("config commit")
        assert get(console, "hostname") == 'Hostname = "scratch.example"'
        console.run("config reload")
        assert "earthlink" in console.run("config showrecurse")


def test_reload_takes_changes_back(path):
    with Console(path) as console:
        console.run("config set max_retries 7")
        console.run("config reload")
        assert get(console, "max_retries") != "Max_Retries = 7"


def test_writeback(path, impulse, site):
    included = site.directory / "domains.conf"
    with Console(path) as console:
        console.run("config set message_expiration 1000")
        console.run('config set domain included.example max_retries 6')
        assert "86400" in impulse.file.read_text()
        console.run("config writeback")
        assert "Message_Expiration = 1000" in impulse.file.read_text()
        assert "Max_Retries = 6" in included.read_text()
        console.run("config set max_retries 8")
        console.run("config writeback")  # what it wrote itself is no change of somebody else's
        console.run("config reload")
        assert get(console, "max_retries") == "Max_Retries = 8"
        whole = site.directory / "whole.conf"
        assert "absolute" in console.fail("config writeback whole.conf")
        console.run(f"config writeback {whole}")
        console.run(f"config reload {whole}")
        assert "Max_Retries = 6" in console.run("config get domain included.example max_retries")


def test_what_is_no_file_holds_nobody_up(path, impulse, site):
    pipe = site.directory / "pipe"
    os.mkfifo(pipe)
    with Console(path) as console:
        for place in (pipe, "/dev/zero", "/dev/null"):
            assert "it is not a file" in console.fail(f"config reload {place}")
            assert "it is not a file" in console.fail(f"config writeback {place}")
        console.run("config set message_expiration 99")
        impulse.file.unlink()
        os.mkfifo(impulse.file)
        assert "was not saved" in console.fail("config writeback")
        assert "it is not a file" in console.fail("config reload")
        impulse.reload()
        impulse.await_panic("Reconfigure failed")
        assert get(console, "message_expiration") == "Message_Expiration = 99"


def test_mail_flows_through_many_changes(path, impulse, site):
    """Commits while clients talk: nothing but 421 happens to them, and memory stays."""
    with Console(path) as console:
        for number in range(50):
            with Wire(impulse.address) as wire:
                wire.greet()
                console.run(f"config set max_retries {number + 1}")
                await_farewell(wire)
        with Wire(impulse.address) as wire:
            wire.greet()
            assert wire.mail(header() + b"x\r\n").code == 250
    await_true(lambda: impulse.mainlog("R"), "it was received")

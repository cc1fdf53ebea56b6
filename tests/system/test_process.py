"""The process: daemon mode, pidfile, signals, dropping root, sd_notify, the command line."""
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from harness import await_true, patience, scaled
from harness.capture import SILENT
from harness.daemon import ENVIRONMENT, MODULES, PROGRAM, free_port, run
from harness.messages import EXACT, header
from harness.wire import Wire


def send(impulse, **named):
    with Wire(impulse.address) as client:
        client.greet()
        return client.mail(EXACT["plain"], **named)


def banner(address):
    with Wire(address) as client:
        return client.reply().text


# ---- command line ----------------------------------------------------------------------------------------------------


def test_version_and_help():
    status, said = run("-V")
    assert status == 0 and "0.1.0" in said
    status, said = run("-h")
    assert status == 0
    for option in ("-c", "-d", "-n", "-t", "-V", "-h"):
        assert option in said


def test_unknown_option():
    status, said = run("-Z")
    assert status != 0 and "-h" in said


def test_check_of_a_good_file(site):
    file = site.directory / "good.conf"
    file.write_text(site.config())
    assert run("-t", "-c", file)[0] == 0
    assert not site.spool.exists(), "a check must not touch the spool"


def test_check_of_a_missing_file(site):
    status, said = run("-t", "-c", site.directory / "nowhere.conf")
    assert status == 1 and "nowhere.conf" in said


def test_two_daemons_with_one_pidfile(impulse, site):
    impulse.start(site.config())
    site.port = free_port()
    other = site.directory / "other.conf"
    other.write_text(site.config())
    status, said = run("-d", "-c", other)
    assert status != 0 and "impulsed.pid" in said


def test_an_empty_name_means_no_pidfile(impulse, site):
    impulse.start(site.config(outer='pidfile = ""'))
    assert not (site.directory / "impulsed.pid").exists()


def test_two_daemons_on_one_spool(impulse, site):
    impulse.start(site.config())
    site.port = free_port()
    other = site.directory / "other.conf"
    other.write_text(site.config().replace("impulsed.pid", "other.pid"))
    status, said = run("-d", "-c", other)
    assert status != 0 and str(site.spool) in said


def test_two_daemons_on_one_spool_whose_locks_were_removed(impulse, site):
    impulse.start(site.config())
    (site.spool / "impulse" / "lock").unlink()
    (site.spool / "impulse" / "LOCK").unlink()
    site.port = free_port()
    other = site.directory / "other.conf"
    other.write_text(site.config().replace("impulsed.pid", "other.pid"))
    status, said = run("-d", "-c", other)
    assert status != 0 and str(site.spool) in said


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_pidfile_that_is_another_file(site, link):
    """Whoever may write to its folder must not have root write to another file."""
    victim, file = site.directory / "victim", site.directory / "ecelerity.conf"
    victim.write_text("precious")
    link(victim, site.directory / "impulsed.pid")
    file.write_text(site.config())
    status, said = run("-d", "-c", file)
    assert status != 0 and "impulsed.pid" in said and "link" in said
    assert victim.read_text() == "precious"


# ---- daemon mode -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def in_background(site, file, directory=None):
    """The daemon as its own command leaves it; yields its pid."""
    pidfile = site.directory / "impulsed.pid"
    # subprocess waits until the pipe closes: a daemon that kept it open would hang here.
    done = subprocess.run([str(PROGRAM), "-c", str(file)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=patience(30), env=ENVIRONMENT, cwd=directory)
    assert done.returncode == 0, done.stdout + done.stderr
    # The command returns when the service is ready: no retry is needed.
    pid = int(pidfile.read_text())
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGTERM)
        await_true(lambda: not Path(f"/proc/{pid}").exists(), "its end", 40)
    assert not pidfile.exists()


def test_daemon_mode_and_pidfile(site, capture):
    file = site.directory / "ecelerity.conf"
    file.write_text(site.config(to=capture))
    with in_background(site, file) as pid:
        assert banner(("127.0.0.1", site.port)).startswith("220 ")
        stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        assert int(stat[3]) != os.getsid(0), "its own session"
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        with Wire(("127.0.0.1", site.port)) as client:
            client.greet()
            assert client.mail(EXACT["plain"]).code == 250
        capture.wait()


def test_daemon_mode_finds_a_relative_file_again(site):
    file = site.directory / "ecelerity.conf"
    file.write_text(site.config("include \"more.conf\"\n"))
    more = site.directory / "more.conf"
    more.write_text("")
    log = site.log / "paniclog.ec"
    with in_background(site, file.name, directory=site.directory) as pid:
        more.write_text("no_such_option = 1\n")
        os.kill(pid, signal.SIGHUP)
        await_true(lambda: f"{more}:1:1: unknown option" in log.read_text(), "the reload's answer", 15)


def test_daemon_mode_reports_a_failed_start(site):
    file = site.directory / "bad.conf"
    file.write_text(site.config("no_such_option = 1"))
    status, said = run("-c", file)
    assert status != 0 and "no_such_option" in said


# ---- SIGTERM ---------------------------------------------------------------------------------------------------------


def test_sigterm_under_load_loses_nothing(impulse, site, capture):
    config = site.config(to=capture)
    for _ in range(scaled(4, 2)):
        impulse.start(config)
        accepted, answers = [], []

        def client(number):
            try:
                with Wire(impulse.address) as wire:
                    wire.greet()
                    for count in range(100000):
                        recipient = f"{number}-{count}-{time.monotonic_ns()}@d.example"
                        reply = wire.mail(EXACT["plain"], recipients=[recipient])
                        if reply.code == 250:
                            accepted.append(recipient)
                        else:
                            answers.append(reply)
            except AssertionError as error:
                answers.append(error)   # a command that was answered 421
            except (ConnectionError, TimeoutError) as error:
                answers.append(error)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        await_true(lambda: len(accepted) > 40, "load")
        impulse.stop()
        for thread in threads:
            thread.join()
        for answer in answers:
            assert "421" in str(answer) or isinstance(answer, ConnectionError), answer
        impulse.start(config)
        await_true(lambda: set(accepted) <= {m.recipients[0] for m in capture.messages}, "all delivered", 30)
        names = [m.recipients[0] for m in capture.messages]
        assert len(names) == len(set(names)), "delivered twice across an orderly end"
        impulse.stop()


def test_sigterm_finishes_the_transaction_under_way(impulse, site, capture):
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(header())
        impulse.process.send_signal(signal.SIGTERM)
        await_true(lambda: impulse.noticed("STOPPING=1"), "it drains")
        client.send(b"the rest\r\n.\r\n")
        assert client.reply().code == 250
        assert client.reply().code == 421
        assert client.at_end()
    impulse.stop()
    if not capture.messages:   # it may leave it to the next start
        impulse.start()
        capture.wait()


def test_sigterm_with_an_idle_client(impulse, site):
    impulse.start(site.config())
    with Wire(impulse.address) as client:
        client.greet()
        impulse.process.send_signal(signal.SIGTERM)
        assert client.reply().code == 421
        assert client.at_end()
    impulse.stop()


@pytest.mark.long
def test_sigterm_with_a_client_that_stalls_is_bounded(impulse, site):
    impulse.start(site.config())
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(b"never finished\r\n")
        impulse.stop(seconds=60)


@pytest.mark.long
def test_sigterm_with_a_next_hop_that_stalls_is_bounded(impulse, site, captures):
    stalled = captures(behave=lambda session, verb, line: SILENT if verb == "." else None)
    config = site.config(to=stalled)
    impulse.start(config)
    assert send(impulse).code == 250
    await_true(lambda: any("DATA" in session.commands for session in stalled.sessions), "the delivery is under way")
    impulse.stop(seconds=60)
    stalled.stop()
    working = captures()
    impulse.start(site.config(to=working))
    assert working.wait()[0].content.endswith(EXACT["plain"])


def test_sigterm_twice(impulse, site):
    impulse.start(site.config())
    impulse.process.send_signal(signal.SIGTERM)
    try:
        impulse.process.send_signal(signal.SIGTERM)
    except ProcessLookupError:
        pass
    impulse.stop()


def test_sigint_in_the_foreground(impulse, site):
    impulse.start(site.config())
    impulse.process.send_signal(signal.SIGINT)
    assert impulse.process.wait(patience(30)) == 0


# ---- SIGHUP ----------------------------------------------------------------------------------------------------------


def test_reload_changes_what_new_sessions_see(impulse, site):
    impulse.start(site.config(listener='banner_hostname = "one.example"'))
    assert "one.example" in banner(impulse.address)
    with Wire(impulse.address) as old:
        old.greet()
        impulse.write(site.config(listener='banner_hostname = "two.example"\nmax_message_size = 5000'))
        impulse.reload()
        await_true(lambda: "two.example" in banner(impulse.address), "the new banner")
        assert old.command("NOOP").code == 250
        # A session that was there before begins no message by rules that are gone.
        assert old.command("MAIL FROM:<a@sender.example>").text == "421 4.3.2 Reconfiguration in progress"
        assert old.at_end()


def test_reconfig_message(impulse, site):
    config = site.config(listener='Reconfig_Message = "4.3.2 back in a minute"')
    impulse.start(config)
    with Wire(impulse.address) as old:
        old.greet()
        impulse.reload()
        impulse.await_panic("reloaded")
        old.command("NOOP", 250)  # the session's thread hears of it in its next turn
        assert old.command("MAIL FROM:<a@sender.example>").text == "421 4.3.2 back in a minute"


def test_reload_during_a_transaction_keeps_the_message(impulse, site, capture):
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(header())
        impulse.write(site.config(listener='banner_hostname = "two.example"', to=capture))
        impulse.reload()
        await_true(lambda: "two.example" in banner(impulse.address), "the new banner")
        client.send(b"the rest\r\n.\r\n")
        assert client.reply().code == 250
    capture.wait()


def test_reload_of_a_bad_file_changes_nothing(impulse, site, capture):
    good = site.config(listener='banner_hostname = "one.example"', to=capture)
    impulse.start(good)
    impulse.write(good.replace("one.example", "two.example") + "\nno_such_option = 1\n")
    impulse.reload()
    impulse.await_panic("no_such_option")
    assert "one.example" in banner(impulse.address)
    assert send(impulse).code == 250
    capture.wait()
    impulse.write(good.replace("one.example", "three.example"))
    impulse.reload()
    await_true(lambda: "three.example" in banner(impulse.address), "the good file")


def test_reload_changes_outbound_settings(impulse, site, captures):
    first, second = captures(), captures()
    impulse.start(site.config(to=first))
    assert send(impulse).code == 250
    first.wait()
    impulse.write(site.config(to=second, listener='banner_hostname = "two.example"'))
    impulse.reload()
    await_true(lambda: "two.example" in banner(impulse.address), "the new file")
    assert send(impulse, recipients=["b@another.example"]).code == 250
    second.wait()


def test_reload_adds_and_removes_a_listen(impulse, site):
    impulse.start(site.config())
    other = free_port()
    impulse.write(site.config(listener=f'Listen "127.0.0.1:{other}" {{}}'))
    impulse.reload()

    def answers():
        try:
            return banner(("127.0.0.1", other)).startswith("220")
        except OSError:
            return False

    await_true(answers, "the new Listen")
    impulse.write(site.config())
    impulse.reload()
    await_true(lambda: not answers(), "its end")
    assert banner(impulse.address).startswith("220")


def test_many_reloads_under_load(impulse, site, capture):
    config = site.config(to=capture)
    impulse.start(config)
    accepted, stop, failures = [], threading.Event(), []

    def client():
        try:
            while not stop.is_set():
                with Wire(impulse.address) as wire:
                    wire.greet()
                    for _ in range(5):
                        try:
                            if wire.mail(EXACT["plain"]).code == 250:
                                accepted.append(1)
                        except AssertionError as error:
                            assert "421" in str(error)   # Reconfig_Message
                            break
                        except ConnectionError:
                            break
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(scaled(15, 5)):
        impulse.write(config.replace("Listen ", f'banner_hostname = "n{number}.example"\n  Listen '))
        impulse.reload()
        await_true(lambda: f"n{number}.example" in banner(impulse.address), "the new banner")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures, failures
    capture.wait(len(accepted))


# ---- root, and systemd -----------------------------------------------------------------------------------------------


def test_security_drops_root(impulse, site, namespace, capture):
    """Port 25 is bound first; afterwards no thread is root, in no group of root's, and cannot come back."""
    site.spool.mkdir()
    for folder in (site.spool, site.log, site.directory):
        os.chown(folder, 65534, 65534)
    # The tree may lie in a folder that is root's alone; an installation does not.
    shutil.copytree(MODULES, site.directory / "modules")
    impulse.environment["IMPULSE_MODULE_PATH"] = str(site.directory / "modules")
    impulse.prefix = namespace.prefix
    impulse.start(site.config(user="nobody", listener='Listen ":25" {}'))
    for task in Path(f"/proc/{impulse.pid}/task").iterdir():
        fields = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        assert fields["Uid"].split() == ["65534"] * 4, fields["Name"]
        assert fields["Gid"].split() == ["65534"] * 4, fields["Name"]
        assert fields["Groups"].split() in ([], ["65534"]), fields["Name"]
        assert int(fields["CapEff"], 16) == 0 and int(fields["CapPrm"], 16) == 0, fields["Name"]
    assert namespace.call(banner, ("127.0.0.1", 25)).startswith("220")


def test_a_spool_that_the_user_cannot_enter(impulse, site):
    """Said is what stands in the way, and for whom."""
    for folder in (site.log, site.directory):
        os.chown(folder, 65534, 65534)
    closed = site.directory / "closed"
    closed.mkdir(mode=0o700)
    site.spool = closed / "spool"
    said = impulse.failed_start(site.config(user="nobody"))
    assert f"cannot enter {closed} as user 65534: Permission denied" in said


def test_security_with_an_unknown_user(site):
    file = site.directory / "unknown.conf"
    file.write_text(site.config(user="no-such-user-here"))
    status, said = run("-d", "-c", file)
    assert status != 0 and "no-such-user-here" in said


def test_sd_notify(impulse, site):
    impulse.start(site.config())
    assert impulse.noticed("READY=1")
    assert banner(impulse.address).startswith("220"), "ready means ready"
    impulse.process.send_signal(signal.SIGTERM)
    await_true(lambda: impulse.noticed("STOPPING=1"), "STOPPING=1")
    impulse.stop()


def test_descriptors_do_not_leak(impulse, site, capture):
    impulse.start(site.config("max_outbound_connections = 1\nidle_timeout = 1", to=capture))
    count = lambda: len(os.listdir(f"/proc/{impulse.pid}/fd"))  # noqa: E731
    send(impulse)
    capture.wait()
    before = count()
    for _ in range(scaled(100, 30)):
        send(impulse)
    capture.wait(scaled(101, 31))
    await_true(lambda: count() <= before + 1, "descriptors come back")


@pytest.mark.parametrize("ways", [200])
def test_clients_that_vanish(impulse, site, capture, ways):
    """Connections cut at any point of a session leave nothing behind."""
    impulse.start(site.config(to=capture))
    session = (b"EHLO c.example\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\nDATA\r\n"
               + header() + b"x\r\n")
    for cut in range(0, len(session), max(1, len(session) // scaled(ways, 40))):
        with Wire(impulse.address) as client:
            client.send(session[:cut])
    assert send(impulse).code == 250
    message, = capture.wait()
    await_true(lambda: subprocess.run(["ss", "-Htn", "state", "established", "state", "close-wait",
                                       f"sport = :{site.port}"], capture_output=True, text=True).stdout == "",
               "no connection is left")

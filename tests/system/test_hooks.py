"""Hook points by name: the daemon's and modules' own, their order, hooks that may block."""
import pytest

from harness import await_true
from harness.console import Console
from harness.daemon import free_port, run
from harness.freeze import frozen
from harness.messages import EXACT, header
from harness.wire import Wire, all_read, rcpt

CONSOLE = 'Control_Listener {{ Listen "{}" {{ }} }}\n'


@pytest.fixture
def asked(with_modules):
    """impulse, with asker and answerer beside its own modules."""
    return with_modules("asker", "answerer")


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


def test_module_hooks_of_one_point_or_one_module(asked, site):
    path = site.directory / "2025"
    asked.start(site.config("asker { }\nanswerer { }\n" + CONSOLE.format(path), "relay_hosts = ( )"))

    def points(console, name):
        return [line for line in console.run(f"module hooks {name}").splitlines() if not line.startswith("\t")]

    with Console(path) as console:
        assert console.run("module hooks Validate_RcptTo").splitlines()[2:] == [
            "\thook of relay, priority -1000, deadline 60000 ms", "\thook of asker, priority 0, deadline 60000 ms"]
        assert points(console, "validate_data") == ["validate_data"], "although nobody hooks it"
        assert "asker_was_here" in points(console, "asker") and "validate_rcptto" in points(console, "asker")
        assert points(console, "answerer") == ["validate_data_spool_each_rcpt", "asker_about_recipient"]
        assert "relay" not in console.run("module hooks asker")
        assert console.fail("module hooks nobody") == 'No hook point and no module that hooks one is called "nobody".\n'


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


@pytest.fixture
def witnessed(with_modules):
    """impulse, with moments and policy beside its own modules."""
    return with_modules("moments", "policy")


def moments(impulse):
    return [line.split(" moments: ", 1)[1] for line in impulse.paniclog().splitlines() if " moments: " in line]


def test_the_moments_of_a_message(witnessed, site, capture):
    witnessed.start(site.config('moments { }\npolicy { }\nBinding "one" { }\nretry_interval = 1', to=capture))
    with Wire(witnessed.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"], recipients=["to-one@rcpt.example"]).code == 250
        client.command("QUIT", 221)
    capture.wait()
    await_true(lambda: any("message_gone" in line for line in moments(witnessed)), "it is gone")
    witnessed.stop()
    told = moments(witnessed)
    assert [line for line in told if "rcpt.example" in line] == [
        "core_post_validate_set_binding: to-one@rcpt.example to one",
        "core_ec_message_enqueue: to-one@rcpt.example none retries=0 ",
        "message_sending: to-one@rcpt.example none retries=0 ",
        *[line for line in told if line.startswith("message_attempted: to-one@rcpt.example delivered retries=0 250")],
        *[line for line in told if line.startswith("message_gone: to-one@rcpt.example delivered retries=0 250")],
    ]
    assert "core_dec_inbound_connections: 127.0.0.1" in told
    assert not [line for line in told if "core_server_esmtp_session_abort" in line]
    assert told[-1] == "core_control_shutdown: -"


def test_the_moments_know_what_applies_to_the_domain(witnessed, site, capture):
    witnessed.start(site.config('moments { }\nDomain "rcpt.example" { moments_note = "+noted" }', to=capture))
    with Wire(witnessed.address) as client:
        client.greet()
        client.mail(EXACT["plain"], recipients=["a@rcpt.example"])
        client.mail(EXACT["plain"], recipients=["b@other.example"])
    await_true(lambda: sum("message_gone" in line for line in moments(witnessed)) == 2, "both are gone")
    lines = [line for line in moments(witnessed) if ".example " in line]
    assert len(lines) == 8 and all(line.endswith("+noted") == ("a@rcpt" in line) for line in lines), lines


def test_the_moments_of_a_message_that_fails(witnessed, site):
    dead = free_port()
    witnessed.start(site.config(f'moments {{ }}\nretry_interval = 1\nmax_retries = 1\n'
                                f'gateway = "127.0.0.1"\nremote_smtp_port = {dead}'))
    with Wire(witnessed.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"], sender="", recipients=["b@rcpt.example"]).code == 250
    await_true(lambda: any("message_gone" in line for line in moments(witnessed)), "it is gone")
    names = [line.split(":")[0] for line in moments(witnessed) if "b@rcpt.example" in line]
    assert names[0] == "core_ec_message_enqueue" and names[-1] == "message_gone"
    assert names.count("message_attempted") == 2 and names.count("core_pre_mail_queue_message_requeue") == 1
    await_true(lambda: "core_server_esmtp_session_abort: 127.0.0.1" in moments(witnessed), "the client left without QUIT")


def test_the_moment_of_a_handshake(witnessed, site, certificates):
    witnessed.start(site.config("moments { }", 'SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "STARTTLS" )\n'
                                f'TLS_Certificate = "{certificates.certificate}"\nTLS_Key = "{certificates.key}"'))
    with Wire(witnessed.address) as client:
        client.greet()
        client.command("STARTTLS", 220)
        client.start_tls(certificates.context())
        client.command("EHLO client.example", 250)
    await_true(lambda: "core_inbound_smtp_tls_post_accept: 127.0.0.1" in moments(witnessed), "it is told")


def is_full(client):
    client.command("RSET", 250)
    return client.command("MAIL FROM:<a@sender.example>").code == 452


def test_no_hook_sees_content_that_the_spool_failed_to_keep(witnessed, site, capture):
    """The last part of a large message does not fit: the client gets the spool's answer and not that of a hook, which could
    not read the content."""
    gone = site.spool.with_name("gone")
    witnessed.start(site.config("policy { }", to=capture))
    with Wire(witnessed.address, 20) as client, Wire(witnessed.address, 20) as other:
        client.greet()
        other.greet()
        for line in ("MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>", "DATA"):
            assert client.command(line).code < 400
        with frozen(witnessed.thread("committer")):
            site.spool.rename(gone)
            await_true(lambda: is_full(other), "there is no room in the spool")
            client.send(b"X-Refuse: yes\r\n" + header() + b"z" * 300_000 + b"\r\n.\r\n")
            await_true(lambda: all_read(site.port), "the daemon has read it")
        assert client.reply().text.startswith("452 4.3.1 ")
        gone.rename(site.spool)
        assert client.command("NOOP").code == 250

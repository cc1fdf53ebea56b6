"""What modules do wrong is named, with the module and the hook, and decided on the safe side; what a hook waits for
always ends."""
import base64
import signal
import socket
import time

import pytest

from harness import await_true, patience
from harness.daemon import free_port
from harness.messages import EXACT
from harness.sdk import build
from harness.wire import Wire, stuff


POINTS = ["validate_connect", "validate_ehlo", "validate_mailfrom", "validate_rcptto", "validate_data",
          "validate_data_spool", "validate_data_spool_each_rcpt", "validate_set_binding"]


@pytest.fixture
def misbehaving(with_modules, site):
    """Starts impulse with a misbehaves module: misbehaving(what=..., point=..., ...)."""
    impulse = with_modules("misbehaves")

    def start(what, outer="", listen="", to=None, **options):
        stanza = " ".join(f'{name} = "{value}"' for name, value in {"what": what, **options}.items())
        impulse.start(site.config(f"misbehaves {{ {stanza} }}\n{outer}", listen=listen, to=to))
        return impulse
    return start


def first_refusal(client, recipient="b@rcpt.example"):
    """Goes through a transaction; returns the first reply that is a refusal, or the last."""
    reply = client.reply()
    for line in ["EHLO client.example", "MAIL FROM:<a@sender.example>", f"RCPT TO:<{recipient}>", "DATA",
                 stuff(EXACT["plain"]).decode() + "."]:
        if reply.code >= 400:
            break
        client.send(line.encode() + b"\r\n")
        reply = client.reply()
    return reply


@pytest.mark.parametrize("point", POINTS)
def test_a_suspension_ends_at_its_deadline(misbehaving, point):
    impulse = misbehaving("never", point=point, deadline_ms=300)
    with Wire(impulse.address) as client:
        assert first_refusal(client).text == "451 4.3.0 temporary local problem, please try again later"
    assert f"module misbehaves: its hook at {point} did not answer within 300 ms" in \
        impulse.await_panic("did not answer")
    impulse.await_panic("nobody waits any more")


def test_the_default_deadline_is_an_option(misbehaving):
    impulse = misbehaving("never", outer="module_hook_timeout = 1")
    with Wire(impulse.address) as client:
        assert first_refusal(client).code == 451
        assert client.command("RCPT TO:<good@rcpt.example>").code == 250, "the session goes on"
    assert "within 1000 ms" in impulse.await_panic("did not answer")


def test_data_processing_timeout_names_the_hook(misbehaving):
    impulse = misbehaving("never", point="validate_data", listen="data_processing_timeout = 1")
    with Wire(impulse.address) as client:
        assert first_refusal(client).text == "451 4.4.5 data_processing_timeout exceeded"
    assert "module misbehaves: its hook at validate_data did not answer within data_processing_timeout (1 s)" in \
        impulse.await_panic("did not answer")
    impulse.await_panic("nobody waits any more")


@pytest.mark.parametrize("point", ["validate_connect", "validate_rcptto", "validate_data"])
def test_a_client_that_leaves_frees_its_slot_at_once(misbehaving, point):
    impulse = misbehaving("never", point=point, listen="max_connections = 1")
    client = Wire(impulse.address)
    if point != "validate_connect":
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
    if point == "validate_data":
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command("DATA", 354)
        client.send(EXACT["plain"] + b".\r\n")
    elif point == "validate_rcptto":
        client.send(b"RCPT TO:<b@rcpt.example>\r\nQUIT\r\n")
    time.sleep(0.1)    # it is suspended; nothing tells so
    client.close()
    impulse.await_panic("nobody waits any more")
    if point != "validate_connect":
        await_true(lambda: banner(impulse) == 220, "its place is free")


def test_a_client_leaves_while_its_authentication_waits(misbehaving, site):
    """Until `cancelled` has been called the hook's question is there."""
    passwords = site.directory / "passwords"
    passwords.write_text("ann:secret\n")
    impulse = misbehaving("never", point="validate_auth", listen=f"""SMTP_Extensions = ( "AUTH PLAIN" )
        AuthPlainParameters = [ uri = "file://{passwords}" ]""")
    with Wire(impulse.address) as client:
        client.greet()
        client.send(b"AUTH PLAIN " + base64.b64encode(b"\0ann\0secret") + b"\r\n")
    impulse.await_panic("nobody waits any more for ann")


@pytest.mark.parametrize("what, point", [("never", "validate_rcptto"), ("never", "validate_data"),
                                         ("block", "validate_rcptto")])
def test_a_stop_does_not_wait_for_a_hook(misbehaving, what, point):
    impulse = misbehaving(what, point=point, ms=8000)
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.send(b"RCPT TO:<b@rcpt.example>\r\n")
        if point == "validate_data":
            assert client.reply().code == 250
            client.command("DATA", 354)
            client.send(EXACT["plain"] + b".\r\n")
        time.sleep(0.1)
        begun = time.monotonic()
        impulse.process.send_signal(signal.SIGTERM)
        assert client.reply().code == 421
        impulse.stop()
        assert time.monotonic() - begun < patience(15)
    assert "module misbehaves: its hook at" in impulse.await_panic("after the server was to stop")


def test_a_stop_does_not_wait_for_a_job(misbehaving):
    """What was answered 250 is there after the next start."""
    impulse = misbehaving("job", ms=60000, outer="suspend_delivery = true\ndeferred_spool = true")
    with Wire(impulse.address) as client:
        assert first_refusal(client).code == 250
    begun = time.monotonic()
    impulse.stop(expect=1)
    assert time.monotonic() - begun < patience(15)
    line = "module misbehaves: its job has not returned; the process ends without it"
    assert f"impulse: {line}\n" in impulse.said()
    assert line in impulse.paniclog()
    impulse.start(impulse.site.config("suspend_delivery = true"))
    impulse.await_panic("spool: 1 messages recovered")


def test_a_hook_that_sleeps_is_named_and_costs_the_client_no_time(misbehaving):
    impulse = misbehaving("sleep", ms=1500, outer='EventLoop "default" { concurrency = 1 }', listen="idle_time = 1")
    with Wire(impulse.address) as client, Wire(impulse.address) as other:
        client.greet()
        other.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.send(b"RCPT TO:<b@rcpt.example>\r\n")
        time.sleep(0.3)
        other.send(b"MAIL FROM:<a@sender.example>\r\n")    # waits in its socket until the loop is free
        assert client.reply().code == 250
        time.sleep(0.5)
        assert client.command("RCPT TO:<good@rcpt.example>").code == 250
        assert other.reply().code == 250
    assert "module misbehaves: its hook at validate_rcptto kept an event loop for 1" in \
        impulse.await_panic("kept an event loop")
    line = impulse.await_panic("a turn took 1")
    assert "event loop loop/" in line
    assert "module misbehaves: its hook at validate_rcptto; its other work waits meanwhile" in line


def banner(impulse):
    with Wire(impulse.address) as client:
        return client.reply().code


def test_a_blocking_hook_that_is_late_keeps_what_it_uses(misbehaving):
    """The client is answered, and its place is free; the session stays until the hook has returned."""
    impulse = misbehaving("block", ms=3000, deadline_ms=300, listen="max_connections = 1")
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        assert client.command("RCPT TO:<b@rcpt.example>").text == "421 4.3.0 temporary local problem, closing connection"
        assert client.at_end()
    begun = time.monotonic()
    await_true(lambda: banner(impulse) == 220, "its place is free")
    assert time.monotonic() - begun < patience(1), "before the hook has returned"
    assert "module misbehaves: its hook at validate_rcptto did not answer within 300 ms" in \
        impulse.await_panic("did not answer")


def test_clients_leave_while_a_hook_blocks(misbehaving):
    impulse = misbehaving("block", ms=300)
    for _ in range(20):
        with Wire(impulse.address) as client:
            client.send(b"HELO c\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<b@rcpt.example>\r\n")
            client.reply()
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        assert client.command("RCPT TO:<b@rcpt.example>").code == 250


def test_the_end_of_a_connection_is_told_when_its_hook_has_returned(misbehaving, installed, modules):
    build(installed, "moments", modules)
    impulse = misbehaving("block", point="validate_ehlo", ms=500, outer="moments { }")
    with Wire(impulse.address) as client:
        client.reply()
        client.send(b"EHLO client.example\r\n")
        impulse.await_panic("the hook blocks")
    impulse.await_panic("core_dec_inbound_connections: 127.0.0.1")
    impulse.stop()
    told = [line.split(" moments: ")[1] for line in impulse.paniclog().splitlines() if " moments: " in line]
    assert [line for line in told if "127.0.0.1" in line] == \
        ["core_server_esmtp_session_abort: 127.0.0.1", "core_dec_inbound_connections: 127.0.0.1"]


ONE_THREAD = 'ThreadPool "IO" { concurrency = 1 }'


@pytest.fixture
def occupied(misbehaving):
    """Starts impulse with a hook at EHLO on a pool whose only thread a client has for `ms`; returns both."""
    clients = []

    def start(outer="", **options):
        impulse = misbehaving("block", point="validate_ehlo", outer=ONE_THREAD + outer, **options)
        clients.append(Wire(impulse.address))
        clients[0].reply()
        clients[0].send(b"EHLO client.example\r\n")
        impulse.await_panic("the hook blocks")
        return impulse, clients[0]
    yield start
    for client in clients:
        client.close()


def test_a_hook_that_nobody_waits_for_does_not_begin(occupied, installed, modules):
    build(installed, "moments", modules)
    impulse, first = occupied(ms=4000, outer="moments { }")
    for _ in range(10):
        with Wire(impulse.address) as client:
            client.reply()
            client.send(b"EHLO client.example\r\n")
    await_true(lambda: impulse.paniclog().count("core_server_esmtp_session_abort") == 10, "all have left")
    assert first.reply().code == 250
    impulse.stop()
    assert impulse.paniclog().count("the hook blocks") == 1


def test_a_hook_that_has_not_begun_is_late(occupied):
    impulse, _ = occupied(ms=4000, deadline_ms=300)
    with Wire(impulse.address) as client:
        client.reply()
        assert client.command("EHLO client.example").text.startswith("451 4.3.0"), "nothing uses the session"
        assert client.command("NOOP").code == 250
    assert 'module misbehaves: its hook at validate_ehlo was not begun within 300 ms: all 1 threads of ' \
        'ThreadPool "IO" are busy, and 1 jobs wait' in impulse.await_panic("was not begun")
    assert impulse.paniclog().count("did not answer within") == 1, "the one that runs"


@pytest.mark.parametrize("what, reply, words", [
    ("reject_cont", "554 5.7.1 refused and passed on", "called imp_call_reject and returned IMP_CONT; refused"),
    ("seven", "451 4.3.0", "returned what is no verdict; refused with 451 4.3.0"),
    ("again", "451 4.3.0", "returned IMP_AGAIN without a suspension; refused with 451 4.3.0"),
    ("suspend_cont", "451 4.3.0", "called imp_call_suspend and did not return IMP_AGAIN; refused with 451 4.3.0"),
])
def test_contradictions_are_refused_and_named(misbehaving, what, reply, words):
    impulse = misbehaving(what)
    with Wire(impulse.address) as client:
        assert first_refusal(client).text.startswith(reply)
    assert f"module misbehaves: its hook at validate_rcptto {words}" in impulse.await_panic("its hook at")


def test_a_second_resume_is_named_and_harmless(misbehaving):
    impulse = misbehaving("resume_twice")
    with Wire(impulse.address) as client:
        assert first_refusal(client).text == "550 5.7.1 once"
        assert client.command("RCPT TO:<good@rcpt.example>").code == 250
    assert "module misbehaves: a suspension of its hook at validate_rcptto was resumed twice" in \
        impulse.await_panic("resumed twice")


@pytest.mark.plain
@pytest.mark.parametrize("what, number", [("segfault", signal.SIGSEGV), ("abort", signal.SIGABRT)])
@pytest.mark.parametrize("point", ["validate_connect", "validate_data_spool"])
def test_a_crash_in_a_hook_is_named(misbehaving, what, number, point):
    """On stderr and in the paniclog, before the process ends with the signal."""
    impulse = misbehaving(what, point=point)
    with Wire(impulse.address) as client:
        with pytest.raises(ConnectionError):
            first_refusal(client)
    assert impulse.process.wait(patience(20)) == -number
    impulse.forget()
    line = f"module misbehaves: its hook at {point} crashed: {number.name}"
    assert f"impulse: {line}\n" in impulse.said()
    assert line in impulse.paniclog()


@pytest.mark.plain
@pytest.mark.parametrize("what, words", [
    ("segfault_tick", "its tick"), ("segfault_work", "its job"), ("segfault_log", "its log hook"),
    ("segfault_teardown", "its teardown"), ("segfault_deliver", "its delivery_method misbehaves"),
    ("segfault_cancelled", "the cancel function of its hook at validate_rcptto"),
    ("segfault_block", "its hook at validate_rcptto"),
    ("segfault_queue", "its question to the queues"), ("segfault_inject", "its injection"),
])
def test_a_crash_in_any_callback_is_named(misbehaving, what, words):
    outer = 'delivery_method = "misbehaves"' if "deliver" in what else ""
    impulse = misbehaving(what, outer=outer, deadline_ms=200)
    with Wire(impulse.address) as client:
        try:
            first_refusal(client, "good@rcpt.example" if "deliver" in what else "b@rcpt.example")
        except ConnectionError:
            pass
        if "teardown" in what:
            impulse.process.terminate()
        assert impulse.process.wait(patience(20)) == -signal.SIGSEGV
    impulse.forget()
    assert f"impulse: module misbehaves: {words} crashed: SIGSEGV\n" in impulse.said()


def test_an_exit_in_a_hook_is_named(misbehaving):
    impulse = misbehaving("exit")
    with Wire(impulse.address) as client:
        with pytest.raises(ConnectionError):
            first_refusal(client)
    assert impulse.process.wait(patience(20)) == 1
    impulse.forget()
    assert "impulse: module misbehaves: its hook at validate_rcptto called exit()\n" in impulse.said()


def test_a_delivery_that_has_no_result_is_named_and_tried_again(misbehaving):
    impulse = misbehaving("deliver", outer='delivery_method = "misbehaves"')
    with Wire(impulse.address) as client:
        assert first_refusal(client).code == 250
    impulse.await_log("T")
    assert 'module misbehaves: its delivery_method "misbehaves" returned 7, which is no result' in \
        impulse.await_panic("no result")


def test_nothing_happens_while_the_daemon_is_taken_apart(misbehaving, installed, modules):
    """A job holds up the end for longer than a tick takes to come, and there is a timer to be closed then."""
    build(installed, "concierge", modules)
    impulse = misbehaving("job", ms=2500, outer="concierge { }")
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
    impulse.process.send_signal(signal.SIGTERM)
    impulse.await_panic("impulsed stopped")
    impulse.reload()
    impulse.stop()
    assert "reload" not in impulse.paniclog()


# ---- NULL, and structs without a size -----------------------------------------------------------------------------------


@pytest.fixture
def careless(with_modules):
    return with_modules("careless")


def test_calls_without_what_they_need_are_refused(careless, site):
    port = free_port()
    careless.start(site.config(f'careless {{ Listen "127.0.0.1:{port}" {{ }} }}'))
    careless.await_panic("module careless: it starts a job without a function")
    careless.await_panic("behind the last record: nothing")
    with socket.create_connection(("127.0.0.1", port), timeout=patience(10)) as client:
        client.sendall(b"x\n")
        assert client.recv(100) == b"refused 3\n", "its first handler stays, and nothing else takes the connection"
    careless.await_panic("the connection was taken before")
    with Wire(careless.address) as client:
        client.greet()
    careless.await_panic("module careless: its hook at validate_connect: imp_recipient_at was called with NULL")
    careless.stop()
    assert "careless: no session: nothing" in careless.paniclog()


@pytest.mark.parametrize("what, said", [
    ("hook", "imp_hook_add: the hook's size is not set"), ("hook_cut", "imp_hook_add: the hook has no point or no function"),
    ("point", "imp_point_declare: the point's size is not set"), ("log", "imp_hook_log: the struct has no size"),
    ("metric", "the row of a metric has no size"), ("tls", "imp_tls_create: the struct has no size"),
    ("command", "imp_command_add: size"), ("smtp", "imp_smtp_add: the struct has no size"),
    ("delivery", "imp_delivery_method: the method's size is not set")])
def test_registering_without_what_it_needs_is_refused(careless, site, what, said):
    told = careless.failed_start(site.config(f'careless {{ what = "{what}" }}'))
    assert f"module careless: {said}" in told and "crashed" not in told, told

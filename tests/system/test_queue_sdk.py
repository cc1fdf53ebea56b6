"""Queued messages as modules see and change them (impulse/queue.h)."""
import re
import threading

import pytest

from harness import await_true
from harness.capture import Capture
from harness.console import Console
from harness.messages import EXACT
from harness.sdk import build
from harness.wire import Wire
from test_metrics import metrics

READY, DELAYED, IN_FLIGHT = 1, 2, 4


class Row:
    def __init__(self, line):
        id, sender, self.recipient, self.binding, state, retries, wait, size, *rest = line.split(" ", 8)
        self.id, self.sender, self.state, self.retries = int(id), sender.strip("<>"), int(state), int(retries)
        self.wait, self.bytes, self.result = int(wait), int(size), " ".join(rest)


@pytest.fixture
def office(with_modules, site):
    """impulse with a console and the module queue_demo."""
    impulse = with_modules("queue_demo")
    impulse.path = site.directory / "2025"
    impulse.text = lambda outer="", listener="", **more: site.config(
        f'queue_demo {{ }}\n{outer}\nControl_Listener {{ Listen "{impulse.path}" {{ }} }}\n', listener, **more)
    return impulse


NOWHERE = 'gateway = "127.0.0.1"\nremote_smtp_port = 1\nretry_interval = 3600\n'


def ask(office, what, argument="-", **filters):
    """The rows, and what the end says."""
    words = " ".join(f'"{name}={value}"' for name, value in filters.items())
    with Console(office.path, seconds=60) as console:
        *lines, last = console.run(f'q {what} "{argument}" {words}').splitlines()
    seen, matched, complete = re.fullmatch(r"seen (\d+) matched (\d+) (complete|incomplete)", last).groups()
    return [Row(line) for line in lines] if what != "queues" else lines, int(seen), int(matched), complete


def send(office, *recipients, sender="a@sender.example"):
    with Wire(office.address) as client:
        client.greet()
        client.command(f"MAIL FROM:<{sender}>", 250)
        for recipient in recipients:
            client.command(f"RCPT TO:<{recipient}>", 250)
        client.command("DATA", 354)
        client.send(EXACT["plain"] + b".\r\n")
        assert client.reply().code == 250


def delayed(office, count):
    await_true(lambda: ask(office, "list", state=DELAYED)[2] == count, f"{count} messages that wait for a retry")


@pytest.fixture(params=["spooled", "deferred"])
def waiting(office, request):
    """Three messages that cannot be delivered, and wait for an hour."""
    office.start(office.text(NOWHERE, listener="deferred_spool = true" if request.param == "deferred" else ""))
    send(office, "one@rcpt.example", "two@rcpt.example")
    send(office, "three@other.example", sender="")
    delayed(office, 3)
    return office


# ---- looking -----------------------------------------------------------------------------------------------------------


def test_what_is_shown(waiting):
    rows, seen, matched, complete = ask(waiting, "list")
    assert seen == matched == 3 and complete == "complete"
    rows.sort(key=lambda row: row.id)
    assert [row.recipient for row in rows] == ["one@rcpt.example", "two@rcpt.example", "three@other.example"]
    assert [row.sender for row in rows] == ["a@sender.example", "a@sender.example", ""]
    assert {row.binding for row in rows} == {"default"}
    assert {row.state for row in rows} == {DELAYED} and {row.retries for row in rows} == {1}
    assert all(3500 < row.wait <= 3600 for row in rows) and all(row.bytes > 100 for row in rows)
    assert sorted(ask(waiting, "queues")[0]) == ["default other.example 1 0 0", "default rcpt.example 2 0 0"]


def test_filters(waiting):
    rows = {row.recipient.split("@")[0]: row for row in ask(waiting, "list")[0]}

    def found(**filters):
        return sorted(row.recipient.split("@")[0] for row in ask(waiting, "list", **filters)[0])

    assert found(domain="RCPT.example") == ["one", "two"]
    assert found(recipient="three@other.example") == ["three"]
    assert found(sender="a@sender.example") == ["one", "two"]
    assert found(binding="default") == ["one", "three", "two"]
    assert found(binding="other") == found(state=READY) == found(id=4711) == []
    assert found(id=rows["two"].id) == ["two"]
    assert len(found(limit=2)) == 2
    assert ask(waiting, "list", limit=2)[3] == "incomplete"
    assert ask(waiting, "list", id=rows["two"].id)[3] == "complete"
    assert ask(waiting, "queues", domain="other.example")[0] == ["default other.example 1 0 0"]


def test_the_last_answer(waiting):
    row = ask(waiting, "list")[0][0]
    with Console(waiting.path) as console:
        assert re.match(rf"{row.id} \[.*\] 4\d\d .*\[internal\].*\n", console.run(f"q answer {row.id}"))
        assert console.run("q answer 4711") == "4711 [nobody] nothing\n"


def test_thousands_are_each_shown_once(office):
    """While they are looked through, others arrive and fall due."""
    office.start(office.text("suspend_delivery = true"))
    for _ in range(10):
        with Wire(office.address) as client:
            client.greet()
            for _ in range(10):
                client.command("MAIL FROM:<a@sender.example>", 250)
                for number in range(50):
                    client.command(f"RCPT TO:<x@d{number % 7}.example>", 250)
                client.command("DATA", 354)
                client.send(EXACT["plain"] + b".\r\n")
                assert client.reply().code == 250
    await_true(lambda: metrics(office)["impulse_queue_messages"] == 5000, "all of them")
    over = threading.Event()

    def go_on():
        while not over.is_set():
            send(office, "late@d0.example")

    other = threading.Thread(target=go_on)
    other.start()
    try:
        ask(office, "later", 3600, domain="d1.example", limit=300)
        for _ in range(5):
            rows, _, _, complete = ask(office, "list", sender="a@sender.example")
            early = [row.id for row in rows if row.recipient.startswith("x@")]
            assert complete == "complete" and len(early) == len(set(early)) == 5000
    finally:
        over.set()
        other.join()
    assert ask(office, "list", state=DELAYED)[2] == 300


def test_in_flight(office, capture):
    """The next hop holds one message back: it is shown, and cannot be changed."""
    held = threading.Event()
    hold = Capture(behave=lambda session, command, *_: held.wait(30) and None if command.startswith("DATA") else None)
    try:
        office.start(office.text(to=hold))
        send(office, "one@rcpt.example")
        await_true(lambda: ask(office, "list", state=IN_FLIGHT)[2] == 1, "the attempt")
        row, = ask(office, "remove", "no")[0]
        assert row.result == "Device or resource busy"
        lines, seen, _, complete = ask(office, "queues")
        assert seen == 0 and complete == "complete", "who asks for queues alone is shown no message"
        assert [line.split()[:3] for line in lines] == [["default", "rcpt.example", "1"]]
    finally:
        held.set()
    office.await_log("D")
    assert ask(office, "list")[2] == 0
    hold.stop()


# ---- changing ----------------------------------------------------------------------------------------------------------


def test_retry(waiting):
    assert len(ask(waiting, "retry", domain="rcpt.example")[0]) == 2
    waiting.await_log("T", 5)
    delayed(waiting, 3)
    assert sorted(row.retries for row in ask(waiting, "list")[0]) == [1, 2, 2]


def test_reschedule(waiting):
    ask(waiting, "later", 7200, domain="rcpt.example")
    rows = ask(waiting, "list", domain="rcpt.example")[0]
    assert len(rows) == 2 and all(7100 < row.wait <= 7200 for row in rows)
    waiting.kill()
    waiting.start(waiting.text(NOWHERE))
    await_true(lambda: ask(waiting, "list")[2] == 3, "recovery")
    rows = ask(waiting, "list", domain="rcpt.example")[0]
    assert all(7000 < row.wait <= 7200 and row.retries == 1 for row in rows)
    with Console(waiting.path) as console:
        assert "[internal]" in console.run(f"q answer {rows[0].id}"), "the last answer is still there"


def test_reschedule_to_now_and_ready_ones(office, capture):
    office.start(office.text("suspend_delivery = true"))
    send(office, "one@rcpt.example")
    await_true(lambda: ask(office, "list", state=READY)[2] == 1, "its arrival")
    ask(office, "later", 3600)
    assert ask(office, "list")[0][0].state == DELAYED
    ask(office, "later", 0)
    await_true(lambda: ask(office, "list", state=READY)[2] == 1, "its time")
    office.kill()
    office.start(office.text(to=capture))
    capture.wait(1)
    await_true(lambda: metrics(office)["impulse_queue_messages"] == 0, "the end of it")
    office.stop()
    office.start(office.text())
    assert ask(office, "list")[2] == 0 and not re.search("[1-9][0-9]* damaged", office.paniclog())


def test_fail(waiting, capture):
    """The sender hears of it; a null sender does not."""
    assert len(ask(waiting, "fail", "we gave up")[0]) == 3
    records = waiting.await_log("P", 3)
    assert all("550 5.7.0 [internal] we gave up" in record.line for record in records)
    await_true(lambda: ask(waiting, "list", sender="a@sender.example")[2] == 0, "the end of them")
    rows = [row for row in ask(waiting, "list")[0]]
    assert len(rows) == 2 and {row.recipient for row in rows} == {"a@sender.example"}, "two notifications"


def test_remove(waiting):
    assert len(ask(waiting, "remove", "not wanted", domain="rcpt.example")[0]) == 2
    records = waiting.await_log("P", 2)
    assert all("554 5.7.0 [internal] not wanted" in record.line for record in records)
    row, = ask(waiting, "list")[0]
    assert row.recipient == "three@other.example"
    waiting.stop()
    waiting.start(waiting.text(NOWHERE))
    await_true(lambda: ask(waiting, "list")[2] == 1, "what is left")
    assert not re.search("[1-9][0-9]* damaged", waiting.paniclog())


def test_another_recipient(office, captures):
    there = captures()
    office.start(office.text(f'{NOWHERE}\nDomain "new.example" {{ gateway = "{there.address[0]}" '
                             f'remote_smtp_port = {there.port} }}'))
    send(office, "one@rcpt.example")
    delayed(office, 1)
    old, = ask(office, "to", "two@new.example")[0]
    message, = there.wait(1)
    assert message.recipients == ["two@new.example"] and message.sender == "a@sender.example"
    assert message.content.endswith(EXACT["plain"])
    assert "554 5.7.0 [internal] sent elsewhere" in office.await_log("P")[0].line
    assert len(office.await_log("R", 2)) == 2 and len(office.await_log("D", 1)) == 1
    await_true(lambda: ask(office, "list")[2] == 0, "the end of it")


def test_modules_hear_of_it_on_an_event_loop(office, modules, installed):
    build(installed, "moments", modules)
    office.start(office.text(f"moments {{ }}\n{NOWHERE}"))
    send(office, "one@rcpt.example")
    delayed(office, 1)
    ask(office, "bind", "other")
    await_true(lambda: office.paniclog().count("core_ec_message_enqueue: one@rcpt.example") == 2, "its second arrival")
    assert "on no event loop" not in office.paniclog()


def test_not_a_recipient(waiting):
    rows = ask(waiting, "to", "nobody")[0]
    assert {row.result for row in rows} == {"Invalid argument"}
    assert ask(waiting, "list", state=DELAYED)[2] == 3, "nothing has changed"


def test_another_binding_survives_a_crash(waiting, capture):
    ask(waiting, "bind", "other", domain="rcpt.example")
    await_true(lambda: ask(waiting, "list", binding="other", state=DELAYED)[2] == 2, "attempts with the other binding")
    waiting.kill()
    waiting.start(waiting.text(f'{NOWHERE}\nBinding "other" {{ gateway = "{capture.address[0]}" '
                               f'remote_smtp_port = {capture.port} }}'))
    await_true(lambda: ask(waiting, "list")[2] == 3, "recovery")
    assert len(ask(waiting, "retry", binding="other")[0]) == 2
    await_true(lambda: sum(len(message.recipients) for message in capture.messages) == 2, "both")
    assert all(message.content.endswith(EXACT["plain"]) for message in capture.messages)
    await_true(lambda: ask(waiting, "list")[2] == 1, "the rest")
    waiting.stop()
    waiting.start(waiting.text(NOWHERE))
    await_true(lambda: ask(waiting, "list")[2] == 1, "the rest, again")
    assert not re.search("[1-9][0-9]* damaged", waiting.paniclog())


def test_the_end_cuts_it_short(office):
    """SIGTERM while questions are under way: a clean end."""
    office.start(office.text("suspend_delivery = true"))
    for _ in range(20):
        send(office, *(f"x@d{number}.example" for number in range(50)))
    consoles = [Console(office.path) for _ in range(10)]
    for console in consoles:
        console.send("q list -\n")
    office.stop()
    for console in consoles:
        console.close()

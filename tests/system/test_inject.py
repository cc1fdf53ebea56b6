"""Messages that a module makes (impulse/inject.h)."""
import re

import pytest

from harness import await_true, fill
from harness.console import Console
from test_metrics import metrics

HEADER = b"From: demo@sender.example\r\nSubject: injected\r\n\r\n"
SENDER = "demo@sender.example"


def content(size):
    """What the module fills in."""
    text = bytearray(HEADER)
    for at in range(len(HEADER), size):
        column = (at - len(HEADER)) % 78
        text.append(13 if column == 76 else 10 if column == 77 else ord("a") + at % 26)
    return bytes(text[:size])


def complete(data):
    return data if data.endswith(b"\r\n") else data + b"\r\n"


@pytest.fixture
def office(with_modules, site):
    """impulse with a console and the module inject_demo."""
    impulse = with_modules("inject_demo")
    impulse.path = site.directory / "2025"
    impulse.text = lambda outer="", **more: site.config(
        f'inject_demo {{ }}\n{outer}\nControl_Listener {{ Listen "{impulse.path}" {{ }} }}\n', **more)
    return impulse


def inject(office, line):
    with Console(office.path, seconds=60) as console:
        return console.run(f"inject {line}")


def split(message):
    """The Received field that was added, and the rest."""
    received, rest = re.fullmatch(rb"(Received: [^\r]+\r\n(?:\t[^\r]+\r\n)*)(.*)", message, re.S).groups()
    return received.decode(), rest


def test_a_small_message(office, capture):
    office.start(office.text(to=capture))
    assert inject(office, f"bytes 500 {SENDER} bob@rcpt.example") == "stored, 1 messages, batch yes\n"
    message, = capture.wait(1)
    received, rest = split(message.content)
    assert rest == complete(content(500))
    assert message.sender == SENDER and message.recipients == ["bob@rcpt.example"]
    record, = office.await_log("R")
    assert "@internal@" in record.line and "127.0.0.1" in record.line
    assert re.fullmatch(r"Received: by \S+ \(Impulse\) id \S+\r\n\tfor <bob@rcpt\.example>;\r\n\t.* [+-]\d{4}\r\n",
                        received)
    await_true(lambda: metrics(office)["impulse_injected_messages_total"] == 1, "the count")
    assert metrics(office)["impulse_injections"] == metrics(office)["impulse_injection_bytes"] == 0


@pytest.mark.parametrize("form", ["bytes", "read"])
@pytest.mark.parametrize("size", [131072, 131073, 262144, 300000, 5000000])
def test_sizes(office, capture, form, size):
    office.start(office.text(to=capture))
    inject(office, f"{form} {size} {SENDER} bob@rcpt.example")
    message, = capture.wait(1)
    assert split(message.content)[1] == complete(content(size))


def test_bare_line_ends_become_lines(office, capture):
    office.start(office.text(to=capture))
    inject(office, f"bare 0 {SENDER} bob@rcpt.example")
    message, = capture.wait(1)
    assert split(message.content)[1] == b"Subject: bare\r\n\r\nline\r\n.\r\nend\r\n"


def test_several_recipients_share_a_transaction(office, capture):
    office.start(office.text(to=capture))
    assert inject(office, f'bytes 500 "" a@rcpt.example b@rcpt.example c@other.example') == \
        "stored, 3 messages, batch yes\n"
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) == 3, "all of them")
    assert sorted(m.recipients for m in capture.messages) == [["a@rcpt.example", "b@rcpt.example"],
                                                              ["c@other.example"]]
    assert {m.sender for m in capture.messages} == {""}


def test_a_binding_and_no_received_field(office, capture):
    office.start(office.text(f'Binding "other" {{ gateway = "{capture.address[0]}" '
                             f'remote_smtp_port = {capture.port} }}'))
    inject(office, f"plain 500 {SENDER} bob@rcpt.example")
    message, = capture.wait(1)
    assert message.content == complete(content(500))
    record, = office.await_log("D")
    assert "@other@" in record.line


def test_what_is_given_up_leaves_nothing(office, capture):
    office.start(office.text(to=capture))
    with Console(office.path) as console:
        assert console.fail(f"inject cancel 3000000 {SENDER} bob@rcpt.example") == \
            "the module gave it up, 0 messages, batch yes\n"
    assert metrics(office)['impulse_injections_refused_total{reason="cancelled"}'] == 1
    office.stop()
    office.start(office.text(to=capture))
    assert "recovered" not in office.paniclog().split("started")[-1]


@pytest.mark.parametrize("who", ['demo bob@rcpt.example', f'{SENDER} bob', f'{SENDER} ""',
                                 f'{SENDER} "bob@rcpt.example\\r\\nX"', f'{SENDER} "<bob@rcpt.example>"',
                                 f'{SENDER} "@relay.example:bob@rcpt.example"', f'{SENDER} "bob@rcpt.example> x"'])
def test_an_address_that_is_none(office, who):
    office.start(office.text())
    with Console(office.path) as console:
        assert console.fail(f"inject bytes 500 {who}") == "refused: Invalid argument\n"
    assert "module inject_demo: imp_inject: not a" in office.await_panic("imp_inject")


def test_too_large_at_once(office):
    office.start(office.text())
    with Console(office.path) as console:
        assert console.fail(f"inject bytes 16777217 {SENDER} bob@rcpt.example") == "refused: File too large\n"


def test_the_budget(office, capture):
    office.start(office.text("suspend_delivery = true"))
    said = inject(office, f"burst 30000 {SENDER} bob@rcpt.example")
    stored, failed, refused = map(int, re.fullmatch(r"(\d+) stored, (\d+) failed, (\d+) refused\n", said).groups())
    assert stored + refused == 30000 and failed == 0 and stored >= 10000
    values = metrics(office)
    assert values["impulse_injected_messages_total"] == stored == values["impulse_queue_messages"]
    assert values['impulse_injections_refused_total{reason="busy"}'] == refused


def test_a_full_disk(small_disk, office, capture):
    """It is refused at once when that is known, else told to `done`; when there is room again, it is stored."""
    office.start(office.text(to=capture))
    other = small_disk / "something-else"
    fill(other)

    def outcome(form):
        with Console(office.path, seconds=60) as console:
            console.send(f"inject {form} 300000 {SENDER} bob@rcpt.example\n")
            return console.answer()[1]

    await_true(lambda: outcome("bytes") == "refused: No space left on device\n", "the refusal")
    assert outcome("read") == "refused: No space left on device\n"
    before = len(capture.messages)
    other.unlink()
    await_true(lambda: "stored" in outcome("read"), "room again")
    await_true(lambda: len(capture.messages) > before, "its delivery")
    assert metrics(office)['impulse_injections_refused_total{reason="full"}'] >= 2


def test_it_survives_a_crash(office, capture):
    office.start(office.text("suspend_delivery = true", to=capture))
    inject(office, f"read 600000 {SENDER} bob@rcpt.example")
    office.kill()
    office.start(office.text(to=capture))
    message, = capture.wait(1)
    assert split(message.content)[1] == complete(content(600000))


def test_the_end_waits_for_it(office, capture):
    """SIGTERM while thousands are on their way: each is stored or refused, and the end is clean."""
    office.start(office.text("suspend_delivery = true"))
    console = Console(office.path)
    console.send(f"inject burst 20000 {SENDER} bob@rcpt.example\n")
    await_true(lambda: metrics(office)["impulse_injected_messages_total"] > 0, "the first to be stored")
    office.stop()
    console.close()

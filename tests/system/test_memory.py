"""Memory: mail is refused before the machine has none left, and what arrives may hold no more than its budget."""
import pytest

from harness import await_true
from harness.wire import Wire
from test_budgets import budget
from test_metrics import metrics


@pytest.fixture
def office(impulse, site, capture):
    impulse.path = site.directory / "2025"
    impulse.text = lambda outer: site.config(f'{outer}\nControl_Listener {{ Listen "{impulse.path}" {{ }} }}\n', to=capture)
    return impulse


def first_answer(office):
    with Wire(office.address) as client:
        client.greet()
        return client.command("MAIL FROM:<a@sender.example>").code


def test_mail_is_refused_above_the_high_water_mark(office, capture):
    """More than one percent of a machine's memory is always in use."""
    office.start(office.text("memory_hwm = 1\nmemory_goal = 1"))
    assert "(memory_hwm 1, memory_goal 1): messages are refused with 452" in office.await_panic("memory:")
    with Wire(office.address) as client:
        client.greet()
        assert client.command("MAIL FROM:<a@sender.example>").text == "452 4.3.1 insufficient memory, try again later"
        assert client.command("NOOP").code == 250
        shown = metrics(office, "impulse_memory_")
        assert shown["impulse_memory_refusing"] == 1 and shown["impulse_memory_refused_total"] == 1
        assert 0 < shown["impulse_memory_used_bytes"] < shown["impulse_memory_limit_bytes"]
    office.write(office.text("memory_hwm = 100\nmemory_goal = 100"))
    office.reload()
    office.await_panic("messages are accepted again")
    with Wire(office.address) as client:
        client.greet()
        assert client.mail(b"Subject: x\r\n\r\nbody\r\n", recipients=["b@rcpt.example"]).code == 250
    capture.wait(1)


def test_refusing_does_not_end_between_the_marks(office):
    office.start(office.text("memory_hwm = 1\nmemory_goal = 1"))
    office.await_panic("memory:")
    office.write(office.text("memory_hwm = 100\nmemory_goal = 1"))
    office.reload()
    await_true(lambda: first_answer(office) == 452, "the loop has the new configuration")
    assert metrics(office, "impulse_memory_refusing")["impulse_memory_refusing"] == 1


def test_a_spool_that_does_not_fit(office, capture):
    """What fits is delivered, the rest stays in the spool for a start with more memory."""
    many = [f"r{number}@rcpt.example" for number in range(1500)]
    office.start(office.text("suspend_delivery = true"))
    with Wire(office.address) as client:
        client.greet()
        for _ in range(4):
            assert client.mail(b"Subject: x\r\n\r\nbody\r\n", recipients=many).code == 250
    office.kill()
    office.start(office.text("suspend_delivery = true\nmemory_goal = 1"))
    assert "memory is too small for 1500 more messages" in office.await_panic("too small")
    assert first_answer(office) == 452
    office.kill()
    office.start(office.text(""))
    await_true(lambda: sum(len(message.recipients) for message in capture.messages) == 4 * len(many), "all are delivered")


MIB = 1 << 20


def begin(address):
    client = Wire(address)
    client.greet()
    client.command("MAIL FROM:<a@sender.example>", 250)
    client.command("RCPT TO:<b@rcpt.example>", 250)
    client.command("DATA", 354)
    return client


@pytest.mark.parametrize("content", [b"x" * 200000, b"Subject: x\r\n\r\n" + b"x" * 900000],
                         ids=["headers without an end", "bodies without an end"])
def test_content_that_arrives_has_a_budget(office, capture, content):
    """Who holds most is not read, and ended when it does not move; small and large messages of others get through."""
    office.start(office.text(f"arriving_content_memory = {4 * MIB}\nlarge_message_threshold = {16 * MIB}"))
    clients = [begin(office.address) for _ in range(80)]
    for client in clients:
        client.socket.setblocking(False)
        try:
            client.socket.send(content)
        except BlockingIOError:
            pass
    await_true(lambda: budget(office, "arriving_content")[2] > 0, "the budget is full")
    assert "the sessions that hold most of it wait" in office.await_panic("arriving_content_memory")
    with Wire(office.address) as newcomer:
        newcomer.greet()
        assert newcomer.mail(b"Subject: x\r\n\r\n" + b"x" * 900 + b"\r\n", recipients=["b@rcpt.example"]).code == 250
        used, limit, _ = budget(office, "arriving_content")
        assert limit == 4 * MIB and used < 8 * MIB
    with Wire(office.address, timeout=60) as large:
        large.greet()
        body = b"Subject: x\r\n\r\n" + (b"x" * 76 + b"\r\n") * 20000
        assert large.mail(body, recipients=["b@rcpt.example"]).code == 250
    capture.wait(2)
    for client in clients:
        client.close()
    await_true(lambda: budget(office, "arriving_content")[0] == 0, "all is given back", seconds=60)


def test_chunks_do_not_pass_by_the_budget(office, site, capture):
    """Content in many small chunks (RFC 3030), each within one read: a session that waits is not read on."""
    office.start(site.config(f'arriving_content_memory = {MIB}\nlarge_message_threshold = {16 * MIB}\n'
                             f'Control_Listener {{ Listen "{office.path}" {{ }} }}\n',
                             listener='SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "CHUNKING" )', to=capture))
    chunk = b"BDAT 1000\r\n" + b"x" * 998 + b"\r\n"
    clients = []
    for _ in range(60):
        client = Wire(office.address)
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command(b"BDAT 14\r\nSubject: x\r\n\r\n", 250)
        clients.append(client)
    waiting = set()
    for _ in range(60):
        for client in set(clients) - waiting:
            client.socket.settimeout(0.3)
            try:
                client.command(chunk)
            except (OSError, AssertionError):
                waiting.add(client)
    used, limit, refused = budget(office, "arriving_content")
    assert limit == MIB and used < 2 * MIB and refused > 0
    for client in clients:
        client.close()
    await_true(lambda: budget(office, "arriving_content")[0] == 0, "all is given back", seconds=60)

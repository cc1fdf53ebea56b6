"""kill -9: what was answered 250 is delivered after the restart, and nothing twice unless its delivery was under way.

The load clients write down a token for each 250 they read. The daemon is killed at random moments while messages
come in and go out. At the end everything drains to the capture server, and the two lists are compared.
"""
import random
import re
import threading
import time

from harness import await_true, patience, scaled
from harness.messages import header, large
from harness.wire import Wire

ROUNDS = scaled(20, 6)
CLIENTS = 4
# A delivery is under way until its removal is written: after the next hop's reply that can take as long as the reply
# stays in a socket, and as long as the commit before it and its own last. A commit takes what clients waited for their
# 250 shortly before the kill. Most rounds last longer, so that a removal that is never written is noticed.
IN_SOCKETS = scaled(0.2, 1.0)
COMMITS = 2
ROUND = (0.2, scaled(1.2, 2.5))  # seconds under load before the kill


class Load(threading.Thread):
    """One client: message after message until the server dies. Sizes vary; some have several recipients."""

    def __init__(self, address, round_number, number, bodies):
        super().__init__(daemon=True)
        self.address, self.bodies = address, bodies
        self.name = f"{round_number}-{number}"
        self.random = random.Random(self.name)
        self.accepted = []  # (token, recipient) of everything answered 250
        self.refused = []
        self.waited = []    # (when, seconds it took) of each 250

    def run(self):
        number = 0
        try:
            with Wire(self.address, 10) as client:
                client.greet()
                while True:
                    number += 1
                    token = f"{self.name}-{number}"
                    recipients = [f"r{i}@d{self.random.randrange(5)}.example"   # some share a transaction out
                                  for i in range(self.random.choice([1, 1, 1, 3]))]
                    body = self.random.choices(self.bodies, [80, 15, 5])[0]
                    began = time.monotonic()
                    reply = client.mail(f"X-Token: {token}\r\n".encode() + body, recipients=recipients)
                    self.waited.append((time.monotonic(), time.monotonic() - began))
                    if reply.code == 250:
                        self.accepted += [(token, recipient) for recipient in recipients]
                    else:
                        self.refused.append(reply)
        except (ConnectionError, TimeoutError):
            pass  # killed


def delivered_copies(capture):
    copies = {}
    for message in capture.messages:
        found = re.search(rb"^X-Token: (\S+)\r$", message.content, re.M)
        assert found, f"nobody sent this: {message.content[:1000]!r}"
        token = found[1].decode()
        for recipient in message.recipients:
            copies.setdefault((token, recipient), []).append(message)
    return copies


def test_kill_under_load(impulse, site, capture, record_property):
    bodies = [header() + b"small\r\n", header() + b"medium\r\n" * 2000, large(scaled(600_000, 300_000))]
    moment = random.Random(9)
    accepted, refused, kills = [], [], []  # kills: (when, how long before it a delivery may have been under way)
    config = site.config("retry_interval = 1", to=capture)
    for round_number in range(ROUNDS):
        impulse.start(config)
        clients = [Load(impulse.address, round_number, number, bodies) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        await_true(lambda: any(client.accepted for client in clients), "the first 250 of the round")
        time.sleep(moment.uniform(*ROUND))  # the moment of the kill, not a wait for anything
        killed = time.monotonic()
        impulse.kill()
        for client in clients:
            client.join(patience(20))
            assert not client.is_alive()
            accepted += client.accepted
            refused += client.refused
        commit = max((took for client in clients for when, took in client.waited if when > killed - 0.5), default=0)
        kills.append((killed, IN_SOCKETS + COMMITS * commit))
    assert not refused, refused[:5]

    impulse.start(config)
    missing = set(accepted)

    def drained():
        missing.difference_update(delivered_copies(capture))
        return not missing

    try:
        await_true(drained, "everything delivered", 60)
    except AssertionError:
        pass  # told below, with numbers
    copies = delivered_copies(capture)
    twice, unexplained = 0, []
    for name, messages in copies.items():
        for earlier in messages[:-1]:
            twice += 1
            # The kill that ended the process which made this delivery: what it had sent may be read only later.
            kill, window = next((k for k in kills if earlier.session.began <= k[0]), (None, 0))
            if kill is None or (earlier.answered is not None and kill - earlier.answered > window):
                unexplained.append((name, kill and kill - earlier.answered, window))
    # ./check shows what tests record.
    record_property("kill -9", f"{ROUNDS} rounds: {len(accepted)} recipients answered 250, {len(copies)} delivered, "
                    f"{len(missing)} missing; {twice} delivered twice, {len(unexplained)} of them not under way at a kill")
    assert not missing, sorted(missing)[:10]
    assert not unexplained, unexplained[:10]
    assert len(accepted) > ROUNDS * CLIENTS / 2, "too little load to show anything"


def test_kill_while_nothing_moves(impulse, site, captures):
    """Messages that wait in the queue survive several kills, with their content and their recipients."""
    sent = {f"r{i}@d.example": header() + f"message {i}\r\n".encode() * (1 + 8000 * (i % 2)) for i in range(10)}
    closed = captures()
    closed.stop()
    config = site.config("retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none", to=closed)
    impulse.start(config)
    with Wire(impulse.address) as client:
        client.greet()
        for recipient, content in sent.items():
            assert client.mail(content, recipients=[recipient]).code == 250
    for _ in range(3):
        impulse.kill()
        impulse.start(config)
    impulse.kill()
    opened = captures(("127.0.0.1", closed.port))
    impulse.start(config)
    opened.wait(len(sent))
    for message in opened.messages:
        assert message.content.endswith(sent.pop(message.recipients[0]))
    assert not sent

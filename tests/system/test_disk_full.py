"""The spool's disk is full: 452 4.3.1, nothing is lost of what was accepted, and mail flows again when there is room."""
import os
import subprocess
import time

from harness import await_true, fill, scaled
from harness.messages import header, large
from harness.wire import Wire


def offer(client, content, recipient):
    """One transaction, refused anywhere or accepted: the deciding reply."""
    for line in ("MAIL FROM:<a@sender.example>", f"RCPT TO:<{recipient}>", "DATA"):
        reply = client.command(line)
        if reply.code >= 400:
            client.command("RSET", 250)
            return reply
    client.send(content + b".\r\n")
    return client.reply()


def test_full_and_free_again(impulse, site, small_disk, captures):
    closed = captures()
    closed.stop()
    config = site.config("retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none", to=closed)
    impulse.start(config)
    other = small_disk / "something-else"
    content = header() + b"x" * 70 + b"\r\n"
    accepted = []
    with Wire(impulse.address, timeout=30) as client:
        client.greet()
        assert offer(client, content, "before@d.example").code == 250
        accepted.append("before@d.example")

        fill(other)  # somebody else takes the room

        # What was under way may still find some; then the answer is 452 4.3.1, and the session goes on.
        refusal, number, end = None, 0, time.monotonic() + 15
        while not refusal and time.monotonic() < end:
            number += 1
            reply = offer(client, content + (b"y" * 998 + b"\r\n") * 20, f"r{number}@d.example")
            if reply.code == 250:
                accepted.append(f"r{number}@d.example")
            else:
                refusal = reply
        assert refusal and refusal.text.startswith("452 4.3.1 "), refusal
        assert client.command("NOOP").code == 250

        other.unlink()
        await_true(lambda: offer(client, content, "after@d.example").code == 250, "accepted again")
        accepted.append("after@d.example")
    impulse.kill()
    opened = captures(("127.0.0.1", closed.port))
    impulse.start(config)
    await_true(lambda: set(accepted) <= {m.recipients[0] for m in opened.messages}, "all of it delivered", 30)
    assert len(opened.messages) == len(accepted)


def test_a_large_message_that_does_not_fit(impulse, site, small_disk, capture):
    """The disk fills up in the middle of a message: refused, its chunks are removed, smaller ones still pass."""
    impulse.start(site.config(to=capture))
    other, disk = small_disk / "something-else", os.statvfs(small_disk)
    size = disk.f_blocks * disk.f_frsize - 240 * 2**20
    subprocess.run(["fallocate", "-l", str(size), str(other)], check=True)
    body = large(scaled(1_000_000, 1_000_000))
    with Wire(impulse.address, timeout=60) as client:
        client.greet()
        for line in ("MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>", "DATA"):
            assert client.command(line).code < 400
        for _ in range(300):
            client.send(body.replace(b"\r\n.", b"\r\n.."))
        client.send(b"\r\n.\r\n")
        reply = client.reply()
        assert reply.text.startswith("452 4.3.1 "), reply
        other.unlink()
        await_true(lambda: offer(client, header() + b"small\r\n", "b@rcpt.example").code == 250, "accepted again", 30)
    message, = capture.wait()
    assert message.content.endswith(b"small\r\n")

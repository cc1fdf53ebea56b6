"""A log whose write does not return: mail, reloads and the end go on without it."""
import fcntl
import os

import pytest

from harness import await_true
from harness.messages import EXACT
from harness.wire import Wire

pytestmark = pytest.mark.parametrize("log", ["mainlog", "rejectlog", "paniclog", "stderr", "second"])


class FullPipe:
    """A FIFO that is full: a write into it waits as one to a disk that hangs."""

    def __init__(self, path):
        os.mkfifo(path)
        self.end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, 4096)
        os.write(self.end, b"x" * 4096)

    def read(self):
        """What has come since; there is room again."""
        text = b""
        try:
            while part := os.read(self.end, 65536):
                text += part
        except BlockingIOError:
            pass
        return text.replace(b"x" * 4096, b"").decode()


@pytest.fixture
def pipe(site, impulse, log):
    made = FullPipe(site.log / f"{log}.ec")
    if log == "stderr":
        impulse.prefix = ["sh", "-c", f'exec "$@" 2>{site.log}/stderr.ec', "sh"]
    yield made
    os.close(made.end)


def config(site, capture, log):
    second = f'ec_logger "other" {{ mainlog = "{site.log}/second.ec" rejectlog = "" paniclog = "" }}' if log == "second" else ""
    return site.config(second, to=capture)


def exchange(impulse, capture):
    """A message that is delivered, and a rejection."""
    before = len(capture.messages)
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"]).code == 250
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<>", 501)
    await_true(lambda: len(capture.messages) > before, "the delivery")


def test_all_goes_on_but_the_log(impulse, site, capture, log, pipe):
    impulse.start(config(site, capture, log))
    exchange(impulse, capture)
    impulse.reload()
    await_true(lambda: impulse.notices.count("READY=1") == 2, "the reload")
    exchange(impulse, capture)
    if log in ("mainlog", "second"):
        impulse.await_panic(f"{log}.ec: write: it does not return")
    if log != "mainlog":
        assert len(impulse.await_log("D", 2)) == 2
    impulse.stop()


def test_lines_come_when_it_works_again(impulse, site, capture, log, pipe):
    impulse.start(config(site, capture, log))
    for _ in range(3):
        exchange(impulse, capture)
    impulse.reload()    # the paniclog and stderr say so
    came, wanted = [], {"rejectlog": "501", "paniclog": "reloaded", "stderr": "reloaded"}.get(log, "@R@")
    await_true(lambda: came.append(pipe.read()) or wanted in "".join(came), "its lines")
    if wanted == "@R@":
        await_true(lambda: came.append(pipe.read()) or "".join(came).count("@R@") == 3, "all lines")
    impulse.stop()

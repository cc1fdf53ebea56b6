"""What the system tests and the transcripts share: the daemon, its peers, and the instruments that watch them.

Everything here works on real sockets and real processes. Nothing sleeps a fixed time: `await_true` asks again
until the answer is yes or a deadline has passed.
"""
import os
import time
from pathlib import Path

SANITIZER = os.environ.get("IMPULSE_SANITIZER", "")  # "", "address" or "thread", as ./check built it


def scaled(full, sanitized):
    """A load's size: `full` for a plain build, `sanitized` where a sanitizer makes everything slower."""
    return sanitized if SANITIZER else full


def patience(seconds):
    """A deadline in seconds, longer where a sanitizer makes everything slower."""
    return seconds * (3 if SANITIZER else 1)


def await_true(question, what, seconds=15):
    """Asks until question() is true and returns its answer; fails with `what` after `seconds`."""
    end = time.monotonic() + patience(seconds)
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience(seconds)} s: {what}")
        time.sleep(0.01)


def passable(folder):
    """Lets everybody walk to `folder`, for daemons that drop root: pytest's folders are for their owner alone."""
    for parent in (Path(folder), *Path(folder).parents):
        mode = parent.stat().st_mode
        if mode & 0o011 != 0o011 and parent != Path("/"):
            parent.chmod(mode & 0o7777 | 0o011)


def fill(path):
    """Writes into a new file until the file system is full."""
    with open(path, "wb") as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass

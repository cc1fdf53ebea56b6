"""impulse-load and impulse-sink, the load tools, for tests: what they said as JSON, and their ledgers as lines.

    with Sink(folder, "--at", "mail,refuse=451") as sink:
        sums = load(sink.address, "--messages", "100")
    sink.sums["messages"]
"""
import json
import signal
import subprocess

from . import patience
from .daemon import ENVIRONMENT, PROGRAM, COMPLAINT


def tool(name):
    return str(PROGRAM.parent / name)


def load(address, *arguments, expect=0, **popen):
    """The sums of one run of impulse-load, which must end with status `expect`, unless that is None."""
    done = subprocess.run([tool("impulse-load"), "--json", *map(str, arguments), "%s:%s" % address],
                          capture_output=True, text=True, env=ENVIRONMENT, timeout=patience(120), check=False, **popen)
    assert not COMPLAINT.search(done.stderr), done.stderr
    assert expect is None or done.returncode == expect, \
        f"impulse-load ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout) if done.stdout else done.stderr


def lines(ledger):
    """The lines of a ledger without the first one, as lists of words."""
    return [line.split() for line in ledger.read_text().splitlines()[1:]]


class Sink:
    """An impulse-sink with a ledger, on a port of its own."""

    def __init__(self, folder, *arguments, name="received"):
        self.ledger = folder / name
        self.sums = None
        self.process = subprocess.Popen(
            [tool("impulse-sink"), "--json", "--ledger", self.ledger, *map(str, arguments), "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        said = self.process.stderr.readline()
        assert "listens at" in said, said + self.process.stderr.read()
        self.address = ("127.0.0.1", int(said.rpartition(":")[2]))
        self.port = self.address[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it, and returns its sums."""
        if self.sums:
            return self.sums
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        output, errors = self.process.communicate(timeout=patience(30))
        assert not COMPLAINT.search(errors), errors
        self.sums = json.loads(output)
        assert self.process.returncode == (1 if self.sums["altered"] else 0), errors
        return self.sums


def verify(sent, *received, expect=0):
    """What impulse-load --verify found, comparing the ledgers."""
    arguments = [word for ledger in received for word in ("--received", str(ledger))]
    done = subprocess.run([tool("impulse-load"), "--json", "--verify", str(sent), *arguments], capture_output=True,
                          text=True, env=ENVIRONMENT, timeout=patience(60), check=False)
    assert done.returncode == expect, f"impulse-load --verify ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout) if done.stdout else done.stderr

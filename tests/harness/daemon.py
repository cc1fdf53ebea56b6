"""impulsed under test: a configuration in a directory of its own, started in the foreground, watched until its end."""
import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

from . import SANITIZER, await_true, patience
from .logs import records

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("IMPULSED", ROOT / "build" / "impulsed")).resolve()
MODULES = Path(os.environ.get("IMPULSE_MODULE_PATH", PROGRAM.parent / "modules" / "built"))

ENVIRONMENT = {
    **os.environ,
    "IMPULSE_MODULE_PATH": str(MODULES),
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "ignore_noninstrumented_modules=1:exitcode=99",
}
COMPLAINT = re.compile(r"ERROR: \w*Sanitizer|WARNING: ThreadSanitizer|runtime error:")


def built_with(library, program=PROGRAM):
    """Was this program linked with a library that configure may leave out?"""
    return f"{library}.so" in subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout


PORTS = 12000 // 8
FIRST_PORT = 20000 + int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % 8 * PORTS
given = set()  # ports that free_port gave: whoever asked may not have bound his yet


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    """A port that is free, below the range that the kernel gives out by itself; another one each time. Each worker of
    pytest has a range of its own: two could find the same port free before either of them listens there."""
    if len(given) > PORTS // 2:
        given.clear()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(1000):
        port = FIRST_PORT + int.from_bytes(os.urandom(2), "big") % PORTS
        if port in given:
            continue
        with socket.socket(family, kind) as probe:
            try:
                probe.bind((host, port))
                given.add(port)
                return port
            except OSError:
                pass
    raise RuntimeError(f"no free port between {FIRST_PORT} and {FIRST_PORT + PORTS}")


class Site:
    """A directory with the files of one daemon, and the configuration text that names them."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.port = free_port()
        self.spool = self.directory / "spool"
        self.log = self.directory / "log"
        self.log.mkdir(parents=True, exist_ok=True)

    def preamble(self, user="root", heartbeat=60, logger=""):
        return f"""
hostname = "mx.impulse.example"
spoolbase = "{self.spool}"
pidfile = "{self.directory}/impulsed.pid"
security {{ user = "{user}" group = "{user if user == 'root' else 'nogroup'}" }}
ec_logger "ec_logger" {{
  mainlog = "{self.log}/mainlog.ec"
  paniclog = "{self.log}/paniclog.ec"
  rejectlog = "{self.log}/rejectlog.ec"
  heartbeat = {heartbeat}
  {logger}
}}
"""

    def config(self, outer="", listener="", listen="", to=None, **preamble):
        """A whole file: `outer` goes into the global scope, `listener` and `listen` into theirs.
        `to` is a Capture that receives all mail."""
        if to is not None:
            outer += f'\ngateway = "{to.address[0]}"\nremote_smtp_port = {to.port}\n'
        return f"""{self.preamble(**preamble)}
{outer}
ESMTP_Listener {{
  {'' if 'relay_hosts' in listener or 'open_relay' in listener else 'relay_hosts = ( "127.0.0.0/8" "::1" )'}
  {listener}
  Listen "127.0.0.1:{self.port}" {{ {listen} }}
}}
"""


class Impulse:
    """One impulsed process. Its end is part of every test: status 0 after SIGTERM and no word from a sanitizer."""

    def __init__(self, site, prefix=(), environment=None):
        self.site, self.prefix = site, list(prefix)
        self.file = site.directory / "ecelerity.conf"
        self.output = site.directory / "impulsed.out"
        self.environment = {**ENVIRONMENT, **(environment or {})}
        self.process = None
        self.notices = []       # what sd_notify said, in order

    @property
    def address(self):
        return ("127.0.0.1", self.site.port)

    @property
    def pid(self):
        return self.process.pid

    def write(self, text):
        self.file.write_text(text)

    # ---- its life --------------------------------------------------------------------------------------------

    def start(self, config=None, seconds=30):
        if config is not None:
            self.write(config)
        self.notices = []
        notify = str(self.site.directory / "notify")
        if os.path.exists(notify):
            os.unlink(notify)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(notify)
        os.chmod(notify, 0o666)
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                [*self.prefix, str(PROGRAM), "-d", "-c", str(self.file)], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env={**self.environment, "NOTIFY_SOCKET": notify})
        threading.Thread(target=self.listen, args=(self.notify, self.notices), daemon=True).start()
        await_true(self.ready_or_ended, f"impulsed is ready:\n{self.said()}", seconds)
        return self

    @staticmethod
    def listen(notify, notices):
        """Takes what sd_notify says as it comes: its socket has room for a few words only."""
        try:
            while said := notify.recv(4096):
                notices += said.decode().split("\n")
        except OSError:
            pass

    def ready_or_ended(self):
        if self.process.poll() is not None:
            status = self.process.returncode
            self.forget()
            raise AssertionError(f"impulsed ended with {status}:\n{self.said()}")
        return "READY=1" in self.notices

    def noticed(self, text):
        """Has sd_notify said `text` (a line of a notification) by now?"""
        return text in self.notices

    def forget(self):
        """After its end."""
        self.process = None
        self.notify.shutdown(socket.SHUT_RDWR)
        self.notify.close()

    def stop(self, expect=0, seconds=40):
        """SIGTERM, and the end it must have."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(patience(seconds))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"impulsed did not end on SIGTERM:\n{self.said()}") from None
        self.forget()
        said = self.said()
        assert not COMPLAINT.search(said), said
        assert status == expect, f"impulsed ended with {status}, not {expect}:\n{said}"

    def kill(self):
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait()
        self.forget()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def failed_start(self, config):
        """What it says, which does not start with this configuration."""
        self.write(config)
        status, said = run("-d", "-c", self.file, environment=self.environment)
        assert status == 1, said
        return said

    def close(self):
        """For the fixture: ends what still runs, and checks that end."""
        if self.process is not None:
            self.stop()
        said = self.said()
        assert not COMPLAINT.search(said), said

    # ---- what it says ------------------------------------------------------------------------------------------

    def said(self):
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def paniclog(self):
        path = self.site.log / "paniclog.ec"
        return path.read_text(errors="replace") if path.exists() else ""

    def rejectlog(self):
        path = self.site.log / "rejectlog.ec"
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def mainlog(self, kind=None):
        """The records of the mainlog, all or of one kind ("R", "D", "T", "P", "M")."""
        path = self.site.log / "mainlog.ec"
        return records(path.read_text(errors="replace"), kind) if path.exists() else []

    def await_log(self, kind, count=1, seconds=15):
        await_true(lambda: len(self.mainlog(kind)) >= count, f"{count} {kind} records in the mainlog", seconds)
        return self.mainlog(kind)

    def await_panic(self, text, seconds=15):
        await_true(lambda: text in self.paniclog(), f"{text!r} in the paniclog:\n{self.paniclog()}", seconds)
        return next(line for line in self.paniclog().splitlines() if text in line)

    # ---- what /proc says ---------------------------------------------------------------------------------------

    def status(self, field):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].strip()
        raise KeyError(field)

    def is_traced(self):
        """Whether a tracer (strace -f -p) is attached to each of its threads, not only to the main one."""
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                if "\nTracerPid:\t0\n" in (task / "status").read_text():
                    return False
            except (FileNotFoundError, ProcessLookupError):
                pass  # the thread has ended
        return True

    def peak_memory(self):
        """Bytes of resident memory at the highest."""
        return int(self.status("VmHWM").split()[0]) * 1024

    def threads(self):
        """The names of its threads."""
        names = []
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                names.append((task / "comm").read_text().strip())
            except FileNotFoundError:
                pass
        return names

    def thread(self, name):
        """The id of its first thread whose name begins like that."""
        for task in sorted(Path(f"/proc/{self.pid}/task").iterdir(), key=lambda task: int(task.name)):
            if (task / "comm").read_text().startswith(name):
                return int(task.name)
        raise AssertionError(f"no thread {name}: {self.threads()}")


def run(*arguments, environment=None, seconds=30):
    """Runs impulsed to its end. Returns its status and everything it printed."""
    done = subprocess.run([str(PROGRAM), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=patience(seconds),
                          env={**ENVIRONMENT, **(environment or {})})
    assert not COMPLAINT.search(done.stdout), done.stdout
    return done.returncode, done.stdout


def is_thread_sanitizer():
    return SANITIZER == "thread"

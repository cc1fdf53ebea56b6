"""An Exim of the test's own, in a folder: an SMTP server that hands on what it takes to one next hop.

    with Exim(folder, next_hop=("127.0.0.1", 2525), transport="hosts_require_tls = *") as exim:
        ... speak SMTP to exim.address; exim.log() is what it logged

Debian has one mail server installed at a time, and that is Postfix: Exim's package is unpacked only, by
tools/install-dependencies. The user that it insists on exists in a mount namespace of its own.
"""
import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import await_true, passable, patience
from .daemon import free_port
from .wire import answers

PROGRAM = Path("/usr/local/lib/impulse-tests/exim4/usr/sbin/exim4")

USER = "Debian-exim"

CONFIGURATION = """
exim_path = {program}
never_users =
deliver_drop_privilege = true
primary_hostname = exim.example
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
log_selector = +smtp_confirmation +tls_cipher +received_recipients
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
acl_smtp_rcpt = everybody
acl_smtp_data = everybody
accept_8bitmime = true
queue_run_max = 5
remote_max_parallel = 1
smtp_accept_max = {connections}
smtp_accept_queue_per_connection = 0
tls_advertise_hosts =
{main}
begin acl
everybody:
  accept
begin routers
next_hop:
  driver = manualroute
  domains = *
  transport = next_hop
  route_data = {host}
  self = send
begin transports
next_hop:
  driver = smtp
  port = {next_port}
  allow_localhost
  hosts_try_fastopen =
  message_linelength_limit = 1000000
  hosts_try_dane =
  dnssec_request_domains =
  {transport}
begin retry
* * F,1h,1s
begin authenticators
{authenticators}
"""


class Exim:
    def __init__(self, folder, next_hop, main="", transport="", authenticators="", connections=50, runner="-q1s"):
        """`runner`: how often it looks for what was not delivered at once; None: never."""
        self.folder = Path(folder)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.configuration = self.folder / "exim.conf"
        for name in ("spool", "log"):
            (self.folder / name).mkdir(parents=True)
            shutil.chown(self.folder / name, "nobody", "nogroup")
        shutil.chown(self.folder, "nobody", "nogroup")
        self.configuration.write_text(CONFIGURATION.format(
            program=PROGRAM, folder=self.folder, host=next_hop[0], next_port=next_hop[1],
            main=main, transport=transport, authenticators=authenticators, connections=connections))
        self.runner = [runner] if runner else []
        self.process = None

    def __enter__(self):
        passable(self.folder)
        mounts = ""
        for name, line in (("passwd", f"{USER}:x:65534:65534::/nonexistent:/bin/false"), ("group", f"{USER}:x:65534:")):
            (self.folder / name).write_text(Path(f"/etc/{name}").read_text() + line + "\n")
            mounts += f"mount --bind {self.folder}/{name} /etc/{name} && "
        with open(self.folder / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c",
                 f"{mounts}exec {' '.join([str(PROGRAM), '-C', str(self.configuration), '-bdf', *self.runner])} "
                 f"-oX 127.0.0.1.{self.port}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True)
        await_true(self.listening, f"Exim listens; it says:\n{self.log()}", 30)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience(10))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def listening(self):
        assert self.process.poll() is None, self.log()
        return answers(self.address)

    def log(self):
        files = [self.folder / "stderr", *sorted((self.folder / "log").iterdir())]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

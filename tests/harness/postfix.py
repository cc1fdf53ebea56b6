"""A Postfix of the test's own, in a folder: an SMTP server that hands on what it takes to one next hop.

    with Postfix(folder, next_hop=("127.0.0.1", 2525), main={"smtp_tls_security_level": "encrypt"}) as postfix:
        ... speak SMTP to postfix.address; postfix.log() is what it logged
"""
import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import await_true, passable, patience
from .daemon import free_port
from .wire import answers

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, folder, next_hop, main=None):
        self.folder = Path(folder)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.configuration, self.maillog = self.folder / "etc", self.folder / "maillog"
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir(parents=True)
        shutil.chown(self.folder / "data", "postfix")
        self.settings = {
            "compatibility_level": "3.6", "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data", "maillog_file": self.maillog,
            "maillog_file_prefixes": self.folder, "myhostname": "postfix.example", "mydestination": "",
            "mynetworks": "127.0.0.0/8", "inet_protocols": "ipv4", "alias_maps": "", "alias_database": "",
            "relayhost": f"[{next_hop[0]}]:{next_hop[1]}", "smtp_host_lookup": "native", "biff": "no",
            "smtpd_peername_lookup": "no", "default_database_type": "texthash", **(main or {})}
        (self.configuration / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in self.settings.items()))
        (self.configuration / "master.cf").write_text(MASTER.format(port=self.port))
        self.process = None

    def __enter__(self):
        passable(self.folder)
        self.process = subprocess.Popen(["postfix", "-c", str(self.configuration), "start-fg"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        start_new_session=True)
        await_true(self.listening, f"Postfix listens; it says:\n{self.log()}", 30)
        return self

    def __exit__(self, *_):
        print(self.log())       # pytest shows it when the test failed
        subprocess.run(["postfix", "-c", str(self.configuration), "stop"], check=False, timeout=patience(30),
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.process.wait(patience(10))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stderr.close()

    def listening(self):
        assert self.process.poll() is None, self.process.stderr.read().decode() + self.log()
        return answers(self.address)

    def log(self):
        return self.maillog.read_text(errors="replace") if self.maillog.exists() else ""

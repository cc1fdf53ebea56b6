"""Mail servers of a benchmark's own, each in a folder, on a loopback port, ended by its process id.

Each takes mail for anybody from 127.0.0.1 and either hands it on to `next_hop` or, without one, keeps what it has
taken in its queue. `clear()` empties such a queue between rounds. Names of those that cannot be
started here are in `missing()`.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from harness import await_true, passable
from harness import daemon, exim, postfix
from harness.wire import answers

UNPACKED = Path("/usr/local/lib/impulse-tests")    # tools/install-dependencies bench
OPENSMTPD, HARAKA = UNPACKED / "opensmtpd", UNPACKED / "haraka/node_modules/Haraka"
CONNECTIONS = 400                                  # more than a benchmark opens at once


def missing():
    """{name of a server: what is not there}"""
    needed = {"Postfix": shutil.which("postfix"), "smtp-sink": shutil.which("smtp-sink"),
              "haproxy": shutil.which("haproxy"), "Exim": exim.PROGRAM, "OpenSMTPD": OPENSMTPD / "usr/sbin/smtpd",
              "Haraka": HARAKA / "haraka.js"}
    return {name: f"{path or name} is missing" for name, path in needed.items() if not path or not Path(path).exists()}


class Peer:
    """A process that serves SMTP. Subclasses set `arguments`, and `environment` if it needs one."""

    environment = None

    def __init__(self, folder, next_hop=None):
        self.folder, self.next_hop = Path(folder), next_hop
        self.folder.mkdir()
        passable(self.folder)
        self.port = daemon.free_port()
        self.address = ("127.0.0.1", self.port)
        self.process = None

    def __enter__(self):
        self.prepare()
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, env=self.environment, cwd="/",
                                            start_new_session=True)
        try:
            await_true(self.listening, f"{type(self).__name__} listens: {self.folder}/output", 30)
            self.begun()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def prepare(self):
        """Writes its files."""

    def arguments(self):
        raise NotImplementedError

    def begun(self):
        """What is to be done when it listens."""

    def listening(self):
        assert self.process.poll() is None, (self.folder / "output").read_text(errors="replace")
        return answers(self.address)

    def clear(self):
        """Removes what it has kept."""


class Impulse:
    def __init__(self, folder, next_hop=None, more=""):
        Path(folder).mkdir()
        site = daemon.Site(folder)
        outbound = (f'gateway = "{next_hop[0]}"\nremote_smtp_port = {next_hop[1]}' if next_hop else "blackhole = true")
        self.daemon = daemon.Impulse(site)
        self.daemon.write(site.config(f"{outbound}\n{more}", listener="""
            SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "8BITMIME" "PIPELINING" "CHUNKING" )
        """))
        self.address = self.daemon.address

    def __enter__(self):
        self.daemon.start()
        return self

    def __exit__(self, *_):
        self.daemon.close()

    def clear(self):
        pass


class Postfix(postfix.Postfix):
    def __init__(self, folder, next_hop=None):
        Path(folder).mkdir()
        held = "" if next_hop else "check_client_access static:HOLD,"
        super().__init__(folder, next_hop or ("127.0.0.1", 9), {
            "smtpd_recipient_restrictions": f"{held}permit_mynetworks,reject", "default_process_limit": CONNECTIONS,
            "smtpd_client_connection_count_limit": 0, "smtpd_client_connection_rate_limit": 0,
            "smtp_tls_security_level": "none", "smtpd_tls_security_level": "none", "in_flow_delay": 0,
            "qmgr_message_active_limit": 50000, "smtputf8_enable": "no"})

    def __exit__(self, *_):
        postfix.Postfix.__exit__(self)

    def log(self):
        return ""       # long, and of no use here

    def clear(self):
        subprocess.run(["postsuper", "-c", str(self.configuration), "-d", "ALL"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Exim(exim.Exim):
    def __init__(self, folder, next_hop=None):
        Path(folder).mkdir()
        super().__init__(folder, next_hop or ("127.0.0.1", 9), connections=CONNECTIONS,
                         main="" if next_hop else "queue_only = true", runner="-q1s" if next_hop else None)

    def clear(self):
        for part in ("input", "msglog"):
            shutil.rmtree(self.folder / "spool" / part, ignore_errors=True)


class OpenSMTPD(Peer):
    """From Debian's package, unpacked: where it wants to be is laid over the file system in a mount namespace. Its backlog
    of 5, which clients that connect at once would overflow, is raised."""

    LISTEN = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    int listen(int fd, int backlog)
    {
        int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "listen");
        return next(fd, backlog < 1000 ? 1000 : backlog);
    }
    """

    def prepare(self):
        hop = self.next_hop or ("127.0.0.1", 9)
        shutil.copytree(OPENSMTPD / "usr", self.folder / "usr")     # a layer may not be below another one
        control = self.folder / "usr/sbin/smtpctl"
        os.chown(control, 0, 64902)
        control.chmod(0o2755)       # it insists
        (self.folder / "listen.c").write_text(self.LISTEN)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.folder / "listen.so", self.folder / "listen.c"], check=True)
        self.environment = {**os.environ, "LISTEN": str(self.folder / "listen.so")}
        (self.folder / "spool/smtpd").mkdir(parents=True)
        (self.folder / "spool/smtpd").chmod(0o711)
        (self.folder / "lib/opensmtpd/empty").mkdir(parents=True)
        (self.folder / "smtpd.conf").write_text(
            "smtp max-message-size 100M\nsmtp limit max-mails 1000000\nsmtp limit max-rcpt 1000000\n"
            f"listen on 127.0.0.1 port {self.port} hostname opensmtpd.example\n"
            f'action "hop" relay host smtp://{hop[0]}:{hop[1]}\nmatch from any for any action "hop"\n')
        (self.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")    # it greets when its question has failed
        for name, lines in (("passwd", "{0}:x:{1}:{1}::/nonexistent:/bin/false\n"), ("group", "{0}:x:{1}:\n")):
            (self.folder / name).write_text(Path(f"/etc/{name}").read_text() + lines.format("opensmtpd", 64901) +
                                            lines.format("opensmtpq", 64902))

    def arguments(self):
        f = self.folder
        return ["unshare", "--mount", "sh", "-ec", f"""
            mount -t overlay overlay -o lowerdir={f}/usr:/usr /usr
            mount -t overlay overlay -o lowerdir={f}/lib:/var/lib /var/lib
            mount --bind {f}/passwd /etc/passwd
            mount --bind {f}/group /etc/group
            mount --bind {f}/resolv.conf /etc/resolv.conf
            mount --bind {f}/spool /var/spool
            mount -t tmpfs run /run
            LD_PRELOAD=$LISTEN exec /usr/sbin/smtpd -d -f {f}/smtpd.conf
        """]

    def begun(self):
        if not self.next_hop:
            subprocess.run(["nsenter", f"--target={self.process.pid}", "--mount", "/usr/sbin/smtpctl", "pause", "mta"],
                           check=True, stdout=subprocess.DEVNULL)


class Haraka(Peer):
    """One worker for each processor. Its queue is written without a sync: what it takes is not safe from a power loss."""

    PLUGIN = """
    const constants = require('haraka-constants')
    exports.hook_connect = (next, connection) => { connection.relaying = true; next() }
    exports.hook_rcpt = (next) => next(constants.ok)
    exports.hook_get_mx = (next) => next(constants.ok, { priority: 0, exchange: '%s', port: %d })
    """

    def prepare(self):
        configuration = self.folder / "config"
        shutil.copytree(HARAKA / "config", configuration)
        (self.folder / "plugins").mkdir()
        (self.folder / "queue").mkdir()
        (self.folder / "plugins/hop.js").write_text(self.PLUGIN % (self.next_hop or ("127.0.0.1", 9)))
        for name, text in {"plugins": "hop\n", "me": "haraka.example\n", "loglevel": "LOGERROR\n",
                           "smtp.ini": f"listen=127.0.0.1:{self.port}\nnodes={os.cpu_count()}\n",
                           "outbound.ini": f"disabled={'false' if self.next_hop else 'true'}\nenable_tls=false\n"
                                           f"concurrency_max={CONNECTIONS}\n"}.items():
            (configuration / name).write_text(text)
        self.environment = {**os.environ, "HARAKA": str(self.folder)}

    def arguments(self):
        return ["node", HARAKA / "haraka.js"]

    def clear(self):
        for file in (self.folder / "queue").glob("*_*"):
            file.unlink(missing_ok=True)


class SmtpSink(Peer):
    """Postfix's smtp-sink, which stores nothing, and how many messages it has taken."""

    def arguments(self):
        return ["smtp-sink", "-u", "nobody", "-c", f"127.0.0.1:{self.port}", "1000"]

    def count(self):
        output = self.folder / "output"
        with output.open("rb") as file:
            file.seek(max(0, output.stat().st_size - 256))
            counts = re.findall(rb"mesg=(\d+)", file.read().rpartition(b"\r")[0] + b"\r") or [b"0"]
        return int(counts[-1])


class HAProxy(Peer):
    """Passes connections through to the next hop and knows nothing of SMTP."""

    def prepare(self):
        (self.folder / "haproxy.cfg").write_text(f"""
global
    maxconn {4 * CONNECTIONS}
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend smtp
    bind 127.0.0.1:{self.port}
    default_backend sink
backend sink
    server sink {self.next_hop[0]}:{self.next_hop[1]}
""")

    def arguments(self):
        return ["haproxy", "-db", "-f", self.folder / "haproxy.cfg"]


STORING = {"Impulse": Impulse, "Postfix": Postfix, "Exim": Exim, "OpenSMTPD": OpenSMTPD, "Haraka": Haraka}

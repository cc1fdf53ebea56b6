"""The console's two ends: a server that says what a test tells it to, and ec_console at a terminal or in a pipe."""
import base64
import fcntl
import hashlib
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

from . import patience
from .daemon import ENVIRONMENT, PROGRAM, free_port

CLIENT = PROGRAM.parent / "ec_console"


def run_console(*arguments, stdin="", environment=None, prefix=(), seconds=30):
    """Runs ec_console without a terminal to its end: status, stdout (bytes), stderr."""
    done = subprocess.run([*prefix, str(CLIENT), *map(str, arguments)], input=stdin.encode(), capture_output=True,
                          env={**ENVIRONMENT, **(environment or {})}, timeout=patience(seconds), start_new_session=True)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


# ---- a server ------------------------------------------------------------------------------------------------------

def output(text):
    text = text.encode() if isinstance(text, str) else text
    return b"= %d\n" % len(text) + text


class ConsoleServer:
    """Speaks the console's protocol (src/control/control.h). `answers` maps a command to (accepted, its output); any
    other command is accepted and echoed. `users`, a map of names to passwords, has it ask for one with `mechanism`."""

    def __init__(self, path=None, host="127.0.0.1", answers=None, users=None, mechanism="DIGEST-MD5", greeting=None):
        self.answers, self.users, self.mechanism = answers or {}, users, mechanism
        self.greeting = greeting or "IMPULSE CONSOLE 1" + (f" AUTH {mechanism}" if users else "")
        self.commands = []      # as they came, without the LF
        self.logins = []        # (name, let in)
        self.connections = []
        self.proves = True      # DIGEST-MD5: that it knows the password
        if path:
            self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listening.bind(str(path))
            self.address = str(path)
        else:
            self.port = free_port(host=host)
            self.listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listening.bind((host, self.port))
            self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.listening.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.listening.fileno() >= 0:
            self.listening.shutdown(socket.SHUT_RDWR)
            self.listening.close()
        self.time_out()

    def time_out(self):
        """Closes all sessions, as a Timeout does."""
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            connection.sendall(self.greeting.encode() + b"\n" if isinstance(self.greeting, str) else self.greeting)
            lines = connection.makefile("rb")
            if not self.users or self.log_in(connection, lines):
                for line in lines:
                    self.commands.append(line.decode(errors="replace").rstrip("\n"))
                    connection.sendall(self.answer(self.commands[-1]))
        except OSError:
            pass
        finally:
            connection.close()

    def answer(self, command):
        answer = self.answers.get(command, (True, f"<{command}>\n"))
        if isinstance(answer, bytes):
            return answer       # the bytes of the protocol themselves
        return output(answer[1]) + (b"OK\n" if answer[0] else b"ERR\n")

    # ---- authentication ----------------------------------------------------------------------------------------------

    def log_in(self, connection, lines):
        while True:
            line = lines.readline()
            if not line:
                return False
            assert line.decode().split() == ["AUTH", self.mechanism]
            name, proof = (self.digest if self.mechanism == "DIGEST-MD5" else self.login)(connection, lines)
            self.logins.append((name, proof is not None))
            if proof:
                connection.sendall(b"+ " + base64.b64encode(proof) + b"\n")
                proof = b"" if lines.readline() == b"\n" else None      # anything else: the client does not believe it
            if proof is not None:
                connection.sendall(b"OK\n")
                return True
            connection.sendall(output("Authentication failed\n") + b"ERR\n")

    @staticmethod
    def ask(connection, lines, challenge):
        connection.sendall(b"+ " + base64.b64encode(challenge) + b"\n")
        return base64.b64decode(lines.readline()).decode()

    def login(self, connection, lines):
        name = self.ask(connection, lines, b"User Name")
        password = self.ask(connection, lines, b"Password")
        return name, b"" if self.users.get(name) == password else None

    def digest(self, connection, lines):
        """RFC 2831 section 2.1."""
        said = self.ask(connection, lines, b'realm="Momentum Console",nonce="OA6MG9tEQGm2hh",qop="auth",'
                                           b'algorithm=md5-sess,charset=utf-8')
        field = {key: quoted or bare for key, quoted, bare in re.findall(r'([\w-]+)=(?:"([^"]*)"|([^,]*))', said)}

        def md5(data):
            return hashlib.md5(data)

        secret = md5(f"{field['username']}:{field['realm']}:{self.users.get(field['username'])}".encode()).digest()
        a1 = md5(secret + f":{field['nonce']}:{field['cnonce']}".encode()).hexdigest()

        def response(method):
            a2 = md5(f"{method}:{field['digest-uri']}".encode()).hexdigest()
            middle = f"{field['nonce']}:{field['nc']}:{field['cnonce']}:{field['qop']}"
            return md5(f"{a1}:{middle}:{a2}".encode()).hexdigest()

        if field["response"] != response("AUTHENTICATE"):
            return field["username"], None
        return field["username"], b"rspauth=" + (response("") if self.proves else "0" * 32).encode()


# ---- a terminal ----------------------------------------------------------------------------------------------------

class Terminal:
    """A program at a terminal of its own, which has 24 lines of 120 columns."""

    def __init__(self, *arguments, program=CLIENT, environment=None):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
                os.execve(program, [str(program), *map(str, arguments)],
                          {**ENVIRONMENT, "TERM": "xterm", "LC_ALL": "C.UTF-8", **(environment or {})})
            finally:
                os._exit(127)
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:         # the program has ended
            data = b""
        self.seen += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern, seconds=15):
        """Waits until the program has shown `pattern` and forgets everything up to its end. Returns the match."""
        end = time.monotonic() + patience(seconds)
        while not (found := re.search(pattern, self.seen)):
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f"{pattern!r} was not shown, but {self.seen!r}")
        self.seen = self.seen[found.end():]
        return found

    def send(self, text):
        os.write(self.fd, text.encode())

    def echoes(self):
        """Does the terminal show what is typed?"""
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self, seconds=15):
        """Waits for the program's end. Returns its exit status; what it showed last is in `seen`."""
        end = time.monotonic() + patience(seconds)
        while self.read(max(0, end - time.monotonic())):
            pass
        if time.monotonic() > end:
            raise AssertionError(f"it does not end, but shows {self.seen!r}")
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

"""A raw SMTP client: sends the bytes it is given and shows the bytes that come back."""
import socket
import ssl
import subprocess

from . import patience


class Reply:
    def __init__(self, lines):
        self.lines = lines  # bytes, without CR LF
        self.code = int(lines[-1][:3])

    @property
    def text(self):
        return "\n".join(line.decode("latin-1") for line in self.lines)

    def __repr__(self):
        return self.text


def all_read(port):
    """Has the server at that port read everything that was sent to it?"""
    out = subprocess.run(["ss", "-H", "-tn", f"( sport = :{port} or dport = :{port} )"], capture_output=True, text=True,
                         check=True).stdout
    return all(line.split()[1:3] == ["0", "0"] for line in out.splitlines())


class Wire:
    """One connection. `address` is (host, port) or the path of a Unix socket."""

    def __init__(self, address, timeout=10, source=None):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(patience(timeout))
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, patience(timeout), source and (source, 0))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def start_tls(self, context, name=None):
        """The handshake, after STARTTLS was answered or at once; `context` is an ssl.SSLContext."""
        assert not self.unread, f"said in plain text after the reply to STARTTLS: {self.unread!r}"
        self.socket = context.wrap_socket(self.socket, server_hostname=name)

    def line(self):
        """The next line without CR LF; ConnectionError when the server has closed."""
        while b"\n" not in self.unread:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError(f"closed by the server; unread: {self.unread!r}")
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        assert line.endswith(b"\r"), f"a reply line ends in a bare LF: {line!r}"
        return line[:-1]

    def reply(self):
        lines = [self.line()]
        while lines[-1][3:4] == b"-":
            lines.append(self.line())
            assert lines[-1][:3] == lines[0][:3], f"codes differ within a reply: {lines}"
        return Reply(lines)

    def command(self, text, expect=None):
        """Sends one line, returns its reply; `expect` is a code that it must have."""
        self.send(text if isinstance(text, bytes) else text.encode("latin-1") + b"\r\n")
        reply = self.reply()
        assert expect is None or reply.code == expect, f"{text!r}: expected {expect}, got {reply}"
        return reply

    def greet(self, name="client.example"):
        banner = self.reply()
        assert banner.code == 220, banner
        return self.command(f"EHLO {name}", 250)

    def mail(self, content, sender="a@sender.example", recipients=("b@rcpt.example",)):
        """One transaction; `content` has CR LF line ends and is dot-stuffed here. Returns the last reply."""
        self.command(f"MAIL FROM:<{sender}>", 250)
        for recipient in recipients:
            self.command(f"RCPT TO:<{recipient}>", 250)
        self.command("DATA", 354)
        self.send(stuff(content) + b".\r\n")
        return self.reply()

    def at_end(self):
        """True when the server has closed and nothing is left to read."""
        if self.unread:
            return False
        try:
            return self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLError):
            return True


def answers(address):
    """Does a server greet there, and let us go?"""
    try:
        with Wire(address) as client:
            client.command("QUIT")
        return True
    except OSError:
        return False


def stuff(content):
    """RFC 5321 section 4.5.2."""
    assert not content or content.endswith(b"\r\n")
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def unstuff(content):
    content = content.replace(b"\r\n..", b"\r\n.")
    return content[1:] if content.startswith(b".") else content


def rcpt(impulse, local):
    """The reply to the recipient LOCAL@rcpt.example."""
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        return client.command(f"RCPT TO:<{local}@rcpt.example>")

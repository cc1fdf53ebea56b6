"""The console's protocol (src/control/control.h) spoken by hand: a client over a raw socket, with SASL of its own."""
import base64
import hashlib
import os
import re
import socket

from . import patience


class Refused(Exception):
    """The server closed or turned away instead of greeting; the argument is what it said."""


def digest_record(user, password, realm="Momentum Console"):
    """A line of a digest:// file."""
    secret = hashlib.md5(f"{user}:{realm}:{password}".encode()).hexdigest()
    return f"{user}:{realm}:{secret}\n"


def digest_answer(challenge, user, password, realm=None, **changes):
    """RFC 2831: the response to a challenge, and what the server must prove back."""
    told = dict(re.findall(r'(\w[\w-]*)="?([^",]*)"?', challenge))
    realm = realm if realm is not None else told["realm"]
    nonce, cnonce, count, uri = told["nonce"], os.urandom(8).hex(), "00000001", "console/localhost"
    secret = hashlib.md5(f"{user}:{realm}:{password}".encode()).digest()
    identity = ":" + changes["authzid"].strip('"') if "authzid" in changes else ""
    a1 = secret + f":{nonce}:{cnonce}{identity}".encode()

    def proof(a2):
        joined = f"{hashlib.md5(a1).hexdigest()}:{nonce}:{count}:{cnonce}:auth:{hashlib.md5(a2.encode()).hexdigest()}"
        return hashlib.md5(joined.encode()).hexdigest()

    fields = {"username": f'"{user}"', "realm": f'"{realm}"', "nonce": f'"{nonce}"', "cnonce": f'"{cnonce}"',
              "nc": count, "qop": "auth", "digest-uri": f'"{uri}"', "response": proof(f"AUTHENTICATE:{uri}"),
              "charset": "utf-8", **changes}
    return ",".join(f"{key}={value}" for key, value in fields.items()), proof(f":{uri}")


class Console:
    """One connection. `address` is a path or a (host, port)."""

    def __init__(self, address, seconds=20, greeted=True):
        family = socket.AF_UNIX if isinstance(address, (str, os.PathLike)) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(patience(seconds))
        self.socket.connect(str(address) if family == socket.AF_UNIX else address)
        self.file = self.socket.makefile("rb")
        self.mechanisms = None
        if greeted:
            self.greeting()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    # ---- the wire ----------------------------------------------------------------------------------------------

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        """The next line without its end; None at the end of the connection."""
        line = self.file.readline()
        if not line:
            return None
        assert line.endswith(b"\n"), line
        return line[:-1].decode()

    def greeting(self):
        line = self.line()
        if line is None or not line.startswith("IMPULSE CONSOLE 1"):
            raise Refused(self.answer(line)[1] if line else "")
        rest = line.split()[3:]
        assert not rest or rest[0] == "AUTH", line
        self.mechanisms = rest[1:] if rest else None

    def answer(self, first=None):
        """(done, output) of a command."""
        output = b""
        line = first if first is not None else self.line()
        while line is not None and line.startswith("= "):
            size = int(line[2:])
            part = self.file.read(size)
            assert len(part) == size, "the output ends early"
            output += part
            line = self.line()
        if line is None:
            raise EOFError(output.decode(errors="replace"))
        assert line in ("OK", "ERR"), line
        return line == "OK", output.decode(errors="surrogateescape")

    def closed(self):
        """Has the server closed, with nothing more to say?"""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    # ---- commands ----------------------------------------------------------------------------------------------

    def ask(self, command):
        self.send(command if isinstance(command, bytes) else command + "\n")
        return self.answer()

    def run(self, command):
        """The output of a command that must succeed."""
        done, output = self.ask(command)
        assert done, f"{command}: {output}"
        return output

    def fail(self, command):
        """The output of a command that must be refused."""
        done, output = self.ask(command)
        assert not done, f"{command} was not refused: {output}"
        return output

    # ---- logging in --------------------------------------------------------------------------------------------

    def say64(self, text):
        self.send(base64.b64encode(text.encode()) + b"\n")

    def challenge(self):
        """The server's next challenge, decoded; or None when it said OK or ERR, which self.outcome then is."""
        line = self.line()
        if line is not None and line.startswith("+ "):
            return base64.b64decode(line[2:]).decode()
        self.outcome = self.answer(line)
        return None

    def login_digest(self, user, password, **changes):
        self.send("AUTH DIGEST-MD5\n")
        challenge = self.challenge()
        if challenge is None:
            return False
        answer, proof = digest_answer(challenge, user, password, **changes)
        self.say64(answer)
        final = self.challenge()
        if final is None:
            return False
        assert final == f"rspauth={proof}", "the server does not know the password"
        self.send("\n")
        assert self.challenge() is None
        return self.outcome[0]

    def login_plain(self, user, password, identity=""):
        initial = base64.b64encode("\0".join((identity, user, password)).encode()).decode()
        self.send(f"AUTH PLAIN {initial}\n")
        assert self.challenge() is None
        return self.outcome[0]

    def login(self, user, password):
        """The mechanism LOGIN."""
        self.send("AUTH LOGIN\n")
        assert self.challenge() is not None
        self.say64(user)
        assert self.challenge() is not None
        self.say64(password)
        assert self.challenge() is None
        return self.outcome[0]

"""The measuring instrument: an SMTP (or LMTP) server that keeps the exact bytes it is sent.

It is strict: a command or a message that breaks RFC 5321 is noted in `violations`, which the fixture checks at the
end of every test. How it answers is up to `behave`, a function that is asked before each answer:

    behave(session, verb, line) -> None (the usual reply), bytes (that reply), CLOSE (hang up), SILENT (no reply)

`verb` is "CONNECT", a command's verb, or "." for the end of a message (in LMTP once for each recipient).
"""
import os
import re
import socket
import threading
import time

from . import await_true
from .wire import unstuff

CLOSE, SILENT = object(), object()

USUAL = {
    "CONNECT": b"220 capture.example ESMTP",
    "MAIL": b"250 2.1.0 Ok",
    "RCPT": b"250 2.1.5 Ok",
    "DATA": b"354 Go ahead",
    ".": b"250 2.0.0 Captured",
    "RSET": b"250 2.0.0 Ok",
    "NOOP": b"250 2.0.0 Ok",
    "QUIT": b"221 2.0.0 Bye",
}


class Message:
    def __init__(self, session, sender, recipients, wire):
        self.session = session
        self.commands = session.transaction()
        self.sender, self.recipients = sender, recipients
        self.wire = wire                # as it was sent, dots stuffed, without the final dot
        self.content = unstuff(wire)
        self.received = time.monotonic()
        self.answered = None            # when its reply was handed to the kernel


class Session:
    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        self.commands = []              # command lines, without CR LF
        self.bursts = []                # what each recv returned, outside of message content
        self.began = time.monotonic()
        self.messages = 0
        self.buffer = b""

    def transaction(self):
        """The MAIL of the transaction under way and its RCPTs."""
        verbs = [command.split(" ")[0].upper() for command in self.commands]
        start = len(verbs) - 1 - verbs[::-1].index("MAIL")
        return [self.commands[start], *(c for c, verb in zip(self.commands[start:], verbs[start:]) if verb == "RCPT")]

    def fill(self):
        data = self.connection.recv(65536)
        if not data:
            raise EOFError
        return data

    def line(self):
        while b"\n" not in self.buffer:
            data = self.fill()
            self.bursts.append(data)
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            self.server.violations.append(f"a command line with a bare CR or LF: {line!r}")
        if len(line) > 511:
            self.server.violations.append(f"a command line of {len(line) + 1} bytes")
        return line.rstrip(b"\r").decode("latin-1")

    def content(self):
        data = bytearray(b"\r\n" + self.buffer)
        self.buffer, seen = b"", 0
        while (end := data.find(b"\r\n.\r\n", seen)) < 0:
            seen = max(0, len(data) - 4)
            data += self.fill()
        self.buffer = bytes(data[end + 5:])
        content = bytes(data[2:end + 2])
        if re.search(rb"(?<!\r)\n|\r(?!\n)", content):
            self.server.violations.append("message content with a bare CR or LF")
        if re.search(rb"(?:^|\n)\.[^.]", content):
            self.server.violations.append("message content with an unstuffed dot")
        return content


class Capture:
    def __init__(self, address=("127.0.0.1", 0), lmtp=False, behave=None, keep=True,
                 extensions=("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES")):
        self.lmtp, self.behave, self.keep = lmtp, behave or (lambda *_: None), keep
        self.extensions = extensions
        self.messages, self.sessions, self.violations = [], [], []
        self.changed = threading.Condition()
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.listening = socket.socket(family)
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind(address)
        self.listening.listen(128)
        self.address = self.listening.getsockname()
        self.port = None if isinstance(address, str) else self.address[1]
        self.open = set()
        threading.Thread(target=self.accept, daemon=True).start()

    # ---- what a test asks ------------------------------------------------------------------------------------

    def wait(self, count=1, seconds=20):
        """Waits until `count` messages have come in all, and returns them."""
        await_true(lambda: len(self.messages) >= count, f"{count} messages captured ({len(self.messages)} were)",
                   seconds)
        return list(self.messages)

    def stop(self):
        """Stops listening and hangs up on everybody; the port can be opened again."""
        try:
            self.listening.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listening.close()
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if isinstance(self.address, str):
            os.unlink(self.address)

    # ---- the conversation ------------------------------------------------------------------------------------

    def accept(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        session = Session(self, connection)
        self.sessions.append(session)
        try:
            self.converse(session)
        except (EOFError, OSError):
            pass
        finally:
            self.open.discard(connection)
            connection.close()

    def answer(self, session, verb, line="", usual=None):
        """True when the usual (positive) answer was given."""
        reply = self.behave(session, verb, line)
        if reply is CLOSE:
            raise EOFError
        if reply is SILENT:
            return False
        session.connection.sendall((reply or usual or USUAL.get(verb, b"500 5.5.2 What?")) + b"\r\n")
        return not reply or reply[:1] in b"23"

    def converse(self, session):
        sender, recipients = None, []
        self.answer(session, "CONNECT")
        while True:
            line = session.line()
            session.commands.append(line)
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb in ("EHLO", "LHLO", "HELO"):
                if (verb == "LHLO") != self.lmtp:
                    self.violations.append(f"{verb} where LMTP is {self.lmtp}")
                lines = ["capture.example", *(self.extensions if verb != "HELO" else ())]
                usual = "\r\n".join(f"250{'-' if i + 1 < len(lines) else ' '}{text}" for i, text in enumerate(lines))
                self.answer(session, verb, line, usual.encode())
                sender, recipients = None, []
            elif verb == "MAIL":
                if sender is not None:
                    self.violations.append("MAIL within a transaction")
                if self.answer(session, verb, line):
                    sender, recipients = line.split("<", 1)[1].split(">")[0], []
            elif verb == "RCPT":
                if sender is None:
                    session.connection.sendall(b"503 5.5.1 No sender\r\n")
                elif self.answer(session, verb, line):
                    recipients.append(line.split("<", 1)[1].rsplit(">", 1)[0])
            elif verb == "DATA":
                if not recipients:
                    session.connection.sendall(b"503 5.5.1 No recipients\r\n")
                elif self.answer(session, verb, line):
                    self.take(session, sender, recipients)
                    sender, recipients = None, []
            else:
                self.answer(session, verb, line)
                if verb == "RSET":
                    sender, recipients = None, []
                if verb == "QUIT":
                    return

    def take(self, session, sender, recipients):
        message = Message(session, sender, recipients, session.content())
        if not self.keep:
            message.wire = b""
        session.messages += 1
        accepted = [r for r in recipients if self.answer(session, ".", r)] if self.lmtp else \
            recipients if self.answer(session, ".", recipients[0]) else []
        message.answered = time.monotonic()
        if accepted:
            message.recipients = accepted
            with self.changed:
                self.messages.append(message)
                self.changed.notify_all()

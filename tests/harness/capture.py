"""The measuring instrument: an SMTP (or LMTP) server that keeps the exact bytes it is sent.

It is strict: a command or a message that breaks RFC 5321, or uses an extension that was not offered, is noted in
`violations`, which the fixture checks at the end of every test. How it answers is up to `behave`, a function that is asked before each answer:

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
    "BDAT": b"250 2.0.0 Ok",
    "RCPT": b"250 2.1.5 Ok",
    "DATA": b"354 Go ahead",
    ".": b"250 2.0.0 Captured",
    "RSET": b"250 2.0.0 Ok",
    "NOOP": b"250 2.0.0 Ok",
    "QUIT": b"221 2.0.0 Bye",
}


ALL_EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME")

# What a parameter looks like, and the extension that has it: RFC 1870, 6152, 3030, 6531, 3461.
XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+"
MAIL_PARAMETERS = {
    r"SIZE=\d{1,20}": "SIZE",
    r"BODY=(?:7BIT|8BITMIME)": "8BITMIME",
    r"BODY=BINARYMIME": "BINARYMIME",
    r"SMTPUTF8": "SMTPUTF8",
    r"RET=(?:FULL|HDRS)": "DSN",
    rf"ENVID={XTEXT}": "DSN",
}
RCPT_PARAMETERS = {
    r"NOTIFY=(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*)": "DSN",
    rf"ORCPT=(?:rfc822|utf-8);(?:{XTEXT}|[^\x00-\x7f])+": "DSN",
}


class Message:
    def __init__(self, session, sender, recipients, wire, content=None):
        self.session = session
        self.commands = session.transaction()
        self.sender, self.recipients = sender, recipients
        self.wire = wire                # as it was sent, dots stuffed, without the final dot
        self.content = unstuff(wire) if content is None else content
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
        self.offered = ()               # the extensions that the reply to EHLO named
        self.chunks = None              # the content so far, when it comes with BDAT

    def transaction(self):
        """The MAIL of the transaction under way and its RCPTs."""
        start = next(i for i in reversed(range(len(self.commands))) if self.commands[i][:4].upper() == "MAIL")
        return [command for command in self.commands[start:] if command[:4].upper() in ("MAIL", "RCPT")]

    def parameters(self):
        """Of the transaction's MAIL, as a list of words."""
        return self.transaction()[0].split("> ", 1)[1].split() if "> " in self.transaction()[0] else []

    def wrong(self, what):
        self.server.violations.append(what)

    def check_parameters(self, line, known):
        """Each parameter is one that was offered, is whole, and is there once."""
        words = line.rsplit("> ", 1)[1].split(" ") if "> " in line else []
        names = [word.split("=")[0] for word in words]
        if len(names) != len(set(names)):
            self.wrong(f"a parameter that is there twice: {line!r}")
        for word in words:
            extension = next((known[pattern] for pattern in known if re.fullmatch(pattern, word)), None)
            if extension is None or extension not in self.offered:
                self.wrong(f"{word!r} was not offered: {line!r}")
        if not line.isascii() and "SMTPUTF8" not in (self.parameters() if line[:4] != "MAIL" else words):
            self.wrong(f"not ASCII, without SMTPUTF8: {line!r}")

    def check_content(self, size, binary):
        words = self.parameters()
        declared = [int(word[5:]) for word in words if word.startswith("SIZE=")]
        if declared and size > declared[0] + 2:         # a declaration may be too high (RFC 1870)
            self.wrong(f"{size} bytes of content after SIZE={declared[0]}")
        if "BODY=BINARYMIME" in words and not binary:
            self.wrong("DATA after BODY=BINARYMIME")

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
            self.wrong(f"a command line with a bare CR or LF: {line!r}")
        if len(line) > (1000 if re.match(rb"MAIL |RCPT ", line) and "DSN" in self.offered else 550):
            self.wrong(f"a command line of {len(line) + 1} bytes")
        return line.rstrip(b"\r").decode("latin-1")

    def content(self):
        data = bytearray(b"\r\n" + self.buffer)
        self.buffer, seen = b"", 0
        while (end := data.find(b"\r\n.\r\n", seen)) < 0:
            seen = max(0, len(data) - 4)
            data += self.fill()
        self.buffer = bytes(data[end + 5:])
        content = bytes(data[2:end + 2])
        if not self.server.bare and re.search(rb"(?<!\r)\n|\r(?!\n)", content):
            self.wrong("message content with a bare CR or LF")
        if re.search(rb"(?:^|[\r\n])\0*\.(?!\.)", content):
            self.wrong("message content with an unstuffed dot")
        self.check_content(len(re.sub(rb"((?:^|[\r\n])\0*)\.\.", rb"\1.", content)), False)
        return content

    def chunk(self, line):
        """Reads what a BDAT brings; True when it was the last."""
        match = re.fullmatch(r"BDAT (\d+)( LAST)?", line)
        if not match or "CHUNKING" not in self.offered:
            self.wrong(f"BDAT that is malformed or was not offered: {line!r}")
        size = int(match[1])
        while len(self.buffer) < size:
            self.buffer += self.fill()
        self.chunks = (self.chunks or b"") + self.buffer[:size]
        self.buffer = self.buffer[size:]
        return bool(match[2])


class Capture:
    def __init__(self, address=("127.0.0.1", 0), lmtp=False, behave=None, keep=True,
                 extensions=("PIPELINING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES"), bare=False):
        """`bare`: content over DATA may hold a bare CR or LF."""
        self.lmtp, self.behave, self.keep, self.bare = lmtp, behave or (lambda *_: None), keep, bare
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
        said = reply or usual or USUAL.get(verb, b"500 5.5.2 What?")
        if verb in ("EHLO", "LHLO"):
            session.offered = {text[4:].split(" ")[0].upper() for text in said.decode("latin-1").split("\r\n")[1:]}
        session.connection.sendall(said + b"\r\n")
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
                session.check_parameters(line, MAIL_PARAMETERS)
                if self.answer(session, verb, line):
                    sender, recipients = line.split("<", 1)[1].split(">")[0], []
            elif verb == "RCPT":
                session.check_parameters(line, RCPT_PARAMETERS)
                if sender is None:
                    session.connection.sendall(b"503 5.5.1 No sender\r\n")
                elif self.answer(session, verb, line):
                    recipients.append(line.split("<", 1)[1].rsplit(">", 1)[0])
            elif verb == "DATA":
                if not recipients:
                    session.connection.sendall(b"503 5.5.1 No recipients\r\n")
                elif self.answer(session, verb, line):
                    self.take(session, Message(session, sender, recipients, session.content()))
                    sender, recipients = None, []
            elif verb == "BDAT":
                if not recipients:
                    self.violations.append("BDAT without recipients")
                if not session.chunk(line):
                    self.answer(session, verb, line)
                    continue
                session.check_content(len(session.chunks), True)
                self.take(session, Message(session, sender, recipients, b"", session.chunks))
                sender, recipients, session.chunks = None, [], None
            else:
                self.answer(session, verb, line)
                if verb == "RSET":
                    sender, recipients = None, []
                if verb == "QUIT":
                    return

    def take(self, session, message):
        recipients = message.recipients
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

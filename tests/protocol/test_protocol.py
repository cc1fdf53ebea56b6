"""Runs the transcripts of this folder and its sub-folders, *.smtp: readable conversations with a real impulsed, one
behaviour a file. A sub-folder is an RFC, a file in it a section: rfc5321/4.1.1.2-mail.smtp.

What the server is told beforehand:

    # a comment
    %outer TEXT       a line of configuration for the global scope
    %listener TEXT    ... for ESMTP_Listener
    %listen TEXT      ... for its Listen
    %file NAME TEXT   a line of the file NAME in the server's folder: a password file, for example
    %hop WORD ...     extensions that the next hop offers besides PIPELINING, 8BITMIME, SIZE and ENHANCEDSTATUSCODES
    %module NAME      the module tests/modules/NAME is there, and configured

    {folder} in these lines is the server's folder, {port} its port (for a Listen at another address), {certificate}
    and {key} what it needs for TLS ({rsa-certificate} and {rsa-key}: of RSA), {dhparams} parameters for DHE, {ca} the
    authority that signed its certificate and those of the clients. Without relay_hosts or open_relay in %listener,
    loopback may relay. Failures are reported to nobody, unless %outer sets generate_bounces.

The conversation:

    C: TEXT           the client sends TEXT and CR LF; C lines in a row leave as one segment
    C\\ TEXT           the client sends TEXT without a line end; \\r \\n \\t \\\\ \\0 \\xHH are what they are in C
    S: TEXT           the next reply line is TEXT, to the letter; "..." stands for anything
    C: <tls>          the client does the TLS handshake on the open connection, after STARTTLS or at once (Use_SSL);
                      what it sees of a failure is S: <close>
    C: <tls ann>      ... with a certificate for ann (CN=ann, subjectAltName email:ann@sender.example)
    C: <tls stranger ann>    ... that an unknown authority signed
    C: <tls group NAME>, <tls cipher LIST>    ... with this group, or these ciphers of TLS 1.2, and no others
    C: <at once>      the client does not wait for the banner: what it sends next is sent first (PROXY headers)
    C: <close>        the client closes
    S: <close>        the server closes
    -- TITLE          a new connection to the same server; the one before is closed
    ++ TITLE          goes on with the connection of this title, which is opened when it is not open; all others stay
                      open. Both may end in "from ADDRESS" (127.0.0.2 ...) and "to ADDRESS"
    M: TEXT           the next line of the next message that the next hop was handed; "..." alone is any number of
                      lines. M lines in a row are the whole message. It begins with the commands MAIL and RCPT and an
                      empty line if the first M line begins with MAIL. (Without M lines no message goes anywhere.)
    L: LOG TEXT       a line of mainlog, rejectlog, acctlog or paniclog from this conversation on is TEXT
    R: TEXT           the configuration is read again, with this line in ESMTP_Listener

Within a C line {A*100} is A a hundred times, and {base64 TEXT} is TEXT in base64, with C's escapes: {base64 \\0ann\\0pw}.

The server says its banner first, unless the transcript has it: when a connection begins with an S line, or with
C: <at once>.
"""
import base64
import re
import shutil
import ssl
from pathlib import Path

import pytest

from harness import await_true
from harness.capture import Capture
from harness.daemon import MODULES, Impulse, Site
from harness.sdk import build
from harness.wire import Wire

FOLDER = Path(__file__).parent
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\", "0": b"\0"}
BEFORE = ("%outer", "%listener", "%listen", "%file", "%hop", "%module")
STEPS = ("C:", "C\\", "S:", "--", "++", "M:", "L:", "R:")


def unescaped(text):
    return re.sub(rb"\\(x[0-9A-Fa-f]{2}|.)", lambda m: bytes([int(m[1][1:], 16)]) if len(m[1]) == 3 else
                  ESCAPES[m[1].decode()], text)


def sent(text, escapes):
    """The bytes of a C line's text."""
    text = re.sub(r"\{(.)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)
    text = re.sub(r"\{base64 ([^}]*)\}", lambda m: base64.b64encode(unescaped(m[1].encode())).decode(), text)
    return unescaped(text.encode()) if escapes else text.encode()


def expected(text):
    """The pattern of an S line."""
    return re.compile(".*".join(re.escape(part) for part in text.split("...")), re.S)


def expected_message(lines):
    """The pattern of M lines in a row."""
    return re.compile("".join("(?:[^\r]*\r\n)*?" if line == "..." else
                              "[^\r]*".join(re.escape(part) for part in line.split("...")) + "\r\n" for line in lines))


class Transcript:
    def __init__(self, path):
        self.path, self.steps = path, []
        self.before = {kind: [] for kind in BEFORE}
        for number, line in enumerate(path.read_text().split("\n"), 1):
            kind, _, text = line.partition(" ")
            if kind in BEFORE:
                self.before[kind].append(text)
            elif kind in STEPS:
                self.steps.append((number, kind, text))
            else:
                assert not line or line.startswith("#"), f"{path.name}:{number}: {line!r} is no line of a transcript"

    @property
    def key(self):
        """What two transcripts must have in common to share a server."""
        kinds = {kind for _, kind, _ in self.steps}
        return tuple(tuple(self.before[kind]) for kind in BEFORE), "M:" in kinds, "R:" in kinds and self.path


class Server:
    """A daemon for all transcripts with the same lines of configuration."""

    def __init__(self, folder, transcript, certificates, installed):
        self.site, self.certificates = Site(folder), certificates
        offered = " ".join(("PIPELINING 8BITMIME SIZE ENHANCEDSTATUSCODES", *transcript.before["%hop"])).split()
        self.capture = Capture(extensions=offered) if transcript.key[1] else None
        self.taken = 0      # messages that M lines have looked at
        for line in transcript.before["%file"]:
            name, _, text = line.partition(" ")
            with open(self.site.directory / name, "a", encoding="utf-8") as file:
                file.write(self.filled(text) + "\n")
        self.daemon = Impulse(self.site)
        self.outer, self.listener, self.listen = (
            "\n".join(map(self.filled, transcript.before[kind])) for kind in BEFORE[:3])
        if "generate_bounces =" not in self.outer:
            self.outer += "\ngenerate_bounces = false"
        if not self.capture:
            self.outer += '\nblackhole = "internal"'
        if transcript.before["%module"]:
            self.add_modules(transcript.before["%module"], installed())
        self.daemon.start(self.config())

    def add_modules(self, names, installed):
        directory = self.site.directory / "modules"
        shutil.copytree(MODULES, directory)
        self.daemon.environment["IMPULSE_MODULE_PATH"] = str(directory)
        for name in names:
            build(installed, name, directory)
            self.outer += f"\n{name} {{ }}"

    def config(self):
        return self.site.config(self.outer, self.listener, self.listen, to=self.capture,
                                logger=f'acctlog = "{self.log("acctlog")}"')

    def reload(self, line):
        self.listener += "\n" + self.filled(line)
        self.daemon.write(self.config())
        before = self.daemon.paniclog().count("reloaded")
        self.daemon.reload()
        await_true(lambda: self.daemon.paniclog().count("reloaded") > before, "the reload:\n" + self.daemon.paniclog())

    def filled(self, text):
        made = self.certificates
        rsa_certificate, rsa_key = made.rsa if "{rsa-" in text else ("", "")
        for name, value in (("folder", self.site.directory), ("port", self.site.port), ("ca", made.ca),
                            ("certificate", made.certificate), ("key", made.key), ("rsa-certificate", rsa_certificate),
                            ("rsa-key", rsa_key), ("dhparams", "{dhparams}" in text and made.dhparams)):
            text = text.replace("{" + name + "}", str(value))
        return text

    def log(self, name):
        return self.site.log / f"{name}.ec"

    def log_sizes(self):
        return {path.name: path.stat().st_size for path in self.site.log.iterdir()}

    def log_line(self, name, since):
        path = self.log(name)
        text = path.read_bytes()[since.get(path.name, 0):].decode("utf-8", "replace") if path.exists() else ""
        return text.split("\n")

    def next_message(self):
        self.taken += 1
        return self.capture.wait(self.taken)[self.taken - 1]

    def close(self):
        self.daemon.close()
        if self.capture:
            self.capture.stop()
            assert not self.capture.violations, self.capture.violations


class Connection:
    """One client of a transcript. The banner is read when the transcript does not have it."""

    def __init__(self, server, first, title):
        place = dict(re.findall(r"\b(from|to) ([\da-fA-F.:]+)(?= |$)", title))
        self.certificates = server.certificates
        self.wire = Wire((place.get("to", "127.0.0.1"), server.site.port), source=place.get("from"))
        self.pending = b""      # C lines that are not sent yet
        self.failed = None      # the handshake
        self.banner = first[0] == "S:" or first == ("C:", "<at once>")

    def flush(self):
        if self.pending:
            self.read_banner()
            self.wire.send(self.pending)
            self.pending = b""

    def read_banner(self):
        if not self.banner:
            self.banner = True
            self.wire.reply()

    def handshake(self, words):
        self.flush()
        context = self.certificates.any_context()
        if words[:1] == ["group"]:
            context.set_ecdh_curve(words[1])
        elif words[:1] == ["cipher"]:
            context.set_ciphers(words[1])
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        elif words:
            issued = self.certificates.stranger if words[0] == "stranger" else self.certificates.client
            context.load_cert_chain(*issued(words[-1]))
        try:
            self.wire.start_tls(context)
        except (ssl.SSLError, ConnectionError) as error:
            self.failed = error

    def says(self, kind, text):
        if text == "<close>":
            self.flush()
            self.wire.close()
        elif tls := re.fullmatch(r"<tls((?: [\w.:@=-]+)*)>", text):
            self.handshake(tls[1].split())
        elif text != "<at once>":
            if not self.failed:
                self.pending += sent(text, kind == "C\\") + (b"" if kind == "C\\" else b"\r\n")

    def hears(self, text, place):
        if text == "<close>":
            self.flush()
            assert self.failed or self.wire.at_end(), place + f"still open; unread {self.wire.unread!r}"
            return
        try:
            assert not self.failed, f"the handshake failed: {self.failed}"
            self.flush()
            self.banner = True
            line = self.wire.line().decode("utf-8", "replace")
        except (ConnectionError, TimeoutError, ssl.SSLError, AssertionError) as error:
            raise AssertionError(place + f"expected {text!r}, but {error}") from None
        assert expected(text).fullmatch(line), place + f"expected {text!r}, got {line!r}"


def play(transcript, server):
    open_ones, title = {}, ""
    logs = server.log_sizes()
    steps = transcript.steps
    try:
        for i, (number, kind, text) in enumerate(steps):
            place = f"{transcript.path.name}:{number}: "
            if kind in ("--", "++"):
                if title in open_ones:
                    open_ones[title].flush()
                    if kind == "--":
                        open_ones.pop(title).wire.close()
                title = text
            elif kind == "M:":
                if steps[i - 1][1] != "M:":
                    match_message(server, [t for _, _, t in steps[i:end_of_message(steps, i)]], place)
            elif kind == "L:":
                name, _, pattern = text.partition(" ")
                await_true(lambda: any(map(expected(pattern).fullmatch, server.log_line(name, logs))),
                           place + f"{pattern!r} in the {name}; it has\n" + "\n".join(server.log_line(name, logs)))
            elif kind == "R:":
                open_ones[title].flush()
                server.reload(text)
            else:
                if title not in open_ones:
                    open_ones[title] = Connection(server, (kind, text), title)
                if kind == "S:":
                    open_ones[title].hears(text, place)
                else:
                    open_ones[title].says(kind, text)
                if (kind, text) == ("C:", "<close>"):
                    del open_ones[title]
    finally:
        for connection in open_ones.values():
            connection.wire.close()


def end_of_message(steps, i):
    while i < len(steps) and steps[i][1] == "M:":
        i += 1
    return i


def match_message(server, lines, place):
    message = server.next_message()
    text = message.content.decode("utf-8", "replace")
    if lines[0].startswith("MAIL "):
        text = "".join(line + "\r\n" for line in [*message.commands, ""]).encode("latin-1").decode("utf-8", "replace") + text
    assert expected_message(lines).fullmatch(text), place + "the next hop was handed\n" + text


@pytest.fixture(scope="module")
def servers(tmp_path_factory, certificates, request):
    """Servers by configuration: transcripts with the same one share it."""
    made = {}

    def installed():
        return request.getfixturevalue("installed")

    def get(transcript):
        if transcript.key not in made:
            made[transcript.key] = Server(tmp_path_factory.mktemp("transcripts"), transcript, certificates, installed)
        return made[transcript.key]

    yield get
    for server in made.values():
        server.close()


def parameter(path):
    """Those with modules run where the others do that need the installation."""
    marks = [pytest.mark.xdist_group("transcripts-with-modules")] if Transcript(path).before["%module"] else []
    return pytest.param(path, marks=marks, id=str(path.relative_to(FOLDER).with_suffix("")))


@pytest.mark.parametrize("path", map(parameter, sorted(FOLDER.rglob("*.smtp"))))
def test_transcript(servers, path):
    transcript = Transcript(path)
    play(transcript, servers(transcript))

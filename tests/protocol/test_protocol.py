"""Runs the transcripts of this folder, *.smtp: readable conversations with a real impulsed, one behaviour a file.

    # a comment
    %outer TEXT       a line of configuration for the global scope
    %listener TEXT    a line of configuration for ESMTP_Listener
    C: TEXT           the client sends TEXT and CR LF; C lines in a row leave as one segment
    C\\ TEXT           the client sends TEXT without a line end; \\r \\n \\t \\\\ \\xHH are what they are in C
    S: TEXT           the next reply line is TEXT, to the letter; "..." stands for anything
    S: <close>        the server closes
    C: <close>        the client closes
    -- TITLE          a new connection to the same server

{A*100} within a C line is A a hundred times. The server says its banner first, unless the file expects it (S: 220):
then the transcript begins with it.
"""
import re
from pathlib import Path

import pytest

from harness.daemon import Impulse, Site
from harness.wire import Wire

FOLDER = Path(__file__).parent
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}


def sent(text, escapes):
    """The bytes of a C line's text."""
    text = re.sub(r"\{(.)\*(\d+)\}", lambda m: m[1] * int(m[2]), text).encode("utf-8")
    if escapes:
        text = re.sub(rb"\\(x[0-9A-Fa-f]{2}|.)", lambda m: bytes([int(m[1][1:], 16)]) if len(m[1]) == 3 else
                      ESCAPES[m[1].decode()], text)
    return text


def expected(text):
    """The pattern of an S line."""
    return re.compile(".*".join(re.escape(part) for part in text.split("...")), re.S)


class Transcript:
    def __init__(self, path):
        self.path, self.outer, self.listener, self.steps = path, [], [], []
        for number, line in enumerate(path.read_text().split("\n"), 1):
            kind, _, text = line.partition(" ")
            if kind == "%outer":
                self.outer.append(text)
            elif kind == "%listener":
                self.listener.append(text)
            elif kind in ("C:", "C\\", "S:", "--"):
                self.steps.append((number, kind, text))
            else:
                assert not line or line.startswith("#"), f"{path.name}:{number}: {line!r} is no line of a transcript"

    def play(self, address):
        client, pending = None, b""
        try:
            for number, kind, text in self.steps:
                place = f"{self.path.name}:{number}: "
                if kind == "--":
                    if client:
                        client.close()
                    client = None
                    continue
                if client is None:
                    client = Wire(address)
                    if not (kind == "S:" and text.startswith("220")):
                        client.reply()
                if kind == "S:" and pending:
                    client.send(pending)
                    pending = b""
                if kind == "C:" and text == "<close>":
                    client.send(pending)
                    client.close()
                    pending, client = b"", None
                elif kind.startswith("C"):
                    pending += sent(text, kind == "C\\") + (b"" if kind == "C\\" else b"\r\n")
                elif text == "<close>":
                    assert client.at_end(), place + f"still open; unread {client.unread!r}"
                else:
                    try:
                        line = client.line().decode("utf-8", "replace")
                    except (ConnectionError, TimeoutError) as error:
                        raise AssertionError(place + f"expected {text!r}, but {error}") from None
                    assert expected(text).fullmatch(line), place + f"expected {text!r}, got {line!r}"
        finally:
            if client:
                client.close()


@pytest.fixture(scope="module")
def daemons(tmp_path_factory):
    """Daemons by configuration: transcripts with the same one share it."""
    made = {}

    def get(outer, listener):
        key = (tuple(outer), tuple(listener))
        if key not in made:
            site = Site(tmp_path_factory.mktemp("transcripts"))
            daemon = Impulse(site)
            daemon.start(site.config('blackhole = "internal"\ngenerate_bounces = false\n' + "\n".join(outer),
                                     "\n".join(listener)))
            made[key] = daemon
        return made[key]

    yield get
    for daemon in made.values():
        daemon.close()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.smtp")), ids=lambda path: path.stem)
def test_transcript(daemons, path):
    transcript = Transcript(path)
    transcript.play(daemons(transcript.outer, transcript.listener).address)

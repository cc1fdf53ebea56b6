"""Bad configurations, bad modules and hostile clients get an answer, and cost bounded time and memory."""
import pathlib
import re
import tempfile
import time

import pytest

from harness import await_true, scaled
from harness.certificates import Certificates
from harness.daemon import run
from harness.messages import EXACT, header
from harness.wire import Wire

FIVE_MISTAKES = """
hostname = "mx.example"
retry_intreval = 1000
retry_interval = "soon"
ESMTP_Listener {
  Listen "127.0.0.1:99999" { }
  Listen ":2525" {
    Enable = perhaps
  }
  pidfile = "/run/x.pid"
}
"""


def test_five_mistakes_are_five_diagnostics(site):
    file = site.directory / "five.conf"
    file.write_text(FIVE_MISTAKES)
    status, said = run("-t", "-c", file)
    assert status == 1
    places = [(int(line), int(column)) for line, column in
              re.findall(rf"^{re.escape(str(file))}:(\d+):(\d+): error: ", said, re.M)]
    assert [line for line, _ in places] == [3, 4, 6, 8, 10], said
    assert "did you mean 'retry_interval'?" in said
    lines = said.splitlines()
    for number in (3, 4, 6, 8, 10):
        source = FIVE_MISTAKES.splitlines()[number - 1]
        shown = next(i for i, line in enumerate(lines) if source.strip() in line)
        assert re.fullmatch(r"[\s|\d]*\^~*\s*", lines[shown + 1]), lines[shown:shown + 2]
        # The caret stands below what is wrong: the column that the diagnostic names.
        column = dict(places)[number]
        assert 1 <= column <= len(source)


@pytest.mark.parametrize("text, line", [
    ('hostname = "a\r\nb"\n', 1),
    ('\nESMTP_Listener {\n  static_banner = "220 a\n220 b"\n}\n', 3),
    ('hostname = "mail host.example"\n', 1),
    ('domain "d" {\n  ehlo_hostname = "two words"\n}\n', 2),
    ('bind_address = "nowhere"\n', 1),
    ('domain "d" {\n  gateway = "a b"\n}\n', 2),
    ('domain "d" {\n  routes = ( "apn://push.example" )\n}\n', 2),
    ('gateway = "10.0.0.256"\n', 1),
])
def test_values_that_would_break_a_line_or_mean_nothing(site, text, line):
    file = site.directory / "values.conf"
    file.write_bytes(text.encode())
    status, said = run("-t", "-c", file)
    assert status == 1
    assert re.search(rf"^{re.escape(str(file))}:{line}:\d+: error: ", said, re.M), said


def test_routes_of_another_delivery_method_are_its_own_affair(site):
    file = site.directory / "push.conf"
    file.write_text('domain "d" {\n  delivery_method = "apn"\n  routes = ( "apn://push.example?port=2195" )\n}\n')
    status, said = run("-t", "-c", file)
    assert status == 0, said
    assert "value APN of option delivery_method is read but has no effect" in said


def test_a_delivery_method_that_nobody_has(site):
    file = site.directory / "nobody.conf"
    file.write_text('domain "d" {\n  delivery_method = "nonesuch"\n}\ndomain "e" { delivery_method = "maildir" }\n'
                    'domain "f" { delivery_method = "LMTP" }\n')
    for option in ("-t", "-d"):
        status, said = run(option, "-c", file)
        assert status != 0 and f'{file}:2:21: error: delivery_method: there is no method "nonesuch"' in said, said
        assert said.count("there is no method") == 1, said


def test_the_same_file_stops_the_start(site):
    file = site.directory / "five.conf"
    file.write_text(FIVE_MISTAKES)
    status, said = run("-d", "-c", file)
    assert status != 0 and said.count(": error: ") == 5


@pytest.mark.parametrize("text", [
    "", "\n", "#", "}", "{", "ESMTP_Listener {", "a = ", "= b", '"', 'x = "never closed', "a = (", "a = [ b = (",
    "include", 'include "/nonexistent/file"', "/* never closed", "\x00\x01\x02", "hostname = \xff\xfe",
    "ESMTP_Listener { " * 5000, "x" * 1_000_000, 'hostname = "' + "y" * 100_000 + '"',
])
def test_text_that_is_no_configuration(site, text):
    """Status 0 or 1 with something said; never a crash, never a hang."""
    file = site.directory / "odd.conf"
    file.write_text(text, encoding="latin-1")
    status, said = run("-t", "-c", file)
    assert status in (0, 1), said[-2000:]
    assert status == 0 or said.strip()


def test_a_file_that_includes_itself(site):
    file = site.directory / "circle.conf"
    file.write_text('include "circle.conf"\n')
    status, said = run("-t", "-c", file)
    assert status == 1 and "circle.conf" in said and len(said) < 10000


def test_options_without_effect_are_told(site):
    """What is read and has no effect here is a warning of `-t`, never silently ignored."""
    file = site.directory / "without.conf"
    file.write_text(site.config("use_mmap = true\ngrowbuf_size = 1234"))
    status, said = run("-t", "-c", file)
    assert status == 0
    assert any("warning" in line and "use_mmap" in line.lower() for line in said.splitlines())
    assert any("warning" in line and "growbuf_size" in line.lower() for line in said.splitlines())


# ---- clients ---------------------------------------------------------------------------------------------------------


def test_100_megabytes_without_a_newline_as_a_command(impulse, site):
    impulse.start(site.config())
    before = impulse.peak_memory()
    block, sent = b"A" * 1_000_000, 0
    with Wire(impulse.address, timeout=60) as client:
        client.reply()
        try:
            for _ in range(scaled(100, 40)):
                client.send(block)
                sent += len(block)
            client.send(b"\r\n")
            reply = client.reply()
            assert reply.code in (500, 421), reply
        except ConnectionError:
            assert sent < 100_000_000   # it hung up, which is an answer too
    assert impulse.peak_memory() - before < scaled(4, 40) * 2**20
    with Wire(impulse.address) as other:
        other.greet()


def test_100_megabytes_without_a_newline_as_content(impulse, site):
    """One line of 100 MB within DATA: stored in chunks or refused, in bounded memory either way."""
    impulse.start(site.config("blackhole = true"))
    with Wire(impulse.address, timeout=60) as client:
        client.greet()
        assert client.mail(EXACT["300 kB"]).code == 250   # buffers that a large message needs exist from here on
        before = impulse.peak_memory()
        for line in ("MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>", "DATA"):
            client.command(line)
        block = b"A" * 1_000_000
        try:
            for _ in range(scaled(100, 30)):
                client.send(block)
            client.send(b"\r\n.\r\n")
            assert client.reply().code in (250, 500, 552, 550, 554, 421)
        except ConnectionError:
            pass
    assert impulse.peak_memory() - before < scaled(100, 400) * 2**20


def test_a_message_above_the_limit_does_not_fill_memory(impulse, site):
    impulse.start(site.config(listener="max_message_size = 1000000"))
    with Wire(impulse.address, timeout=60) as client:
        client.greet()
        for line in ("MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>", "DATA"):
            client.command(line)
        client.send(b"Subject: large\r\n\r\n")
        before = impulse.peak_memory()
        for _ in range(scaled(100, 30)):
            client.send(b"x" * 998 + b"\r\n" + b"y" * 998_998 + b"\r\n")
        client.send(b".\r\n")
        reply = client.reply()
        assert reply.text.startswith("552 5.3.4"), reply
        assert client.command("NOOP").code == 250
    assert impulse.peak_memory() - before < scaled(16, 64) * 2**20


def test_one_byte_a_second(impulse, site):
    """Idle_Time is about a client that says nothing useful, not about one that is silent: bytes without a command
    do not keep the session for ever."""
    impulse.start(site.config(listener="Idle_Time = 2"))
    began = time.monotonic()
    with Wire(impulse.address, timeout=20) as client:
        client.greet()
        client.socket.settimeout(1)
        said = b""
        while time.monotonic() - began < 15:
            try:
                client.send(b"N")
                more = client.socket.recv(4096)
                if not more:
                    break
                said += more
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("still connected after 15 s")
    assert time.monotonic() - began < scaled(8, 14)
    assert said == b"" or said.startswith(b"421 "), said


def test_silence_is_answered_421(impulse, site):
    impulse.start(site.config(listener="Idle_Time = 1"))
    with Wire(impulse.address, timeout=10) as client:
        client.greet()
        began = time.monotonic()
        reply = client.reply()
        assert reply.text.startswith("421 4.4.2") and client.at_end()
        assert 0.5 < time.monotonic() - began < scaled(4, 8)


def test_idle_time_is_for_idle_clients(impulse, site, capture):
    """A client that works all the time stays longer than Idle_Time."""
    impulse.start(site.config(listener="Idle_Time = 1", to=capture))
    began, count = time.monotonic(), 0
    with Wire(impulse.address) as client:
        client.greet()
        while time.monotonic() - began < 2.5:
            assert client.mail(EXACT["plain"]).code == 250
            count += 1
    assert count > 5


def test_a_flood_of_commands(impulse, site):
    """A client that sends and never reads cannot make the server hold its replies without bound."""
    impulse.start(site.config())
    before = impulse.peak_memory()
    with Wire(impulse.address) as client:
        client.greet()
        client.socket.settimeout(1)
        try:
            for _ in range(2000):
                client.send(b"HELP\r\n" * 5000)
        except (TimeoutError, ConnectionError):
            pass
        assert impulse.peak_memory() - before < scaled(16, 64) * 2**20
    with Wire(impulse.address) as other:
        other.greet()


def test_a_thousand_idle_sessions_are_cheap(impulse, site):
    impulse.start(site.config())
    with Wire(impulse.address) as first:
        first.greet()
    before = int(impulse.status("VmRSS").split()[0]) * 1024
    clients = [Wire(impulse.address) for _ in range(scaled(1000, 200))]
    for client in clients:
        client.greet()
    each = (int(impulse.status("VmRSS").split()[0]) * 1024 - before) / len(clients)
    for client in clients:
        client.close()
    assert each < scaled(4096, 65536), each


@pytest.mark.parametrize("garbage", [
    b"\x00" * 100 + b"\r\n", b"\xff" * 600 + b"\r\n", b"\r\n" * 50, b"\n" * 50, b"EHLO \x00\r\n",
    b"MAIL FROM:<" + b"a" * 5000 + b"@b>\r\n", b"RCPT TO:<" + b"@" * 1000 + b">\r\n", b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n",
])
def test_garbage_gets_an_answer(impulse, site, garbage):
    impulse.start(site.config())
    with Wire(impulse.address) as client:
        client.greet()
        client.send(garbage)
        try:
            assert client.reply().code >= 400
            client.send(b"QUIT\r\n")
            while client.reply().code != 221:
                pass
        except ConnectionError:
            pass   # after too many errors it may hang up
    with Wire(impulse.address) as other:
        other.greet()


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\n\n.\r\n",
                                 b"\r\n.\r\r\n", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n"])
@pytest.mark.parametrize("policy", ["", 'rfc2822_lone_lf_in_body = "fix"', 'rfc2822_lone_lf_in_body = "ignore"'])
def test_only_cr_lf_dot_cr_lf_ends_a_message(impulse, site, capture, policy, end):
    """SMTP smuggling: what looks like an end and is none must neither end the message here nor there; the capture
    server notices a bare CR or LF, which another next hop might take for one."""
    impulse.start(site.config(policy, to=capture))
    inner = b"MAIL FROM:<smuggled@evil.example>\r\nRCPT TO:<victim@rcpt.example>\r\nDATA\r\nevil\r\n.\r\n"
    with Wire(impulse.address) as client:
        client.greet()
        for line in ("MAIL FROM:<a@sender.example>", "RCPT TO:<b@rcpt.example>", "DATA"):
            client.command(line)
        client.send(header() + b"text" + end + inner)
        reply = client.reply()
        assert reply.code in (250, 550, 554, 500, 501), reply
        accepted = reply.code == 250
        if policy and b"\x00" not in end:
            assert accepted
        try:
            client.command("QUIT")
        except (AssertionError, ConnectionError):
            pass
    if accepted:
        impulse.await_log("D")
    impulse.stop()
    assert len(impulse.mainlog("R")) == (1 if accepted else 0)
    assert all("evil" not in m.sender for m in capture.messages)
    await_true(lambda: len(capture.messages) == (1 if accepted else 0), "what was accepted, and no more")
    if accepted:
        assert b"smuggled@evil.example" in capture.messages[0].content


def test_the_check_looks_at_the_machine_too(site):
    """A correct file that this machine cannot run: -t says what is missing, as the start would."""
    file = site.directory / "machine.conf"
    file.write_text('security {\n  user = "nobody-of-that-name"\n}\n')
    for mode in ("-t", "-d"):
        status, said = run(mode, "-c", file)
        assert status == 1
        assert 'machine.conf:2: security user "nobody-of-that-name" does not exist' in said


def test_the_check_looks_with_the_eyes_of_the_account():
    """Root reads everything; what is read again later is read by the account that the daemon becomes."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # those of pytest are root's alone
        made = Certificates(folder)
        certificate, key = made.certificate, made.key
        passwords = folder / "passwords"
        passwords.write_text("ann:secret\n")
        file = folder / "account.conf"
        file.write_text(f"""security {{ user = "nobody" group = "nogroup" }}
TLS_Certificate = "{certificate}"
TLS_Key = "{key}"
ESMTP_Listener {{
  SMTP_Extensions = ( "STARTTLS" "AUTH CRAM-MD5" )
  AuthCramMD5Parameters = [ uri = "file://{passwords}" ]
  Listen "127.0.0.1:2525" {{ }}
}}
""")
        for mode, warned in ((0o600, True), (0o644, False)):
            for path in (file, certificate, key, passwords):
                path.chmod(mode)
            status, said = run("-t", "-c", file)
            assert status == 0, said
            assert (f"{file}: warning: user nobody cannot read {file}: a reload would fail" in said) == warned
            assert (f"{file}:2:19: warning: user nobody cannot read {certificate}: when it changes" in said) == warned
            assert (f"{file}:3:11: warning: user nobody cannot read {key}: when it changes" in said) == warned
            assert (f"{file}:6:27: warning: user nobody cannot read {passwords}: nobody gets in" in said) == warned


@pytest.mark.parametrize("banner, warned", [("mx.example.com welcomes you", True), ("220-mx.example.com", True),
                                            ("220 mx.example.com", False), ("554 closed today", False)])
def test_a_greeting_without_a_code_is_told(site, banner, warned):
    file = site.directory / "banner.conf"
    file.write_text(site.config(listener=f'static_banner = "{banner}"'))
    status, output = run("-t", "-c", file)
    assert status == 0
    assert (f'the whole greeting is expected, with its code: "220 {banner}"' in output) == warned


@pytest.mark.parametrize("value, said", [
    ("colour = blue", "colour is not known here"),
    ('header_name = "X: Y"', "header_name has to be the name of a header field"),
    ("received_header = maybe", "received_header has to be true or false")])
def test_trace_headers_that_cannot_be(site, value, said):
    file = site.directory / "trace.conf"
    file.write_text(site.config(listener=f"trace_headers = [ {value} ]"))
    status, output = run("-t", "-c", file)
    assert status == 1
    assert f"trace_headers: {said}" in output and f"{file}:" in output


@pytest.mark.parametrize("name, warned", [("alone", False), ("grouped", False), ("group", True), ("nowhere", True)])
def test_a_pathway_that_is_not_there_is_told(site, name, warned):
    file = site.directory / "ecelerity.conf"
    file.write_text(site.config('Pathway "alone" { }\nPathway_Group "group" { Pathway "grouped" { } }',
                                listen=f'Peer "192.0.2.0/24" {{ Pathway = "{name}" }}'))
    status, output = run("-t", "-c", file)
    assert status == 0
    assert (f'warning: pathway: there is no Pathway "{name}"' in output) == warned, output

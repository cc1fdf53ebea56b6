"""impulsectl: the migration report, explain, check, and the commands that go through the console.

What the report says about tests/conf/migrate is compared with what this file reads off the same files by itself.
"""
import html.parser
import json
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from harness import patience
from harness.daemon import COMPLAINT, ENVIRONMENT, PROGRAM, ROOT, run

pytestmark = pytest.mark.one_thread

IMPULSECTL = PROGRAM.parent / "impulsectl"
PRODUCTION = ROOT / "tests" / "conf" / "migrate" / "ecelerity.conf"


def impulsectl(*arguments, columns=80):
    """Exit status, stdout and stderr of a command."""
    ran = subprocess.run([IMPULSECTL, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                         env={**ENVIRONMENT, "COLUMNS": str(columns)}, timeout=patience(60))
    said = ran.stderr.decode(errors="replace")
    assert not COMPLAINT.search(said), said
    return ran.returncode, ran.stdout, said


def migrate(file, folder):
    """Exit status, text, the JSON form and the HTML form of a report."""
    status, text, said = impulsectl("migrate", file, "--json", folder / "report.json", "--html", folder / "report.html")
    assert not said
    return (status, text.decode(), json.loads((folder / "report.json").read_text(encoding="utf-8")),
            (folder / "report.html").read_text(encoding="utf-8"))


# ---- reading a configuration without confparse -------------------------------------------------------------------

STANZA = re.compile(r'(\w+)\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))?\s*\{\s*(\}?)$')
SETTING = re.compile(r"(\w+)\s*=\s*(.*)$")


class Files:
    """The options and stanzas of a configuration that has one statement a line."""

    def __init__(self, main):
        self.folder = main.parent
        self.files, self.missing = [], []
        self.settings = []  # (option, file, line, scope, value); scope: ((kind, name), ...), all in lower case
        self.stanzas = {}   # scope: (file, line) of its first stanza
        self.read(main, ())

    def read(self, path, scope):
        name = str(path.relative_to(self.folder))
        self.files.append(name)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = re.sub(r'("[^"]*")|#.*', lambda m: m.group(1) or "", line).strip()
            included = re.fullmatch(r'(?:readonly_)?include "(.*)"', line)
            if included:
                self.include(path.parent / included.group(1), scope)
            elif line == "}":
                scope = scope[:-1]
            elif opened := STANZA.fullmatch(line):
                kind, quoted, bare, closed = opened.groups()
                inner = (*scope, (kind.lower(), (quoted or bare or "").lower()))
                self.stanzas.setdefault(inner, (name, number))
                scope = scope if closed else inner
            elif line:
                option, value = SETTING.fullmatch(line).groups()
                self.settings.append((option.lower(), name, number, scope, value))

    def include(self, path, scope):
        if path.is_dir():
            for entry in sorted(path.iterdir()):
                self.read(entry, scope)
        elif path.exists():
            self.read(path, scope)
        else:
            self.missing.append(path.name)


@pytest.fixture(scope="module")
def production():
    return Files(PRODUCTION)


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    return migrate(PRODUCTION, tmp_path_factory.mktemp("report"))


def places(finding):
    return {(str(Path(place["file"]).relative_to(PRODUCTION.parent)), place["line"]) for place in finding["places"]}


def named(report, group, name, qualifier=None):
    found = [finding for finding in report["findings"] if finding["group"] == group and finding["name"] == name
             and qualifier in (None, finding["qualifier"])]
    assert len(found) == 1, (group, name, [f for f in report["findings"] if f["name"] == name])
    return found[0]


# What is wrong in the files, and so has no finding of its own name: the option and why.
UNKNOWN = {"follow_cname_for_mx", "max_recipients_per_messages"}
WRONG = {"remote_smtp_port"}
UNKNOWN_STANZAS = {"acme_tagger"}


def understood(production):
    return [setting for setting in production.settings
            if setting[0] not in UNKNOWN | WRONG and not any(kind in UNKNOWN_STANZAS for kind, _ in setting[3])]


# ---- the report ------------------------------------------------------------------------------------------------------

def test_every_option_is_counted_at_its_place(production, reported):
    _, _, report, _ = reported
    expected = understood(production)
    assert report["counts"]["options"] == len(expected)
    stanzas = [scope for scope in production.stanzas if scope[0][0] not in UNKNOWN_STANZAS]
    assert report["counts"]["stanzas"] == len(stanzas)

    # Stanzas that have no effect count the options in them; all others are found one by one.
    idle = [finding for finding in report["findings"]
            if finding["kind"] in ("stanza", "module") and finding["group"] in ("blocks", "no_effect")]
    inside = set()
    for finding in idle:
        scopes = [scope for scope, place in production.stanzas.items() if place in places(finding)]
        assert len(scopes) == len(finding["places"])
        assert {scope[-1][0] for scope in scopes} == {finding["name"]}
        within = {setting for setting in expected if any(setting[3][:len(scope)] == scope for scope in scopes)}
        assert finding["inside"] == len(within), finding["name"]
        inside |= within
    outside = {(option, file, line) for option, file, line, _, _ in set(expected) - inside}
    found = {(finding["name"], *place) for finding in report["findings"] if finding["kind"] in ("option", "value")
             for place in places(finding)}
    dangerous = {(option, file, line) for option, file, line, _, _ in inside} & found
    assert found - dangerous == outside
    assert {option for option, _, _ in dangerous} == {"source"}  # a script that refuses mail


def test_stanzas_are_counted_at_their_first_place(production, reported):
    _, _, report, _ = reported
    for kind in ("binding", "binding_group", "domain", "esmtp_listener", "listen", "pathway", "peer", "threadpool"):
        served = {place for scope, place in production.stanzas.items()
                  if scope[-1][0] == kind and (len(scope) == 1 or scope[0][0] in
                                               ("esmtp_listener", "control_listener", "binding_group", "pathway_group"))}
        found = set()
        for finding in report["findings"]:
            if finding["kind"] == "stanza" and finding["name"] == kind:
                found |= places(finding)
        assert found == served, kind


def test_what_protects_something_blocks(production, reported):
    status, text, report, _ = reported
    assert status == 1 and report["ready"] is False
    assert report["verdict"].startswith("Not yet: ") and "\n" not in report["verdict"]
    assert " ".join(report["verdict"].split()) in " ".join(text.split())

    def lines(option, value):
        return {(file, line) for name, file, line, _, given in production.settings
                if name == option and given.strip('"') == value}
    assert places(named(report, "blocks", "tls", "= required")) == lines("tls", "required")
    assert places(named(report, "no_effect", "tls")) == lines("tls", "ifavailable")
    assert places(named(report, "blocks", "tls_verify", "= host")) == lines("tls_verify", "host")
    extensions = lines("smtp_extensions", '( "ENHANCEDSTATUSCODES" "PIPELINING" "8BITMIME" "SIZE" "AUTH LOGIN" "STARTTLS" )')
    assert len(extensions) == 1 and places(named(report, "honoured", "smtp_extensions")) == extensions
    clamav = named(report, "blocks", "clamav")
    assert clamav["kind"] == "module" and clamav["instead"]
    for group in ("blocks", "no_effect"):
        findings = [finding for finding in report["findings"] if finding["group"] == group]
        assert all(finding["note"] for finding in findings if finding["kind"] not in ("mistake",)), group


def test_mistakes_and_unknown_names_block(production, reported):
    _, _, report, _ = reported
    unknown = {finding["name"].lower(): finding for finding in report["findings"] if finding["kind"] == "unknown"}
    assert unknown.keys() == UNKNOWN | UNKNOWN_STANZAS
    for option, file, line, _, _ in production.settings:
        if option in UNKNOWN:
            assert places(unknown[option]) == {(file, line)}
    assert places(unknown["acme_tagger"]) == {production.stanzas[(("acme_tagger", "acme"),)]}
    assert "max_recipients_per_message" in unknown["max_recipients_per_messages"]["note"]
    mistakes = [finding for finding in report["findings"] if finding["kind"] == "mistake"]
    assert all(finding["group"] == "blocks" for finding in mistakes)
    wrong = [(file, line) for option, file, line, _, _ in production.settings if option in WRONG]
    assert [places(finding) for finding in mistakes if finding["name"].startswith("remote_smtp_port: ")] == [set(wrong)]
    assert production.missing == ["site-secrets.conf"]
    assert sum("site-secrets.conf" in finding["name"] for finding in mistakes) == 1
    assert len(mistakes) == 2


def test_listeners_programs_and_files_are_named(production, reported):
    _, _, report, _ = reported
    listens = {(scope[0][0], scope[1][1]) for scope in production.stanzas
               if len(scope) == 2 and scope[1][0] == "listen"}
    assert {(listener["kind"], listener["address"]) for listener in report["listeners"]} == listens
    assert [listener["address"] for listener in report["listeners"] if not listener["enabled"]] == ["10.20.0.5:2525"]
    served = {listener["kind"] for listener in report["listeners"] if listener["served"]}
    assert "esmtp_listener" in served and "eccluster_listener" not in served
    scripts = {value.strip('"') for option, _, _, scope, value in production.settings
               if option == "source" and scope[-1][0] == "script"}
    assert {script["path"] for script in report["scripts"]} == scripts
    assert {script["what"] for script in report["scripts"]} == {"Lua"}
    read = {str(Path(file["path"]).relative_to(PRODUCTION.parent)) for file in report["files"] if file["read"]}
    assert read == set(production.files)
    beside = [file for file in report["files"] if not file["read"]]
    assert [Path(file["path"]).name for file in beside] == ["eccluster.conf"] and beside[0]["note"]


def test_the_counts_are_those_of_the_findings(reported):
    _, text, report, _ = reported
    for group in ("blocks", "differs", "defaults", "no_effect", "honoured"):
        findings = [finding for finding in report["findings"] if finding["group"] == group]
        assert report["counts"][group] == {"findings": len(findings),
                                           "places": sum(len(finding["places"]) for finding in findings)}
    blocks = report["counts"]["blocks"]
    assert re.search(rf"^  Settle before the cut-over +{blocks['findings']} in {blocks['places']} places$", text, re.M)
    order = [finding["group"] for finding in report["findings"]]
    assert order == sorted(order, key=["blocks", "differs", "defaults", "no_effect", "honoured"].index)


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_the_text_fits_the_terminal(reported, columns):
    _, text, _ = impulsectl("migrate", PRODUCTION, columns=columns)
    assert b"\033" not in text  # no colours where nobody looks
    # Words may be longer than a line; everything else is broken.
    prose = [line for line in text.decode().splitlines() if re.match(r" {6}\S| *Not yet", line)]
    assert prose and all(len(line) <= columns for line in prose)


# ---- the page --------------------------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    """Checks that a page is well formed and stands alone; keeps its text and the numbers of its cards."""

    VOID = {"meta", "wbr"}

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.words, self.cards, self.ids = [], set(), [], [], []
        self.feed(page)
        self.close()
        assert self.open == []
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            assert name in ("lang", "charset", "name", "content", "class", "id", "href"), name
            assert name != "href" or value.startswith("#")
            if name == "id":
                self.ids.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            assert "url(" not in data and "@import" not in data
            return
        self.words.append(data)
        if self.open and self.open[-1] == "b":
            self.cards.append(int(data))


def test_the_page_stands_alone_and_says_the_same(reported):
    _, _, report, page = reported
    read = Page(page)
    assert not read.tags & {"script", "link", "img", "iframe", "object"}
    assert read.cards == [report["counts"][group]["findings"] for group in read.ids]
    assert report["verdict"] in read.text
    assert "prefers-color-scheme: dark" in page and "@media print" in page
    for finding in report["findings"]:
        if finding["kind"] != "mistake":
            assert finding["name"] in read.text
        if finding["group"] != "honoured":
            assert " ".join(finding["note"].split()) in read.text


def test_what_a_configuration_holds_is_not_markup(tmp_path):
    file = tmp_path / "ecelerity.conf"
    file.write_bytes(b'Domain "<script>alert(1)</script>&amp;" { alias_schemes = ( "x" ) }\n'
                     b'"<b>odd" = 1\nscriptlet s { script "</p>" { source = "a\xff<u>.lua" } }\n'
                     b'Domain "d\xc3\xa4\xff\x1b[31m" { retry_interval = 5 }\n')
    status, text, report, page = migrate(file, tmp_path)
    assert status == 1
    read = Page(page)
    assert not read.tags & {"script", "u"}
    assert "<script>alert(1)</script>&amp;" in read.text and "a\ufffd<u>.lua" in read.text
    assert "\033" not in text and "\033" not in page
    assert named(report, "blocks", "alias_schemes")["places"][0]["scope"] == 'Domain "<script>alert(1)</script>&amp;"'


# ---- verdicts --------------------------------------------------------------------------------------------------------

def test_a_plain_configuration_is_ready(site, tmp_path):
    file = tmp_path / "plain.conf"
    file.write_text(site.config("retry_interval = 600\n"))
    status, text, report, page = migrate(file, tmp_path)
    assert (status, report["ready"]) == (0, True)
    assert report["verdict"].startswith("Ready: ") and report["verdict"] in " ".join(text.split())
    assert report["counts"]["blocks"] == {"findings": 0, "places": 0}
    assert "Nothing." in Page(page).text


def test_what_asks_for_nothing_does_not_block(tmp_path):
    file = tmp_path / "off.conf"
    file.write_text('ESMTP_Listener {\n  use_ssl = false\n}\nalias_schemes = ( )\nclamav { enabled = false }\n')
    status, _, report, _ = migrate(file, tmp_path)
    assert status == 0
    assert named(report, "honoured", "use_ssl") and named(report, "honoured", "alias_schemes")
    assert named(report, "no_effect", "clamav")["qualifier"] == "(not enabled)"


def test_a_log_for_a_cluster_is_a_plain_file(site, tmp_path):
    file = tmp_path / "journal.conf"
    file.write_text('ec_logger "a" {\n  mainlog = "cluster:///var/log/main=>master"\n  acctlog = "jlog:///var/log/acct=>x"\n'
                    '  paniclog = "/var/log/panic"\n}\nec_logger "b" {\n  mainlog = "/var/log/main"\n}\n')
    _, _, report, _ = migrate(file, tmp_path)
    assert "plain file" in named(report, "differs", "mainlog", "as a journal, in ec_logger")["note"]
    lines = {(finding["group"], finding["name"]): [place["line"] for place in finding["places"]]
             for finding in report["findings"] if finding["name"] in ("mainlog", "acctlog", "paniclog")}
    assert lines == {("differs", "mainlog"): [2], ("honoured", "mainlog"): [7],
                     ("differs", "acctlog"): [3], ("honoured", "paniclog"): [4]}


def test_the_way_out_of_a_missing_file_depends_on_its_path(tmp_path):
    file = tmp_path / "missing.conf"
    file.write_text('include "/nowhere/at/all.conf"\ninclude "beside.conf"\n')
    _, _, report, _ = migrate(file, tmp_path)
    instead = {finding["places"][0]["line"]: finding["instead"] for finding in report["findings"]
               if finding["kind"] == "mistake"}
    assert instead[1].startswith("put the file there") and instead[2].startswith("put the file beside")


def test_a_file_for_changes_may_come_later(site, tmp_path):
    file, changes = tmp_path / "main.conf", tmp_path / "local.conf"
    file.write_text(site.config(f'local_changes_file = "{changes}"\n'))
    _, text, report, _ = migrate(file, tmp_path)
    assert "not there yet" in text
    assert [entry["note"].startswith("not there yet") for entry in report["files"]] == [False, True]
    changes.write_text("")
    assert "not there yet" not in migrate(file, tmp_path)[1]


def test_a_console_that_nobody_can_log_in_to_is_told(site, tmp_path):
    file = tmp_path / "console.conf"
    file.write_text(site.config('Control_Listener {\n  Listen "127.0.0.1:2025" {\n'
                                '    AuthDigestMD5Parameters = [ uri = "ecauth://" ]\n  }\n}\n'))
    line = 1 + next(at for at, text in enumerate(file.read_text().splitlines()) if "ecauth" in text)
    status, _, report, _ = migrate(file, tmp_path)
    assert status == 0 and report["ready"]
    found = [finding for finding in report["findings"] if "lets nobody in" in finding["name"]]
    assert [(finding["group"], finding["kind"]) for finding in found] == [("no_effect", "mistake")]
    assert [place["line"] for place in found[0]["places"]] == [line]


def test_an_option_that_is_set_twice_in_a_scope_counts_once(tmp_path):
    file = tmp_path / "twice.conf"
    file.write_text('retry_interval = 1\nDomain a { retry_interval = 2 }\nretry_interval = 3\nDomain a { }\n')
    _, _, report, _ = migrate(file, tmp_path)
    found = named(report, "honoured", "retry_interval")
    assert [place["line"] for place in found["places"]] == [3, 2]
    assert report["counts"]["options"] == 2 and report["counts"]["stanzas"] == 1


def test_the_report_does_not_drive_the_terminal(tmp_path):
    file = tmp_path / "evil.conf"
    file.write_bytes('include "no/\x1b[2J\u009b2J\u00e4"\n'.encode() + b'include "\xff"\n')
    _, text, _ = impulsectl("migrate", file)
    shown = text.decode()
    assert "no/?[2J?2J\u00e4" in shown
    assert not [c for c in shown if (c < " " and c != "\n") or "\x7f" <= c < "\xa0"]


def test_the_report_is_not_written_over_what_it_is_made_of(tmp_path):
    main, part, link = tmp_path / "main.conf", tmp_path / "part.conf", tmp_path / "link"
    main.write_text('include "part.conf"\n')
    part.write_text("Retry_Interval = 7\n")
    link.symlink_to(part)
    for output in (["--html", main], ["--json", part], ["--html", link]):
        status, _, said = impulsectl("migrate", main, *output)
        assert status == 2 and "is a file of the configuration" in said
    assert (main.read_text(), part.read_text()) == ('include "part.conf"\n', "Retry_Interval = 7\n")


def test_what_cannot_be_read_is_trouble(tmp_path):
    status, text, _ = impulsectl("migrate", tmp_path / "none.conf")
    assert status == 2 and b"none.conf" in text and b"No such file" in text
    assert impulsectl("migrate")[0] == 2
    assert impulsectl("migrate", PRODUCTION, PRODUCTION)[0] == 2
    assert impulsectl("migrate", PRODUCTION, "--html", tmp_path / "no" / "folder")[0] == 2
    assert impulsectl("migrate", PRODUCTION, "--modules", tmp_path / "none")[0] == 2
    assert impulsectl("frobnicate")[0] == 2 and impulsectl()[0] == 2


def test_what_only_the_daemon_can_judge_is_a_mistake(tmp_path):
    file = tmp_path / "addresses.conf"
    file.write_text('ESMTP_Listener {\n  Listen "127.0.0.1:99999" { }\n}\nalias_schemes = ( "files" )\n'
                    'bind_address = "nowhere"\n')
    status, _, report, _ = migrate(file, tmp_path)
    assert status == 1 and report["judged"] is True
    assert {finding["places"][0]["line"] for finding in report["findings"] if finding["kind"] == "mistake"} == {2, 5}
    assert report["counts"]["blocks"]["findings"] == 3


@pytest.mark.parametrize("option, said", [
    ('TLS_Verify_Mode = "require"', "tls_verify_mode: require needs tls_client_ca"),
    ('TLS_Protocols = "TLSv9"', "tls_protocols: "),
    ("Trace_Headers = [ colour = blue ]", "trace_headers: colour is not known here")])
def test_what_no_session_could_have_is_a_mistake(tmp_path, option, said):
    """That the certificate is not on this machine neither is one nor hides one."""
    file = tmp_path / "session.conf"
    file.write_text('ESMTP_Listener {\n  Use_SSL = true\n  TLS_Certificate = "/nonexistent/mx.pem"\n'
                    f'  Listen "127.0.0.1:2465" {{ }}\n  {option}\n}}\n')
    status, _, report, _ = migrate(file, tmp_path)
    mistakes = [finding for finding in report["findings"] if finding["kind"] == "mistake"]
    assert status == 1 and len(mistakes) == 1 and mistakes[0]["name"].startswith(said)
    assert mistakes[0]["places"][0]["line"] == 5
    file.write_text(file.read_text().replace(option, ""))
    assert migrate(file, tmp_path)[0] == 0


def test_a_file_of_momentums_search_path_is_found(tmp_path):
    for folder in ("default", "global"):
        (tmp_path / folder).mkdir()
    (tmp_path / "global" / "shared.conf").write_text("")
    file = tmp_path / "default" / "ecelerity.conf"
    file.write_text('include "shared.conf"\ninclude "nowhere.conf"\n')
    _, _, report, _ = migrate(file, tmp_path)
    instead = {finding["places"][0]["line"]: finding["instead"] for finding in report["findings"]
               if finding["kind"] == "mistake"}
    assert instead[1].startswith('include "../global/shared.conf"') and "../" not in instead[2]


def test_json_on_stdout_is_alone_there(tmp_path):
    status, out, _ = impulsectl("migrate", PRODUCTION, "--json", "-")
    assert status == 1 and json.loads(out)["impulse_migration"] == 1


def test_help_is_given_for_each_command():
    status, out, _ = impulsectl("--help")
    commands = re.findall(r"^  (\w+) +\w", out.decode(), re.M)
    assert status == 0 and {"check", "explain", "migrate", "reload"} <= set(commands)
    for command in commands:
        status, out, _ = impulsectl(command, "--help")
        assert status == 0 and out.decode().startswith(f"usage: impulsectl {command}")


# ---- explain and check -------------------------------------------------------------------------------------------------

def test_explain_names_the_levels():
    line = next(number for number, text in enumerate((PRODUCTION.parent / "listeners.conf").read_text().splitlines(), 1)
                if "SMTP_Extensions" in text)
    status, out, said = impulsectl("explain", "-c", PRODUCTION, "esmtp_listener", "listen", ":25", "peer",
                                   "192.0.2.9", "smtp_extensions")
    text = out.decode()
    assert status == 0 and 'SMTP_Extensions = (' in text
    assert f"  from {PRODUCTION.parent}/listeners.conf:{line}\n" in text
    asked = re.findall(r"^  (\S.*?)  +(.*)$", text.split("Asked in this order:\n")[1], re.M)
    assert [level for level, _ in asked] == ['Esmtp_Listener Listen ":25" Peer "192.0.2.9"',
                                             'Esmtp_Listener Peer "192.0.2.0/24"', 'Esmtp_Listener Listen ":25"',
                                             "Esmtp_Listener"]
    assert asked[1][1] == "covers 192.0.2.9; not set"
    assert "has" in said and "impulsectl check" in said  # the file has mistakes, and is explained all the same


def test_explain_knows_the_modules_manifests():
    status, out, _ = impulsectl("explain", "-c", PRODUCTION, "ec_logger", "ec_logger", "rejectlog_mode")
    assert status in (0, 1)
    status, out, _ = impulsectl("explain", "-c", PRODUCTION, "ec_logger", "ec_logger", "heartbeat")
    assert status == 0 and out.startswith(b"Heartbeat = 60\n")


def test_explain_refuses_what_is_no_question(tmp_path):
    status, out, _ = impulsectl("explain", "-c", PRODUCTION, "max_outbound_conections")
    assert status == 1 and b"did you mean 'max_outbound_connections'?" in out
    assert impulsectl("explain", "-c", PRODUCTION)[0] == 2
    assert impulsectl("explain", "-c", tmp_path / "none.conf", "blackhole")[0] == 2


def test_check_is_the_daemons_own(site):
    file = site.directory / "check.conf"
    for text in (site.config(), "retry_intreval = 5\n"):
        file.write_text(text)
        status, said = run("-t", "-c", file)
        assert impulsectl("check", file)[0] == status
        checked, out, err = impulsectl("check", "-c", file)
        assert checked == status and out.decode() + err == said


# ---- through the console -------------------------------------------------------------------------------------------------

class Console(threading.Thread):
    """A console that knows one command: a line is answered with `output` and OK or ERR."""

    def __init__(self, path, output, good):
        super().__init__(daemon=True)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        self.listening.listen()
        self.output, self.good, self.commands = output, good, []
        self.start()

    def run(self):
        connection, _ = self.listening.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(b"IMPULSE CONSOLE 1\n")
            stream.flush()
            for line in stream:
                self.commands.append(line.decode().rstrip("\n"))
                stream.write(b"= %d\n%s%s\n" % (len(self.output), self.output, b"OK" if self.good else b"ERR"))
                stream.flush()


@pytest.mark.parametrize("arguments, command, good", [
    (["reload"], "config reload", True),
    (["reload"], "config reload", False),
    (["status"], "summary", True),
    (["config", "eval", "blackhole"], "config eval blackhole", True),
])
def test_the_console_is_found_in_the_configuration(tmp_path, arguments, command, good):
    file = tmp_path / "ecelerity.conf"
    file.write_text(f'Control_Listener {{\n  Listen "127.0.0.1:2025" {{ }}\n  Listen "{tmp_path}/console" {{ }}\n}}\n')
    console = Console(tmp_path / "console", b"what it says\n", good)
    status, out, said = impulsectl(arguments[0], "-c", file, *arguments[1:])
    assert (status, out, said) == (0 if good else 1, b"what it says\n", "")
    assert console.commands == [command]


def test_a_console_that_is_not_there_is_trouble(tmp_path):
    file = tmp_path / "ecelerity.conf"
    file.write_text("retry_interval = 5\n")
    status, _, said = impulsectl("reload", "-c", file)
    assert status == 2 and "-s ADDRESS" in said
    status, _, said = impulsectl("reload", "-s", tmp_path / "nobody")
    assert status == 2 and "nobody" in said


def test_the_running_daemon_is_asked(impulse, site):
    console = f'Control_Listener {{ Listen "{site.directory}/console" {{ }} }}\n'
    impulse.start(site.config(console + "retry_interval = 600\n"))

    def ask(*arguments):
        return impulsectl(arguments[0], "-c", impulse.file, *arguments[1:])
    assert ask("config", "eval", "retry_interval") == (0, b"Retry_Interval = 600\n", "")
    impulse.write(site.config(console + "retry_interval = 700\n"))
    status, _, said = ask("reload")
    assert (status, said) == (0, "")
    assert ask("config", "eval", "retry_interval") == (0, b"Retry_Interval = 700\n", "")
    impulse.write(site.config(console + "retry_intreval = 800\n"))
    status, out, _ = ask("reload")
    assert status == 1 and b"retry_intreval" in out
    assert ask("config", "eval", "retry_interval") == (0, b"Retry_Interval = 700\n", "")
    status, out, _ = ask("status")
    assert status == 0 and out

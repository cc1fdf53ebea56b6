"""The acctlog as the manual has it, with the operators' own tools: ec_md5passwd, ec_console, and the daemon's console."""
import os
import pwd
import re
import stat
import subprocess
import time

import pytest

from harness import await_true, patience
from harness.daemon import ENVIRONMENT, PROGRAM, free_port
from harness.terminal import Terminal, run_console

ME = pwd.getpwuid(os.geteuid()).pw_name


def set_password(*arguments, password="secret"):
    done = subprocess.run([str(PROGRAM.parent / "ec_md5passwd"), *map(str, arguments)], input=password + "\n",
                          capture_output=True, text=True, env=ENVIRONMENT, timeout=patience(20))
    return done.returncode, done.stdout, done.stderr


class Office:
    """The daemon of the manual's "Control_Listener Authorization"."""

    def __init__(self, impulse, site):
        self.impulse, self.site = impulse, site
        self.unix, self.port = site.directory / "2025", free_port()
        self.tcp = f"127.0.0.1:{self.port}"
        self.passwords, self.roles = site.directory / "console_passwd", site.directory / "console_roles"
        self.log = site.log / "acctlog.ec"
        self.roles.write_text("root:root\nadmin:serv,ec\n")
        self.passwords.touch(0o600)

    def start(self, unix="", control="", more=""):
        self.impulse.start(self.site.config(logger=f'acctlog = "{self.log}" {more}', outer=f"""
Control_Listener {{
  {control}
  Listen "{self.unix}" {{
    File_Mode = 0666
    AuthorizationParameters = [ uri = "groups://{self.roles}" ]
    {unix}
  }}
  Listen "{self.tcp}" {{
    AuthDigestMD5Parameters = [
      uri = "digest://{self.passwords}"
      log_authentication = "true"
    ]
    Enable_Authorization = "true"
    AuthorizationParameters = [ uri = "groups://{self.roles}" ]
  }}
}}
Authorization {{
  Role "root" {{ allow = ( ".*" ) }}
  Role "admin" {{ allow = ( "^config" "^summary$" ) }}
  Role "john" {{ allow = ( "^config" ) }}
}}"""))

    def records(self, count):
        """The records, split at the fields' ends, when there are `count` or more."""
        def lines():
            return self.log.read_text().splitlines() if self.log.exists() else []
        await_true(lambda: len(lines()) >= count, f"{count} records of the acctlog: {lines()}")
        return [re.split(r"(?<!\\)@", line) for line in lines()]


@pytest.fixture
def office(impulse, site):
    return Office(impulse, site)


def check(record, since, kind, endpoint, peer, user, *rest):
    assert since - 2 <= int(record[0]) <= time.time() + 1
    assert record[1:3] == [kind, endpoint]
    assert re.fullmatch(peer, record[3]), record
    assert record[4:] == [user, *rest]


PEER = r"127\.0\.0\.1:\d{1,5}"


def test_the_manuals_session(office):
    """john may use config, and summary is refused: "Authorization Using the ecauth Scheme"."""
    since = time.time()
    assert set_password("-f", office.passwords, "john")[0] == 0
    office.start()
    address = f"john@{office.tcp}"
    with Terminal(address, environment={"HOME": str(office.site.directory)}) as terminal:
        terminal.expect("Authorization required for console session\r\nPassword:")
        await_true(lambda: not terminal.echoes(), "no echo")
        terminal.send("secret\n")
        prompt = r"\d\d:\d\d:\d\d " + re.escape(address) + "> "
        terminal.expect(prompt)
        terminal.send("summary\n")
        terminal.expect("Not Authorized for this command\r\n")
        terminal.expect(prompt)
        terminal.send("config eval hostname\n")
        terminal.expect('mx.impulse.example"?\r\n')
        terminal.expect(prompt)
        terminal.send("quit\n")
        assert terminal.end() == 0
    login, version, refused, allowed = office.records(4)
    check(login, since, "N", office.tcp, PEER, "john", "1")
    check(version, since, "Z", office.tcp, PEER, "john", "0", "version")   # asked for the heading of the session
    check(refused, since, "Z", office.tcp, PEER, "john", "0", "summary")
    check(allowed, since, "Z", office.tcp, PEER, "john", "1", "config eval hostname", "john")
    assert login[3] == refused[3] == allowed[3]


def test_batch_mode_and_roles(office):
    since = time.time()
    set_password("-f", office.passwords, "serv")
    office.start()
    status, out, err = run_console(f"serv:secret@{office.tcp}", "summary")
    assert status == 0 and out
    run_console(f"serv:secret@{office.tcp}", "config", "locate", "domain", "a b@c")
    status, out, err = run_console(f"serv:secret@{office.tcp}", "pid")
    assert (status, out) == (1, b"Not Authorized for this command\n")
    status, out, err = run_console(f"serv:wrong@{office.tcp}", "summary")
    assert (status, out) == (2, b"") and "not authenticated" in err
    records = office.records(7)
    check(records[0], since, "N", office.tcp, PEER, "serv", "1")
    check(records[1], since, "Z", office.tcp, PEER, "serv", "1", "summary", "admin")
    check(records[3], since, "Z", office.tcp, PEER, "serv", "1", r"config locate domain a b\@c", "admin")
    check(records[5], since, "Z", office.tcp, PEER, "serv", "0", "pid")
    check(records[6], since, "N", office.tcp, PEER, "serv", "0")


@pytest.mark.parametrize("user, written", [
    ("a@b", r"a\@b"), ("back\\slash", r"back\\slash"), ("x\n1160503808@N@forged@@root@1", r"x\n1160503808\@N\@forged\@\@root\@1"),
    ("\x1b[2Jtab\t\x7f", r"\x1b[2Jtab\t\x7f"), ("jörg", "jörg"),
])
def test_hostile_user_names(office, user, written):
    office.start()
    assert run_console(f"{user}:secret@{office.tcp}", "shutdown")[0] == 2
    content = office.log.read_text() if office.records(1) else ""
    assert re.fullmatch(rf"\d{{10}}@N@{office.tcp}@{PEER}@{re.escape(written)}@0\n", content), content


def test_hostile_commands(office):
    set_password("-f", office.passwords, "john")
    office.start()
    forged = "shutdown\r\t\x1bc\\\x01 1160503811@Z@/tmp/2025@@root@1@shutdown@root"
    assert run_console(f"john:secret@{office.tcp}", forged)[0] == 1
    office.records(2)
    lines = office.log.read_text().splitlines()
    assert len(lines) == 2 and lines[1].count("\x1b") == 0
    fields = re.split(r"(?<!\\)@", lines[1])
    assert fields[1:3] == ["Z", office.tcp] and fields[4:6] == ["john", "0"] and len(fields) == 7
    assert r"\x1bc\\\x01" in fields[6] and r"1160503811\@Z\@/tmp/2025\@\@root" in fields[6]


def test_a_unix_connection(office):
    since = time.time()
    office.start(unix='Enable_Authorization = "true"')
    assert run_console(office.unix, "pid") == (0, f"{office.impulse.pid}\n".encode(), "")
    login, command = office.records(2)
    check(login, since, "N", str(office.unix), "", ME, "1")
    check(command, since, "Z", str(office.unix), "", ME, "1", "pid", "root")


def test_an_authentication_that_takes_too_long(office):
    since = time.time()
    set_password("-f", office.passwords, "john")
    office.start(control="Timeout = 1")
    with Terminal(f"john@{office.tcp}", "pid") as terminal:
        terminal.expect("Password:")
        record, = office.records(1)
        check(record, since, "T", office.tcp, PEER, "", "0")
        terminal.send("secret\n")
        assert terminal.end() == 2


def test_mode_and_rotation(office):
    office.start(more="acctlog_mode = 0640")
    assert stat.S_IMODE(office.log.stat().st_mode) == 0o640
    assert run_console(office.unix, "pid")[0] == 0
    office.records(1)
    office.log.rename(office.log.with_suffix(".1"))
    assert run_console(office.unix, "reopen logs")[0] == 0
    await_true(office.log.exists, "the new file")
    assert run_console(office.unix, "pid")[0] == 0
    assert len(office.records(1)) >= 1


# ---- the tools with the daemon -------------------------------------------------------------------------------------

def test_an_idle_session_is_opened_again(office):
    office.start(control="Timeout = 1")
    with Terminal(office.unix, environment={"HOME": str(office.site.directory)}) as terminal:
        terminal.expect(r"\d> ")
        time.sleep(1.5)             # what is awaited is the Timeout itself
        terminal.send("pid\n")
        terminal.expect(f"pid\r\n{office.impulse.pid}\r\n")


def test_completion_knows_the_daemons_commands(office):
    office.start()
    with Terminal(office.unix, environment={"HOME": str(office.site.directory)}) as terminal:
        terminal.expect(r"\d> ")
        terminal.send("config showr\t")
        terminal.expect("ecurse ")
        terminal.send("Authorization\n")
        terminal.expect('Role "admin"')


def test_users_and_files_of_ec_md5passwd(office):
    assert set_password("-f", office.passwords, "john") == (0, "", "Password updated.\n")
    before = office.passwords.read_text()
    assert before == "john:Momentum Console:" + before.rsplit(":", 1)[1]
    status, out, err = set_password("-r", "here", "fred", "typed")
    assert status == 0 and re.fullmatch(r"fred:here:[0-9a-f]{32}\n", out)
    assert "Warning" in err and "Place or replace this line in your password file:" in err
    assert set_password("-f", office.site.directory / "none" / "x", "john")[0] == 1
    assert set_password("a:b")[0] == 1
    assert set_password("john", password="")[0] == 1
    assert set_password("a", "b", "c")[0] == 2
    assert set_password("-h") == set_password("--help") and set_password("-h")[0] == 0
    assert set_password("--version") == set_password("-V")
    assert office.passwords.read_text() == before


def test_ec_md5passwd_asks_twice(office):
    with Terminal("-f", office.passwords, program=PROGRAM.parent / "ec_md5passwd",
                  environment={"EC_DIGEST_REALM": "Elsewhere"}) as terminal:
        terminal.expect("Username: ")
        terminal.send("fred\n")
        for text in ("Please enter password for fred\r\nPassword:", "Please enter the password again\r\nPassword:"):
            terminal.expect(text)
            await_true(lambda: not terminal.echoes(), "no echo")
            terminal.send("secret\n")
        terminal.expect("Password updated[.]")
        assert terminal.end() == 0 and "secret" not in terminal.seen
    assert office.passwords.read_text().startswith("fred:Elsewhere:")
    with Terminal("fred", program=PROGRAM.parent / "ec_md5passwd") as terminal:
        for word in ("one", "other"):
            terminal.expect("Password:")
            await_true(lambda: not terminal.echoes(), "no echo")
            terminal.send(word + "\n")
        terminal.expect("not the same")
        assert terminal.end() == 1

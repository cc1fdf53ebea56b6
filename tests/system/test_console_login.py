"""The console's authentication, authorization and accounting, by a SASL client of the tests' own."""
import base64
import os
import re
import time

import pytest

from harness import await_true
from harness.console import Console, Refused, digest_record
from harness.daemon import free_port, run


class Guarded:
    """A daemon with a TCP console that asks for a password, and a Unix one."""

    def __init__(self, impulse, site):
        self.impulse, self.site = impulse, site
        self.path = site.directory / "2025"
        self.address = ("127.0.0.1", free_port())
        self.digests = site.directory / "console_passwd"
        self.plain = site.directory / "unsafe_passwd"
        self.groups = site.directory / "console_roles"
        self.acctlog = site.log / "acctlog.ec"
        self.digests.write_text("# console users\n" + digest_record("tom", "se:cr\"et") + digest_record("ann", "x"))
        self.plain.write_text("bob:p w:d\n")
        self.groups.write_text("users:tom\nroot:root\n")

    def digest(self, more='log_authentication = "true"'):
        return f'AuthDigestMD5Parameters = [ uri = "digest://{self.digests}" {more} ]'

    def login(self):
        return f'AuthLoginParameters = [ uri = "file://{self.plain}" log_authentication = "true" ]'

    def text(self, tcp, unix="", outer="", control=""):
        return self.site.config(logger=f'acctlog = "{self.acctlog}"', outer=f"""{outer}
            Control_Listener {{ {control}
              Listen "127.0.0.1:{self.address[1]}" {{ {tcp} }}
              Listen "{self.path}" {{ {unix} }}
            }}""")

    def start(self, *arguments, **named):
        self.impulse.start(self.text(*arguments, **named))

    def tcp(self, **named):
        return Console(self.address, **named)

    def unix(self):
        return Console(self.path)

    def records(self, count):
        """The records of the acctlog without their times, when there are as many."""
        def lines():
            return self.acctlog.read_text().splitlines() if self.acctlog.exists() else []
        await_true(lambda: len(lines()) >= count, f"{count} records in the acctlog: {lines()}")
        assert all(re.match(r"\d{10}@", line) for line in lines())
        return [re.sub(r"(127\.0\.0\.1):(?!%d)\d+" % self.address[1], r"\1:PORT", line.split("@", 1)[1])
                for line in lines()]


@pytest.fixture
def guarded(impulse, site):
    return Guarded(impulse, site)


def test_digest_md5(guarded):
    guarded.start(guarded.digest())
    with guarded.tcp() as console:
        assert console.mechanisms == ["DIGEST-MD5"]
        assert console.login_digest("tom", 'se:cr"et')
        assert 'username="tom"' in console.run("authz id")
        assert console.run("pid") == f"{guarded.impulse.pid}\n"
    where = f"127.0.0.1:{guarded.address[1]}@127.0.0.1:PORT"
    assert guarded.records(1) == [f"N@{where}@tom@1"]


@pytest.mark.parametrize("changes", [
    {"password": "wrong"}, {"user": "nobody"}, {"user": ""}, {"realm": "Other"}, {"nonce": '"AAAA"'},
    {"response": "0" * 32}, {"nc": "00000002"}, {"authzid": '"ann"'}, {"qop": "auth-conf"},
], ids=lambda changes: next(iter(changes)))
def test_digest_md5_refuses(guarded, changes):
    guarded.start(guarded.digest())
    user, password = changes.pop("user", "tom"), changes.pop("password", 'se:cr"et')
    with guarded.tcp() as console:
        assert not console.login_digest(user, password, **changes)
        assert console.outcome == (False, "Authentication failed\n")
        assert console.fail("pid") == "Authentication required\n" and console.closed()


def test_failures_are_slow_and_few(guarded):
    guarded.start(guarded.digest())
    with guarded.tcp() as console:
        for attempt in (1, 2, 3):
            begin = time.monotonic()
            assert not console.login_digest("tom", "guess")
            assert time.monotonic() - begin >= attempt * 0.9
        assert console.closed()
    where = f"127.0.0.1:{guarded.address[1]}@127.0.0.1:PORT"
    assert guarded.records(3) == [f"N@{where}@tom@0"] * 3


def test_who_is_unknown_is_led_through_the_same_exchange(guarded):
    guarded.start(guarded.digest())
    said = []
    for user in ("tom", "nobody"):
        with guarded.tcp() as console:
            console.send("AUTH DIGEST-MD5\n")
            challenge = re.sub(r'nonce="[^"]*"', "", console.challenge())
        with guarded.tcp() as console:
            begin = time.monotonic()
            assert not console.login_digest(user, "guess")
            said.append((challenge, console.outcome, round(time.monotonic() - begin)))
    assert said[0] == said[1]


def test_users_are_added_without_a_restart(guarded):
    guarded.start(guarded.digest())
    with guarded.tcp() as console:
        assert not console.login_digest("new", "pw")
        with open(guarded.digests, "a") as file:
            file.write(digest_record("new", "pw"))
        assert console.login_digest("new", "pw")
    guarded.digests.unlink()
    with guarded.tcp() as console:
        assert not console.login_digest("new", "pw")
    guarded.impulse.await_panic("cannot read passwords from")


def test_clear_text(guarded):
    guarded.start(guarded.login())
    with guarded.tcp() as console:
        assert console.mechanisms == ["LOGIN", "PLAIN"]
        assert console.login("bob", "p w:d")
        console.run("pid")
    with guarded.tcp() as console:
        assert console.login_plain("bob", "p w:d")
    with guarded.tcp() as console:
        assert not console.login_plain("bob", "p w:d", identity="root")
        assert not console.login("bob", "")
        assert not console.login_plain("eve", "p w:d")
        assert console.closed()
    with guarded.tcp() as console:      # an initial response that is empty is answered, not asked for again
        assert console.ask("AUTH PLAIN =") == (False, "Authentication failed\n")
        assert console.ask("AUTH LOGIN =") == (False, "Authentication failed\n")


@pytest.mark.parametrize("mechanism", ["LOGIN", "DIGEST-MD5"])
def test_answers_of_any_bytes(guarded, mechanism):
    """What a mechanism of the SASL library reads ends where what the client sent ends."""
    guarded.start(guarded.login() + guarded.digest())
    for said in (b"", b"b", b"bo", b"bob\0", bytes(range(128, 256)), b"," * 4000):
        with guarded.tcp() as console:
            console.send(f"AUTH {mechanism}\n")
            assert console.challenge()
            console.send(base64.b64encode(said) + b"\n")
            line = console.line()
            if line.startswith("+ "):
                console.send(base64.b64encode(b"p w:d") + b"\n")
                line = console.line()
            assert console.answer(line) == (False, "Authentication failed\n")
    with guarded.tcp() as console:
        assert console.login("bob", "p w:d")


def test_other_mechanisms_are_refused(guarded):
    guarded.start(guarded.digest())
    for line in ("AUTH PLAIN AGJvYgBwdw==", "AUTH ANONYMOUS eA==", "AUTH EXTERNAL =", "AUTH DIGEST-MD5 !!!!"):
        with guarded.tcp() as console:
            console.send(line + "\n")
            first = console.line()
            if first.startswith("+ "):  # the challenge; an answer that is no base64 ends it
                console.send("!!!\n")
                first = console.line()
            assert console.answer(first) == (False, "Authentication failed\n")


def test_nothing_but_auth_is_taken_before(guarded):
    guarded.start(guarded.digest())
    for data in ("pid\n", "AUTH\n", "\n", "auth digest-md5\n", "x" * 9000, "\0\n", "shutdown\nAUTH DIGEST-MD5\n"):
        with guarded.tcp() as console:
            assert console.ask(data.encode())[0] is False
            assert console.closed()
    with guarded.tcp() as console:
        console.send("AUTH DIGEST-MD5\n")
        assert console.challenge()
        console.send("*\n")
        assert console.challenge() is None and console.outcome[0] is False
    assert guarded.impulse.process.poll() is None


def test_a_login_that_takes_too_long(guarded):
    guarded.start(guarded.digest(), control="Timeout = 1")
    with guarded.tcp() as console:
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < 10:  # a byte now and then does not help
                console.send("A")
                time.sleep(0.1)
        except OSError:
            pass
        assert time.monotonic() - begin < 8
    where = f"127.0.0.1:{guarded.address[1]}@127.0.0.1:PORT"
    assert guarded.records(1) == [f"T@{where}@@0"]


def test_a_unix_connection_is_known_by_its_account(guarded):
    guarded.start(guarded.digest())
    with guarded.unix() as console:
        assert console.mechanisms is None
        assert 'username="root"' in console.run("authz id")
    assert guarded.records(1) == [f"N@{guarded.path}@@root@1"]


def test_a_unix_connection_that_must_log_in(guarded):
    guarded.start("", unix=guarded.login())
    with guarded.unix() as console:
        assert console.mechanisms == ["LOGIN", "PLAIN"]
        assert console.login("bob", "p w:d")
        assert 'username="bob"' in console.run("authz id")


def test_a_reload_that_asks_for_passwords_holds_for_open_sessions(guarded):
    guarded.start("")
    with guarded.tcp() as console:
        console.run("pid")
        guarded.impulse.write(guarded.text(guarded.digest()))
        console.run("config reload")
        assert "may not use the console any more" in console.fail("pid") and console.closed()


# ---- authorization -------------------------------------------------------------------------------------------------

ROLES = """Authorization {
  Role "root" { allow = ( ".*" ) }
  Role "users" { allow = ( "^config" "^summary$" ) }
  Role "ann" { allow = ( "^pid$" ) }
}"""


def test_authorization(guarded):
    parameters = f'AuthorizationParameters = [ uri = "groups://{guarded.groups}" ]'
    guarded.start(f'{guarded.digest("")} Enable_Authorization = "true" {parameters}', unix=parameters, outer=ROLES)
    with guarded.tcp() as console:
        assert console.login_digest("tom", 'se:cr"et')
        assert "Summary Statistics" in console.run("summary")
        assert console.fail("summary reset") == "Not Authorized for this command\n"
        assert console.fail("shutdown") == "Not Authorized for this command\n"
        assert console.fail("nonsense") == "Not Authorized for this command\n"
        console.run("  config   eval 'hostname'")
    with guarded.tcp() as console:
        assert console.login_digest("ann", "x")
        console.run("pid")
        console.fail("summary")
    with guarded.unix() as console:
        assert console.run("authz id") == ('<AuthzInformation username="root">\n  <Roles>\n'
                                           '    <Role name="root"/>\n  </Roles>\n</AuthzInformation>\n')
        assert console.run("authz roles list") == ('<Roles>\n <Role name="root"/>\n <Role name="users"/>\n'
                                                   ' <Role name="ann"/>\n</Roles>\n')
    tcp, unix = f"Z@127.0.0.1:{guarded.address[1]}@127.0.0.1:PORT", f"Z@{guarded.path}@"
    assert guarded.records(10) == [
        f"{tcp}@tom@1@summary@users", f"{tcp}@tom@0@summary reset", f"{tcp}@tom@0@shutdown",
        f"{tcp}@tom@0@nonsense", f"{tcp}@tom@1@config eval hostname@users",
        f"{tcp}@ann@1@pid@ann", f"{tcp}@ann@0@summary",
        f"N@{guarded.path}@@root@1", f"{unix}@root@1@authz id@root", f"{unix}@root@1@authz roles list@root"]


def test_authorization_that_cannot_be_decided(guarded):
    guarded.start("", unix=f'AuthorizationParameters = [ uri = "groups://{guarded.groups}" ]', outer=ROLES)
    with guarded.unix() as console:
        console.run("pid")
        guarded.groups.unlink()
        assert console.fail("pid") == "Not Authorized for this command\n"
        guarded.groups.write_text("root:root\n")
        console.run("pid")
    assert guarded.records(4)[2] == f"Z@{guarded.path}@@root@-1@pid"


def test_authorization_without_a_name(guarded):
    guarded.start('Enable_Authorization = "true"', outer=ROLES)
    with guarded.tcp() as console:
        assert console.fail("pid") == "Not Authorized for this command\n"


# ---- what is said at load ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("tcp, status, said", [
    ('AuthDigestMD5Parameters = [ uri = "ecauth://" ]', 0, 'scheme "ecauth" is not available'),
    ('AuthDigestMD5Parameters = [ uri = "digest:///nonexistent/passwd" ]', 0, "cannot read /nonexistent/passwd"),
    ("", 0, "no authentication"),
    ('Enable_Authentication = "true"', 0, "nobody can log in"),
    ('Enable_Authorization = "true"', 0, "authorization without authentication"),
])
def test_check(guarded, tcp, status, said):
    file = guarded.site.directory / "c.conf"
    file.write_text(guarded.text(tcp))
    result, output = run("-t", "-c", file)
    assert result == status and said in output, output

"""ec_console against a server that says what each test tells it to: batch mode, the terminal, logging in, and servers
that do not keep to the protocol. What the daemon's own console answers is in test_console_server.py."""
import contextlib
import os
import re
import stat
import subprocess
import tempfile

import pytest

from harness import await_true
from harness.daemon import built_with
from harness.terminal import CLIENT, ConsoleServer, Terminal, output, run_console

pytestmark = pytest.mark.one_thread

PROMPT = r"\d\d:\d\d:\d\d %s> "


@pytest.fixture
def serve():
    """Makes ConsoleServers; without a host they are on a Unix socket, whose name is short as it is in prompts."""
    made = []
    folder = tempfile.TemporaryDirectory(prefix="ic")
    os.chmod(folder.name, 0o755)

    def make(**named):
        if "host" not in named:
            named["path"] = f"{folder.name}/{len(made)}"
        made.append(ConsoleServer(**named))
        return made[-1]

    yield make
    for server in made:
        server.__exit__()
    folder.cleanup()


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


needs_editor = pytest.mark.skipif(not built_with("libedit", CLIENT), reason="built without libedit")


def at_terminal(home, *arguments, **environment):
    return Terminal(*arguments, environment={"HOME": str(home), **environment})


# ---- batch mode ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words, command", [
    (["config", "reload"], "config reload"),
    (["config reload"], "config reload"),
    (["config", "set", "hostname", "a b"], 'config set hostname "a b"'),
    (["config", "set", "hostname", ""], 'config set hostname ""'),
    (["config", "set", "hostname", "=", "x"], "config set hostname = x"),
    (["config", "set", "relay_hosts", "(", "10.0.0.1", ")"], "config set relay_hosts ( 10.0.0.1 )"),
    (["config", "set", "relay_hosts", "( 10.0.0.1 10.0.0.2 )"], "config set relay_hosts ( 10.0.0.1 10.0.0.2 )"),
    (["config", "set", "banner", '"already quoted"'], 'config set banner "already quoted"'),
    (["config", "set", "banner", '"a" b"'], r'config set banner "\"a\" b\""'),
    (["config", "set", "banner", "it's #1\nnot\\n\t"], r'''config set banner "it's #1\nnot\\n\t"'''),
    (["config", "eval", "domain", "/^a*/", "x"], "config eval domain /^a*/ x"),
    (["config", "writeback", "/tmp/x.conf"], "config writeback /tmp/x.conf"),
])
def test_the_words_of_a_shell_become_words_of_the_console(serve, words, command):
    server = serve()
    assert run_console(server.address, *words) == (0, f"<{command}>\n".encode(), "")
    assert server.commands == [command]


def test_output_is_passed_on_byte_for_byte(serve):
    content = bytes(range(256)) * 4000
    frames = output(content[:1]) + output(content[1:100_000]) + output("") + output(content[100_000:])
    server = serve(answers={"summary": frames + b"OK\n"})
    assert run_console(server.address, "summary") == (0, content, "")


def test_a_refused_command_is_status_1(serve):
    server = serve(answers={"summary": (False, "Not Authorized for this command\n")})
    assert run_console(server.address, "summary") == (1, b"Not Authorized for this command\n", "")


def test_commands_from_stdin(serve):
    server = serve(answers={"wrong": (False, "no such command\n")})
    status, out, err = run_console(server.address, stdin="pid\n\n# a comment\n  wrong\nconfig eval \\\n x\\\ny\nversion")
    assert server.commands == ["pid", "wrong", "config eval  xy", "version"]
    assert (status, err) == (1, "")       # one was refused, and those after it were run
    assert out == b"<pid>\nno such command\n<config eval  xy>\n<version>\n"


def test_quit_ends_the_input(serve):
    server = serve()
    assert run_console(server.address, stdin="pid\nquit\nshutdown\n") == (0, b"<pid>\n", "")


@pytest.mark.parametrize("host, spelled", [
    ("127.0.0.1", "127.0.0.1:{}"), ("127.0.0.1", "localhost:{}"), ("127.0.0.1", "*:{}"), ("127.0.0.1", ":{}"),
    ("::1", "[::1]:{}"), ("127.0.0.1", "somebody@127.0.0.1:{}"),
])
def test_addresses_of_tcp(serve, host, spelled):
    server = serve(host=host)
    assert run_console(spelled.format(server.port), "pid") == (0, b"<pid>\n", "")


def test_a_number_alone_is_a_socket_in_tmp(request):
    name = f"{os.getpid()}{os.urandom(4).hex().translate(str.maketrans('abcdef', '123456'))}"
    request.addfinalizer(lambda: os.unlink(f"/tmp/{name}"))
    with ConsoleServer(path=f"/tmp/{name}"):
        assert run_console(name, "pid") == (0, b"<pid>\n", "")


def test_through_ssh(serve, tmp_path):
    """A stand-in for ssh notes how it is called and leads to the address that -W names."""
    server = serve(host="127.0.0.1")
    ssh = tmp_path / "ssh"
    ssh.write_text(f"""#!/usr/bin/python3
import os, socket, sys, threading
open("{tmp_path}/called", "w").write(" ".join(sys.argv[1:]))
host, port = sys.argv[sys.argv.index("-W") + 1].rsplit(":", 1)
far = socket.create_connection((host, int(port)))
def pump(read, write):
    while data := read(65536):
        write(data)
threading.Thread(target=pump, args=(lambda n: os.read(0, n), far.sendall), daemon=True).start()
pump(far.recv, lambda data: os.write(1, data))
""")
    ssh.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    address = f"ssh://me@mx.example:2222/ec@*:{server.port}"
    assert run_console(address, "pid", environment=path) == (0, b"<pid>\n", "")
    assert (tmp_path / "called").read_text() == f"-W localhost:{server.port} -p 2222 -- me@mx.example"


# ---- what goes wrong -----------------------------------------------------------------------------------------------

def fails(*arguments, **named):
    status, out, err = run_console(*arguments, **named)
    assert (status, out) == (2, b"") and err.count("\n") == 1, (status, out, err)
    return err


def test_nobody_listens(tmp_path):
    assert "nobody listens at" in fails(tmp_path / "nothing", "pid")
    path = tmp_path / "left"
    ConsoleServer(path=path).__exit__()
    assert "Connection refused" in fails(path, "pid")


def test_no_permission(serve):
    server = serve()
    os.chmod(server.address, 0o600)
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    assert "no permission to connect" in fails(server.address, "pid", prefix=as_nobody)


@pytest.mark.parametrize("address, said", [
    ("::1:2025", "brackets"), ("[::1:2025", "[::1]:2025"), ("localhost:0", "port"), ("localhost:70000", "port"),
    ("localhost:25x", "port"), ("shim://", "no such kind"), ("@localhost:2025", "no name"), ("/" * 200, "that long"),
    ("ssh://host", "ssh://user@host/"), ("ssh://host//tmp/2025", "Unix socket"), ("ssh://-oProxyCommand=x/a:1", "no host"),
])
def test_addresses_that_are_none(address, said):
    assert said in fails(address, "pid")


@pytest.mark.parametrize("greeting, said", [
    ("220 mx.example ESMTP", "not an Impulse console"), ("IMPULSE CONSOLE 2", "another version"),
    (b"", "closed"),
    (b"x" * 100_000, "does not end"), (b"IMPULSE\0CONSOLE\n", "NUL"),
    (output("You are not allowed here\x1b[2J\n") + b"ERR\n", "You are not allowed here[2J"),
])
def test_greetings_of_others(serve, greeting, said):
    server = serve(greeting=greeting)
    if isinstance(greeting, bytes):     # and no more
        server.serve = lambda connection: (connection.sendall(greeting), connection.close())
    assert said in fails(server.address, "pid")


@pytest.mark.parametrize("answer", [
    b"what?\n", b"= -1\nOK\n", b"= 1x\nOK\n", b"= 99999999999999999999\n", b"=\nOK\n", b"+ YQ==\n", b"OKAY\n",
    b"= 5\nabc", b"x" * 100_000,
])
def test_answers_that_are_none(serve, answer):
    server = serve()
    server.serve = lambda connection: (connection.sendall(b"IMPULSE CONSOLE 1\n"), connection.recv(100),
                                       connection.sendall(answer), connection.close())
    status, _, err = run_console(server.address, "pid")
    assert status == 2 and err.count("\n") == 1


def test_a_server_that_says_nothing(serve):
    server = serve(greeting=b" ")
    assert "in time" in fails("-t", "1", server.address, "pid")


def test_an_answer_that_does_not_come(serve):
    server = serve(answers={"pid": b""})
    assert "in time" in fails("-t", "1", server.address, "pid")


def test_usage():
    assert run_console("--help")[0] == 0
    assert run_console("--nonsense")[0] == 2
    assert run_console("-t", "x")[0] == 2
    assert re.match(rb"impulse \d", run_console("--version")[1])


def test_output_that_cannot_be_written(serve):
    server = serve()
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(CLIENT), server.address, "pid"], stdin=subprocess.DEVNULL, stdout=full,
                              stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and "No space left" in done.stderr


# ---- logging in ----------------------------------------------------------------------------------------------------

def test_digest_md5(serve):
    server = serve(host="127.0.0.1", users={"john": "sec:r@t"})
    status, out, err = run_console(f"john:sec:r@t@{server.address}", "pid")
    assert (status, out, server.logins) == (0, b"<pid>\n", [("john", True)])
    assert "Warning: a password on the command line" in err and "readable over the network" not in err


def test_a_wrong_password(serve):
    server = serve(host="127.0.0.1", users={"john": "secret"})
    status, out, err = run_console(f"john:wrong@{server.address}", "pid")
    assert (status, out) == (2, b"") and "not authenticated: Authentication failed" in err
    assert server.commands == []


def test_a_server_that_does_not_know_the_password(serve):
    server = serve(host="127.0.0.1", users={"john": "secret"})
    server.proves = False
    status, out, err = run_console(f"john:secret@{server.address}", "pid")
    assert (status, out, server.commands) == (2, b"", []) and "could not be authenticated" in err


@pytest.mark.parametrize("mechanism", ["DIGEST-MD5", "PLAIN", "LOGIN"])
@pytest.mark.parametrize("challenge", [b"+ \n", b"+\n", b"+ ====\n", b"+ AA==\n", b"+ " + b"LCws" * 2000 + b"\n"])
def test_challenges_of_a_server_that_means_no_good(serve, mechanism, challenge):
    def challenge_ever(connection):
        connection.sendall(f"IMPULSE CONSOLE 1 AUTH {mechanism}\n".encode())
        with contextlib.suppress(OSError):      # the client hangs up
            while connection.recv(10_000):
                connection.sendall(challenge)

    server = serve(host="127.0.0.1")
    server.serve = challenge_ever
    status, out, err = run_console(f"john:secret@{server.address}", "pid")
    assert (status, out) == (2, b"") and "Sanitizer" not in err


@pytest.mark.parametrize("host", ["127.0.0.1", None])
def test_login_warns_where_others_can_listen(serve, host):
    server = serve(users={"john": "secret"}, mechanism="LOGIN", **({"host": host} if host else {}))
    status, out, err = run_console(f"john:secret@{server.address}", "pid")
    assert (status, out) == (0, b"<pid>\n")
    assert ("readable over the network" in err) == bool(host)


def test_the_strongest_mechanism_is_used(serve):
    server = serve(host="127.0.0.1", users={"john": "secret"}, greeting="IMPULSE CONSOLE 1 AUTH LOGIN DIGEST-MD5")
    assert run_console(f"john:secret@{server.address}", "pid")[0] == 0


def test_no_mechanism_that_is_known(serve):
    server = serve(users={"john": "secret"}, mechanism="GSSAPI")
    status, out, err = run_console(f"john:secret@{server.address}", "pid")
    assert (status, out) == (2, b"") and "no authentication that is known here: GSSAPI" in err


def test_nobody_to_ask(serve):
    server = serve(users={"john": "secret"})
    assert "none was given" in fails(f"john@{server.address}", "pid")


def test_batch_mode_asks_for_the_password_at_the_terminal(serve, home):
    server = serve(users={"john": "secret"})
    with at_terminal(home, f"john@{server.address}", "pid") as terminal:
        terminal.expect("Authorization required for console session\r\nPassword:")
        await_true(lambda: not terminal.echoes(), "no echo")
        terminal.send("secret\n")
        terminal.expect("<pid>")
        assert terminal.end() == 0
        assert "secret" not in terminal.seen


def test_wrong_passwords_are_asked_for_again(serve, home):
    server = serve(users={"john": "secret"})
    with at_terminal(home, f"john@{server.address}") as terminal:
        for password in ("wrong", "wrong too", "secret"):
            terminal.expect("Password:")
            await_true(lambda: not terminal.echoes(), "no echo")
            terminal.send(password + "\n")
        terminal.expect(PROMPT % re.escape(f"john@{server.address}"))
        terminal.send("pid\n")
        terminal.expect("<pid>")
        terminal.send("quit\n")
        assert terminal.end() == 0
    assert [let_in for _, let_in in server.logins] == [False, False, True]
    history = home / ".ec_console_history"
    assert not history.exists() or "secret" not in history.read_text()


def test_to_an_empty_password_the_name_is_asked_for(serve, home):
    server = serve(users={"admin": "secret"})
    with at_terminal(home, f"john@{server.address}", "pid") as terminal:
        terminal.expect("Password:")
        await_true(lambda: not terminal.echoes(), "no echo")
        terminal.send("\n")
        terminal.expect("Username:")
        terminal.send("admin\n")
        terminal.expect("Password:")
        await_true(lambda: not terminal.echoes(), "no echo")
        terminal.send("secret\n")
        terminal.expect("<pid>")
        assert terminal.end() == 0


def test_ctrl_c_at_the_password(serve, home):
    server = serve(users={"john": "secret"})
    with at_terminal(home, f"john@{server.address}") as terminal:
        terminal.expect("Password:")
        await_true(lambda: not terminal.echoes(), "no echo")
        terminal.send("\x03")
        assert terminal.end() == 2 and "none was given" in terminal.seen
        assert server.logins == []


# ---- at a terminal -------------------------------------------------------------------------------------------------

HELP = """config begin
    begins a transaction
config begin from scratch
    begins with nothing
config eval [SCOPE...] OPTION
    shows the value
config rollback
    forgets it
summary
    shows counts
"""
ANSWERS = {"help": (True, HELP), "version": (True, "ecelerity version: 4.0 (Impulse)\n")}


@pytest.fixture
def console(serve, home):
    """ec_console at its first prompt: (terminal, server, prompt)."""
    server = serve(answers=dict(ANSWERS))
    with at_terminal(home, server.address, PAGER="sed -e s/^/paged:/") as terminal:
        prompt = PROMPT % re.escape(server.address)
        terminal.expect("###\r\n# ecelerity version: 4.0 [(]Impulse[)]\r\n###")
        terminal.expect(prompt)
        yield terminal, server, prompt


def test_a_command_and_its_output(console):
    terminal, server, prompt = console
    terminal.send("summary\n")
    terminal.expect("<summary>\r\n")
    terminal.expect(prompt)
    terminal.send("exit\n")
    assert terminal.end() == 0
    assert server.commands == ["version", "summary"]


def test_output_does_not_drive_the_terminal(console):
    terminal, server, prompt = console
    server.answers["evil"] = (True, "a\x1b]0;title\x07b \u009b2J \xa9\n")
    for _ in ("without the pager", "with it"):
        terminal.send("evil\n")
        terminal.expect("\na[?]\\]0;title[?]b [?]2J \xa9\r\n")
        terminal.expect(prompt)
        terminal.send("\\pager\n")
        terminal.expect(prompt)


def test_ctrl_d_ends(console):
    terminal, _, _ = console
    terminal.send("\x04")
    assert terminal.end() == 0


def test_ctrl_c_cancels_the_line(console):
    terminal, server, prompt = console
    terminal.send("shutdown")
    terminal.expect("shutdown")
    terminal.send("\x03")
    terminal.expect(prompt)
    terminal.send("pid\n")
    terminal.expect("<pid>")
    assert "shutdown" not in server.commands


def test_ctrl_c_while_an_answer_is_awaited(console):
    terminal, server, prompt = console
    server.answers["slow"] = b""
    terminal.send("slow\n")
    await_true(lambda: "slow" in server.commands, "the command")
    terminal.send("\x03")
    terminal.expect("interrupted")
    terminal.expect(prompt)
    terminal.send("pid\n")          # on a connection of its own
    terminal.expect("<pid>")


def test_ctrl_c_while_an_answer_does_not_end(console):
    terminal, server, prompt = console
    server.answers["endless"] = output("x" * 60 + "\n") * 2_000_000 + b"OK\n"
    terminal.send("endless\n")
    terminal.expect("xxx")
    terminal.send("\x03")
    terminal.expect("interrupted", seconds=3)
    terminal.expect(prompt)


def test_a_backslash_continues_the_command(console):
    terminal, server, prompt = console
    terminal.send("config eval binding_group group1 binding example \\\n")
    terminal.expect("\n.*> ")
    terminal.send(" domain example.com max_outbound_connections\n")
    terminal.expect("<config")
    terminal.expect(prompt)
    assert server.commands[-1] == ("config eval binding_group group1 binding example  domain example.com "
                                   "max_outbound_connections")


@needs_editor
def test_completion(console):
    terminal, server, prompt = console
    terminal.send("su\t")
    terminal.expect("su.*mmary ")
    terminal.send("\nconf\tev\tx\n")
    terminal.expect("<config eval x>")
    terminal.expect(prompt)
    terminal.send("config \t")
    terminal.expect("begin +eval +rollback")
    terminal.send("r\t\n")
    terminal.expect("<config rollback >")
    assert server.commands.count("help") == 1


@needs_editor
def test_the_history_stays(console, home):
    terminal, server, prompt = console
    for command in ("first one", "second one", " hidden", "config set x password y"):
        terminal.send(command + "\n")
        terminal.expect(f"<{command.strip()}>")
        terminal.expect(prompt)
    terminal.send("\x1b[A\x1b[A\n")     # up, up
    terminal.expect("<first one>")
    terminal.expect(prompt)
    terminal.send("quit\n")
    assert terminal.end() == 0
    kept = home / ".ec_console_history"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "hidden" not in kept.read_text() and "password" not in kept.read_text()
    assert [kept.read_text().count(f"{word}\\040one") for word in ("first", "second")] == [2, 1]
    with at_terminal(home, server.address) as again:
        again.expect(prompt)
        again.send("\x1b[A\x1b[A\n")
        again.expect("<first one>")


@needs_editor
def test_the_history_file_becomes_private(serve, home):
    kept = home / ".ec_console_history"
    kept.write_text("_HiStOrY_V2_\nfrom\\040before\n")
    kept.chmod(0o644)
    server = serve()
    with at_terminal(home, server.address) as terminal:
        terminal.expect("> ")
        terminal.send("\x1b[A\n")
        terminal.expect("<from before>")
        terminal.expect("> ")
        terminal.send("pid\n")
        terminal.expect("<pid>")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text().count("_HiStOrY_V2_") == 1


def test_the_pager(console):
    terminal, server, prompt = console
    long, short = "".join(f"line {n}\n" for n in range(100)), "one\ntwo\n"
    server.answers.update({"long": (True, long), "short": (True, short)})
    terminal.send("long\n")
    terminal.expect("\nline 99\r\n")
    terminal.expect(prompt)
    terminal.send("\\pager\n")
    terminal.expect("The pager is on")
    terminal.expect(prompt)
    terminal.send("long\n")
    terminal.expect("\npaged:line 0\r\n")
    terminal.expect("\npaged:line 99\r\n")
    terminal.expect(prompt)
    terminal.send("short\n")
    terminal.expect("\none\r\ntwo\r\n")
    terminal.expect(prompt)
    terminal.send("\\pager\n")
    terminal.expect("The pager is off")


def test_a_pager_that_is_left_early(serve, home):
    server = serve(answers={"long": (True, "x" * 79 + "\n" + "line\n" * 500_000)})
    with at_terminal(home, server.address, PAGER="head -n 1") as terminal:
        terminal.expect("> ")
        terminal.send("\\pager\n")
        terminal.expect("on.*\n.*> ")
        terminal.send("long\n")
        terminal.expect("x{79}")
        terminal.expect("> ")
        terminal.send("pid\n")
        terminal.expect("<pid>")


def test_commands_of_its_own(console):
    terminal, server, prompt = console
    terminal.send("\\help\n")
    terminal.expect(r"\\pager ")
    terminal.expect(prompt)
    terminal.send("\\nonsense\n")
    terminal.expect("no such command")
    assert server.commands == ["version"]
    terminal.send("\\quit\n")
    assert terminal.end() == 0


def test_a_session_that_timed_out_is_opened_again(console):
    terminal, server, prompt = console
    server.time_out()
    terminal.send("pid\n")
    assert terminal.expect("pid\r\n(.*\r\n)*<pid>").group(1) is None     # nothing was said about it
    assert len(server.connections) == 2


def test_a_new_session_logs_in_without_asking_again(serve, home):
    server = serve(users={"john": "secret"})
    with at_terminal(home, f"john@{server.address}") as terminal:
        terminal.expect("Password:")
        await_true(lambda: not terminal.echoes(), "no echo")
        terminal.send("secret\n")
        terminal.expect(r"\d> ")
        server.time_out()
        terminal.send("pid\n")
        terminal.expect("<pid>")
    assert server.logins == [("john", True)] * 2


def test_a_transaction_is_lost_with_its_session(console):
    terminal, server, prompt = console
    terminal.send("config begin\n")
    terminal.expect("<config begin>")
    terminal.expect(prompt)
    server.time_out()
    terminal.send("config set x y\n")
    terminal.expect("transaction is lost: the command was not run")
    terminal.expect(prompt)
    assert "config set x y" not in server.commands
    terminal.send("pid\n")
    terminal.expect("<pid>")


def test_after_a_commit_there_is_no_transaction(console):
    terminal, server, prompt = console
    for command in ("config begin", "config commit"):
        terminal.send(command + "\n")
        terminal.expect(f"<{command}>")
        terminal.expect(prompt)
    server.time_out()
    terminal.send("pid\n")
    terminal.expect("<pid>")


def test_a_server_that_is_gone(console):
    terminal, server, prompt = console
    server.__exit__()
    terminal.send("pid\n")
    terminal.expect("nobody listens|closed")
    terminal.expect(prompt)
    terminal.send("quit\n")
    assert terminal.end() == 0

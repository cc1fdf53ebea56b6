"""Modules: one that is missing, has the wrong ABI or crashes its own setup stops the start with one clear line; one
that is built out of tree, against nothing but what `make install` installs, works.
"""
import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import await_true, patience
from harness.daemon import MODULES, PROGRAM, ROOT, run
from harness.messages import EXACT, HEADER
from harness.sdk import build, find
from harness.wire import Wire, rcpt

pytestmark = pytest.mark.xdist_group("installation")   # they add modules to it


# ---- out of tree -------------------------------------------------------------------------------------------------------


@pytest.fixture
def policy(with_modules):
    """impulse, with the policy module beside its own."""
    return with_modules("policy")


def test_it_is_set_up_and_asked(policy, site):
    policy.start(site.config('policy { debug_level = NOTICE greeting = "go away" limit = 42 }', "relay_hosts = ( )"))
    assert "go away" in policy.await_panic("set up with greeting")
    assert rcpt(policy, "anybody").code == 250, "it permits relaying"
    assert rcpt(policy, "refused").text == "550 5.7.1 go away"
    assert rcpt(policy, "seen").text == "550 5.7.1 peer=127.0.0.1 sender=a@sender.example limit=42"


def test_its_name_is_in_the_rejectlog(policy, site):
    policy.start(site.config("policy { }"))
    rcpt(policy, "refused")
    policy.stop()
    line, = [line for line in policy.rejectlog() if "E=550" in line]
    assert " M=policy " in line and line.endswith("hello")
    assert "policy_peer=127.0.0.1" in line and "policy_sender=a@sender.example" in line


@pytest.mark.parametrize("local, code", [("pool", 250), ("poolno", 451), ("thread", 250)])
def test_suspending(policy, site, capture, local, code):
    policy.start(site.config("policy { }", to=capture))
    assert rcpt(policy, local).code == code
    # Several recipients of one burst suspend one after the other; the replies keep their order.
    with Wire(policy.address) as client:
        client.greet()
        client.send(b"MAIL FROM:<a@sender.example>\r\n" + f"RCPT TO:<{local}@rcpt.example>\r\n".encode() * 3
                    + b"RCPT TO:<refused@rcpt.example>\r\nRCPT TO:<b@rcpt.example>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(7)] == [250, code, code, code, 550, 250, 354]
        client.send(EXACT["plain"] + b".\r\n")
        assert client.reply().code == 250
    count = 4 if code == 250 else 1
    await_true(lambda: sum(len(m.recipients) for m in capture.messages) == count, "a copy for each recipient")


def test_a_pools_backlog_limits_what_waits(policy, site):
    """One job runs, one waits; the third is told at once that there is no room."""
    policy.start(site.config('ThreadPool "narrow" { Concurrency = 1 Backlog = 1 }\npolicy { pool = "narrow" }'))
    clients = [Wire(policy.address) for _ in range(3)]
    for client in clients:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
    answered = []
    for client in clients:
        client.send(b"RCPT TO:<held@rcpt.example>\r\n")
        client.socket.settimeout(0.3)
        try:
            answered.append(client.reply().code)
        except TimeoutError:
            pass
        client.socket.settimeout(patience(10))
    assert answered == [451]
    for client in clients[:2]:
        assert rcpt(policy, "release").code == 250
        assert client.reply().code == 250


def test_clients_leave_while_suspended(policy, site):
    policy.start(site.config("policy { }"))
    for local in ("pool", "poolno", "thread") * 20:
        with Wire(policy.address) as client:
            client.send(f"HELO c\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<{local}@rcpt.example>\r\n".encode())
    assert rcpt(policy, "anybody").code == 250


def test_content_is_refused(policy, site, capture):
    policy.start(site.config("policy { }", to=capture))
    with Wire(policy.address) as client:
        client.greet()
        assert client.mail(HEADER + b"X-Refuse: please\r\n\r\n").text == "554 5.6.0 content refused"
        assert client.mail(EXACT["plain"]).code == 250
    capture.wait()
    assert len(capture.messages) == 1


def test_reload_sets_it_up_again(policy, site):
    config = site.config('policy { debug_level = NOTICE greeting = "one" }')
    policy.start(config)
    assert rcpt(policy, "refused").text.endswith(" one")
    policy.write(config.replace('"one"', '"two"'))
    policy.reload()
    policy.await_panic('"two"')
    policy.await_panic("reloaded")
    assert rcpt(policy, "refused").text.endswith(" two")


def test_bindings_and_their_scopes(policy, site, captures):
    """What a module binds goes out by that Binding's options, and by its Domain's before them."""
    rest, fast, special, grouped = captures(), captures(), captures(), captures()
    policy.start(site.config(f"""
      policy {{ }}
      Binding "fast" {{
        remote_smtp_port = {fast.port}
        Domain "special.example" {{ remote_smtp_port = {special.port} }}
      }}
      Binding_Group "group" {{
        remote_smtp_port = {grouped.port}
        Binding "inner" {{ ehlo_hostname = "inner.example" }}
      }}
      Domain "special.example" {{ ehlo_hostname = "by-domain.example" }}
    """, to=rest))
    with Wire(policy.address) as client:
        client.greet()
        recipients = ["b@x.example", "to-fast@x.example", "to-fast@special.example", "to-inner@x.example",
                      "b@special.example", "to-unknown@x.example"]
        assert client.mail(EXACT["plain"], recipients=recipients).code == 250
    assert fast.wait()[0].recipients == ["to-fast@x.example"]
    assert special.wait()[0].recipients == ["to-fast@special.example"]
    assert special.messages[0].session.commands[0] == "EHLO by-domain.example"
    assert grouped.wait()[0].recipients == ["to-inner@x.example"]
    assert grouped.messages[0].session.commands[0] == "EHLO inner.example"
    assert sorted(r for m in rest.wait(3) for r in m.recipients) == \
        ["b@special.example", "b@x.example", "to-unknown@x.example"]
    policy.await_log("D", 6)
    assert sorted(record.binding for record in policy.mainlog("R")) == \
        ["default", "default", "fast", "fast", "inner", "unknown"]
    assert {record.group for record in policy.mainlog("D") if record.binding == "inner"} == {"group"}


def test_the_installed_daemon(installed, site, impulse, capture):
    """The daemon, its modules and its headers work from where `make install` put them."""
    program, directory = find(installed, "impulsed"), find(installed, "relay.ecm").parent
    build(installed, "policy", directory)
    file = site.directory / "installed.conf"
    file.write_text(site.config("policy { }"))
    done = subprocess.run([program, "-t", "-c", file, "--modules", directory], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("impulsed.8", "impulse.service", "ecelerity.conf", "compatibility.md"):
        assert find(installed, name)
    assert str(directory).endswith("lib/impulse/modules")



def test_the_sdks_symbols_have_a_version():
    """So that a later edition can keep a function of this one beside its own."""
    said = subprocess.run(["nm", "-D", "--defined-only", PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
    names = [line.split()[-1] for line in said.splitlines() if " imp_" in line]
    assert len(names) > 50 and all(name.endswith("@@IMPULSE_2") for name in names)


@pytest.fixture
def auth_demo(with_modules):
    """impulse, with the auth_demo module beside its own."""
    return with_modules("auth_demo")


def authenticate(impulse, mechanism, user, password):
    with Wire(impulse.address) as client:
        client.greet()
        return client.command(f"AUTH {mechanism} " + base64.b64encode(f"\0{user}\0{password}".encode()).decode()).text


def test_a_module_decides_authentications(auth_demo, site):
    """Its own passwords, at a URI of its own; and the last word about those of a file."""
    passwords = site.directory / "passwords"
    passwords.write_text("ann:secret\nblocked:secret\n")
    plain = 'SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "AUTH PLAIN CRAM-MD5" )\nAuthPlainParameters = [ uri = "%s" ]'
    auth_demo.start(site.config("auth_demo { password = right }", plain % f"file://{passwords}"))
    assert authenticate(auth_demo, "PLAIN", "ann", "secret") == "235 2.7.0 authentication successful"
    assert authenticate(auth_demo, "PLAIN", "ann", "wrong") == "535 5.7.8 authentication failed"
    assert authenticate(auth_demo, "PLAIN", "blocked", "secret") == "535 5.7.8 PLAIN"
    assert authenticate(auth_demo, "PLAIN", "trusted", "wrong") == "235 2.7.0 authentication successful"
    auth_demo.stop()
    auth_demo.start(site.config("auth_demo { password = right }", plain % "demo://"))
    assert authenticate(auth_demo, "PLAIN", "ann", "right") == "235 2.7.0 authentication successful"
    assert authenticate(auth_demo, "PLAIN", "ann", "secret") == "535 5.7.8 not by demo://"
    assert authenticate(auth_demo, "CRAM-MD5", "ann", "right").startswith("504 ")


# ---- ecxs ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def greylist(with_modules):
    """impulse, with greylist_demo compiled by the installed ecxs."""
    return with_modules("greylist_demo")


def test_ecxs_refuses_a_function_that_no_header_declares(installed, site):
    source = site.directory / "misnamed.c"
    source.write_text("int f(void);\nint f(void) { return imp_no_such_function(); }\n")
    (site.directory / "misnamed.ecm").write_text("[misnamed]\n")
    done = subprocess.run([find(installed, "ecxs"), source], cwd=site.directory, capture_output=True, text=True)
    assert done.returncode != 0 and "imp_no_such_function" in done.stderr
    assert not (site.directory / "misnamed.so").exists()


def test_ecxs_wants_a_manifest(installed, site):
    source = site.directory / "lonely.c"
    source.write_text("#include <impulse/module.h>\n")
    done = subprocess.run([find(installed, "ecxs"), source], cwd=site.directory, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("ecxs: ") and "lonely.ecm" in done.stderr
    assert not (site.directory / "lonely.so").exists()


def test_ecxs_wants_one_language(installed, site):
    for name in ("one.c", "two.cc", "one.ecm"):
        (site.directory / name).touch()
    done = subprocess.run([find(installed, "ecxs"), "one.c", "two.cc"], cwd=site.directory, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == "ecxs: two.cc: the sources of a module are all C or all C++\n"


def test_ecxs_replaces_no_module_of_impulse(installed, site):
    """A module of another name is installed beside them."""
    folder = find(installed, "relay.ecm").parent
    own = sorted(file.stem for file in (ROOT / "modules").glob("*/*.ecm"))
    before = {file: file.read_bytes() for file in folder.iterdir()}
    def install(name):
        (site.directory / f"{name}.c").write_text("int nothing;\n")
        (site.directory / f"{name}.ecm").write_text(f"[{name}]\n")
        return subprocess.run([find(installed, "ecxs"), "-i", f"{name}.c"], cwd=site.directory, capture_output=True,
                              text=True, env={**os.environ, "DESTDIR": str(installed)})
    assert own == ["ec_logger", "maildir", "relay"]
    for name in own:
        done = install(name)
        assert done.returncode == 1
        assert done.stderr == f"ecxs: the module {name} comes with Impulse and is not replaced; choose another name\n"
        assert not (site.directory / f"{name}.so").exists()
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    try:
        assert install("relay_too").returncode == 0
        assert (folder / "relay_too.so").exists() and (folder / "relay_too.ecm").exists()
    finally:
        for file in folder.glob("relay_too.*"):
            file.unlink()


def test_a_module_in_cxx(with_modules, site):
    impulse = with_modules("plus_plus")
    impulse.start(site.config('plus_plus { whom = "operator" }'))
    assert "hello, operator" in impulse.await_panic("plus_plus")


def test_the_skeleton_is_a_module_with_a_test(installed, site):
    """What `impulsectl module new` writes is compiled, and its own test passes."""
    program = find(installed, "impulsectl")
    def new(name):
        return subprocess.run([program, "module", "new", name], cwd=site.directory, capture_output=True, text=True,
                              env={**os.environ, "IMPULSE_MODULE_PATH": str(MODULES)})
    assert new("greeter").returncode == 0
    again = new("greeter")
    assert again.returncode == 1 and "greeter: File exists" in again.stderr
    for wrong in ("Greeter", "9to5", "a-b", "", "x" * 32, "../a"):
        assert new(wrong).returncode == 1, wrong
    for word in ("domain", "gateway", "global"):
        refused = new(word)
        assert refused.returncode == 1 and refused.stdout == ""
        assert refused.stderr == f'impulsectl: the core has an option or stanza "{word}"; choose another name\n'
    refused = new("relay")
    assert refused.returncode == 1 and refused.stdout == ""
    assert refused.stderr == f'impulsectl: there is a module "relay" in {MODULES}; choose another name\n'
    assert not (site.directory / "domain").exists() and not (site.directory / "relay").exists()
    done = subprocess.run(["make", "-s", "-C", "greeter", "check"], cwd=site.directory, capture_output=True, text=True,
                          env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "DESTDIR": str(installed),
                               "IMPULSED": str(PROGRAM), "IMPULSE_MODULE_PATH": str(MODULES)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ran 2 tests" in done.stderr and "OK" in done.stderr


COUNTED = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int living;
static void *counted(void *memory) { living += memory != NULL; return memory; }
static void counted_free(void *memory) { living -= memory != NULL; free(memory); }
#define calloc(count, size) counted(calloc(count, size))
#define strdup(text) counted(strdup(text))
#define free counted_free
#include "SOURCE"
static void *kept;
void imp_module_set_data(struct imp_module *module, void *data) { (void)module; kept = data; }
void *imp_module_data(const struct imp_module *module) { (void)module; return kept; }
const char *imp_config_text(const struct imp_config *config, const char *name) { (void)config; return name; }
struct imp_session *imp_call_session(struct imp_call *call) { (void)call; return NULL; }
const char *imp_session_recipient(const struct imp_session *session) { (void)session; return ""; }
void imp_call_reject(struct imp_call *call, int code, const char *enhanced, const char *text)
{
    (void)call, (void)code, (void)enhanced, (void)text;
}
void imp_module_error(struct imp_module *module, const char *format, ...) { (void)module, (void)format; }
int imp_hook_add(struct imp_module *module, const struct imp_hook *hook) { (void)module, (void)hook; return -1; }
int main(void)
{
    printf("%d %d", imp_module_definition.setup(NULL, NULL), living);
}
"""


def test_the_skeleton_releases_what_it_took_when_it_cannot_register(installed, site):
    subprocess.run([find(installed, "impulsectl"), "module", "new", "greeter"], cwd=site.directory, check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "IMPULSE_MODULE_PATH": str(MODULES)})
    include = find(installed, "impulse/module.h").parent.parent
    source = site.directory / "counted.c"
    source.write_text(COUNTED.replace("SOURCE", str(site.directory / "greeter/greeter.c")))
    subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", f"-I{include}", "-o", site.directory / "counted", source],
                   check=True)
    assert subprocess.run([site.directory / "counted"], capture_output=True, text=True, check=True).stdout == "-1 0"


def test_pkg_config(installed, site):
    """What a build system without ecxs needs."""
    def ask(*arguments):
        return subprocess.run(["pkg-config", *arguments, "impulse"], capture_output=True, text=True, check=True,
                              env={"PKG_CONFIG_PATH": str(find(installed, "impulse.pc").parent)}).stdout.strip()
    assert (Path(str(installed) + ask("--variable=includedir")) / "impulse/module.h").is_file()
    assert Path(str(installed) + ask("--variable=moduledir")) == find(installed, "relay.ecm").parent
    assert ask("--libs") == "", "a module links nothing"


def greylisted(impulse, recipient="b@rcpt.example", name="client.example"):
    with Wire(impulse.address) as client:
        client.greet(name)
        client.command("MAIL FROM:<a@sender.example>", 250)
        return client.command(f"RCPT TO:<{recipient}>").text


def test_greylisting(greylist, site):
    greylist.start(site.config("greylist_demo { delay = 1 }"))
    assert greylisted(greylist) == "451 4.7.1 greylisted, please try again later"
    await_true(lambda: greylisted(greylist).startswith("250 "), "passed after the delay")
    assert greylisted(greylist, "other@rcpt.example").startswith("451 ")
    assert greylisted(greylist, "third@rcpt.example", "friend.example").startswith("250 "), "the context exempts"
    with Wire(greylist.address) as foe:
        foe.reply()
        assert foe.command("EHLO foe.example").text.endswith("5.7.1 you again")
    greylist.stop()
    line, = [line for line in greylist.rejectlog() if "E=550" in line]
    assert " M=greylist_demo " in line


def test_a_generation_lives_until_its_suspended_sessions_have_ended(greylist, site):
    """Sessions that are suspended across two reloads get their answers from the generation they began with."""
    config = site.config("greylist_demo { delay = 1000 lookup_ms = 1500 }")
    greylist.start(config)
    clients = [Wire(greylist.address) for _ in range(10)]
    for number, client in enumerate(clients):
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.send(f"RCPT TO:<b{number}@rcpt.example>\r\n".encode())
    for _ in range(2):
        told = greylist.paniclog().count("reloaded")
        greylist.write(config.replace("lookup_ms = 1500", "lookup_ms = 0"))
        greylist.reload()
        await_true(lambda: greylist.paniclog().count("reloaded") > told, "reloaded")
    clients.pop().close()   # one leaves while it waits
    assert greylisted(greylist, "new@rcpt.example").startswith("451 ")
    for client in clients:
        assert client.reply().code == 451
        client.close()


# ---- modules that stop the start ---------------------------------------------------------------------------------------


def stopped(site, modules, what="-d"):
    """Runs impulsed with a stanza for `faulty`; returns what it said about that module."""
    file = site.directory / "faulty.conf"
    file.write_text(site.config("faulty { }"))
    status, said = run(what, "-c", file, "--modules", modules)
    assert status not in (0, None) and status > 0, f"status {status}:\n{said}"
    lines = [line for line in said.splitlines() if "faulty" in line]
    assert len(lines) == 1, f"one line should say it:\n{said}"
    return lines[0]


@pytest.mark.parametrize("fault, words", [
    ("FIRST_EDITION", "ABI 1.2, this daemon has 2.0: rebuild it with the ecxs of this version, see doc/modules.md"),
    ("WRONG_MAJOR", "ABI"),
    ("NEWER_MINOR", "ABI"),
    ("WRONG_MAGIC", "imp_module_definition"),
    ("NO_DEFINITION", "imp_module_definition"),
    ("UNDEFINED_SYMBOL", "function_that_nobody_has"),
    ("REFUSES", "the moon is in the wrong phase"),
    ("CRASHES", "crash"),
    ("CRASHES_EARLY", "crash"),
    ("ABORTS", "crash"),
    ("EXITS", "impulse: module faulty: its setup called exit()"),
])
def test_faults(installed, site, modules, fault, words):
    build(installed, "faulty", modules, "-D" + fault)
    assert words in stopped(site, modules)


def test_a_missing_object(site, modules):
    shutil.copy(ROOT / "tests" / "modules" / "faulty" / "faulty.ecm", modules)
    assert "faulty.so" in stopped(site, modules)


def test_an_object_that_is_no_object(site, modules):
    shutil.copy(ROOT / "tests" / "modules" / "faulty" / "faulty.ecm", modules)
    (modules / "faulty.so").write_bytes(b"this is not ELF\n" * 100)
    assert "faulty.so" in stopped(site, modules)


@pytest.mark.parametrize("bytes_left", [64, 1000, 4096, 12000])
def test_an_object_that_is_cut_short(installed, site, modules, bytes_left):
    """It is named, where dlopen would crash: a reload while it is being copied must not end the daemon."""
    build(installed, "faulty", modules)
    whole = (modules / "faulty.so").read_bytes()
    (modules / "faulty.so").write_bytes(whole[:bytes_left])
    said = stopped(site, modules)
    assert "crash" not in said and "faulty.so: it is cut short" in said, said


def test_an_object_that_is_a_fifo(site, modules):
    shutil.copy(ROOT / "tests" / "modules" / "faulty" / "faulty.ecm", modules)
    os.mkfifo(modules / "faulty.so")
    assert "faulty.so: it is not a regular file" in stopped(site, modules)


def test_a_module_without_a_manifest(site, modules):
    """A stanza that no manifest and no option explains is a mistake of the configuration."""
    file = site.directory / "unknown.conf"
    file.write_text(site.config("nobody_knows_this_module { }"))
    status, said = run("-t", "-c", file)
    assert status == 1 and "nobody_knows_this_module" in said
    assert f"{file}:" in said


@pytest.mark.parametrize("name", ["lonely", "Lonely", "opendkim"])   # the last is one of Momentum's
def test_an_object_without_a_manifest(site, modules, name):
    (modules / f"{name}.so").write_bytes(b"")
    file = site.directory / "lonely.conf"
    file.write_text(site.config(f"{name} {{ }}"))
    status, said = run("-t", "-c", file, "--modules", modules)
    assert status == 1
    assert f"module '{name}' has no manifest: {modules}/{name}.so is there, but not {modules}/{name}.ecm" in said
    assert "unknown stanza" not in said


def test_a_bad_manifest(site, modules):
    (modules / "bad.ecm").write_text("[bad\nnonsense\n")
    file = site.directory / "good.conf"
    file.write_text(site.config())
    status, said = run("-t", "-c", file, "--modules", modules)
    assert status == 1 and "bad.ecm" in said


def test_a_module_named_like_a_stanza_of_the_core(site, modules):
    """It would hide what the configuration says of that stanza."""
    (modules / "domain.ecm").write_text("# mine\n[domain]\noption.gateway = string\n")
    file = site.directory / "good.conf"
    file.write_text(site.config('Domain "b.example" { gateway = "192.0.2.1" }'))
    status, said = run("-t", "-c", file, "--modules", modules)
    assert status == 1
    assert f'{modules}/domain.ecm:2: the core has an option or stanza of this name; choose another than "domain"' in said


def test_a_fault_at_reload_keeps_what_runs(installed, policy, site, modules):
    config = site.config('policy { debug_level = NOTICE greeting = "one" }')
    policy.start(config)
    build(installed, "faulty", modules, "-DREFUSES")
    policy.write(config.replace('"one"', '"two"') + "faulty { }\n")
    policy.reload()
    policy.await_panic("the moon is in the wrong phase")
    assert rcpt(policy, "refused").text.endswith(" one")


def test_a_setup_that_blocks_hears_of_the_stop(installed, site, modules):
    build(installed, "faulty", modules, "-DBLOCKS")
    file = site.directory / "faulty.conf"
    file.write_text(site.config("faulty { }"))
    process = subprocess.Popen([PROGRAM, "-d", "-c", file, "--modules", modules], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    assert any("faulty: blocks" in line for line in process.stderr), "its setup has begun"
    process.terminate()
    said = process.stderr.read()
    assert process.wait(patience(20)) == 1
    assert "module faulty: its setup does not return, and the process was told to stop: SIGTERM" in said


def test_a_setup_that_blocks_at_reload(installed, policy, site, modules):
    config = site.config("policy { }")
    policy.start(config)
    build(installed, "faulty", modules, "-DBLOCKS")
    policy.write(config + "faulty { }\n")
    policy.reload()
    policy.await_panic("faulty: blocks")
    policy.process.terminate()
    assert policy.process.wait(patience(20)) == 1
    policy.process = None
    policy.notify.close()
    assert "module faulty: its setup does not return, and the process was told to stop: SIGTERM" in policy.paniclog()


def test_a_crash_at_reload_is_in_the_paniclog(installed, policy, site, modules):
    """It ends the daemon, whose stderr nobody may be reading."""
    config = site.config("policy { }")
    policy.start(config)
    build(installed, "faulty", modules, "-DCRASHES")
    policy.write(config + "faulty { }\n")
    policy.reload()
    assert policy.process.wait(patience(20)) == 1
    policy.process = None
    policy.notify.close()
    assert [line for line in policy.said().splitlines() if "module faulty: its setup crashed: SIGSEGV" in line]
    assert [line for line in policy.paniclog().splitlines() if "module faulty: its setup crashed: SIGSEGV" in line]

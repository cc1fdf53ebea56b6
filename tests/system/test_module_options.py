"""Options of modules: of every type, in the module's stanza and in Listen, Peer, Binding, Domain and Host, with the
fallback of the core's options, also after a reload; and what is said of options, values and questions that are wrong.
"""
import subprocess

import pytest

from harness import await_true
from harness.console import Console
from harness.daemon import PROGRAM, free_port, run
from harness.messages import EXACT
from harness.wire import Wire


@pytest.fixture
def options(with_modules):
    """impulse, with the module beside its own."""
    return with_modules("options")


def config(site, stanza="", outer="", listener="", listen=""):
    return site.config(f'options {{ debug_level = NOTICE file = "{site.directory}/shown" {stanza} }}\n{outer}',
                       listener, listen)


def inbound(impulse):
    """What applies to this client, as a dictionary."""
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        text = client.command("RCPT TO:<show@rcpt.example>", 550).text
    return dict(pair.split("=", 1) for pair in text.removeprefix("550 5.7.1 ").split())


def outbound(impulse, site, recipient):
    """What applied to the delivery of a message to that recipient."""
    shown = site.directory / "shown"
    seen = len(shown.read_text().splitlines()) if shown.exists() else 0
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"], recipients=[recipient]).code == 250
    await_true(lambda: shown.exists() and len(shown.read_text().splitlines()) > seen, "a delivery")
    to, *pairs = shown.read_text().splitlines()[seen].split()
    assert to == recipient
    return dict(pair.split("=", 1) for pair in pairs)


DEFAULTS = {"bool": "0", "int": "5", "size": "1024", "time": "60.0", "text": "none", "list": "0,-", "enum": "low,0",
            "pairs": "0,-,-", "set": "0"}


def test_its_stanza(options, site):
    options.start(config(site, """own_int = -2 own_pairs = [ x = 1 y = 2 ]
                         rule "one" { weight = 7 when { day = TUE } }
                         rule "two" { when "noon" { } when "night" { day = tue } }"""))
    line = options.await_panic("stanza:")
    assert line.endswith("stanza: bool=1 int=-2 size=2048 time=1.5 text=a text list=2,b,- enum=green,1 pairs=2,x,1 "
                         "set=1,0 rules: one=7/:tue two=1/noon:mon/night:tue")


def test_defaults(options, site):
    options.start(config(site, outer='delivery_method = show'))
    shown = inbound(options)
    assert shown.pop("core") == "300" and shown == DEFAULTS
    shown = outbound(options, site, "b@rcpt.example")
    assert shown.pop("core") == "1200" and shown == DEFAULTS


SCOPES = {
    "outer": """delivery_method = show
                opt_text = global
                opt_time = 7
                Domain "rcpt.example" { opt_int = 11 opt_list = ( one two ) opt_pairs = [ x = 5 y = 6 ] }
                Domain "*.example" { opt_int = 12 opt_bool = true }
                Binding "default" { opt_size = 3k Domain "deep.example" { opt_enum = HIGH } }""",
    "listener": "opt_size = 2k",
    "listen": """opt_int = 21 opt_enum = high opt_list = one
                 Peer "127.0.0.0/8" { opt_bool = true opt_pairs = [ a = 1 b = 2 ] opt_int = 22 opt_time = 1.5 }
                 Peer "10.0.0.0/8" { opt_int = 23 opt_networks = ( 10.1.0.0/16 ) }""",
}


def test_scopes_and_their_fallback(options, site):
    options.start(config(site, **SCOPES))
    shown = inbound(options)
    shown.pop("core")
    assert shown == {"bool": "1", "int": "22", "size": "2048", "time": "1.5", "text": "global", "list": "1,one",
                     "enum": "high,1", "pairs": "2,b,-", "set": "1"}
    at_home = outbound(options, site, "b@rcpt.example")
    at_home.pop("core")
    assert at_home == {"bool": "1", "int": "11", "size": "3072", "time": "7.0", "text": "global", "list": "2,one",
                       "enum": "low,0", "pairs": "2,y,5", "set": "1"}
    deep = outbound(options, site, "b@deep.example")
    assert deep["enum"] == "high,1" and deep["int"] == "12" and deep["size"] == "3072" and deep["list"] == "0,-"
    elsewhere = outbound(options, site, "b@elsewhere.test")
    assert elsewhere["int"] == "5" and elsewhere["set"] == "0" and elsewhere["size"] == "3072"


HOSTS = """opt_int = 1 retry_interval = 1 max_outbound_connections = 7
           Domain "a.example" { gateway = "127.0.0.1" opt_int = 2 }
           Domain "b.example" { gateway = "127.0.0.2" }
           Domain "c.example" { gateway = "localhost" }
           Host "/^127/" { opt_int = 41 opt_text = regex max_outbound_connections = 5 }
           Host "127.0.0.1" { opt_int = 42 opt_list = ( one two ) }
           Binding "default" { Host "127.0.0.2" { opt_int = 43 } Host "LOCALHOST" { opt_enum = high } }"""


def test_hosts_have_a_fallback_of_their_own(options, site, captures):
    """Neither the global scope nor the Domain is asked: Momentum 4 manual, "outbound_throttle_messages"."""
    capture = captures(("0.0.0.0", 0))

    def host(domain, name):
        shown = site.directory / "shown"
        with Wire(options.address) as client:
            client.greet()
            assert client.mail(EXACT["plain"], recipients=[f"b@{domain}"]).code == 250
        await_true(lambda: shown.exists() and shown.read_text().endswith("\n"), "an attempt")
        tried, *pairs = shown.read_text().splitlines()[-1].split()
        shown.unlink()
        assert tried == name
        return dict(pair.split("=", 1) for pair in pairs)

    options.start(config(site, outer=f"{HOSTS}\nremote_smtp_port = {capture.port}"))
    assert host("a.example", "127.0.0.1") == {**DEFAULTS, "int": "42", "text": "regex", "list": "2,one", "set": "1",
                                              "core": "5"}
    assert host("b.example", "127.0.0.2") == {**DEFAULTS, "int": "43", "text": "regex", "set": "1", "core": "5"}
    assert host("c.example", "localhost") == {**DEFAULTS, "enum": "high,1", "core": "-1"}
    options.write(config(site, outer=f"{HOSTS.replace('= 43', '= 44')}\nremote_smtp_port = {capture.port}"))
    options.reload()
    options.await_panic("reloaded")
    assert host("b.example", "127.0.0.2")["int"] == "44"


def test_a_host_with_options_of_modules_has_an_effect(options, site, modules):
    """Only the core has none for it."""
    file = site.directory / "host.conf"
    file.write_text(config(site, outer='Host "mx.example" { opt_int = 7 }'))
    status, said = run("-t", "-c", file, "--modules", modules)
    assert status == 0 and "stanza host" not in said
    file.write_text(config(site, outer='Host "mx.example" { opt_int = 7 max_outbound_connections = 5 }'))
    status, said = run("-t", "-c", file, "--modules", modules)
    assert status == 0 and "stanza host is read but has no effect" in said


def test_a_host_that_is_not_reached_is_known(options, site):
    port = free_port()
    options.start(config(site, outer=f"{HOSTS}\nremote_smtp_port = {port}"))
    with Wire(options.address) as client:
        client.greet()
        assert client.mail(EXACT["plain"], recipients=["b@a.example"]).code == 250
    shown = site.directory / "shown"
    await_true(lambda: shown.exists() and shown.read_text().startswith("127.0.0.1 bool=0 int=42"), "an attempt")


def test_a_reload_changes_them(options, site):
    options.start(config(site, **SCOPES))
    assert inbound(options)["int"] == "22" and outbound(options, site, "b@rcpt.example")["int"] == "11"
    changed = {scope: text.replace("= 22", "= 32").replace("= 11", "= 31") for scope, text in SCOPES.items()}
    options.write(config(site, **changed))
    options.reload()
    options.await_panic("reloaded")
    assert inbound(options)["int"] == "32" and outbound(options, site, "b@rcpt.example")["int"] == "31"


def test_an_option_that_is_set_loads_its_module(options, site):
    options.start(site.config("opt_int = 9"))
    assert inbound(options)["int"] == "9"


def test_many_reloads(options, site):
    options.start(config(site, **SCOPES))
    for number in range(1, 21):
        options.write(config(site, **{**SCOPES, "listen": SCOPES["listen"].replace("= 22", f"= {number}")}))
        options.reload()
        await_true(lambda: options.paniclog().count("configuration reloaded") == number, f"reload number {number}")
        assert inbound(options)["int"] == str(number)
        assert outbound(options, site, "b@rcpt.example")["int"] == "11"


# ---- what the operator gets wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize("outer, place, said", [
    ("opt_intt = 1", "1", "unknown option 'opt_intt'; did you mean 'opt_int'?"),
    ("opt_int = 101", "11", "opt_int: expected a whole number from 0 to 100, not '101'"),
    ("opt_enum = middle", "12", "opt_enum: expected one of low|high, not 'middle'"),
    ("opt_networks = ( 10.0.0.0/8 )", "1", "option opt_networks of module options cannot stand in the scope global, "
                                           "only in: listen, peer"),
    ("options { rule { } }", "11", "a stanza rule needs a name"),
    ('options { rule "x" { wait = 1 } }', "22", "unknown option 'wait'"),
])
def test_mistakes_have_a_place(options, site, outer, place, said):
    options.write(outer + "\n" + site.config())
    status, text = run("-t", "-c", options.file, environment=options.environment)
    assert status != 0
    assert f"{options.file}:1:{place}: error: {said}" in text


@pytest.mark.parametrize("wrong, line", [
    ("unknown", 'it asks for option "nonesuch" as text, but the manifest {manifest} does not declare it'),
    ("type", 'it asks for option "own_int" as text, but it is declared as int'),
    ("stanza", 'it asks for stanzas "ruel", but the manifest {manifest} does not declare them'),
    ("own", 'it asks its stanza for option "opt_int", but it is declared for scopes of the core: '
            'imp_policy_* and imp_config_global_* know it'),
    ("policy", 'it asks for option "opt_int" as text, but it is declared as int'),
    ("direction", 'it asks for option "retry_interval_of_nothing" as int, but neither the core nor a manifest '
                  'declares it for scopes of the core'),
    ("outbound", 'it asks an outbound policy for option "idle_time", but it stands in: '),
    ("host", 'it asks a host policy for option "retry_interval", but it stands in: '),
])
def test_a_wrong_question_is_named_and_stops_the_start(options, site, modules, wrong, line):
    said = options.failed_start(config(site, f"wrong = {wrong}"))
    assert "module options: " + line.format(manifest=modules / "options.ecm") in said


def test_what_the_module_finds_wrong_has_a_place(options, site):
    text = config(site, 'wrong = value\nown_text = "x y"')
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "own_text" in line)
    assert f'{options.file}:{line}:12: module options: own_text: "x y" is no text' in options.failed_start(text)


def test_what_an_inbound_policy_finds_wrong_has_a_place(options, site):
    text = config(site, "wrong = policy_value", listen='\nPeer "10.0.0.0/8" {\n opt_int = 13\n}')
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "= 13" in line)
    assert f"{options.file}:{line}:12: module options: opt_int: 13 brings bad luck" in options.failed_start(text)


def test_what_an_outbound_policy_finds_wrong_has_a_place(options, site):
    text = config(site, "wrong = outbound_value", 'Binding "b" { Domain "bad.example" {\n opt_int = 13\n} }')
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "= 13" in line)
    assert f"{options.file}:{line}:12: module options: opt_int: 13 brings bad luck" in options.failed_start(text)


def test_what_a_host_policy_finds_wrong_has_a_place(options, site):
    text = config(site, "wrong = host_value", 'Binding "b" { Host "bad.example" {\n opt_int = 13\n} }')
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "= 13" in line)
    assert f"{options.file}:{line}:12: module options: opt_int: 13 brings bad luck" in options.failed_start(text)


def test_a_refused_value_at_reload_leaves_what_runs(options, site):
    options.start(config(site, "wrong = policy_value", listen="opt_int = 12"))
    options.write(config(site, "wrong = policy_value", listen="opt_int = 13"))
    options.reload()
    options.await_panic("opt_int: 13 brings bad luck")
    assert inbound(options)["int"] == "12"


# ---- questions ------------------------------------------------------------------------------------------------------


def test_the_tools_know_them(options, site):
    options.write(config(site, **SCOPES))
    tool = PROGRAM.parent / "impulsectl"
    said = subprocess.run([tool, "explain", "-c", options.file, "domain", "rcpt.example", "opt_int"],
                          env=options.environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said.startswith("Opt_Int = 11\n") and "An option of module options." in said
    assert "Honoured: a number of this module's own" in said


def test_the_console_knows_them(options, site):
    socket = site.directory / "console"
    options.start(config(site, outer=f'Control_Listener {{ Listen "{socket}" {{ }} }}\nopt_int = 4\ndelivery_method = show'))
    with Console(str(socket)) as console:
        assert console.run("config get opt_int").strip() == "Opt_Int = 4"
        assert console.run("config eval domain rcpt.example opt_int").strip() == "Opt_Int = 4"
        assert console.run("config eval opt_size").strip() == "Opt_Size = 1k"
        assert console.run("config eval options own_enum").strip() == 'Own_Enum = "green"'
        assert "Opt_Int = 4" in console.run("config show")
        assert "expected a whole number from 0 to 100" in console.fail("config set opt_int = 101")
        console.run("config begin")
        console.run("config set domain rcpt.example opt_int = 99")
        console.run("config commit")
        assert console.run("config eval domain rcpt.example opt_int").strip() == "Opt_Int = 99"

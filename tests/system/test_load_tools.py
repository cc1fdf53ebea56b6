"""impulse-load and impulse-sink: what they send, count, refuse, and find."""
import os
import re
import resource
import socket
import subprocess
import threading

import pytest

from harness import await_true, patience, scaled
from harness.daemon import ROOT
from harness.load import Sink, lines, load, tool, verify
from harness.services import PASSWORD, USER, Services


def adds_up(sums):
    """Every message has one fate, and every accepted one was measured."""
    assert sums["messages"] == sums["accepted"] + sums["transient"] + sums["permanent"] + sums["unknown"]
    if sums["accepted"]:
        assert sums["latency_us"]["message"]["count"] == sums["accepted"]
    for phase in sums["latency_us"].values():
        assert phase["least"] <= phase["p50"] <= phase["p90"] <= phase["p99"] <= phase["p999"] <= phase["most"]
    return sums


WAYS = {
    "one command at a time": (),
    "pipelining": ("--pipelining",),
    "bdat": ("--bdat",),
    "bdat in chunks": ("--bdat", "--chunk", 3000),
    "bdat in chunks, pipelining": ("--bdat", "--chunk", 3000, "--pipelining"),
    "few messages a connection": ("--per-connection", 3),
    "two threads": ("--threads", 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_arrives(tmp_path, way):
    """Messages of all sizes with several recipients, each of which the sink finds to be whole."""
    count = scaled(400, 100)
    with Sink(tmp_path) as sink:
        sums = adds_up(load(sink.address, "--messages", count, "--connections", 7, "--size", "1:1,1000-2000:4,100k:1,2m",
                            "--recipients", "1-5", "--to", "user[50]@d[7].example", "--ledger", tmp_path / "sent",
                            *WAYS[way]))
    assert sums["accepted"] == sums["messages"] == sink.sums["messages"] == sink.sums["whole"] == count
    assert sums["recipients"] == sink.sums["recipients"] and sums["bytes"] == sink.sums["bytes"]
    sent, received = lines(tmp_path / "sent"), lines(sink.ledger)
    assert {(number, *recipients) for number, _, *recipients in sent} == \
        {(number, *recipients) for _, number, _, _, *recipients in received}
    assert {line[1] for line in sent} == {"250"} and {line[0] for line in received} == {sums["run"]}


DOORS = {
    "plain": (),
    "auth plain": ("--auth", "PLAIN"),
    "auth login": ("--auth", "LOGIN"),
    "starttls": ("--starttls", "--auth", "PLAIN"),
    "implicit tls": ("--tls", "--auth", "LOGIN", "--pipelining"),
    "bdat over tls": ("--starttls", "--auth", "PLAIN", "--bdat", "--pipelining", "--chunk", 4000),
}


@pytest.mark.parametrize("door", DOORS)
def test_through_the_daemon(impulse, site, certificates, tmp_path, door):
    """Past impulsed, by every door that it has: what it answered 250 arrives, once and whole."""
    count = scaled(200, 60)
    with Sink(tmp_path) as sink:
        services = Services(impulse, site, certificates, sink)
        services.start('relay_hosts = ( "127.0.0.0/8" )' if door == "plain" else 'relay_hosts = ( "192.0.2.0/24" )')
        (tmp_path / "password").write_text(PASSWORD + "\n")
        address = services.tls_address if "--tls" in DOORS[door] else services.address
        sums = adds_up(load(address, "--messages", count, "--connections", 5, "--size", "500-50k", "--recipients", "1-3",
                            "--to", "user[20]@d[4].example", "--user", USER, "--password-file", tmp_path / "password",
                            "--per-connection", 25, "--ledger", tmp_path / "sent", *DOORS[door]))
        assert sums["accepted"] == count
        assert ("auth" in sums["latency_us"]) == (door != "plain")
        assert ("tls" in sums["latency_us"]) == ("tls" in door)
        await_true(lambda: received(sink) == sums["recipients"], "every recipient's copy has arrived")
        impulse.stop()
    found = verify(tmp_path / "sent", sink.ledger)
    assert found["messages"] == count and found["arrived"] == sums["recipients"]
    assert sink.sums["altered"] == sink.sums["unstamped"] == 0


def received(sink):
    return sum(len(line) - 4 for line in lines(sink.ledger))


def test_wrong_password(impulse, site, certificates, tmp_path):
    """Nobody gets in: nothing is sent, the reply is told, and the tool ends."""
    with Sink(tmp_path) as sink:
        services = Services(impulse, site, certificates, sink).start()
        (tmp_path / "password").write_text("wrong\n")
        sums = load(services.address, "--messages", 5, "--auth", "PLAIN", "--user", USER, "--connections", 1,
                    "--password-file", tmp_path / "password", "--timeout", 1, expect=2)
        assert sums["messages"] == 0 and "no connection" in sums["given_up"]
        assert any(text.startswith("AUTH: 535") for text in sums["complaints"])


@pytest.mark.parametrize("door", ["--starttls", "--tls"])
def test_tls_of_the_sink(tmp_path, certificates, door):
    at_once = ["--tls-at-once"] if door == "--tls" else []
    with Sink(tmp_path, "--tls-certificate", certificates.certificate, "--tls-key", certificates.key, *at_once) as sink:
        sums = adds_up(load(sink.address, door, "--messages", 100, "--size", "100-100k", "--per-connection", 5))
    assert sums["accepted"] == sink.sums["whole"] == 100
    assert sums["latency_us"]["tls"]["count"] == sums["connections"]


# ---- how fast ------------------------------------------------------------------------------------------------


def test_latency_counts_from_when_a_message_was_due(tmp_path):
    """One reply takes half a second: the fifty messages that were due meanwhile are late, not one."""
    with Sink(tmp_path, "--at", "end,delay=500,times=1") as sink:
        sums = adds_up(load(sink.address, "--messages", 100, "--rate", 100, "--connections", 1))
    assert sums["accepted"] == 100
    assert sums["latency_us"]["message"]["mean"] > 100_000          # 125,000 by arithmetic: 50 of 100, 250 ms each
    assert sums["latency_us"]["content"]["p90"] < 500_000           # those themselves were answered at once


def test_what_was_due_and_not_begun_is_told(tmp_path):
    with Sink(tmp_path, "--at", "end,delay=100") as sink:
        sums = adds_up(load(sink.address, "--seconds", 1, "--rate", 500, "--connections", 2, "--threads", 2))
    assert 2 <= sums["messages"] <= 22
    assert sums["messages"] + sums["not_begun_in_time"] == 500


def test_rate_is_kept(tmp_path):
    """With several threads: as many as the rate says, and not faster."""
    with Sink(tmp_path) as sink:
        sums = adds_up(load(sink.address, "--messages", 300, "--rate", 300, "--threads", 2, "--connections", 10))
    assert sums["accepted"] == 300 and sums["seconds"] > 0.99


def test_connections_stand_until_the_end(tmp_path):
    """Between the last message and the end of the time nobody connects anew."""
    with Sink(tmp_path) as sink:
        sums = adds_up(load(sink.address, "--seconds", 1, "--rate", 2, "--connections", 5))
    assert sums["accepted"] == 2 and sums["connections"] == 5


def test_a_port_has_one_sink(tmp_path):
    """Its threads share it, another process does not."""
    with Sink(tmp_path, "--threads", 2) as sink:
        other = subprocess.run([tool("impulse-sink"), "--threads", "2", "127.0.0.1:%d" % sink.port], capture_output=True,
                               text=True, check=False, timeout=patience(30))
        assert other.returncode == 2
        assert other.stderr == f"impulse-sink: 127.0.0.1:{sink.port}: Address already in use\n"
        sums = adds_up(load(sink.address, "--messages", 100, "--connections", 20, "--per-connection", 5))
    assert sums["accepted"] == sink.sums["whole"] == 100


# ---- limits --------------------------------------------------------------------------------------------------


def test_strangers_are_not_loaded_by_accident():
    """192.0.2.1 is nobody's (RFC 5737), but the tool does not know that."""
    stranger = ("192.0.2.1", 25)
    assert "--i-may-load 192.0.2.1" in load(stranger, "--messages", 1, expect=2)
    assert "--i-may-load 192.0.2.1" in load(stranger, "--messages", 1, "--i-may-load", "192.0.2.2", expect=2)


def test_open_files():
    """The limit is raised as far as it may be, and one that is too low is named before anything is sent."""
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 100))
    said = load(("127.0.0.1", 1), "--messages", 1, "--connections", 50, expect=2, preexec_fn=lower)
    assert "limit" in said and "36" in said                         # 100 but for the tool's own 64


def test_nobody_listens():
    """Tries again for the time of --timeout, then says what was wrong."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        sums = load(closed.getsockname(), "--messages", 1, "--timeout", 0.5, expect=2)
    assert sums["messages"] == 0 and sums["complaints"].keys() == {"connect: Connection refused"}


@pytest.mark.parametrize("missing", ["chunking", "pipelining"])
def test_what_the_server_must_offer(tmp_path, missing):
    with Sink(tmp_path, f"--no-{missing}") as sink:
        sums = load(sink.address, "--messages", 5, "--bdat", "--pipelining", expect=2)
    assert sums["messages"] == 0 and sink.sums["messages"] == 0 and missing.upper() in sums["given_up"]


def test_a_server_that_never_answers(tmp_path):
    """The message that it swallowed is without an answer on both sides; the others go on."""
    with Sink(tmp_path, "--at", "end,hang,times=1") as sink:
        sums = adds_up(load(sink.address, "--messages", 3, "--connections", 1, "--timeout", 0.3, "--ledger",
                            tmp_path / "sent", expect=1))
    assert (sums["accepted"], sums["unknown"]) == (2, 1)
    assert (sink.sums["messages"], sink.sums["unanswered"]) == (2, 1)
    assert verify(tmp_path / "sent", sink.ledger)["unknown"] == 1


def twenty_refusals(*arguments):
    """The sums of a run whose 20 connections are each refused in another way."""
    def serve(listener):
        for number in range(20):
            client, _ = listener.accept()
            with client:
                client.sendall(b"554 \xff \x07 %d\r\n" % number)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        sums = load(listener.getsockname(), "--connections", 20, "--seconds", 0.005, *arguments, expect=None)
        server.join(5)
    assert sum(sums["complaints"].values()) == sums["connections_failed"] == 20
    return sums["complaints"]


def test_complaints_of_any_bytes_and_many_kinds():
    """Replies that are no UTF-8, and more kinds of them than are told apart, are all counted."""
    complaints = twenty_refusals()
    assert complaints["banner: 554 \ufffd ? 3"] == 1 and complaints["others"] == 5


def test_complaints_of_several_threads():
    """No thread has many kinds; together they have more than are told apart."""
    complaints = twenty_refusals("--threads", 4)
    assert len(complaints) == 16 and complaints["others"] == 5


def test_many_addresses_and_threads(tmp_path):
    """Connections come from the addresses of a pattern; the sink's threads share them."""
    with Sink(tmp_path, "--threads", 3) as sink:
        sums = adds_up(load(sink.address, "--messages", 200, "--connections", 40, "--source", "127.0.1.[20]",
                            "--per-connection", 2, "--threads", 2))
    assert sums["accepted"] == sink.sums["whole"] == 200 and sums["connections"] == sink.sums["connections"] >= 100


def test_unix_socket(tmp_path):
    path = f"/tmp/{tmp_path.name}.sink"
    with subprocess.Popen([tool("impulse-sink"), path], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as sink:
        assert sink.stderr.readline() == f"impulse-sink listens at {path}\n"
        done = subprocess.run([tool("impulse-load"), "--messages", "20", "--progress", path],
                              capture_output=True, text=True, check=True)
        sink.terminate()
        assert "messages     20\n" in sink.stdout.read() and "20 " in done.stdout
    assert not os.path.exists(path)


def test_progress(tmp_path):
    """A line each second, if it is asked for or standard error is a terminal."""
    with Sink(tmp_path) as sink:
        for arguments, lines_expected in ((["--progress"], True), ([], False)):
            done = subprocess.run([tool("impulse-load"), "--seconds", "1.3", "--rate", "10", *arguments,
                                   "%s:%s" % sink.address], capture_output=True, text=True, check=False)
            assert done.returncode in (0, 1), done.stderr    # 1: a slow machine could not begin all in time
            assert bool(re.search(r"^ +\d+ s +\d+ a second, p99 [\d.]+ ms; \d+ accepted, 0 refused", done.stderr, re.M)) == lines_expected


def test_memory_does_not_grow(tmp_path):
    """Ten times as many messages need no more memory, on either side."""
    def resident(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def run(sink, count):
        done = subprocess.run(["/usr/bin/python3", "-c", MEASURE, tool("impulse-load"), "--quiet", "--json", "--messages",
                               str(count), "--size", "1000-20k", "--pipelining", "--ledger", tmp_path / "sent",
                               "%s:%s" % sink.address], check=True, capture_output=True, text=True)
        return int(done.stdout)
    with Sink(tmp_path) as sink:
        first, first_sink = run(sink, scaled(2000, 500)), resident(sink.process.pid)
        second, second_sink = run(sink, scaled(20000, 5000)), resident(sink.process.pid)
    assert second < first * 1.2 + 1024 and second_sink < first_sink * 1.2 + 1024    # kilobytes


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


# ---- faults and what is found --------------------------------------------------------------------------------


FAULTS = {
    "refusals at each command": ("mail,refuse=451,fraction=0.1", "rcpt,refuse=550,fraction=0.1",
                                 "data,refuse=452,fraction=0.1", "end,refuse=554,fraction=0.1",
                                 "ehlo,refuse=421,fraction=0.1"),
    "dropped at each command": ("connect,close,fraction=0.1", "mail,reset,fraction=0.03", "rcpt,close,fraction=0.03",
                                "data,reset,fraction=0.03", "end,close,fraction=0.03", "end,reset,fraction=0.03"),
    "dropped in the middle": ("content+700,reset,fraction=0.05", "content+1500,close,fraction=0.05",
                              "byte+9000,reset,fraction=0.5"),
    "delays": ("connect,delay=20", "end,delay=30,fraction=0.1", "rcpt,delay=10,fraction=0.1"),
    "it changes with time": ("mail,refuse=451,until=50", "end,close,after=100,until=110"),
}


@pytest.mark.parametrize("way", [(), ("--pipelining",), ("--bdat", "--pipelining", "--chunk", 1000)])
@pytest.mark.parametrize("faults", FAULTS)
def test_faults_of_the_sink(tmp_path, faults, way):
    """Whatever the sink does, both ledgers agree, and each message has one fate."""
    rules = [word for rule in FAULTS[faults] for word in ("--at", rule)]
    with Sink(tmp_path, *rules) as sink:
        sums = load(sink.address, "--messages", 300, "--connections", 5, "--size", "2000", "--recipients", "1-3",
                    "--ledger", tmp_path / "sent", *way, expect=None)
    adds_up(sums)
    assert sums["messages"] == 300 and sink.sums["faults"] > 0
    assert sums["accepted"] == sink.sums["messages"]
    if faults == "delays":
        assert sums["accepted"] == 300 and sums["latency_us"]["content"]["most"] >= 30000
    else:
        assert sums["accepted"] < 300 and sums["complaints"]
    found = verify(tmp_path / "sent", sink.ledger)
    assert found["accepted"] == found["arrived"] == sink.sums["recipients"] > 0
    assert found["not_accepted"] == sink.sums["refused"] + sink.sums["unanswered"]


def test_verify_names_what_was_done(tmp_path):
    """A lost, a repeated, an altered and two unexpected messages, made on purpose, are named; the others are not."""
    with Sink(tmp_path, "--at", "rcpt,refuse=550,after=90") as sink:
        load(sink.address, "--messages", 100, "--connections", 1, "--to", "user[500]@d[3].example", "--recipients", 2,
             "--ledger", tmp_path / "sent", expect=1)
    received = sink.ledger.read_text().splitlines()
    clean = verify(tmp_path / "sent", sink.ledger)
    assert clean["messages"] == 100 and clean["accepted"] == clean["arrived"] == 180

    run = received[1].split()[0]
    received[10] = received[10].replace(" whole ", " altered ")
    received.append(received[20])
    lost = received.pop(30).split()
    received.append(f"{run} 95 whole 250 {refused_recipient(tmp_path / 'sent', 95)}")
    received.append(f"{run} 4711 whole 250 nobody@d0.example")
    received += ["- - unstamped 250 bounce@d0.example", f"{'0' * 16} 1 whole 250 a@b.example",
                 f"{run} 20 whole unknown {received[20].split()[4]}"]
    (tmp_path / "changed").write_text("\n".join(received) + "\n")
    found = verify(tmp_path / "sent", tmp_path / "changed", expect=1)

    def names(what):
        return [(row["message"], row["recipient"]) for row in found[what]]
    assert names("lost") == sorted((int(lost[1]), recipient) for recipient in lost[4:])
    assert names("repeated") == sorted((20, recipient) for recipient in received[20].split()[4:])
    assert names("altered") == sorted((10, recipient) for recipient in received[10].split()[4:])
    assert names("unexpected") == [(4711, "nobody@d0.example"), (95, refused_recipient(tmp_path / "sent", 95))]
    assert (found["unstamped"], found["other_run"], found["not_accepted"]) == (1, 1, 1)


def refused_recipient(ledger, number):
    line, = (line for line in lines(ledger) if line[0] == str(number))
    assert line[2].startswith("!")
    return line[2][1:]


def test_verify_refuses_what_is_no_ledger(tmp_path):
    (tmp_path / "sent").write_text("# impulse-load ledger, run 0123456789abcdef\n1 250 a@b.example\n")
    (tmp_path / "received").write_text("# impulse-sink ledger\n0123456789abcdef x whole 250 a@b.example\n")
    assert "line 2" in verify(tmp_path / "sent", tmp_path / "received", expect=2)
    assert "no ledger" in verify("/etc/passwd", tmp_path / "received", expect=2)
    assert "not of impulse-load" in verify(tmp_path / "received", tmp_path / "sent", expect=2)


@pytest.mark.parametrize("name", ["impulse-load", "impulse-sink"])
def test_manual_page(name):
    """It has each option that --help lists, and no other."""
    said = subprocess.run([tool(name), "--help"], check=True, capture_output=True, text=True).stdout
    page = (ROOT / "doc" / f"{name}.1").read_text().replace("\\-", "-")
    listed = set(re.findall(r"^  --([a-z0-9-]+)", said, re.M))
    described = {option for line in page.splitlines() if line.startswith(".It ")
                 for option in re.findall(r"Fl -([a-z0-9-]+)", line)}
    assert described | {"user", "password-file"} >= listed >= described

"""impulse-load and impulse-sink: what they send, count, refuse, and find."""
import pytest

from harness import scaled
from harness.load import Sink, lines, load, verify


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


def test_through_the_daemon(impulse, site, tmp_path):
    """The stamps survive a relay, which puts trace fields before them."""
    with Sink(tmp_path) as sink:
        impulse.start(site.config(f'gateway = "127.0.0.1"\nremote_smtp_port = {sink.port}'))
        sums = adds_up(load(impulse.address, "--messages", 200, "--size", "500-5000", "--ledger", tmp_path / "sent"))
        assert sums["accepted"] == 200
        impulse.stop()
    assert sink.sums["whole"] == 200 and sink.sums["altered"] == sink.sums["unstamped"] == 0


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

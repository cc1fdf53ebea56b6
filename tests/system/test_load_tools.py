"""impulse-load and impulse-sink: what they send, count, refuse, and find."""
import pytest

from harness import scaled
from harness.load import Sink, lines, load


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

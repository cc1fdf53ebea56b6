"""Metrics: the daemon's own and those of a module, as the console's command shows them."""
import re

import pytest

from harness import await_true
from harness.console import Console
from harness.messages import EXACT
from harness.wire import Wire
from test_reload import reload


@pytest.fixture
def office(with_modules, site):
    """impulse, with a console and the module metrics_demo beside its own."""
    impulse = with_modules("metrics_demo")
    impulse.path = site.directory / "2025"
    impulse.text = lambda outer="", **more: site.config(
        f'{outer}\nControl_Listener {{ Listen "{impulse.path}" {{ }} }}\n', **more)
    return impulse


def metrics(office, prefix=""):
    """{"name{labels}": value} of all that the console shows; each line must be of the format."""
    values = {}
    with Console(office.path) as console:
        text = console.run(f"metrics {prefix}".strip())
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# HELP \S+ .+|# TYPE \S+ (counter|gauge|histogram)", line), line
            continue
        sample = re.fullmatch(r'([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)', line)
        assert sample, line
        assert sample[1] not in values, line
        values[sample[1]] = float(sample[2])
    return values


def summary(office):
    with Console(office.path) as console:
        return {name.strip(): value.split()[0] for name, value in re.findall(r"(.+): +(.+)\n", console.run("summary"))}


def send(office, *recipients, code=250):
    with Wire(office.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        for recipient in recipients:
            client.command(f"RCPT TO:<{recipient}>", 250)
        client.command("DATA", 354)
        client.send(EXACT["plain"] + b".\r\n")
        assert client.reply().code == code


# ---- the daemon's own --------------------------------------------------------------------------------------------------


def test_what_the_daemon_counts(office, capture):
    office.start(office.text(to=capture))
    send(office, "x@rcpt.example", "y@rcpt.example")
    with Wire(office.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<>", 501)
        await_true(lambda: metrics(office, "impulse_sessions")["impulse_sessions"] == 1, "one session")
    await_true(lambda: metrics(office)['impulse_delivery_attempts_total{result="delivered"}'] == 2, "deliveries")
    values = metrics(office)
    assert values["impulse_sessions_total"] == 2
    assert values["impulse_received_messages_total"] == 2
    assert values["impulse_received_message_bytes_count"] == 1
    assert values['impulse_rejected_messages_total{reply="5"}'] == 1
    assert values['impulse_rejected_messages_total{reply="4"}'] == 0
    assert values['impulse_delivery_seconds_bucket{le="+Inf"}'] == values["impulse_delivery_seconds_count"] == 2
    await_true(lambda: values["impulse_delivered_bytes_total"] ==
               sum(len(message.content) * len(message.recipients) for message in capture.messages), "the bytes")
    assert values["impulse_outbound_connections_total"] >= 1
    assert values["impulse_queue_messages"] == values["impulse_queue_delayed_messages"] == 0
    assert values["impulse_spool_commit_seconds_count"] >= 1 and values["impulse_spool_free_bytes"] > 0
    assert values['impulse_pool_threads{pool="IO"}'] == 50
    assert any(name.startswith('impulse_build_info{version="') for name in values)
    assert 0 <= values["impulse_log_waiting_bytes"] < 100000


def test_summary_is_made_of_them(office, site):
    office.start(office.text('gateway = "127.0.0.1"\nremote_smtp_port = 1'))   # nobody listens there
    send(office, "x@rcpt.example", "y@rcpt.example")
    await_true(lambda: metrics(office)["impulse_queue_delayed_messages"] == 2, "both to be put off")
    values, shown = metrics(office), summary(office)
    assert values['impulse_delivery_attempts_total{result="transient"}'] == 2
    assert shown["Received Messages"] == "2" and shown["Delayed Queue Size"] == "2" == shown["Total Queue Size"]
    with Console(office.path) as console:
        assert console.run("summary reset") == "statistics cleared.\n"
    assert summary(office)["Received Messages"] == "0", "the summary begins anew"
    assert metrics(office)["impulse_received_messages_total"] == 2, "a counter never falls"


def test_a_prefix_that_nothing_has(office):
    office.start(office.text())
    with Console(office.path) as console:
        assert console.fail("metrics nonesuch") == 'There is no metric whose name begins with "nonesuch".\n'
        assert "metrics [PREFIX]" in console.run("help metrics")


# ---- a module's --------------------------------------------------------------------------------------------------------


def test_a_module_counts(office, capture):
    office.start(office.text("metrics_demo { }", to=capture))
    send(office, "ann@rcpt.example", "bob@rcpt.example", "adam@rcpt.example", "7@rcpt.example")
    values = metrics(office, "metrics_demo")
    assert values['metrics_demo_recipients_total{letter="a"}'] == 2
    assert values['metrics_demo_recipients_total{letter="b"}'] == 1
    assert values['metrics_demo_recipients_total{letter="c"}'] == 0
    assert values["metrics_demo_recipients_total"] == 1
    assert values['metrics_demo_address_bytes_bucket{le="10"}'] == 0
    assert values['metrics_demo_address_bytes_bucket{le="20"}'] == 4
    assert values["metrics_demo_address_bytes_sum"] == 16 + 16 + 17 + 14
    assert values["metrics_demo_last_address_bytes"] == 14
    assert values["metrics_demo_generation"] == 1
    assert "is a counter and used as a gauge: that is ignored" in office.await_panic("metrics_demo_recipients_total")


def test_counters_survive_a_reload(office, capture):
    office.start(office.text("metrics_demo { }", to=capture))
    send(office, "ann@rcpt.example")
    reload(office, office.text("metrics_demo { generation = 2 }", to=capture))
    send(office, "adam@rcpt.example")
    values = metrics(office, "metrics_demo")
    assert values['metrics_demo_recipients_total{letter="a"}'] == 2
    assert values["metrics_demo_generation"] == 2
    reload(office, office.text(to=capture))
    await_true(lambda: "metrics_demo_generation" not in metrics(office), "they end with the module")


def test_a_name_that_is_not_the_modules(office):
    out = office.failed_start(office.text('metrics_demo { name = "impulse_sessions" }'))
    assert 'names of metrics that begin with "impulse_" are the daemon\'s own' in out

"""mainlog, rejectlog and paniclog, field by field, as Momentum's manual lists them."""
import os
import re
import time

import pytest

from harness import await_true, patience
from harness.messages import EXACT
from harness.wire import Wire

ID = re.compile(r"[0-9A-F]{2}/[0-9A-F]{2}-\d{5}-[0-9A-F]{8}$")


def send(impulse, **named):
    with Wire(impulse.address) as client:
        client.greet()
        return client.mail(EXACT["plain"], **named)


def check_common(record, since):
    assert re.fullmatch(r"\d{10}", record.time) and since - 2 <= int(record.time) <= time.time() + 1
    for text in (record.message, record.batch, record.connection):
        assert ID.match(text), record


def test_reception_and_delivery(impulse, site, capture):
    since = time.time()
    impulse.start(site.config(to=capture))
    assert send(impulse, sender="info@postalengine.example", recipients=["bob@example.fict"]).code == 250
    content = capture.wait()[0].content
    delivery, = impulse.await_log("D")
    reception, = impulse.mainlog("R")
    check_common(reception, since)
    check_common(delivery, since)
    assert (reception.local, reception.domain) == ("bob", "example.fict")
    assert (reception.sender_local, reception.sender_domain) == ("info", "postalengine.example")
    assert reception.peer == "127.0.0.1"
    assert int(reception.size) == len(content)
    assert reception.protocol == "esmtp"
    assert (reception.group, reception.binding) == ("default", "default")

    assert (delivery.message, delivery.batch) == (reception.message, reception.batch)
    assert delivery.connection != reception.connection
    assert delivery.domain == "example.fict" and int(delivery.size) == len(content)
    assert (delivery.group, delivery.binding) == ("default", "default")
    assert delivery.retries == "0"
    assert 0 <= float(delivery.seconds) < patience(10) and re.fullmatch(r"\d+\.\d+", delivery.seconds)
    assert delivery.peer == "127.0.0.1"


def test_one_batch_several_messages(impulse, site, capture):
    impulse.start(site.config(to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.mail(EXACT["plain"], recipients=["a@x.example", "b@x.example", "c@y.example"])
        client.mail(EXACT["plain"])
    impulse.await_log("D", 4)
    receptions = impulse.mainlog("R")
    assert len({r.message for r in receptions}) == 4
    assert len({r.batch for r in receptions}) == 2
    assert len({r.connection for r in receptions}) == 1


def test_null_sender_in_the_reception_record(impulse, site, capture):
    impulse.start(site.config(to=capture))
    send(impulse, sender="")
    record, = impulse.await_log("R")
    assert (record.sender_local, record.sender_domain) == ("", "")


def test_a_quoted_at_sign_does_not_shift_the_fields(impulse, site, capture):
    impulse.start(site.config(to=capture))
    send(impulse, recipients=['"bob@home"@example.fict'])
    await_true(lambda: (site.log / "mainlog.ec").exists() and "@R@" in (site.log / "mainlog.ec").read_text(), "R")
    line = next(line for line in (site.log / "mainlog.ec").read_text().splitlines() if "@R@" in line)
    # The manual: "@", "\" and control characters within a field have a "\" before them.
    assert r'@R@"bob\@home"@example.fict@' in line


def test_transient_failure(impulse, site, captures):
    since = time.time()
    capture = captures(behave=lambda session, verb, line: b"451 4.3.0 not today" if verb == "RCPT" else None)
    impulse.start(site.config("retry_interval = 1000", to=capture))
    send(impulse)
    record, = impulse.await_log("T")
    check_common(record, since)
    assert record.domain == "rcpt.example" and (record.group, record.binding) == ("default", "default")
    assert record.stage in ("4", "5")  # during, after RCPT TO
    assert record.retries == "0" and float(record.seconds) >= 0 and record.peer == "127.0.0.1"
    assert record.text == "451 4.3.0 not today"


def test_transient_failure_without_a_connection(impulse, site, captures):
    closed = captures()
    closed.stop()
    impulse.start(site.config("retry_interval = 1000", to=closed))
    send(impulse)
    record, = impulse.await_log("T")
    assert record.size == "0" and record.stage == "0"
    assert re.match(r"4\d\d ", record.text) and "[internal]" in record.text


def test_permanent_failure(impulse, site, captures):
    since = time.time()
    capture = captures(behave=lambda session, verb, line: b"552 5.1.1 No such account" if verb == "RCPT" else None)
    impulse.start(site.config("generate_bounces = false", to=capture))
    send(impulse)
    record, = impulse.await_log("P")
    check_common(record, since)
    assert record.domain == "rcpt.example" and (record.group, record.binding) == ("default", "default")
    assert record.stage in ("4", "5") and record.retries == "0" and float(record.seconds) >= 0
    assert record.peer == "127.0.0.1" and record.text == "552 5.1.1 No such account"
    assert not impulse.mainlog("D")


def test_stage_of_a_failure_after_the_body(impulse, site, captures):
    capture = captures(behave=lambda session, verb, line: b"554 5.6.0 no" if verb == "." else None)
    impulse.start(site.config("generate_bounces = false", to=capture))
    send(impulse)
    record, = impulse.await_log("P")
    assert record.stage in ("8", "9") and int(record.size) > 0


def test_heartbeats(impulse, site):
    impulse.start(site.config(heartbeat=1))
    assert [record.line for record in impulse.await_log("M", 2)][0].endswith("@@@@M")
    assert re.fullmatch(r"\d{10}@@@@M", impulse.mainlog("M")[0].line)
    await_true(lambda: any(re.fullmatch(r"\d{10}: Marker 1", line) for line in impulse.rejectlog()),
               "the rejectlog's heartbeat")


def test_rejectlog(impulse, site):
    impulse.start(site.config(listener="relay_hosts = ( )"))
    with Wire(impulse.address) as client:
        client.greet("rh52-node1")
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@rcpt.example>", 550)
        port = client.socket.getsockname()[1]
    await_true(lambda: any("550" in line for line in impulse.rejectlog()), "the rejection")
    line, = [line for line in impulse.rejectlog() if "E=550" in line]
    found = re.fullmatch(r'(\d{10}): R="([^"]*)" L="([^"]*)" C="([^"]*)" PATH="default" PATH_GRP="default" '
                         r'P="([^"]*)" E=550 M=(\S+) CTXCONN=\[(.*)\] CTXMESS=\[(.*)\] (.*)', line)
    assert found, line
    assert found[2] == f"127.0.0.1:{port}" and found[3] == f"127.0.0.1:{site.port}"
    assert ID.match(found[4])
    assert "rcpt" in found[5].lower()
    assert "ehlo_string" in found[7] and "rh52-node1" in found[7]
    assert "mailfrom_string" in found[8] and "a@sender.example" in found[8]
    assert "relaying denied" in found[9].lower()


def test_rejectlog_of_the_protocol_itself(impulse, site):
    impulse.start(site.config())
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<not closed", 501)
    await_true(lambda: any("E=501" in line for line in impulse.rejectlog()), "the rejection")


def test_nobody_can_forge_a_record(impulse, site, captures):
    """What a peer says stays within its field and its line."""
    nasty = b"550 5.1.1 a@D@forged \\ \t\x01 end"
    capture = captures(behave=lambda session, verb, line: nasty if verb == "RCPT" else None)
    impulse.start(site.config("generate_bounces = false", to=capture))
    send(impulse)
    record, = impulse.await_log("P")
    assert record.text.startswith("550 5.1.1 a") and "end" in record.text
    assert not re.search(r"[\x00-\x1f]", record.line.replace("\\\t", "").replace("\\\x01", ""))


def test_paniclog_lines(impulse, site):
    impulse.start(site.config(listen='Concurrency = 1 Pool_Name = "none"'))
    impulse.await_panic("none")
    for line in impulse.paniclog().splitlines():
        assert re.match(r"\d{10}: \S", line), line


def test_modes(impulse, site):
    impulse.start(site.config(logger="mainlog_mode = 0600\n  rejectlog_mode = 0640"))
    assert os.stat(site.log / "mainlog.ec").st_mode & 0o777 == 0o600
    assert os.stat(site.log / "rejectlog.ec").st_mode & 0o777 == 0o640


def test_records_can_be_switched_off(impulse, site, capture):
    impulse.start(site.config(logger="log_receptions = false", to=capture))
    send(impulse)
    impulse.await_log("D")
    assert not impulse.mainlog("R")


def test_two_instances_of_the_logger(impulse, site, capture):
    """ec_logger is a generic module: each stanza is one, with files and choices of its own."""
    impulse.start(site.config(f'''ec_logger "second" {{
      mainlog = "{site.log}/second.ec"
      rejectlog = ""
      paniclog = ""
      log_deliveries = false
    }}''', to=capture))
    send(impulse)
    impulse.await_log("D")
    impulse.stop()
    assert [record.kind for record in impulse.mainlog() if record.kind != "M"] == ["R", "D"]
    assert [line.split("@")[4] for line in (site.log / "second.ec").read_text().splitlines()] == ["R"]


@pytest.mark.parametrize("log", ["mainlog.ec"])
def test_sighup_reopens_after_a_rename(impulse, site, capture, log):
    impulse.start(site.config(to=capture))
    send(impulse)
    impulse.await_log("D")
    old = site.log / (log + ".1")
    (site.log / log).rename(old)
    assert send(impulse).code == 250   # written to the renamed file until told otherwise
    await_true(lambda: old.read_text().count("@D@") == 2, "the old file still gets its records")
    impulse.reload()
    await_true(lambda: (site.log / log).exists(), "the file is made again")
    send(impulse)
    impulse.await_log("D", 1)
    assert old.read_text().count("@D@") + (site.log / log).read_text().count("@D@") == 3
    assert old.read_text().count("@R@") + (site.log / log).read_text().count("@R@") == 3


def test_what_a_log_lacks_is_said_once(impulse, site, capture):
    """Every change of the configuration sets the module up anew; the paniclog does not repeat itself for it."""
    def config(name):
        return site.config(to=capture) + f'ec_logger "second" {{ mainlog = "cluster://{site.log}/{name}=>master" }}\n'

    impulse.start(config("one"))
    impulse.await_panic("there is no clustered log here")
    for generation, name in enumerate(["one", "one", "two"], start=2):
        impulse.write(config(name))
        impulse.reload()
        impulse.await_panic(f"configuration reloaded (generation {generation})")
    said = [line for line in impulse.paniclog().splitlines() if "there is no clustered log here" in line]
    assert len(said) == 2 and "/one=>" in said[0] and "/two=>" in said[1], said

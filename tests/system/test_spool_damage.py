"""Somebody else takes the spool away or damages it: nothing is acknowledged that would be lost, and losses are told."""
import os
import subprocess

import pytest

from harness import await_true
from harness.messages import EXACT, header
from harness.wire import Wire


def send(impulse, content=EXACT["plain"], recipient="b@rcpt.example"):
    with Wire(impulse.address) as client:
        client.greet()
        for line in ("MAIL FROM:<a@sender.example>", f"RCPT TO:<{recipient}>", "DATA"):
            reply = client.command(line)
            if reply.code >= 400:
                return reply
        client.send(content + b".\r\n")
        return client.reply()


def test_the_spool_is_renamed_while_it_is_in_use(impulse, site, capture):
    """Its files can be written to as before, but the next start would not find them."""
    elsewhere = site.directory / "elsewhere"
    impulse.start(site.config(to=capture))
    assert send(impulse).code == 250
    os.rename(site.spool, elsewhere)
    await_true(lambda: send(impulse).text.startswith("452 4.3.1 "), "refused")
    impulse.await_panic("was removed, renamed or replaced")
    os.rename(elsewhere, site.spool)
    await_true(lambda: send(impulse).code == 250, "accepted again")
    impulse.await_panic("is back")


def test_the_spool_is_replaced_by_another_directory(impulse, site, capture):
    impulse.start(site.config(to=capture))
    os.rename(site.spool, site.directory / "elsewhere")
    (site.spool / "impulse").mkdir(parents=True)
    await_true(lambda: send(impulse).text.startswith("452 4.3.1 "), "refused")


def store_some(impulse, config):
    """Stores messages that wait, and kills the daemon. Returns the file of the log."""
    impulse.start(config)
    for number in range(20):
        assert send(impulse, header() + b"x" * 900 + b"\r\n", f"r{number}@rcpt.example").code == 250
    impulse.kill()
    log, = (file for file in (impulse.site.spool / "impulse").glob("*.log") if file.stat().st_size)
    return log


def test_damage_within_the_log_is_told(impulse, site):
    config = site.config("suspend_delivery = true")
    log = store_some(impulse, config)
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    impulse.start(config)
    impulse.await_panic("the log is damaged")
    recovered = impulse.await_panic("messages recovered").split("spool: ")[1]
    assert 0 < int(recovered.split(" ")[0]) < 20
    assert send(impulse).code == 250


def append(path, content):
    with open(path, "ab") as file:
        file.write(content)


def test_a_torn_end_of_the_log_is_no_damage(impulse, site):
    """A process that is killed while it writes leaves that: the head of a record and the half of it."""
    config = site.config("suspend_delivery = true")
    append(store_some(impulse, config), b"\x12\x34\x56\x78\x00\x10\x01" + b"x" * 100)
    impulse.start(config)
    impulse.await_panic("20 messages recovered")
    assert "damaged or incomplete" not in impulse.paniclog()


def test_damage_behind_what_was_durable(impulse, site):
    """A power loss leaves that: nothing is lost, and nobody is woken."""
    config = site.config("suspend_delivery = true")
    append(store_some(impulse, config), b"\x12\x34\x56\x78\x00\x10\x01" + b"x" * 40000)
    impulse.start(config)
    impulse.await_panic("20 messages recovered")
    assert "nothing is missing that was durable" in impulse.paniclog()
    assert "kept" not in impulse.paniclog() and not list((site.spool / "impulse").glob("kept*"))


@pytest.mark.parametrize("unlink", ["true", "false"])
def test_a_row_that_cannot_be_read(impulse, site, capture, unlink):
    """unlink_on_spool_in_failure: told at each start, or once, and gone. The others are delivered."""
    config = site.config(f"unlink_on_spool_in_failure = {unlink}\nsuspend_delivery = true")
    impulse.start(config)
    assert send(impulse).code == 250
    impulse.stop()
    row = "0x00000000000000a700"    # the envelope 0xa7
    subprocess.run(["ldb", f"--db={site.spool}/impulse", "--column_family=meta", "--hex", "put", row, "0x6261"],
                   check=True, capture_output=True)
    impulse.start(config)
    line = impulse.await_panic("cannot read the envelope")
    assert ("the row is removed" in line) == (unlink == "true")
    impulse.stop()
    told = impulse.paniclog()
    impulse.start(site.config(f"unlink_on_spool_in_failure = {unlink}", to=capture))
    capture.wait()
    impulse.stop()
    assert ("cannot read the envelope" in impulse.paniclog()[len(told):]) == (unlink == "false")

"""Files of the spool are removed, cut or damaged between two runs: the start is refused with everything left as it is, or what
is lost is told. And a disk that fails: no answer is given that is not true."""
import os
import re
import subprocess
import time

import pytest

from harness import await_true, faults, patience
from harness.daemon import ENVIRONMENT, PROGRAM
from harness.messages import header
from harness.spool import flip, the
from harness.wire import Wire

COUNT = 20
HELD = "retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none\nsuspend_delivery = true"


def send(client, number, size=2000):
    content = header() + b"x" * (size % 998) + b"\r\n" + (b"x" * 996 + b"\r\n") * (size // 998)
    return client.mail(content, recipients=[f"r{number}@rcpt.example"])


def store(impulse, count=COUNT):
    with Wire(impulse.address) as client:
        client.greet()
        for number in range(count):
            assert send(client, number).code == 250


def fill(impulse, site):
    """Messages in table and blob files, and as many in the log."""
    impulse.start(site.config(HELD))
    store(impulse)
    impulse.kill()
    impulse.start(site.config(HELD))    # what the log held is in files now
    store(impulse)
    impulse.kill()


def files(site):
    """All but what each start may write."""
    return {path.name: path.read_bytes() for path in (site.spool / "impulse").iterdir()
            if path.is_file() and path.name != "lock"}


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


def refused(impulse, config, *texts):
    with pytest.raises(AssertionError, match="impulsed ended with"):
        impulse.start(config)
    said = impulse.said() + impulse.paniclog()
    for text in (*texts, "impulsectl spool salvage"):
        assert text in said, said


@pytest.mark.parametrize("damage, pattern", [
    (os.unlink, "CURRENT"), (os.unlink, "MANIFEST-*"), (cut, "MANIFEST-*"), (lambda path: os.truncate(path, 0), "MANIFEST-*"),
    (lambda path: flip(path, path.stat().st_size // 2), "MANIFEST-*"), (os.unlink, "*.sst"), (cut, "*.sst"),
    (os.unlink, "*.blob"), (cut, "*.blob"), (lambda path: path.write_text("nonsense"), "CURRENT")],
    ids=["CURRENT removed", "MANIFEST removed", "MANIFEST cut", "MANIFEST emptied", "MANIFEST flipped", "table removed",
         "table cut", "blob removed", "blob cut", "CURRENT nonsense"])
def test_the_start_is_refused_and_nothing_touched(impulse, site, capture, damage, pattern):
    """And when the file is back, everything is delivered."""
    fill(impulse, site)
    path = the(site, pattern)
    whole = path.read_bytes()
    damage(path)
    before = files(site)
    refused(impulse, site.config(HELD), path.name)
    assert files(site) == before
    path.write_bytes(whole)
    impulse.start(site.config(to=capture))
    capture.wait(2 * COUNT)


@pytest.mark.parametrize("end, text", [("killed", "does not name the newest file"),
                                       ("killed, progress removed", "does not name the newest file"), ("stopped", "ends after")])
def test_the_end_of_the_catalogue_is_cut(impulse, site, capture, end, text):
    """A backup writes tables without a commit after it: their names are the last that the catalogue says. When the process is
    killed then, nothing says how long the catalogue was; an orderly stop notes it."""
    impulse.start(site.config(HELD + f'\nControl_Listener {{ Listen "{site.directory}/console" {{}} }}'))
    store(impulse)
    subprocess.run([PROGRAM.parent / "impulsectl", "spool", "backup", "-c", impulse.file, site.directory / "backup"],
                   env=ENVIRONMENT, stdin=subprocess.DEVNULL, timeout=patience(60), check=True)
    impulse.stop() if end == "stopped" else impulse.kill()
    if "removed" in end:
        (site.spool / "impulse" / "progress").unlink()
    path = the(site, "MANIFEST-*")
    whole = path.read_bytes()
    os.truncate(path, len(whole) - 20)
    before = files(site)
    refused(impulse, site.config(HELD), path.name, text)
    assert files(site) == before
    path.write_bytes(whole)
    impulse.start(site.config(to=capture))
    capture.wait(COUNT)


def test_all_files_are_gone(impulse, site):
    """An empty folder is no new spool when there was one: but where that is wanted, the line says how."""
    fill(impulse, site)
    for path in (site.spool / "impulse").iterdir():
        if path.is_file():
            path.unlink()
    with pytest.raises(AssertionError, match="impulsed ended with"):
        impulse.start(site.config(HELD))
    assert "all its files are gone" in impulse.said() + impulse.paniclog()
    (site.spool / "impulse.exists").unlink()
    impulse.start(site.config(HELD))


def test_a_creation_that_was_interrupted(impulse, site):
    folder = site.spool / "impulse"
    folder.mkdir(parents=True)
    (folder / "MANIFEST-000001").write_bytes(b"half")
    impulse.start(site.config(HELD))
    store(impulse, 1)


@pytest.mark.parametrize("damage", [cut, lambda path: os.truncate(path, 0), os.unlink,
                                    lambda path: flip(path, path.stat().st_size // 2)],
                         ids=["cut", "emptied", "removed", "flipped"])
def test_what_the_log_has_lost_is_told(impulse, site, capture, damage):
    fill(impulse, site)
    damage(the(site, "*.log"))
    impulse.start(site.config(to=capture))
    told = impulse.await_panic("messages are missing")
    missing = int(re.search(r"at least (\d+) messages are missing", told)[1])
    assert 0 < missing <= COUNT
    assert "changes are missing that were durable" in impulse.paniclog()
    capture.wait(2 * COUNT - missing)
    impulse.stop()
    before = impulse.paniclog()
    impulse.start(site.config(to=capture))   # told once
    impulse.stop()
    assert "missing" not in impulse.paniclog()[len(before):]
    if damage is cut:
        assert list((site.spool / "impulse").glob("kept.*/*.log"))


def test_nothing_is_told_after_kills(impulse, site):
    """However often: removals that were not synced, files that were being written."""
    for _ in range(3):
        fill(impulse, site)
    assert "missing" not in impulse.paniclog() and "damaged or incomplete" not in impulse.paniclog()


def test_nothing_is_told_after_removals_and_idle_starts(impulse, site, capture):
    """RocksDB forgets the numbers of changes that put and removed the same row: that is no loss."""
    impulse.start(site.config(to=capture))
    store(impulse)
    capture.wait(COUNT)
    impulse.kill()
    for _ in range(3):
        impulse.start(site.config(HELD))
        impulse.kill()
    impulse.start(site.config(HELD))
    assert "missing" not in impulse.paniclog() and "damaged or incomplete" not in impulse.paniclog()


def test_a_bit_flipped_in_a_table(impulse, site):
    """The envelopes cannot be read: the file is named."""
    fill(impulse, site)
    tables = sorted((site.spool / "impulse").glob("*.sst"))
    for table in tables:
        flip(table, 10)
    with pytest.raises(AssertionError, match="impulsed ended with"):
        impulse.start(site.config(HELD))
    said = impulse.said() + impulse.paniclog()
    assert any(table.name in said for table in tables), said
    assert "impulsectl spool salvage" in said, said


def test_a_bit_flipped_in_a_blob(impulse, site, capture):
    """The others are delivered; of the one that cannot be read, the line says how to find the file."""
    fill(impulse, site)
    blob = the(site, "*.blob")
    flip(blob, blob.stat().st_size // 2)
    impulse.start(site.config(to=capture))
    capture.wait(2 * COUNT - 1)
    told = impulse.await_panic("cannot be read")
    assert "impulsectl spool check" in told


# ---- a disk that fails ---------------------------------------------------------------------------------------------


@pytest.fixture(name="faulty")
def faulty_(impulse, site):
    rules = faults.Faults(site.directory, site.spool)
    impulse.environment.update(rules.environment)
    return rules


@pytest.mark.plain    # the sanitizer wants to be loaded first
def test_no_answer_where_none_is_true(impulse, site, capture, faulty):
    """The sync fails after the write, and the database cannot be opened to find out: after the restart it is delivered."""
    impulse.start(site.config(HELD))
    with Wire(impulse.address) as client:
        client.greet()
        assert send(client, 0).code == 250
        faulty.add("fdatasync", path=".log").add("open", path="impulse/").arm()
        with pytest.raises(ConnectionError):
            reply = send(client, 1)
            pytest.fail(f"answered {reply}")
    impulse.await_panic("get no answer")
    with Wire(impulse.address) as client:    # nothing of a later one was written: that is certain
        client.greet()
        assert send(client, 2).code == 451
    impulse.kill()
    faulty.clear()
    impulse.start(site.config(to=capture))
    capture.wait(2)
    time.sleep(0.3)     # nothing more comes
    assert {message.recipients[0] for message in capture.messages} == {"r0@rcpt.example", "r1@rcpt.example"}


@pytest.mark.plain    # the sanitizer wants to be loaded first
def test_what_got_no_answer_is_taken_back(impulse, site, capture, faulty):
    """When the disk works again, before any restart: the client, which got no answer, sends it again."""
    impulse.start(site.config(HELD))
    with Wire(impulse.address) as client:
        client.greet()
        faulty.add("fdatasync", path=".log").add("open", path="impulse/").arm()
        with pytest.raises(ConnectionError):
            send(client, 1)
    faulty.clear()

    def accepted():
        with Wire(impulse.address) as client:
            client.greet()
            return send(client, 2).code == 250

    await_true(accepted, "writing works again")
    impulse.kill()
    impulse.start(site.config(to=capture))
    message, = capture.wait()
    assert message.recipients == ["r2@rcpt.example"]


@pytest.mark.plain    # the sanitizer wants to be loaded first
def test_a_sync_that_fails_once(impulse, site, capture, faulty):
    """The database is opened again, which makes everything durable: 250 is true."""
    impulse.start(site.config(HELD))
    with Wire(impulse.address) as client:
        client.greet()
        faulty.add("fdatasync", path=".log", times=1).arm()
        assert send(client, 1).code == 250
    assert faulty.struck == 1
    impulse.kill()
    impulse.start(site.config(to=capture))
    capture.wait()


# ---- what was never accepted ------------------------------------------------------------------------------------------


CHUNKING = 'SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "CHUNKING" )'


def used(site):
    total = 0
    for path in (site.spool / "impulse").iterdir():
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            pass
    return total


@pytest.mark.parametrize("end", ["disconnect", "RSET", "timeout", "one remains"])
def test_the_space_of_broken_off_messages_comes_back(impulse, site, end):
    """All of it within seconds, also when other messages wait: these are not moved."""
    impulse.start(site.config(HELD, listener=CHUNKING + ("\nidle_time = 4" if end == "timeout" else "")))
    store(impulse)
    for _ in range(2):
        break_off(impulse, site, end)


def break_off(impulse, site, end):
    before = used(site)
    part = b"y" * 2**20
    clients = []
    for _ in range(6):
        client = Wire(impulse.address, timeout=30)
        clients.append(client)
        client.greet()
        assert client.command("MAIL FROM:<a@sender.example>").code == 250
        assert client.command("RCPT TO:<b@rcpt.example>").code == 250
        client.send(f"BDAT {len(header())}\r\n".encode() + header())
        assert client.reply().code == 250
        for _ in range(40):
            client.send(f"BDAT {len(part)}\r\n".encode() + part)
            assert client.reply().code == 250
    assert used(site) > before + 100 * 2**20 or end == "timeout"  # on a slow machine the first are idle by now
    for client in clients:
        if end == "one remains" and client is clients[-1]:
            await_true(lambda: used(site) < before + 120 * 2**20, "the space of all but one is back", 60)
        if end == "disconnect":
            client.close()
        elif end != "timeout":
            assert client.command("RSET").code == 250
    await_true(lambda: used(site) < before + 5 * 2**20, "the space is back", 60)
    for client in clients:
        client.close()


@pytest.mark.plain    # the sanitizer wants to be loaded first
def test_deliveries_pause_while_removals_cannot_be_written(impulse, site, capture, faulty):
    """Otherwise a kill would repeat all of them. They continue, and none is repeated, when the disk works again."""
    count = 200
    one = 'max_outbound_connections = 1\n'
    impulse.start(site.config(one + HELD, to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        for number in range(count):
            assert send(client, number).code == 250
    faulty.add("write", "pwrite", "writev", "fdatasync", path=".log").add("open", path="impulse/").arm()
    impulse.write(site.config(one, to=capture))
    impulse.reload()
    impulse.await_panic("deliveries pause, because the spool cannot record them")
    assert 0 < len(capture.messages) < count // 2
    faulty.clear()
    impulse.await_panic("deliveries continue")
    recipients = [message.recipients[0] for message in capture.wait(count)]
    assert len(recipients) == len(set(recipients)) == count

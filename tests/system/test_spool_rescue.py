"""impulsectl spool: check, backup, restore and salvage, of whole spools and of damaged ones."""
import os
import re
import shutil
import subprocess
import threading

import pytest

from harness import await_true, patience
from harness.daemon import COMPLAINT, ENVIRONMENT, PROGRAM, ROOT
from harness.messages import header, large
from harness.spool import flip, the
from harness.wire import Wire

pytestmark = pytest.mark.one_thread

HELD = "suspend_delivery = true"
IMPULSECTL = PROGRAM.parent / "impulsectl"


def spool(*arguments, status=0, program=IMPULSECTL):
    ran = subprocess.run([program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         env=ENVIRONMENT, timeout=patience(60), check=False)
    said = ran.stdout + ran.stderr
    assert not COMPLAINT.search(said), said
    assert ran.returncode == status, said
    return said


def content(number):
    return header(b"X-Number: %d" % number) + (b"line %d\r\n" % number) * (1 + 100 * (number % 7))


def store(impulse, numbers):
    with Wire(impulse.address) as client:
        client.greet()
        for number in numbers:
            assert client.mail(content(number), recipients=[f"r{number}@rcpt.example"]).code == 250


def fill(impulse, site):
    """40 messages in table and blob files, 20 in the log, one that is large, for two."""
    impulse.start(site.config(HELD))
    store(impulse, range(40))
    impulse.kill()
    impulse.start(site.config(HELD))
    store(impulse, range(40, 60))
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(large(2_000_000), recipients=["big1@rcpt.example", "big2@rcpt.example"]).code == 250
    impulse.kill()


def deliver(impulse, site, capture, directory, count):
    """Starts with the spool in `directory`; returns the numbers that arrive, each as it was sent."""
    site.spool = directory
    impulse.start(site.config(to=capture))
    recipients = [recipient for message in capture.wait(count) for recipient in message.recipients]
    impulse.stop()
    for message in capture.messages:
        if found := re.search(rb"^X-Number: (\d+)\r$", message.content, re.M):
            assert message.content.endswith(content(int(found[1])))
        else:
            assert message.content.endswith(large(2_000_000)[-1_000_000:])
    assert len(recipients) == len(set(recipients)), recipients
    return recipients


def test_a_whole_spool(impulse, site):
    fill(impulse, site)
    assert "62 messages are whole, 0 are known to be lost" in spool("spool", "check", "-d", site.spool)
    assert "62 messages are whole" in spool("spool", "check", "-c", impulse.file)
    (site.directory / "impulsectl").symlink_to(IMPULSECTL)
    name = shutil.copy(ROOT / "tools" / "ec_spool_check", site.directory)
    assert "62 messages are whole" in spool("-d", site.spool, program=name)
    assert spool("-V", program=name) == spool("-V")


def test_no_spool(site):
    for command in (["check"], ["salvage", site.directory / "new"]):
        assert "No such file or directory" in spool("spool", *command, "-d", site.directory / "none", status=2)


def test_a_spool_that_is_used(impulse, site):
    impulse.start(site.config(HELD))
    for command in (["check"], ["salvage", site.directory / "new"], ["restore", site.directory]):
        assert "in use" in spool("spool", *command, "-d", site.spool, status=2)


def test_a_check_changes_nothing(impulse, site):
    fill(impulse, site)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in (site.spool / "impulse").iterdir()}
    spool("spool", "check", "-d", site.spool)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in (site.spool / "impulse").iterdir()} == before


@pytest.mark.parametrize("pattern, size", [("CURRENT", 0), ("MANIFEST-*", 0), ("MANIFEST-*", 0.5), ("MANIFEST-*", 0.9)])
def test_salvage_without_a_catalogue(impulse, site, capture, pattern, size):
    """Everything can be read."""
    fill(impulse, site)
    path = the(site, pattern)
    os.truncate(path, int(path.stat().st_size * size))
    said = spool("spool", "salvage", "-d", site.spool, site.directory / "new", status=1)
    assert "62 messages are whole, 0 are known to be lost" in said
    assert len(deliver(impulse, site, capture, site.directory / "new", 61)) == 62


def test_salvage_with_a_damaged_blob_file(impulse, site, capture):
    """The message is named, with sender and recipient; the others arrive."""
    fill(impulse, site)
    blob = the(site, "*.blob")
    flip(blob, blob.stat().st_size // 2)
    said = spool("spool", "salvage", "-d", site.spool, site.directory / "new", status=1)
    assert "61 messages are whole, 1 are known to be lost" in said
    lost = re.search(rf"^lost: message \S+, batch \S+, from <\S+> to <(\S+)>: .*{blob.name}", said, re.M)
    recipients = deliver(impulse, site, capture, site.directory / "new", 60)
    assert len(recipients) == 61 and lost[1] not in recipients


def test_salvage_without_a_blob_file(impulse, site, capture):
    fill(impulse, site)
    the(site, "*.blob").unlink()
    said = spool("spool", "salvage", "-d", site.spool, site.directory / "new", status=1)
    lost = re.findall(r"^lost: .* to <(\S+)>", said, re.M)
    assert lost
    recipients = deliver(impulse, site, capture, site.directory / "new", 61 - len(lost))
    assert len(recipients) + len(lost) == 62 and not set(lost) & set(recipients)


def test_salvage_with_a_damaged_table(impulse, site, capture):
    """The damaged block is named, and what is in other blocks and files arrives."""
    fill(impulse, site)
    tables = sorted((site.spool / "impulse").glob("*.sst"))
    flip(tables[-1], 10)
    said = spool("spool", "salvage", "-d", site.spool, site.directory / "new", status=1)
    assert f"{tables[-1].name}, byte 0: a block is damaged" in said
    whole = int(re.search(r"(\d+) messages are whole", said)[1])
    assert whole >= 22
    assert len(deliver(impulse, site, capture, site.directory / "new", whole - 1)) == whole


@pytest.mark.parametrize("named", [True, False], ids=["named", "killed before"])
def test_salvage_of_kept_logs(impulse, site, capture, named):
    """The start has said what is lost behind the damage; the damaged record is all that is lost in the end, also when a
    kill came before the folder had its number."""
    fill(impulse, site)
    log = the(site, "*.log")
    flip(log, 3000)
    impulse.start(site.config(HELD))
    found = int(re.search(r"(\d+) messages recovered", impulse.await_panic("messages recovered"))[1])
    assert found < 62
    impulse.stop()
    if not named:
        the(site, "kept.*").rename(site.spool / "impulse" / "kept")
    said = spool("spool", "salvage", "-d", site.spool, site.directory / "new", status=1)
    assert "the log is damaged" in said
    whole = int(re.search(r"(\d+) messages are whole", said)[1])
    assert found < whole
    assert len(deliver(impulse, site, capture, site.directory / "new", whole - 1)) == whole


def test_salvage_into_a_spool(impulse, site):
    fill(impulse, site)
    assert "there is, or was, a spool" in spool("spool", "salvage", "-d", site.spool, site.spool, status=2)
    assert "62 messages are whole" in spool("spool", "check", "-d", site.spool)


def test_backup_and_restore(impulse, site, capture):
    """While nothing runs."""
    fill(impulse, site)
    spool("spool", "backup", "-d", site.spool, site.directory / "backup")
    shutil.rmtree(site.spool)
    spool("spool", "restore", "-d", site.spool, site.directory / "backup")
    assert len(deliver(impulse, site, capture, site.spool, 61)) == 62


def test_a_damaged_backup(impulse, site):
    fill(impulse, site)
    spool("spool", "backup", "-d", site.spool, site.directory / "backup")
    assert "move it away" in spool("spool", "restore", "-d", site.spool, site.directory / "backup", status=2)
    table = next((site.directory / "backup" / "impulse").glob("*.sst"))
    os.truncate(table, table.stat().st_size // 2)
    shutil.rmtree(site.spool)
    said = spool("spool", "restore", "-d", site.spool, site.directory / "backup", status=1)
    assert table.name in said and "not restored" in said
    assert not site.spool.exists()


def test_backup_while_messages_come(impulse, site, capture):
    """What was answered before it began is in it; what is in it is whole."""
    socket = site.directory / "console"
    config = site.config(HELD + f'\nControl_Listener {{ Listen "{socket}" {{}} }}')
    impulse.start(config)
    accepted, ending = [], threading.Event()

    def client(first):
        with Wire(impulse.address) as wire:
            wire.greet()
            number = first
            while not ending.is_set():
                if wire.mail(content(number), recipients=[f"r{number}@rcpt.example"]).code == 250:
                    accepted.append(f"r{number}@rcpt.example")
                number += 4

    clients = [threading.Thread(target=client, args=(first,), daemon=True) for first in range(4)]
    for thread in clients:
        thread.start()
    await_true(lambda: len(accepted) > 200, "some messages")
    before = list(accepted)
    spool("spool", "backup", "-c", impulse.file, site.directory / "backup")
    assert "No backup" in spool("spool", "backup", "-c", impulse.file, site.directory / "backup", status=1)
    ending.set()
    for thread in clients:
        thread.join(patience(10))
    impulse.kill()
    said = spool("spool", "check", "-d", site.directory / "backup")
    whole = int(re.search(r"(\d+) messages are whole, 0 ", said)[1])
    spool("spool", "restore", "-d", site.directory / "restored", site.directory / "backup")
    recipients = deliver(impulse, site, capture, site.directory / "restored", whole)
    assert set(before) <= set(recipients) <= set(accepted) | {f"r{n}@rcpt.example" for n in range(100000)}

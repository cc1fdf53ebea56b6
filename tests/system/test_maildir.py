"""delivery_method = "maildir": the module that writes to folders."""
import subprocess
from pathlib import Path

import pytest

from harness import await_true
from harness.messages import ANY_HEADER, EXACT, only_trace_added
from harness.wire import Wire


def send(impulse, content, *recipients):
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(content, recipients=recipients).code == 250


def stored(folder):
    return [file for file in Path(folder).rglob("new/*") if file.is_file()]


def config(site, outer=""):
    # The module makes the folders from the first one that depends on the recipient; those before must exist.
    (site.directory / "mail").mkdir(exist_ok=True)
    return site.config(f'''delivery_method = "maildir"
maildir {{
  path = "{site.directory}/mail/%d/%l"
}}
{outer}''')


@pytest.mark.parametrize("name", ["plain", "dots", "8-bit", "no body", "nothing at all", "2 MB"])
def test_arrives(impulse, site, name):
    impulse.start(config(site, ANY_HEADER))
    send(impulse, EXACT[name], "Bob@rcpt.example")
    impulse.await_log("D")
    file, = stored(site.directory / "mail")
    content = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    only_trace_added(content, EXACT[name], ("return-path", "delivered-to", "x-original-to", "received"))
    assert {folder.name for folder in file.parent.parent.iterdir()} == {"cur", "new", "tmp"}
    assert not list((file.parent.parent / "tmp").iterdir())


def test_there_is_one_return_path(impulse, site):
    """The delivery's own, whatever the message brought along (RFC 5321 section 4.4)."""
    impulse.start(config(site))
    content = EXACT["plain"].replace(b"Subject:", b"return-path:\r\n <forged@other.example>\r\nSubject:")
    send(impulse, content, "b@rcpt.example")
    impulse.await_log("D")
    file, = stored(site.directory / "mail")
    text = file.read_bytes()
    assert text.startswith(b"Return-Path: <a@sender.example>\n") and text.lower().count(b"return-path:") == 1
    assert b"forged" not in text and b"Subject: a test\n" in text


def test_binary_is_kept(impulse, site):
    """Line ends become those of files, but not where they have no meaning (RFC 3030)."""
    impulse.start(config(site, 'ESMTP_Listener { SMTP_Extensions = ( "CHUNKING" "BINARYMIME" ) }'))
    content = EXACT["plain"] + b"\r\n.\r\n\n\r\0\xff no end"
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example> BODY=BINARYMIME", 250)
        client.command("RCPT TO:<b@rcpt.example>", 250)
        client.command(b"BDAT %d LAST\r\n" % len(content) + content, 250)
    impulse.await_log("D")
    file, = stored(site.directory / "mail")
    only_trace_added(file.read_bytes(), content, ("return-path", "delivered-to", "x-original-to", "received"))


def test_each_recipient_has_a_folder(impulse, site):
    impulse.start(config(site))
    send(impulse, EXACT["plain"], "b@rcpt.example", "c@rcpt.example", "b@other.example")
    await_true(lambda: len(stored(site.directory / "mail")) == 3, "three files")
    assert len({file.parent for file in stored(site.directory / "mail")}) == 3


def test_a_recipient_cannot_leave_the_folder(impulse, site):
    impulse.start(config(site, "generate_bounces = false"))
    outside = site.directory / "escaped"
    send(impulse, EXACT["plain"], '"../../escaped"@rcpt.example', '"a/../../../escaped"@rcpt.example')
    await_true(lambda: len(impulse.mainlog("D") + impulse.mainlog("P") + impulse.mainlog("T")) >= 2, "two outcomes")
    assert not outside.exists()
    for file in stored(site.directory):
        assert (site.directory / "mail") in file.resolve().parents


def test_a_folder_that_is_missing_is_a_transient_failure(impulse, site):
    """A file system that is not mounted is noticed and waited for, not filled."""
    impulse.start(config(site, "retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none"))
    folder = site.directory / "mail"
    folder.rmdir()
    send(impulse, EXACT["plain"], "b@rcpt.example")
    assert impulse.await_log("T")[0].text == f"451 4.3.0 maildir: the folder {folder}/ is not there: make or mount it"
    folder.mkdir()
    await_true(lambda: stored(folder), "delivered when it can be")


def test_a_full_disk_is_a_transient_failure(impulse, site):
    disk = site.directory / "mail"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={2**20}", "tmpfs", str(disk)], check=True)
    try:
        (disk / "something-else").write_bytes(b"x" * 900_000)
        impulse.start(config(site, "retry_interval = 1\nmax_retry_interval = 1\nmax_retries = none"))
        send(impulse, EXACT["300 kB"], "b@rcpt.example")
        assert impulse.await_log("T")[0].text.startswith("452 4.3.1 ")
        assert not stored(disk) and not list(disk.rglob("tmp/*")), "nothing is left of the attempt"
        (disk / "something-else").unlink()
        await_true(lambda: stored(disk), "delivered when there is room")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_many(impulse, site):
    impulse.start(config(site))
    subprocess.run(["smtp-source", "-s", "5", "-m", "100", "-l", "2000", "-f", "a@sender.example", "-t",
                    "b@rcpt.example", f"127.0.0.1:{site.port}"], check=True)
    await_true(lambda: len(stored(site.directory / "mail")) == 100, "a hundred files")

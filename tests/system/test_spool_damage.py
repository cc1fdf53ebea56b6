"""Somebody else takes the spool away: nothing is acknowledged that would be lost."""
import os

from harness import await_true
from harness.messages import EXACT
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

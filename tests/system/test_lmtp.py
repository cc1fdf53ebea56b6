"""delivery_method = "lmtp": to Dovecot, over TCP and over a Unix socket, and one reply for each recipient."""
import subprocess

import pytest

from harness import await_true
from harness.daemon import free_port
from harness.messages import EXACT, only_trace_added
from harness.wire import Wire


def dovecot_conf(base, port):
    return f"""
base_dir = {base}/run
log_path = {base}/dovecot.log
protocols = lmtp
ssl = no
default_login_user = dovenull
default_internal_user = dovecot
mail_location = maildir:{base}/mail/%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
auth_username_format = %Lu
lmtp_save_to_detail_mailbox = no
lmtp_add_received_header = no
passdb {{
  driver = static
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={base}/home/%u allow_all_users=yes
}}
service lmtp {{
  unix_listener {base}/lmtp.sock {{
    mode = 0666
  }}
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service stats {{
  chroot =
}}
service anvil {{
  chroot =
}}
"""


class Dovecot:
    def __init__(self, base):
        self.base, self.port, self.socket = base, free_port(), str(base / "lmtp.sock")
        for folder in (base, base / "mail", base / "home"):
            folder.mkdir()
            folder.chmod(0o777)
        config = base / "dovecot.conf"
        config.write_text(dovecot_conf(base, self.port))
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stdin=subprocess.DEVNULL)
        await_true(self.answers, "Dovecot answers")

    def answers(self):
        assert self.process.poll() is None, (self.base / "dovecot.log").read_text()
        try:
            with Wire(("127.0.0.1", self.port)) as client:
                return client.reply().code == 220
        except OSError:
            return False

    def mailbox(self, user):
        folder = self.base / "mail" / user / "new"
        return [file.read_bytes() for file in folder.iterdir()] if folder.is_dir() else []

    def wait(self, user, count=1):
        await_true(lambda: len(self.mailbox(user)) >= count, f"{count} messages for {user}")
        return self.mailbox(user)


@pytest.fixture
def dovecot(site):
    server = Dovecot(site.directory / "dovecot")
    yield server
    server.process.terminate()
    server.process.wait()


def send(impulse, content, *recipients):
    with Wire(impulse.address) as client:
        client.greet()
        assert client.mail(content, recipients=recipients).code == 250


@pytest.mark.parametrize("way", ["tcp", "unix"])
@pytest.mark.parametrize("name", ["plain", "dots", "8-bit", "no body", "300 kB"])
def test_dovecot(impulse, site, dovecot, way, name):
    route = f'gateway = "127.0.0.1"\nlmtp_port = {dovecot.port}' if way == "tcp" else f'gateway = "{dovecot.socket}"'
    impulse.start(site.config(f'delivery_method = "lmtp"\n{route}'))
    send(impulse, EXACT[name], "b@rcpt.example", "c@rcpt.example")
    for user in ("b@rcpt.example", "c@rcpt.example"):
        stored, = dovecot.wait(user)
        # Dovecot stores LF line ends, and writes Return-Path and Delivered-To in front.
        only_trace_added(stored.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), EXACT[name],
                         ("return-path", "delivered-to", "received"))
    assert len(impulse.await_log("D", 2)) == 2


def test_each_recipient_has_its_own_reply(impulse, site, captures):
    """A refusal after the content is for one recipient; the others have their mail."""
    capture = captures(lmtp=True, behave=lambda session, verb, line:
                       b"552 5.2.2 over quota" if verb == "." and line == "full@rcpt.example" else None)
    impulse.start(site.config(f'delivery_method = "lmtp"\ngateway = "127.0.0.1"\nlmtp_port = {capture.port}\n'
                              'generate_bounces = false'))
    send(impulse, EXACT["plain"], "b@rcpt.example", "full@rcpt.example", "c@rcpt.example")
    impulse.await_log("D", 2)
    record, = impulse.await_log("P")
    assert record.text == "552 5.2.2 over quota"
    assert sorted(r for m in capture.messages for r in m.recipients) == ["b@rcpt.example", "c@rcpt.example"]
    assert all(session.commands[0].startswith("LHLO ") for session in capture.sessions)


def test_lmtp_in_a_domain_only(impulse, site, captures):
    local, world = captures(lmtp=True), captures()
    impulse.start(site.config(
        f'Domain "local.example" {{ delivery_method = "lmtp" lmtp_port = {local.port} }}', to=world))
    send(impulse, EXACT["plain"], "b@local.example", "c@rcpt.example")
    assert local.wait()[0].recipients == ["b@local.example"]
    assert world.wait()[0].recipients == ["c@rcpt.example"]

"""Runs impulsed on a free loopback port with @name@, and asks it as a client does. IMPULSED names another daemon."""
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
IMPULSED = os.environ.get("IMPULSED") or shutil.which("impulsed") or "/usr/sbin/impulsed"


def installed_modules():
    return Path(os.environ.get("IMPULSE_MODULE_PATH") or subprocess.run(
        ["pkg-config", "--variable=moduledir", "impulse"], capture_output=True, text=True, check=True).stdout.strip())


class Test(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        modules = self.directory / "modules"
        shutil.copytree(installed_modules(), modules)
        for suffix in (".so", ".ecm"):
            shutil.copy(HERE / f"@name@{suffix}", modules)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.directory / "ecelerity.conf").write_text(f"""
            spoolbase = "{self.directory}/spool"
            pidfile = "{self.directory}/pid"
            security {{ user = "{pwd.getpwuid(os.getuid()).pw_name}" }}
            blackhole = true
            @name@ {{ refuse = "refused@example.com" }}
            ESMTP_Listener {{
              relay_hosts = ( "127.0.0.0/8" )
              Listen "127.0.0.1:{self.port}" {{ }}
            }}
        """)
        daemon = subprocess.Popen([IMPULSED, "-d", "-c", self.directory / "ecelerity.conf", "--modules", modules])
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        deadline = time.monotonic() + 30
        while True:
            self.assertIsNone(daemon.poll(), "the daemon ended; it says why above")
            self.assertLess(time.monotonic(), deadline, "the daemon does not listen")
            try:
                self.client = smtplib.SMTP("127.0.0.1", self.port)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.addCleanup(self.client.close)

    def rcpt(self, recipient):
        self.client.ehlo()
        self.client.mail("sender@example.com")
        return self.client.rcpt(recipient)

    def test_the_one_is_refused(self):
        code, text = self.rcpt("refused@example.com")
        self.assertEqual((code, text), (550, b"5.7.1 @name@ does not take mail for this recipient"))

    def test_others_are_not(self):
        self.assertEqual(self.rcpt("taken@example.com")[0], 250)


unittest.main()

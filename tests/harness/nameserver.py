"""A real name server, dnsmasq, on port 53 of a namespace."""
import subprocess

from . import await_true


class Nameserver:
    ADDRESS = "10.53.53.53"

    def __init__(self, namespace, directory, *records):
        """`records` are dnsmasq options: "mx-host=example.com,mx.example.com,10", "host-record=NAME,ADDRESS"."""
        namespace.address(self.ADDRESS)
        config = directory / "dnsmasq.conf"
        config.write_text("\n".join([
            "keep-in-foreground", "no-resolv", "no-hosts", "bind-interfaces", "user=root", "pid-file=",
            f"listen-address={self.ADDRESS}", "local=/#/", "log-queries", f"log-facility={directory}/dnsmasq.log",
            *records]) + "\n")
        self.resolv_conf = directory / "resolv.conf"
        self.resolv_conf.write_text(f"nameserver {self.ADDRESS}\n")
        self.log = directory / "dnsmasq.log"
        self.process = subprocess.Popen([*namespace.prefix, "/usr/sbin/dnsmasq", "-C", str(config)],
                                        stdin=subprocess.DEVNULL)
        await_true(lambda: ":53 " in namespace.run("ss", "-H", "-lun"), "dnsmasq listens")

    def asked(self, text):
        return text in self.log.read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait()

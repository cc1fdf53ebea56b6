"""A network and mount namespace of one's own: the real ports 25 and 587, a DNS server on port 53, addresses at will.

It lives as long as its holder process. Threads of the test enter it one function at a time.
"""
import ctypes
import os
import subprocess
import threading

from . import await_true

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    def __init__(self):
        # `read` returns when our end of the pipe closes: the namespace cannot outlive the test run.
        self.holder = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", "echo ready; read _"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise RuntimeError("no namespaces here: the system tests need root and CAP_SYS_ADMIN")
        self.run("ip", "link", "set", "lo", "up")

    @property
    def prefix(self):
        """In front of a command line, runs it inside."""
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--mount", "--"]

    def run(self, *command):
        return subprocess.run([*self.prefix, *command], check=True, capture_output=True, text=True).stdout

    def address(self, *addresses):
        """Adds addresses ("10.0.0.1", "fd00::1") to the loopback interface."""
        for address in addresses:
            self.run("ip", "address", "add", address + ("/128" if ":" in address else "/32"), "dev", "lo",
                     *(["nodad"] if ":" in address else []))
            # The kernel makes an IPv6 address usable a moment later.
            await_true(lambda: self.reaches(address), f"a route to {address}")

    def reaches(self, address):
        return subprocess.run([*self.prefix, "ip", "route", "get", address], capture_output=True).returncode == 0

    def call(self, function, *arguments, **named):
        """Calls function in a thread that is inside the network; sockets it opens stay there."""
        result = {}

        def inside():
            try:
                descriptor = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
                if libc.setns(descriptor, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
                os.close(descriptor)
                result["value"] = function(*arguments, **named)
            except BaseException as error:  # handed to the caller's thread
                result["error"] = error

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if "error" in result:
            raise result["error"]
        return result["value"]

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()

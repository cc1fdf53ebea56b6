"""The preloaded shim of tests/faults: calls to the disk that fail as told, and what a power loss leaves."""
import errno
import mmap
import os
import struct
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "faults"
CALLS = ("write", "pwrite", "writev", "fdatasync", "fsync", "rename", "open", "mkdir")
HEAD, RULE, RULES, ALWAYS = struct.Struct("=IIQ"), struct.Struct("=IIiIi44s"), 8, 65536


def build(folder):
    """Compiles the shim into `folder`. Returns its path."""
    shim = Path(folder) / "shim.so"
    if not shim.exists():
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-g", "-fPIC", "-shared", "-w", "-o", f"{shim}.new",
                        FOLDER / "shim.c", FOLDER / "power_loss.c", "-ldl", "-pthread"], check=True)
        os.rename(f"{shim}.new", shim)
    return shim


class Faults:
    """The rules for one process: pass `environment` to Impulse."""

    def __init__(self, folder, spool, seed=1, shadow=None):
        path = Path(folder) / "fault-rules"
        path.write_bytes(b"\0" * (HEAD.size + RULES * RULE.size))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.map[:HEAD.size] = HEAD.pack(0, 0, seed)
        self.count = 0
        self.environment = {"LD_PRELOAD": str(build(folder)), "IMPULSE_FAULT_RULES": str(path),
                            "IMPULSE_FAULT_FOLDER": str(spool)}
        if shadow:
            self.environment["IMPULSE_FAULT_SHADOW"] = str(shadow)

    def add(self, *calls, error=errno.EIO, path="", skip=0, chance=1.0, times=2**31 - 1):
        """From arm() on these calls fail, on files whose path contains `path`; error=0: writes are short."""
        mask = sum(1 << CALLS.index(call) for call in calls)
        rule = RULE.pack(mask, error, skip, int(chance * ALWAYS), times, path.encode())
        start = HEAD.size + self.count * RULE.size
        self.map[start:start + RULE.size] = rule
        self.count += 1
        return self

    def arm(self):
        self.map[:4] = struct.pack("=I", 1)

    def clear(self):
        """No call fails any more."""
        self.map[:4] = struct.pack("=I", 0)
        self.map[HEAD.size:] = b"\0" * (RULES * RULE.size)
        self.count = 0

    @property
    def struck(self):
        """How many calls have failed."""
        return struct.unpack("=I", self.map[4:8])[0]

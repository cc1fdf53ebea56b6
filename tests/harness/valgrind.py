"""The daemon under a tool of valgrind's: counts that do not depend on what else the machine does.

    with Counted(site, "callgrind") as impulse:
        impulse.start(config)
        ...
        impulse.instructions()
"""
import re
import subprocess

from . import patience
from .daemon import Impulse

TOOLS = {"callgrind": ["--callgrind-out-file={}"], "massif": ["--massif-out-file={}", "--depth=1"]}


class Counted(Impulse):
    """An impulsed whose user instructions ("callgrind") or allocated bytes ("massif") are counted. Its threads run in
    turn, never at once."""

    def __init__(self, site, tool):
        self.counts = site.directory / tool
        self.pipe = f"--vgdb-prefix={site.directory}/vgdb"
        super().__init__(site, ["valgrind", f"--tool={tool}", "--fair-sched=yes", self.pipe,
                                *(option.format(self.counts) for option in TOOLS[tool])])

    def start(self, config=None, seconds=90):
        return super().start(config, seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, *command):
        """Has the tool carry out a command of its monitor."""
        subprocess.run(["vgdb", self.pipe, f"--pid={self.pid}", *command], check=True, capture_output=True,
                       timeout=patience(60))

    def instructions(self):
        """User instructions of all threads since the last call, or since the start."""
        self.ask("dump")
        total = 0
        for file in self.site.directory.glob("callgrind.*"):
            total += sum(map(int, re.findall(r"^totals: (\d+)", file.read_text(), re.M)))
            file.unlink()
        return total

    def allocated(self):
        """Bytes that are allocated now, those that the allocator adds to them included."""
        self.counts.unlink(missing_ok=True)
        self.ask("snapshot", str(self.counts))
        return sum(map(int, re.findall(r"^mem_heap(?:_extra)?_B=(\d+)", self.counts.read_text(), re.M)))

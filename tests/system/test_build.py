"""How the program is built: hardened by default; in a sanitizer build, with the sanitizer."""
import subprocess

from harness import SANITIZER
from harness.daemon import PROGRAM


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments, str(PROGRAM)], capture_output=True, text=True,
                          check=True).stdout


def test_position_independent():
    assert "DYN" in readelf("-h")


def test_hardening_or_sanitizer():
    needed, segments, symbols = readelf("-d"), readelf("-l"), readelf("--dyn-syms")
    if SANITIZER:
        assert {"address": "libasan", "thread": "libtsan"}[SANITIZER] in needed
        return
    assert "GNU_RELRO" in segments and "NOW" in needed, "full RELRO"
    assert "__stack_chk_fail" in symbols
    assert "_chk@" in symbols, "_FORTIFY_SOURCE"
    stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack


def test_no_library_of_ours_at_run_time():
    """The daemon is one file; only modules are loaded."""
    assert "libimpulse" not in readelf("-d")

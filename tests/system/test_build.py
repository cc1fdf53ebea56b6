"""How the program is built: hardened by default; in a sanitizer build, with the sanitizer."""
import subprocess
from pathlib import Path

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


def test_option_reference():
    """`make` writes the reference of the options from the daemon's own tables."""
    names = (Path(__file__).parents[1] / "conf" / "option-names.txt").read_text().split()
    for file, entry in (("options.md", "### {}"), ("ecelerity.conf.5", '.It Ic "{}')):
        reference = (PROGRAM.parent / "doc" / file).read_text()
        assert [name for name in names if "\n" + entry.format(name) not in reference] == []
    assert '\n.It Ic "eventloop \\(dqname\\(dq { }"\n' in reference   # a quote within would end the argument

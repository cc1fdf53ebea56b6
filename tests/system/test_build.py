"""How the program is built: hardened by default; in a sanitizer build, with the sanitizer."""
import re
import subprocess
from pathlib import Path

import pytest

from harness import SANITIZER
from harness.daemon import PROGRAM
from harness.sdk import find, install


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


def anchors(document):
    """As GitHub and GitLab make them of headings."""
    headings = re.findall(r"^#+ +(.*)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.xdist_group("installation")
def test_links_of_the_installed_documents(installed):
    root = find(installed, "README.md").parent
    documents = sorted(root.rglob("*.md"))
    assert {"architecture.md", "commands.md", "modules.md", "options.md", "relay.md"} <= {file.name for file in documents}
    broken, walked = [], 0
    for file in documents:
        text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            other = (file.parent / path) if path else file
            walked += 1
            if "://" not in target and not (other.is_file() and (not anchor or anchor in anchors(other))):
                broken.append(f"{file.relative_to(root)}: {target}")
    assert broken == [] and walked > 10


@pytest.mark.xdist_group("installation")
def test_modules_are_installed_without_libtools_files(installed):
    modules = {file.name for file in find(installed, "relay.so").parent.iterdir()}
    assert {"relay.so", "relay.ecm", "maildir.so", "ec_logger.so"} <= modules
    assert [str(file) for file in Path(installed).rglob("*.la")] == []


def test_uninstall_leaves_nothing(tmp_path):
    install(tmp_path)
    assert find(tmp_path, "relay.so")
    subprocess.run(["make", "-s", "-C", str(PROGRAM.parent), "uninstall", f"DESTDIR={tmp_path}"], check=True,
                   stdout=subprocess.DEVNULL)
    assert [str(file) for file in tmp_path.rglob("*") if not file.is_dir()] == []

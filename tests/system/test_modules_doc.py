"""doc/modules.md: its listings, typed as they stand, in order, lead to a module that passes its test."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.daemon import PROGRAM, ROOT, run
from harness.sdk import build, find

pytestmark = pytest.mark.xdist_group("installation")   # they add modules to it

LISTING = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)


def test_the_guide(installed, site):
    text = (ROOT / "doc/modules.md").read_text()
    listings = LISTING.findall(text)
    assert text.count("\n```") == 2 * len(listings), "each listing was found"
    assert [language for language, _, _ in listings].count("sh") >= 3
    program = find(installed, "impulsectl")
    installation = find(installed, "relay.ecm").parent
    environment = {**os.environ, "PATH": f"{program.parent}:{PROGRAM.parent}:{os.environ['PATH']}", "DESTDIR": str(installed),
                   "IMPULSED": str(PROGRAM), "IMPULSE_MODULE_PATH": str(installation)}
    directory = site.directory
    try:
        for language, name, listing in listings:
            if name:
                (directory / name).write_text(listing)
                continue
            assert language == "sh", f"a {language} listing without a file's name is not run"
            # The folder in which a listing ends is that of the next one.
            done = subprocess.run(["sh", "-ec", listing + '\necho "@$PWD"'], cwd=directory, env=environment,
                                  capture_output=True, text=True)
            assert done.returncode == 0, listing + done.stdout + done.stderr
            directory = Path(done.stdout.rpartition("@")[2].strip())
        assert (installation / "greylist.so").exists()
    finally:
        for suffix in (".so", ".ecm"):
            (installation / f"greylist{suffix}").unlink(missing_ok=True)


def test_the_sample_manifest(installed, site, modules):
    """That of modules/README.md describes a module that is loaded, with a configuration that says what it declares."""
    text = (ROOT / "modules/README.md").read_text()
    sample, = re.findall(r"^    \[greylist\]\n(?:    .*\n)+", text, re.M)
    (site.directory / "greylist.ecm").write_text(re.sub("^    ", "", sample, flags=re.M))
    source = site.directory / "greylist.c"
    source.write_text("""#include <impulse/module.h>
static int setup(struct imp_module *module, const struct imp_config *config)
{
    (void)module, (void)config;
    return 0;
}
IMP_MODULE_DEFINE(.name = "greylist", .description = "Does nothing", .kind = IMP_SINGLETON, .setup = setup);
""")
    build(installed, "greylist", modules, source=source)
    file = site.directory / "sample.conf"
    file.write_text(site.config('grey_delay = 60\ngreylist { mode = tag rule "r" { weight = 5 } }'))
    status, said = run("-t", "-c", file, "--modules", modules)
    assert status == 0, said

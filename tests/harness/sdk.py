"""Modules that are built out of tree, against nothing but what `make install` installs."""
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import SANITIZER
from .daemon import PROGRAM, ROOT

# Modules are built with the daemon's sanitizer, so that it sees what they do as well; but a null pointer is to be the
# fault that it is without one, since some modules are there to crash.
SANITIZE = {"": [], "address": ["-fsanitize=address,undefined", "-fno-sanitize=null", "-fno-sanitize-recover=all"],
            "thread": ["-fsanitize=thread"]}


def install(root):
    """Fills `root` with `make install DESTDIR=`, as if it were the root of a server; one at a time in a build folder."""
    with open(PROGRAM.parent / "Makefile", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-C", str(PROGRAM.parent), "install", f"DESTDIR={root}"], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return root


def find(root, name):
    return next(Path(root).rglob(name))


def build(installed, name, directory, *flags, source=None):
    """Compiles tests/modules/NAME, or the file `source`, into `directory` with the installed ecxs.

    What one worker compiled is kept beside the installation. A file is replaced, not written: a daemon may have it open.
    """
    source = Path(source or next((ROOT / "tests" / "modules" / name).glob(f"{name}.c*")))
    what = (name, *map(str, flags), str(source), source.stat().st_mtime_ns)
    kept = Path(installed).with_suffix(".built") / hashlib.sha256(repr(what).encode()).hexdigest()
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=kept.parent))
        subprocess.run([find(installed, "ecxs"), "-o", fresh / f"{name}.so", source, "-D_GNU_SOURCE", "-Werror",
                        *SANITIZE[SANITIZER], *flags], check=True, env={**os.environ, "DESTDIR": str(installed)})
        with contextlib.suppress(OSError):  # another worker was faster
            fresh.rename(kept)
    directory.mkdir(exist_ok=True)
    for file in kept.iterdir():
        shutil.copy2(file, directory / f".{file.name}")
        os.replace(directory / f".{file.name}", directory / file.name)

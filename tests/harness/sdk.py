"""Modules that are built out of tree, against nothing but what `make install` installs."""
import os
import shutil
import subprocess
from pathlib import Path

from .daemon import PROGRAM, ROOT


def install(root):
    """Fills `root` with `make install DESTDIR=`, as if it were the root of a server."""
    subprocess.run(["make", "-s", "-C", str(PROGRAM.parent), "install", f"DESTDIR={root}"], check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return root


def find(root, name):
    return next(Path(root).rglob(name))


def build(installed, name, directory, *flags):
    """Compiles tests/modules/NAME into directory, with the installed headers and no others."""
    source = ROOT / "tests" / "modules" / name
    directory.mkdir(exist_ok=True)
    include = find(installed, "impulse/module.h").parent.parent
    subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared",
                    "-fPIC", f"-I{include}", *flags, "-o", str(directory / f"{name}.so"), str(source / f"{name}.c")],
                   check=True)
    shutil.copy(source / f"{name}.ecm", directory)

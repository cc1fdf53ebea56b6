"""Fixtures of the system tests alone."""
import subprocess

import pytest

from harness.services import Services


@pytest.fixture
def services(impulse, site, certificates, capture):
    """The daemon of this test with all that it can offer, not yet started: services.start()."""
    return Services(impulse, site, certificates, capture)


DISK_SIZE = 512 * 2**20  # more than the spool keeps free at the least


@pytest.fixture
def small_disk(site):
    """A file system of DISK_SIZE bytes, in which the spool is."""
    site.spool = site.directory / "disk" / "spool"
    disk = site.directory / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE}", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)

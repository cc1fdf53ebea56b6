"""Fixtures of the system tests and the transcripts."""
import fcntl
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import SANITIZER, passable  # noqa: E402
from harness.capture import Capture  # noqa: E402
from harness.certificates import Certificates  # noqa: E402
from harness.daemon import MODULES, Impulse, Site  # noqa: E402
from harness.namespace import Namespace  # noqa: E402
from harness.sdk import build, install  # noqa: E402

# What a test is left out of, by name, because a sanitizer can find nothing more in it.
MARKS = {
    "plain": "not under a sanitizer: it reports crashes itself; and what other people's clients say, the transcripts say too",
    "one_thread": "not under ThreadSanitizer: a program with one thread",
}


# Tests with this mark start first. Otherwise a run could end with one of them and idle workers.
LONG = {"long": "takes half a minute or more"}


def pytest_configure(config):
    for name, meaning in {**MARKS, **LONG}.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collection_modifyitems(config, items):
    marks = {"thread": ["plain", "one_thread"], "address": ["plain"]}.get(SANITIZER, [])
    left_out = [item for item in items if any(item.get_closest_marker(mark) for mark in marks)]
    if left_out:
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def site(tmp_path):
    passable(tmp_path)
    return Site(tmp_path)


@pytest.fixture
def impulse(site):
    """The daemon of this test, not yet started: impulse.start(site.config(...))."""
    daemon = Impulse(site)
    yield daemon
    daemon.close()


@pytest.fixture
def captures():
    """Makes Capture servers and, at the end, checks that nobody broke the protocol towards them."""
    made = []

    def make(*arguments, **named):
        made.append(Capture(*arguments, **named))
        return made[-1]

    yield make
    for capture in made:
        if capture.listening.fileno() >= 0:
            capture.stop()
        assert not capture.violations, capture.violations


@pytest.fixture
def capture(captures):
    """One SMTP server that takes everything."""
    return captures()


@pytest.fixture
def namespace():
    """A network of the test's own."""
    made = Namespace()
    yield made
    made.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """An authority, the server's certificate, and clients' certificates by name."""
    folder = tmp_path_factory.mktemp("certificates")
    passable(folder)
    return Certificates(folder)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The folder that `make install DESTDIR=` filled, one for all workers of this run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with open(folder / "installing", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = folder / "installed"
        if not root.exists():
            fresh = folder / "installed.fresh"
            fresh.mkdir(exist_ok=True)
            install(fresh).rename(root)
    return root


@pytest.fixture
def modules(site):
    """A modules directory of the test's own, with those of the build in it."""
    directory = site.directory / "modules"
    shutil.copytree(MODULES, directory)
    return directory


@pytest.fixture
def with_modules(installed, impulse, modules):
    """with_modules(NAME, ...): impulse, with these modules of tests/modules beside its own."""
    def go(*names):
        for name in names:
            build(installed, name, modules)
        impulse.environment["IMPULSE_MODULE_PATH"] = str(modules)
        return impulse

    return go

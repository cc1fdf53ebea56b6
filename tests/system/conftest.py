"""Fixtures of the system tests alone."""
import pytest

from harness.services import Services


@pytest.fixture
def services(impulse, site, certificates, capture):
    """The daemon of this test with all that it can offer, not yet started: services.start()."""
    return Services(impulse, site, certificates, capture)

"""What the smuggling tests share."""
import pytest

from relays import Relay


@pytest.fixture(scope="module")
def relay(tmp_path_factory, certificates):
    """relay(policy): the daemon of that policy; at the end each must have handed on what it accepted, and no more."""
    made = {}

    def get(policy):
        if policy not in made:
            made[policy] = Relay(tmp_path_factory.mktemp("relay"), policy, certificates)
        return made[policy]

    yield get
    for one in made.values():
        one.close()

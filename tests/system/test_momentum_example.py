"""The example of Momentum's ESMTP_Listener page, as it stands: `impulsed -c FILE` and nothing else, on the real
ports 25 and 587 with the default folders, inside a network and a mount namespace.
"""
import re

import pytest

from harness import await_true
from harness.wire import Wire

EXAMPLE = """ESMTP_Listener {
  Listen ":25" {
      Listen_Backlog = 500       # new default, can be set > 200 now
      TCP_Recv_Buffer_Size = 4096
      TCP_Send_Buffer_Size = 4096
      Disable_Nagle_Algorithm = false
  }
  Listen ":587" {
      Enable = "false"
      Accept_Queue_Backlog = 200
      Events_Per_Iter = 20
      Concurrency = 4
      # you need to also create this pool in your configuration,
      # otherwise you get a warning and use the IO pool instead
      Pool_Name = "accept-pool"
  }
  # serve inbound SMTP on port 25 in IPv6
  #Listen "[::1]:25" {}

  # serve inbound SMTP at 192.168.0.1 on port 25 in IPv6
  #Listen "[::192.168.0.1]:25" {}
  # or
  #Listen "[::C0A8:1]:25" {}
}
ThreadPool accept-pool {
  Concurrency = 4
}
"""

# What a fresh server has: the account that Momentum runs under, and the folders that its package makes.
FRESH_SERVER = r"""
set -e
for folder in /var/spool /var/log /run; do mount -t tmpfs tmpfs $folder; done
mkdir -p /var/spool/ecelerity /var/log/ecelerity
for file in passwd group; do grep -v ^ecuser: /etc/$file >/run/$file; done
echo 'ecuser:x:6543:6543::/:/bin/false' >>/run/passwd
echo 'ecuser:x:6543:' >>/run/group
for file in passwd group; do mount --bind /run/$file /etc/$file; done
chown ecuser:ecuser /var/spool/ecelerity /var/log/ecelerity
"""


@pytest.fixture
def server(impulse, namespace):
    namespace.run("sh", "-c", FRESH_SERVER)
    namespace.address("192.168.0.1", "::192.168.0.1")
    impulse.prefix = namespace.prefix
    return impulse


def greeted(address):
    with Wire(address) as client:
        client.greet()
        return client.command("QUIT").code == 221


def listening(namespace):
    """{port: backlog} of what listens inside."""
    return {int(port): int(backlog) for backlog, port in
            re.findall(r"^\d+\s+(\d+)\s+\S*:(\d+)\s", namespace.run("ss", "-H", "-ltn").replace("LISTEN ", ""), re.M)}


def test_as_it_stands(server, namespace):
    server.start(EXAMPLE)
    assert listening(namespace) == {25: min(500, int(namespace.run("cat", "/proc/sys/net/core/somaxconn")))}
    assert namespace.call(greeted, ("127.0.0.1", 25))
    assert namespace.call(greeted, ("192.168.0.1", 25))
    # The port was bound as root; the process is ecuser afterwards (security's defaults).
    assert server.status("Uid").split() == ["6543"] * 4
    assert sum(1 for name in server.threads() if name.startswith("accept-pool")) == 4


def test_with_port_587_enabled(server, namespace):
    server.start(EXAMPLE.replace('Enable = "false"', 'Enable = "true"'))
    assert set(listening(namespace)) == {25, 587}
    assert namespace.call(greeted, ("127.0.0.1", 25))
    assert namespace.call(greeted, ("127.0.0.1", 587))


@pytest.mark.parametrize("endpoint, address", [
    ("[::1]:25", "::1"),
    ("[::192.168.0.1]:25", "::192.168.0.1"),
    ("[::C0A8:1]:25", "::192.168.0.1"),
])
def test_with_an_ipv6_line_uncommented(server, namespace, endpoint, address):
    line = f'Listen "{endpoint}" {{}}'
    assert "#" + line in EXAMPLE
    server.start(EXAMPLE.replace("#" + line, line))
    assert namespace.call(greeted, (address, 25))
    assert namespace.call(greeted, ("127.0.0.1", 25))


def test_without_the_pool_it_says_so(server, namespace):
    """What the example's own comment promises: a warning, and the IO pool instead."""
    config = EXAMPLE[:EXAMPLE.index("ThreadPool")].replace('Enable = "false"', 'Enable = "true"')
    server.start(config)
    await_true(lambda: "accept-pool" in server.said() + namespace.run(
        "sh", "-c", "cat /var/log/ecelerity/paniclog.ec 2>/dev/null || true"), "the line about the pool")
    assert namespace.call(greeted, ("127.0.0.1", 587))

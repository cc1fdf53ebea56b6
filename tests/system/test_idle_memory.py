"""Bytes that the daemon allocates for a connection that waits, after EHLO, counted by valgrind."""
import pytest

from harness.valgrind import Counted
from harness.wire import Wire

pytestmark = pytest.mark.plain

CONNECTIONS = 100


@pytest.mark.parametrize("starttls, bound", [(False, 1700), (True, 16500)], ids=["plain", "tls"])
def test_idle_connection(site, certificates, starttls, bound):
    """Of TLS, 14,000 bytes are OpenSSL's own (doc/performance.md)."""
    def connect():
        wire = Wire(impulse.address)
        wire.greet()
        if starttls:
            wire.command("STARTTLS", 220)
            wire.start_tls(certificates.context())
            wire.command("EHLO client.example", 250)
        return wire
    with Counted(site, "massif") as impulse:
        impulse.start(site.config(listener=f"""
            SMTP_Extensions = ( "ENHANCEDSTATUSCODES" "8BITMIME" "PIPELINING" "STARTTLS" )
            TLS_Certificate = "{certificates.certificate}"
            TLS_Key = "{certificates.key}"
            Idle_Time = 600
        """))
        held = [connect() for _ in range(10)]
        before = impulse.allocated()
        held += [connect() for _ in range(CONNECTIONS)]
        each = (impulse.allocated() - before) / CONNECTIONS
        print(f"{each:.0f} bytes")
        for wire in held:
            wire.close()
    assert each < bound

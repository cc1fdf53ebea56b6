"""Who may relay: relay_hosts, relay_domains with left globs, open_relay, relay_for_sending_domains."""
import pytest

from harness.wire import Wire


def answer(address, recipient, sender="a@sender.example", source=None):
    """The reply to RCPT."""
    with Wire(address, source=source) as client:
        client.greet()
        client.command(f"MAIL FROM:<{sender}>", 250)
        return client.command(f"RCPT TO:<{recipient}>")


def permitted(*arguments, **named):
    reply = answer(*arguments, **named)
    assert reply.code in (250, 550), reply
    assert reply.code == 250 or reply.text.startswith("550 5.7.1 "), reply
    return reply.code == 250


def test_nobody_relays_by_default(impulse, site):
    impulse.start(site.config(listener="relay_hosts = ( )"))
    reply = answer(impulse.address, "b@rcpt.example")
    assert reply.code == 550 and "5.7.1" in reply.text and "relaying denied" in reply.text.lower()


def test_a_refused_recipient_leaves_the_others(impulse, site, capture):
    impulse.start(site.config('relay_domains = ( "ours.example" )', 'relay_hosts = ( )', to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        client.command("MAIL FROM:<a@sender.example>", 250)
        client.command("RCPT TO:<b@theirs.example>", 550)
        client.command("RCPT TO:<b@ours.example>", 250)
        client.command("DATA", 354)
        client.send(b"x: y\r\n\r\nz\r\n.\r\n")
        assert client.reply().code == 250
    assert capture.wait()[0].recipients == ["b@ours.example"]


@pytest.mark.parametrize("hosts, source, expected", [
    ('"127.0.0.0/8"', "127.0.0.1", True),
    ('"127.0.0.2"', "127.0.0.1", False),
    ('"127.0.0.2"', "127.0.0.2", True),
    ('"127.0.0.2/32" "127.9.0.0/16"', "127.9.8.7", True),
    ('"10.0.0.0/8" "2001:db8::/32"', "127.0.0.1", False),
    ('"0.0.0.0/0"', "127.0.0.1", True),
    ('"::/0"', "127.0.0.1", False),
    ('"::/0" "::ffff:127.0.0.0/104"', "127.0.0.1", True),
])
def test_relay_hosts(impulse, site, hosts, source, expected):
    impulse.start(site.config(listener=f"relay_hosts = ( {hosts} )"))
    assert permitted(impulse.address, "b@rcpt.example", source=source) == expected


def test_relay_hosts_ipv6(impulse, site, namespace):
    namespace.address("fd82:7796:815b:af9d::5")
    impulse.prefix = namespace.prefix
    impulse.start(site.config(listener='relay_hosts = ( "fd82:7796:815b:af9d::/64" )\n  Listen "[*]:2525" {}'))
    assert namespace.call(permitted, ("::1", 2525), "b@rcpt.example", source="fd82:7796:815b:af9d::5")
    assert not namespace.call(permitted, ("::1", 2525), "b@rcpt.example", source="::1")


def test_a_listens_relay_hosts_override_the_global_ones(impulse, site):
    impulse.start(site.config('relay_hosts = ( "127.0.0.0/8" )', "relay_hosts = ( )"))
    assert not permitted(impulse.address, "b@rcpt.example")


@pytest.mark.parametrize("domain, expected", [
    ("example.com", True),
    ("EXAMPLE.com", True),
    ("test.example.com", True),       # by *.example.com
    ("a.b.example.com", True),
    ("badexample.com", False),        # the dot is required
    ("example.net", False),           # *.example.net does not match the domain itself
    ("mail.example.net", True),
    ("badexample.org", True),         # *example.org, as the manual warns
    ("example.org", True),
    ("com", False),
    ("example.com.evil.test", False),
])
def test_relay_domains(impulse, site, domain, expected):
    impulse.start(site.config('relay_domains = ( example.com *.example.com "*.example.net" *example.org )',
                              "relay_hosts = ( )"))
    assert permitted(impulse.address, f"b@{domain}") == expected


def test_open_relay_in_a_peer(impulse, site):
    impulse.start(site.config(listener='relay_hosts = ( )\n  Peer "127.0.0.0/28" { Open_Relay = true }\n'
                                       '  Peer "127.0.0.3" { Open_Relay = false }'))
    assert permitted(impulse.address, "b@rcpt.example", source="127.0.0.1")
    assert not permitted(impulse.address, "b@rcpt.example", source="127.0.0.3")   # the longest prefix decides
    assert not permitted(impulse.address, "b@rcpt.example", source="127.0.0.100")


def test_relay_for_sending_domains(impulse, site):
    impulse.start(site.config(listener='relay_hosts = ( )\n'
                                       '  Peer "127.0.0.0/8" { relay_for_sending_domains = ( "ours.example" '
                                       '"*.foo.example" ) }'))
    assert permitted(impulse.address, "b@rcpt.example", sender="a@ours.example")
    assert permitted(impulse.address, "b@rcpt.example", sender="a@x.foo.example")
    assert not permitted(impulse.address, "b@rcpt.example", sender="a@foo.example")
    assert not permitted(impulse.address, "b@rcpt.example", sender="a@theirs.example")
    assert not permitted(impulse.address, "b@rcpt.example", sender="")

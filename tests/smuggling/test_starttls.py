"""The same under TLS, where the reader has other buffers; and plain text that waits for the encryption."""
import ssl

import pytest

from harness.wire import Wire
from relays import ALLOW, DEFAULT, FIX, answer, cut_at_every_byte, transaction
from variants import POSITIONS, SMUGGLED, VARIANTS, unstuffed


@pytest.mark.parametrize("policy", [DEFAULT, FIX, ALLOW], ids=repr)
@pytest.mark.parametrize("position", POSITIONS)
def test_whole(relay, certificates, policy, position):
    server = relay(policy)
    with server.client(tls=certificates.any_context()) as client:
        for variant, _ in VARIANTS.values():
            wire, recipient = POSITIONS[position](variant), server.recipient()
            transaction(client, recipient)
            client.send(wire + b".\r\n")
            server.judge(answer(client), recipient, unstuffed(wire), position)
    server.arrived()


@pytest.mark.parametrize("policy", [DEFAULT, FIX], ids=repr)
@pytest.mark.parametrize("name", VARIANTS)
def test_cut_into_records_at_every_byte(relay, certificates, policy, name):
    server = relay(policy)
    with server.client(tls=certificates.any_context()) as client:
        cut_at_every_byte(server, client, VARIANTS[name][0])
    server.arrived()


@pytest.mark.parametrize("setting", ["", "reject", "ignore"])
@pytest.mark.parametrize("cut", range(9, 12))
def test_plain_text_behind_starttls_is_no_command(impulse, site, capture, certificates, setting, cut):
    """What an attacker puts behind STARTTLS is never answered, or acted on, under TLS; wherever the segments end."""
    policy = f'Starttls_Injection_Policy = "{setting}"' if setting else ""
    impulse.start(site.config(
        listener=f'{policy}\nSMTP_Extensions = ( "ENHANCEDSTATUSCODES" "STARTTLS" )\nTLS_Certificate = "{certificates.certificate}"\nTLS_Key = "{certificates.key}"',
        to=capture))
    with Wire(impulse.address) as client:
        client.greet()
        line = b"STARTTLS\r\n" + SMUGGLED + b".\r\n"
        client.send(line[:cut])
        client.send(line[cut:])
        try:
            reply = client.reply()
            if reply.code != 220:
                assert reply.code in (421, 501, 503, 550, 554), reply
                while client.reply().code >= 400:
                    pass
            else:
                client.start_tls(certificates.any_context())
                client.send(b"NOOP\r\n")
                assert client.reply().text == "250 2.0.0 OK"
                client.send(b"DATA\r\n")
                assert client.reply().code == 503
        except (ConnectionError, ssl.SSLError):
            pass    # it hung up, which is an answer too
    impulse.stop()
    assert not impulse.mainlog("R") and not capture.messages

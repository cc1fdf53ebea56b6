"""What a check of the configuration says of SMTP_Extensions, and of domains for addresses that have none."""
import re

import pytest

from harness.daemon import Site, run


def findings(tmp_path, listener):
    path = tmp_path / "checked.conf"
    path.write_text(Site(tmp_path).config("", listener))
    return run("-t", "-c", path)


@pytest.mark.parametrize("listener, text", [
    ('SMTP_Extensions = ( "FOO" )', '"FOO" is not offered: there is no such extension here'),
    ('SMTP_Extensions = ( "BINARYMIME" )', "BINARYMIME is not offered without CHUNKING"),
    ('SMTP_Extensions = ( "XCLIENT" )', "with XCLIENT every client may speak for another client"),
    ('SMTP_Extensions = ( "xremoteip" )', "with XREMOTEIP every client may speak for another client"),
    ('SMTP_Extensions = ( "XSETCONTEXT" )', "with XSETCONTEXT every client may set the context"),
])
def test_a_warning_with_its_place(tmp_path, listener, text):
    status, said = findings(tmp_path, listener)
    assert status == 0 and text in said, said
    line = next(line for line in said.splitlines() if text in line)
    assert re.match(r"\S+/checked\.conf:\d+:\d+: warning: ", line), line


@pytest.mark.parametrize("listener", [
    'Peer "192.0.2.1" { SMTP_Extensions = ( "XCLIENT" "XREMOTEIP" "XSETCONTEXT" "XDUMPCONTEXT" ) }',
    'SMTP_Extensions = ( "XDUMPCONTEXT" "PIPELINING" "8BITMIME" "SIZE" "SMTPUTF8" "DSN" "CHUNKING" "BINARYMIME" )',
    'SMTP_Extensions = ( "REQUIRETLS" "LIMITS" "ENHANCEDSTATUSCODES" "ENHANCEDSTATUSCODE" )',
])
def test_nothing_to_say(tmp_path, listener):
    status, said = findings(tmp_path, listener)
    assert status == 0 and "smtp_extensions" not in said.lower(), said


@pytest.mark.parametrize("option", ["domain_for_unqualified_recipient_addresses",
                                    "domain_for_unqualified_sender_address"])
@pytest.mark.parametrize("domain", ["a b", "a@b.example", "-a.example", "a..example"])
def test_what_is_no_domain_is_an_error(tmp_path, option, domain):
    status, said = findings(tmp_path, f'{option} = "{domain}"')
    assert status != 0 and f'{option}: a domain was expected, not "{domain}"' in said, said

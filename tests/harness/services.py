"""A daemon that offers all it has, for real clients: STARTTLS, TLS from the first byte, every AUTH mechanism, DSN, BDAT.

    services = Services(impulse, site, certificates, capture)
    services.start()                    nobody may relay but who authenticates as ann (the password is "secret")
    services.start("open_relay = true")
    services.address, services.tls_address      the usual Listen, and the one with Use_SSL

and what a test asserts about a message that came through it.
"""
import hashlib
import re

from . import await_true
from .daemon import free_port
from .messages import difference

USER, PASSWORD, REALM = "ann", "secret", "impulse.example"
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "EXTERNAL")
EXTENSIONS = ("ENHANCEDSTATUSCODES", "STARTTLS", "AUTH " + " ".join(MECHANISMS), "SMTPUTF8", "DSN", "CHUNKING",
              "BINARYMIME", "REQUIRETLS", "LIMITS")


class Services:
    def __init__(self, impulse, site, certificates, capture):
        self.impulse, self.site, self.certificates, self.capture = impulse, site, certificates, capture
        self.tls_port = free_port()
        self.address, self.tls_address = impulse.address, ("127.0.0.1", self.tls_port)
        self.port = site.port

    def configuration(self, relay='relay_hosts = ( "192.0.2.0/24" )', listener="", extensions=(), outer=""):
        folder = self.site.directory
        (folder / "passwords").write_text(f"{USER}:{PASSWORD}\n")
        digest = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
        (folder / "digests").write_text(f"{USER}:{REALM}:{digest}\n")
        for name in ("passwords", "digests"):
            (folder / name).chmod(0o600)
        methods = "\n".join(f'  Auth{name}Parameters = [ uri = "file://{folder}/passwords" log_authentication = "true" ]'
                            for name in ("Plain", "Login", "CramMD5", "Scram"))
        offered = " ".join(f'"{name}"' for name in (*EXTENSIONS, *extensions))
        return self.site.config(outer, f"""
  SMTP_Extensions = ( {offered} )
  Plaintext_Authentication = true
  TLS_Certificate = "{self.certificates.certificate}"
  TLS_Key = "{self.certificates.key}"
  TLS_Client_CA = "{self.certificates.ca}"
{methods}
  AuthDigestMD5Parameters = [ uri = "digest://{folder}/digests" realm = "{REALM}" log_authentication = "true" ]
  {relay}
  {listener}
  Listen "127.0.0.1:{self.tls_port}" {{ Use_SSL = true }}""", to=self.capture,
                                logger=f'acctlog = "{self.site.log}/acctlog.ec"')

    def start(self, relay='relay_hosts = ( "192.0.2.0/24" )', **more):
        self.impulse.start(self.configuration(relay, **more))
        return self

    # ---- what came through -----------------------------------------------------------------------------------

    def arrived(self, sent, protocol, recipients=("b@rcpt.example",), user=None, sender="a@sender.example"):
        """Each recipient has one copy: `sent` (CR LF line ends) byte for byte behind the trace header, which names
        the protocol (RFC 3848) and, if a user is given, an authentication. Returns the last one's trace header."""
        await_true(lambda: sum(len(m.recipients) for m in self.capture.messages) >= len(recipients),
                   f"{recipients} served; {[m.recipients for m in self.capture.messages]} were")
        assert sorted(r for m in self.capture.messages for r in m.recipients) == sorted(recipients)
        for message in self.capture.messages:
            assert message.sender == sender
            trace = trace_before(message.content, sent)
            by = re.search(r"\bwith (\S+)", unfolded(trace, "Received"))
            assert by and by[1] == protocol, trace
            if user:
                self.authenticated(trace, user)
        return trace

    def authenticated(self, trace, user):
        """Authentication-Results tells strangers that somebody was; the acctlog tells the operator who."""
        results = unfolded(trace, "Authentication-Results")
        assert "auth=pass (" in results and "smtp.auth=xxxx" in results and user not in results, trace
        await_true(lambda: any(user in line.split("@") for line in self.acctlog()), f"{user} in {self.acctlog()}")

    def acctlog(self):
        path = self.site.log / "acctlog.ec"
        return path.read_text().splitlines() if path.exists() else []


def trace_before(content, sent):
    """The header that was put before `sent`, which nothing else was done to; as text."""
    assert content.endswith(sent), f"changed on its way: {difference(content, sent)}"
    trace = content[:len(content) - len(sent)].decode()
    names = {line.split(":")[0].lower() for line in trace.split("\r\n")[:-1] if line[:1] not in " \t"}
    assert names <= {"received", "authentication-results"}, trace
    return trace


def unfolded(trace, field):
    """The first field of that name, in one line."""
    found = re.search(rf"^{field}:((?:[^\r]*\r\n)(?:[ \t][^\r]*\r\n)*)", trace, re.M | re.I)
    return re.sub(r"\s+", " ", found[1]) if found else ""

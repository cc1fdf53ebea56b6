"""Certificates for tests: an authority, the server's certificate, and one for each client that a test names.

    made = Certificates(folder)
    made.ca, made.certificate, made.key        PEM files; the certificate is for mx.impulse.example and 127.0.0.1
    made.rsa, made.dhparams                    (certificate, key) of RSA, and a group of 3072 bits for DHE
    made.client("ann")                         (certificate, key) with CN=ann and the address ann@sender.example
    made.stranger("ann")                       the same names, signed by an authority that nobody knows
    made.short_lived("ann", 5)                 an ssl.SSLContext whose certificate ends in five seconds
    made.context(), made.context("ann")        an ssl.SSLContext that trusts the authority (and shows a certificate)
"""
import ssl
import subprocess
import time
from functools import cached_property
from pathlib import Path

HOSTNAME = "mx.impulse.example"


class Certificates:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.ca_key = self.authority("ca")
        self.certificate, self.key = self.issue("server", HOSTNAME, f"DNS:{HOSTNAME},DNS:localhost,IP:127.0.0.1")

    @staticmethod
    def openssl(*arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"

    def files(self, name):
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def authority(self, name):
        certificate, key = self.files(name)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", f"/O=Tests of Impulse/CN={name}", "-keyout", key, "-out", certificate)
        return certificate, key

    def issue(self, name, common_name, alternative, authority="ca", days=30):
        """A certificate signed by `authority`; `alternative` is its subjectAltName."""
        certificate, key = self.files(name)
        ca, ca_key = self.files(authority)
        request, extensions = certificate.with_suffix(".csr"), certificate.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={alternative}\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", f"/O=Tests of Impulse/CN={common_name}", "-keyout", key, "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", days,
                     "-extfile", extensions, "-out", certificate)
        return certificate, key

    def short_lived(self, name, seconds):
        """A context that shows a certificate for `name`, which ends in so many seconds."""
        certificate, key = self.files(f"short-{name}")
        folder = self.folder / f"short-{name}"
        folder.mkdir()
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "conf").write_text("[ca]\ndefault_ca=it\n[it]\ndefault_md=sha256\npolicy=any\n"
                                     f"database={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
                                     "[any]\norganizationName=optional\ncommonName=supplied\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", key, "-out", folder / "request")
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))
        self.openssl("ca", "-batch", "-notext", "-config", folder / "conf", "-cert", self.ca, "-keyfile", self.ca_key,
                     "-in", folder / "request", "-startdate", "20200101000000Z", "-enddate", end, "-out", certificate)
        context = self.context()
        context.load_cert_chain(certificate, key)
        return context

    @cached_property
    def rsa(self):
        certificate, key = self.files("rsa")
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-subj", "/CN=rsa",
                     "-keyout", key, "-out", certificate)
        key.chmod(0o644)
        return certificate, key

    @cached_property
    def dhparams(self):
        file = self.folder / "dh.pem"
        self.openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe3072", "-out", file)
        return file

    def client(self, name):
        certificate, key = self.files(f"client-{name}")
        if not certificate.exists():
            self.issue(f"client-{name}", name, f"email:{name}@sender.example")
        return certificate, key

    def stranger(self, name):
        if not self.files("strange-ca")[0].exists():
            self.authority("strange-ca")
        certificate, key = self.files(f"stranger-{name}")
        if not certificate.exists():
            self.issue(f"stranger-{name}", name, f"email:{name}@sender.example", "strange-ca")
        return certificate, key

    def context(self, client=None, stranger=None):
        """Trusts the authority, but does not look at the server's name."""
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        if client or stranger:
            context.load_cert_chain(*(self.client(client) if client else self.stranger(stranger)))
        return context

    def any_context(self):
        """Takes whatever certificate the server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

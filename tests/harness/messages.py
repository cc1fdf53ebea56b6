"""Messages that are hard to carry unchanged, by name. All have CR LF line ends, as on the wire."""
import random

HEADER = (b"From: Ann <a@sender.example>\r\nTo: Bob <b@rcpt.example>\r\nSubject: a test\r\n"
          b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\n")


# For content without a header, which is refused otherwise and would get one.
ANY_HEADER = """rfc2822_missing_headers = "allow"
rfc2822_date_header = "ignore"
rfc2822_messageid_header = "ignore"
"""


def header(*more):
    return HEADER + b"".join(line + b"\r\n" for line in more) + b"\r\n"


def large(size, seed=1):
    """About `size` bytes: lines of all lengths up to 998, of all bytes but NUL, CR and LF, many with leading dots."""
    source = random.Random(seed)
    alphabet = bytes(byte for byte in range(1, 256) if byte not in b"\r\n")
    noise = bytes(source.choices(alphabet, k=65536))
    parts, total = [header()], len(header())
    while total < size:
        start, length = source.randrange(64000), source.randrange(0, 997)
        line = (b"." if source.random() < 0.2 else b"") + noise[start:start + length] + b"\r\n"
        parts.append(line)
        total += len(line)
    return b"".join(parts)


EXACT = {
    "plain": header() + b"Hello.\r\n",
    "no body": header(),
    "no separator": HEADER,
    "nothing at all": b"",
    "one empty line": b"\r\n",
    "empty lines": header() + b"\r\n\r\n\r\n",
    "dots": header() + b".\r\n..\r\n...\r\n.a\r\na.\r\n. \r\n.\t.\r\n.\r\n",
    "a dot first": b".first: line\r\n" + header(),
    "8-bit": header(b"Content-Transfer-Encoding: 8bit") + bytes(range(128, 256)) + b"\r\n" + "Grüße, 世界\r\n".encode(),
    "control bytes": header() + bytes(b for b in range(1, 32) if b not in b"\r\n") + b"\x7f\r\n",
    "trailing spaces": header() + b"a  \r\n \r\n\t\r\n  \r\n",
    "long line": header() + b"x" * 998 + b"\r\n",
    "longer line": header() + b"y" * 70000 + b"\r\n",
    "folded header": HEADER + b"X-Folded: a\r\n b\r\n\tc\r\n\r\nbody\r\n",
    "looks like commands": header() + b"QUIT\r\nRSET\r\nMAIL FROM:<x@y>\r\n.QUIT\r\n",
    "From line": header() + b"From here on\r\n>From there\r\n",
    # A chunk of a stored body is 256 KiB: ends just before, at and after it, and dots there.
    "a chunk less 1": header() + b"z" * (262144 - 3 - len(header())) + b"\r\n",
    "a chunk": header() + b"z" * (262144 - 2 - len(header())) + b"\r\n",
    "a chunk and 1": header() + b"z" * (262144 - 1 - len(header())) + b"\r\n",
    "dots over chunks": header() + b".\r\n" * 200000,
    "300 kB": large(300_000),
    "2 MB": large(2_000_000),
}


def only_trace_added(delivered, sent, fields=("received",)):
    """Is `delivered` what was sent, with trace fields of those names (and no others) in front? Returns them."""
    assert delivered.endswith(sent), f"changed on its way: {difference(delivered, sent)}"
    trace = delivered[:len(delivered) - len(sent)]
    names = []
    for line in trace.split(b"\r\n")[:-1]:
        if line[:1] not in (b" ", b"\t"):
            names.append(line.split(b":")[0].decode().lower())
    assert trace.endswith(b"\r\n") and names, f"no trace header: {trace!r}"
    assert set(names) <= set(fields), f"more than trace headers were added: {trace!r}"
    assert names.count("received") == 1, trace
    return trace


def difference(delivered, sent):
    """Where the two differ, counted from the end of the trace header, for people to read."""
    start = delivered.find(sent[:40])
    rest = delivered[start:] if start >= 0 else delivered
    for place, (a, b) in enumerate(zip(rest, sent)):
        if a != b:
            return f"at byte {place}: {rest[place - 20:place + 40]!r} instead of {sent[place - 20:place + 40]!r}"
    return f"{len(rest)} bytes instead of {len(sent)}; ends in {rest[-60:]!r} instead of {sent[-60:]!r}"

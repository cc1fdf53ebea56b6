"""A name server that answers wrongly, late or not at all, by seed, for the domains dN.example.

Each has two exchangers, mx1 (preferred) and mx2, and both have the address 127.0.0.1. Name and address errors that are
final (no such name, too many addresses) concern mx1 only: then mx2 must do.
"""
import random
import socket
import struct
import threading

A, CNAME, MX = 1, 5, 15
SERVFAIL, NXDOMAIN = 2, 3
ANSWER, TRUNCATED = 0x8580, 0x0200
FAULTS = ("silent", "servfail", "truncated", "garbage", "wrong id", "late", "no such exchanger", "loop", "flood", "short")


def packed(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def record(name, kind, data):
    return packed(name) + struct.pack(">HHIH", kind, 1, 0, len(data)) + data


def read_question(query):
    """Its name, type, and bytes."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += query[at] + 1
    return ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])[0], query[12:at + 5]


def address(last):
    return socket.inet_aton("127.0.%d.%d" % divmod(last, 256))


class FaultyNameserver:
    """Answers queries on UDP and TCP. With one of `faults`, which may be changed at any time, so often as `chance` says."""

    def __init__(self, seed, faults=(), chance=0.3):
        self.faults, self.chance, self.random = faults, chance, random.Random(seed)
        self.struck = 0
        while True:     # a port that is free for both
            self.tcp = socket.create_server(("127.0.0.1", 0))
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self.udp.bind(self.tcp.getsockname())
                break
            except OSError:
                self.tcp.close()
                self.udp.close()
        self.port = self.udp.getsockname()[1]
        for run in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=run, daemon=True).start()

    def stop(self):
        for listening in (self.udp, self.tcp):
            try:
                listening.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass    # of UDP, which is not connected: its thread is awake all the same
            listening.close()

    def choose(self):
        if not self.faults or self.random.random() >= self.chance:
            return None
        self.struck += 1
        return self.random.choice(self.faults)

    def records(self, name, kind, fault):
        """The records of the answer, or none."""
        if fault == "loop" and name.startswith("mx1."):
            other = name.replace("mx1.", "mx1.alias." if ".alias." not in name else "mx1.", 1).replace(".alias.alias", "")
            return [record(name, CNAME, packed(other))]
        if name.startswith("d") and kind == MX:
            return [record(name, MX, struct.pack(">H", 10 * i) + packed(f"mx{i}.{name}")) for i in (1, 2)]
        if name.startswith("mx") and kind == A:
            count = 3000 if fault == "flood" and name.startswith("mx1.") else 1
            return [record(name, A, address(i)) for i in range(1, count + 1)]
        return []

    def answer(self, query, fault):
        name, kind, question = read_question(query)
        code = SERVFAIL if fault == "servfail" else 0
        if fault == "no such exchanger" and name.startswith("mx1."):
            code = NXDOMAIN
        records = [] if code else self.records(name, kind, fault)
        number = struct.unpack(">H", query[:2])[0] ^ (0x5555 if fault == "wrong id" else 0)
        return struct.pack(">HHHHHH", number, ANSWER | code, 1, len(records), 0, 0) + question + b"".join(records)

    def respond(self, query, send, datagram):
        """Sends what the fault of this time makes of the answer."""
        fault = self.choose()
        answer = self.answer(query, fault)
        if fault == "silent":
            return
        if fault == "garbage":
            answer = answer[:2] + self.random.randbytes(len(answer) - 2)
        if fault == "short":
            answer = answer[:self.random.randrange(len(answer))]
        if datagram and (fault == "truncated" or len(answer) > 1200):
            question = read_question(query)[2]
            answer = answer[:2] + struct.pack(">HHHHH", ANSWER | TRUNCATED, 1, 0, 0, 0) + question
        if fault == "late":
            threading.Timer(self.random.uniform(0.2, 3), send, [answer]).start()
        else:
            send(answer)

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(65536)
            except OSError:
                return
            if not query:   # it was shut down
                return
            self.respond(query, lambda answer, peer=peer: self.send_to(answer, peer), True)

    def send_to(self, answer, peer):
        try:
            self.udp.sendto(answer, peer)
        except OSError:
            pass    # it ends

    def serve_tcp(self):
        while True:
            try:
                connection = self.tcp.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve_connection, args=[connection], daemon=True).start()

    def serve_connection(self, connection):
        def send(answer):
            try:
                connection.sendall(struct.pack(">H", len(answer) & 0xffff) + answer[:0xffff])
            except OSError:
                pass    # the resolver does not wait any more

        with connection, connection.makefile("rb") as stream:
            try:
                while len(size := stream.read(2)) == 2:
                    query = stream.read(struct.unpack(">H", size)[0])
                    if len(query) < 17:     # the resolver has closed the connection in the middle
                        return
                    self.respond(query, send, False)
            except OSError:
                pass

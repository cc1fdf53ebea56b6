"""The mainlog, record by record. Source: Momentum 4 manual, "mainlog"."""

COMMON = ("time", "message", "batch", "connection", "kind")
FIELDS = {
    "R": ("local", "domain", "sender_local", "sender_domain", "peer", "size", "protocol", "group", "binding"),
    "D": ("domain", "size", "group", "binding", "retries", "seconds", "peer"),
    "T": ("domain", "size", "group", "binding", "stage", "retries", "seconds", "peer", "text"),
    "P": ("domain", "size", "group", "binding", "stage", "retries", "seconds", "peer", "text"),
    "M": (),
}


class Record:
    """One line, its fields by name."""

    def __init__(self, line):
        self.line = line
        parts = line.split("@", 4 + len(FIELDS.get(kind_of(line), ())))
        self.kind = parts[4]
        names = COMMON + FIELDS[self.kind]
        assert len(parts) == len(names), f"{self.kind} records have {len(names)} fields: {line!r}"
        self.__dict__.update(zip(names, parts))

    def __repr__(self):
        return self.line


def kind_of(line):
    parts = line.split("@", 5)
    assert len(parts) >= 5, f"not a mainlog record: {line!r}"
    return parts[4]


def records(text, kind=None):
    lines = text[:text.rfind("\n") + 1].splitlines()  # a line still being written is not one yet
    return [Record(line) for line in lines if kind is None or kind_of(line) == kind]

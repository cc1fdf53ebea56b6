"""Every way to write something like the end of a message that is none, and what a strict reader makes of it.

CR LF . CR LF ends a message, and nothing else (RFC 5321 section 4.1.1.4). Each variant below ends it for some server
that was seen to be lenient: if the servers before and behind it disagree, what follows the variant is content for the
one and commands for the other, and a client can send mail in the first one's name.
"""
import re

VARIANTS = {
    # name: (bytes, why somebody takes it for the end)
    "LF.LF": (b"\n.\n", "Unix line ends, taken for CR LF throughout"),
    "CR.CR": (b"\r.\r", "line ends of old Macintoshes"),
    "LF.CRLF": (b"\n.\r\n", "a bare LF ends a line, so the dot begins the next"),
    "CR.CRLF": (b"\r.\r\n", "a bare CR ends a line, so the dot begins the next"),
    "CRLF.LF": (b"\r\n.\n", "the dot's own line ends in a bare LF"),
    "CRLF.CR": (b"\r\n.\r", "the dot's own line ends in a bare CR"),
    "LF.CR": (b"\n.\r", "both kinds of bare line end"),
    "CR.LF": (b"\r.\n", "and the other way round"),
    "LFLF.LF": (b"\n\n.\n", "an empty line in front"),
    "LF.CRCRLF": (b"\n.\r\r\n", "readers that drop a CR before CR LF"),
    "CRLF.CRCRLF": (b"\r\n.\r\r\n", "the same behind a true line end"),
    "CRCRLF.CRCRLF": (b"\r\r\n.\r\r\n", "a CR too many at both line ends: a file translated to CR LF twice"),
    "LFCR.LFCR": (b"\n\r.\n\r", "CR and LF the wrong way round"),
    "CRLFCR.LF": (b"\r\n\r.\n", "a CR between the line end and the dot"),
    "CRLFLF.LF": (b"\r\n\n.\n", "an empty line that ends in a bare LF"),
    "CRLF.CRLF with NUL first": (b"\0\r\n.\n", "a NUL ends a C string, so the line ends are compared alone"),
    "CRLF NUL.CRLF": (b"\r\n\0.\r\n", "a NUL is dropped before the line is looked at"),
    "CRLF.NUL CRLF": (b"\r\n.\0\r\n", "a NUL ends a C string, so the line is a dot"),
    "CR NUL LF.CRLF": (b"\r\0\n.\r\n", "Telnet's way to write a CR, RFC 854"),
    "CRLF.CR NUL LF": (b"\r\n.\r\0\n", "the same behind the dot"),
    "LF NUL.LF": (b"\n\0.\n", "a NUL within bare line ends"),
    "CRLF. CRLF": (b"\r\n. \r\n", "a blank behind the dot, stripped by the reader"),
    "CRLF.TAB CRLF": (b"\r\n.\t\r\n", "a tab behind the dot"),
    "CRLF .CRLF": (b"\r\n .\r\n", "a blank before the dot"),
    "CRLF..LF": (b"\r\n..\n", "a stuffed dot before a bare LF"),
    "LF..CRLF": (b"\n..\r\n", "a dot stuffed by a server to which the bare LF ended a line"),
    "LF..LF": (b"\n..\n", "the same with a bare LF behind"),
    "VT.VT": (b"\v.\v", "splitlines of scripting languages"),
    "FF.FF": (b"\f.\f", "splitlines of scripting languages"),
    "NEL.NEL": (b"\x85.\x85", "the C1 line end, ISO 8859"),
    "U+0085": (b"\xc2\x85.\xc2\x85", "the same in UTF-8"),
    "U+2028": (b"\xe2\x80\xa8.\xe2\x80\xa8", "Unicode's line separator"),
    "U+FF0E": (b"\r\n\xef\xbc\x8e\r\n", "a full stop that compatibility folding makes a dot"),
    "overlong CR LF": (b"\xc0\x8d\xc0\x8a.\xc0\x8d\xc0\x8a", "CR LF in UTF-8's forbidden two-byte form"),
    "overlong dot": (b"\r\n\xc0\xae\r\n", "the dot in that form"),
    "overlong, three bytes": (b"\r\n\xe0\x80\xae\r\n", "and in three bytes"),
    "eighth bit, line ends": (b"\x8d\x8a.\x8d\x8a", "readers that strip the eighth bit"),
    "eighth bit, dot": (b"\r\n\xae\r\n", "the dot with its eighth bit set"),
    "UTF-16": (b"\r\0\n\0.\0\r\0\n\0", "each character in two bytes"),
    "encoded": (b"=0D=0A.=0D=0A", "a decoder in the way"),
    "HTTP": (b"%0D%0A.%0D%0A", "another decoder"),
    "dots": (b"\r\n...\r\n..\r\n....\r\n", "lines of dots, each one too many"),
    "a long line and LF.LF": (b"x" * 70000 + b"\n.\n", "a line that no buffer holds, cut before the dot"),
    "998 and a dot": (b"\r\n" + b"x" * 998 + b".\r\n", "a line broken at RFC 5322's limit begins with the dot"),
    "1000 and a dot": (b"\r\n" + b"x" * 1000 + b".\r\n", "a line broken at RFC 5321's limit begins with the dot"),
    "2048 and a dot": (b"\r\n" + b"x" * 2048 + b".\r\n", "Postfix's line_length_limit"),
    "4096 and a dot": (b"\r\n" + b"x" * 4096 + b".\r\n", "a reader's buffer"),
    "8191 and a dot": (b"\r\n" + b"x" * 8191 + b".\r\n", "a reader's buffer, less its NUL"),
    "a line of dots": (b"\r\n" + b"." * 5000 + b"\r\n", "wherever it is broken, a line begins with a dot"),
}

# What the most lenient of readers takes for the end, on the wire.
ENDS = re.compile(rb"(?:^|[\r\n])\0*\.[\0 \t]*(?:[\r\n]|$)")
BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
END = b"\r\n.\r\n"

HEADER = (b"From: Ann <a@sender.example>\r\nTo: Bob <b@rcpt.example>\r\nSubject: a test\r\n"
          b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\n")
VICTIM = "victim@evil.example"
# What the client hopes to have taken for commands; it ends in a true end of its own.
SMUGGLED = (b"MAIL FROM:<admin@evil.example>\r\nRCPT TO:<" + VICTIM.encode() + b">\r\nDATA\r\n" + HEADER +
            b"\r\nevil\r\n")


def after_line_end(variant):
    """The variant where a true line end stands before it already."""
    return variant[2:] if variant.startswith(b"\r\n") else variant


POSITIONS = {
    "in the body": lambda variant: HEADER + b"\r\ntext" + variant + SMUGGLED,
    "at the start of the body": lambda variant: HEADER + b"\r\n" + after_line_end(variant) + SMUGGLED,
    "in the header": lambda variant: HEADER + b"X-Field: value" + variant + SMUGGLED,
    "at the start": lambda variant: after_line_end(variant) + SMUGGLED,
    "at the end": lambda variant: HEADER + b"\r\ntext" + variant + b"\r\n",
}


def places(content, variant):
    """Where to cut `content` in two: at each byte around the variant, and within its first and its last lines."""
    start = content.index(b"text")
    behind = start + 4 + len(variant)
    return [0, 1, *range(start, min(start + 8, behind)), *range(max(behind - 6, start + 8), behind + 6),
            *range(len(content) - 5, len(content) + 1)]


def has_bare(content):
    return bool(BARE.search(content))


def fixed(content):
    """Each bare CR and each bare LF made CR LF."""
    return BARE.sub(b"\r\n", content)


def unstuffed(wire):
    """RFC 5321 section 4.5.2, where only CR LF ends a line."""
    wire = wire.replace(b"\r\n.", b"\r\n")
    return wire[1:] if wire.startswith(b".") else wire


def stuffed(content):
    """As Impulse sends it: with a dot before every dot that anybody could take for the first of a line, NULs dropped or
    not. Where there are true line ends alone and no NUL, that is RFC 5321 section 4.5.2."""
    return re.sub(rb"((?:^|[\r\n])\0*)\.", rb"\1..", content)


STUFFED = re.compile(rb"((?:^|[\r\n])\0*\.)\.")    # ... which \1 undoes


def strict_end(wire):
    """Where a strict reader finds the end in what follows DATA; -1: nowhere."""
    return (b"\r\n" + wire).find(END)

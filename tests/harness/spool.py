"""Files of a spool, to be damaged."""


def the(site, pattern):
    """The largest file of the spool that matches."""
    return max((site.spool / "impulse").glob(pattern), key=lambda path: path.stat().st_size)


def flip(path, where):
    """One bit of the byte there."""
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)

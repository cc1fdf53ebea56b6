"""Makes of a folder what a power loss would have left, from what the shim recorded (power_loss.c)."""
import os
import shutil
from pathlib import Path

SECTOR = 512


def number_of(path):
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return None


def torn(durable, live, random):
    """What of the bytes behind the last sync reached the disk: none, some, or some with a hole of zeros before the end."""
    if not live.startswith(durable):    # overwritten in place: the old block or the new one
        return random.choice([durable, live]) if len(live) == len(durable) else durable
    rest = live[len(durable):]
    kept = rest[:random.randrange(len(rest) + 1)]
    if random.random() < 0.3 and len(kept) > SECTOR:
        hole = random.randrange(len(kept) - SECTOR)
        kept = kept[:hole] + b"\0" * SECTOR + kept[hole + SECTOR:]
    return durable + kept


def lose_power(folder, shadow, random):
    """Replaces the files right below `folder`. Names that were not synced are gone, and those that were are back."""
    folder, shadow = Path(folder), Path(shadow)
    numbers = [int(line) for line in (shadow / "files").read_text().splitlines()]
    names = dict(reversed(line.split(" ", 1)) for line in (shadow / "names").read_text().splitlines())
    after = {}
    for name, index in names.items():
        number = numbers[int(index)]
        size = number_of(shadow / f"{number}.size")
        durable = (shadow / str(number)).read_bytes()[:size] if size else b""
        live = folder / name
        after[name] = torn(durable, live.read_bytes(), random) if live.exists() else durable
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    for name, content in after.items():
        (folder / name).write_bytes(content)
    shutil.rmtree(shadow)
    os.mkdir(shadow)

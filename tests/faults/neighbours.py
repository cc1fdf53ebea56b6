"""The faults of the neighbours of impulsed: its next hop, its name server, its modules; and signals meanwhile.

The next hop is an impulse-sink that breaks each connection at another byte. Its ledger says which messages it has answered
250 with a whole line; so each of these must have been delivered for good, and each other one must come again.
"""
import contextlib
import itertools
import signal
import subprocess
import time

DIALOGUE = 420      # bytes of replies: the banner, EHLO, two transactions and more
TRANSACTION = 1200  # bytes of commands and content: the greeting and a whole message of these sizes
SIZES = "300-600"
WAYS = [*((f"reply+{{}}-{DIALOGUE}", action) for action in ("close", "reset", "hang", "rubbish", "long")),
        *((f"byte+{{}}-{TRANSACTION}", action) for action in ("close", "reset", "hang"))]
EXTENSIONS = [(), ("--no-pipelining",), ("--no-chunking",), ("--no-pipelining", "--no-chunking")]
MATRIX = list(itertools.product(EXTENSIONS, WAYS))
IMPATIENT = "".join(f"{name}_timeout = 1\n" for name in ("connect", "ehlo", "mailfrom", "rcptto", "body", "rset", "idle")) + \
    "max_outbound_connections = 200\n"


@contextlib.contextmanager
def broken_next_hop(series):
    """The next row of the matrix, from the byte on which the last round with this row has come to."""
    row = (series.seed + series.sweeps) % len(MATRIX)
    series.sweeps += 1
    extensions, (point, action) = MATRIX[row]
    last = int(point.rpartition("-")[2])
    first = series.swept.get(row, 0) % last + 1
    sink = series.new_sink(*extensions, "--at", f"{point.format(first)},{action}")
    series.outer, series.sizes = IMPATIENT, SIZES
    try:
        yield
    finally:
        series.outer, series.sizes = "", None
        series.swept[row] = first - 1 + sink.stop()["faults"]
        series.new_sink()


@contextlib.contextmanager
def broken_dns(series):
    """A name server with one fault, or with all of them."""
    from harness import faulty_nameserver as nameserver  # pylint: disable=import-outside-toplevel
    faults = series.random.choice([*((fault,) for fault in nameserver.FAULTS), nameserver.FAULTS])
    server = nameserver.FaultyNameserver(series.random.random(), faults, series.random.choice([0.2, 0.6, 1]))
    resolv_conf = series.site.directory / "resolv.conf"
    resolv_conf.write_text(f"nameserver 127.0.0.1@{server.port}\n")
    series.route = f'resolv_conf = "{resolv_conf}"\n'
    try:
        yield
    finally:
        series.route = None
        server.stop()


# Callbacks that a message begins, in the order of its life.
CALLBACKS = ("hook", "hook_that_blocks", "hook_of_a_module", "moment", "message_release", "recipient_release",
             "session_release", "post", "job", "job_done", "timer", "dns", "queue_each", "queue_queue", "queue_done",
             "stream_connected", "stream_readable", "stream_closed", "log_reception", "tick")
POINTS = ("validate_connect", "validate_mailfrom", "validate_rcptto", "validate_data", "validate_data_spool")
DELAYS = ("never", "sleep", "block", "job")


def stanza(series):
    """A module that hangs or takes its time."""
    point = series.random.choice(POINTS)
    what = series.random.choice(DELAYS)
    return f'misbehaves {{ point = "{point}" what = "{what}" ms = {series.random.choice([5, 300])} }}\n' \
        "module_hook_timeout = 1\n"


@contextlib.contextmanager
def slow_module(series):
    series.outer = stanza(series)
    try:
        yield
    finally:
        series.outer = ""


def run_until_stop(series, strike=lambda: None, seconds=1):
    """A round that ends with SIGTERM, so that nothing may be repeated."""
    load = series.under_load(strike, seconds, held=False)
    series.end_load(load)
    series.stop()


def next_hop(series):
    """the next hop breaks off, stalls, says rubbish or endless lines, at each byte of replies and commands"""
    with broken_next_hop(series):
        run_until_stop(series)


def dns(series):
    """the name server is silent, late, truncates, lies about its number, fails, sends garbage, loops, floods"""
    with broken_dns(series):
        run_until_stop(series)


def module(series):
    """a module that is loaded under load crashes, blocks or never answers"""
    crashes = series.random.random() < 0.5
    series.need_modules("crashes", "misbehaves")

    def load_module():
        callback = series.random.choice(CALLBACKS)
        series.outer = f'crashes {{ where = "{callback}" }}\n' if crashes else stanza(series)
        series.reload()

    load = series.under_load(load_module, 1, held=False)
    series.outer = ""
    if crashes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if series.impulse.process.wait(5) == -signal.SIGSEGV:
                series.impulse.forget()
        series.end_load(load)
        if series.impulse.process:
            series.kill()   # the callback was never called; or it has crashed by another signal, which counts
    else:
        series.reload()     # without it again
        series.end_load(load)
        series.stop()


def of_all(series):
    """One of the faults above, for the rows below."""
    return series.random.choice([broken_next_hop, broken_dns, slow_module])(series)


def reload(series):
    """reloads under load, while the next hop, the name server or a module fails"""
    series.need_modules("misbehaves")

    def reloads():
        for _ in range(3):
            series.reload()
            time.sleep(series.random.uniform(0.05, 0.2))    # the moment, not a wait for anything

    with of_all(series):
        run_until_stop(series, reloads)


def terminate(series):
    """SIGTERM under load and a new start, while the next hop, the name server or a module fails"""
    series.need_modules("misbehaves")

    def restart():
        series.stop()
        series.start()

    with of_all(series):
        run_until_stop(series, restart)


FAULTS = {"next-hop": next_hop, "dns": dns, "module": module, "reload": reload, "sigterm": terminate}
SHORT = ("next-hop", "dns", "module", "sigterm")
ONCE = ("next-hop", "dns", "reload", "sigterm")     # they do not kill: nothing is repeated

"""Listener options reach the kernel or the thread count; they do not merely parse."""
import os
import platform
import re
import socket
import stat
import subprocess
import threading

import pytest

from harness import await_true
from harness.daemon import free_port, run
from harness.freeze import frozen, system_calls
from harness.messages import EXACT
from harness.wire import Wire


def listening(port):
    """What `ss` says of the socket that listens on the port."""
    out = subprocess.run(["ss", "-H", "-ltnm", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"LISTEN\s+(\d+)\s+(\d+)\s+(\S+?):(\d+)\s.*?skmem:\(r\d+,rb(\d+),t\d+,tb(\d+),", out, re.S)
    return found and {"backlog": int(found[2]), "host": found[3], "rcvbuf": int(found[5]), "sndbuf": int(found[6])}


def somaxconn():
    with open("/proc/sys/net/core/somaxconn") as file:
        return int(file.read())


def test_defaults(impulse, site):
    impulse.start(site.config())
    assert listening(site.port)["backlog"] == min(500, somaxconn())


def test_listen_backlog(impulse, site):
    impulse.start(site.config(listener="Listen_Backlog = 333", listen="Listen_Backlog = 77"))
    assert listening(site.port)["backlog"] == 77


def test_listen_falls_back_to_the_listener(impulse, site):
    impulse.start(site.config(listener="Listen_Backlog = 333"))
    assert listening(site.port)["backlog"] == 333


def test_buffer_sizes(impulse, site):
    impulse.start(site.config(listen="TCP_Recv_Buffer_Size = 50000\nTCP_Send_Buffer_Size = 60000"))
    found = listening(site.port)
    # The kernel doubles what SO_RCVBUF and SO_SNDBUF ask for (socket(7)).
    assert (found["rcvbuf"], found["sndbuf"]) == (100000, 120000)


def accepted_nodelay(impulse, site, setting, tmp_path):
    """Does impulsed set TCP_NODELAY on a connection it accepts? Asked of the kernel's own record of the calls."""
    impulse.start(site.config(listen=setting))
    trace = tmp_path / "strace"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=setsockopt,accept4,accept", "-o", trace, "-p",
                               str(impulse.pid)], stderr=subprocess.PIPE)
    try:
        await_true(lambda: impulse.is_traced(), "strace is attached to all threads")
        with Wire(impulse.address) as client:
            client.greet()
            client.command("QUIT", 221)
    finally:
        tracer.terminate()
        tracer.communicate()
    return "TCP_NODELAY, [1]" in trace.read_text()


def test_disable_nagle_algorithm(impulse, site, tmp_path):
    assert accepted_nodelay(impulse, site, "Disable_Nagle_Algorithm = true", tmp_path)


def test_nagle_stays_on_by_default(impulse, site, tmp_path):
    assert not accepted_nodelay(impulse, site, "Disable_Nagle_Algorithm = false", tmp_path)


def test_enable_false_opens_nothing(impulse, site):
    other = free_port()
    impulse.start(site.config(listener=f'Listen "127.0.0.1:{other}" {{ Enable = "false" }}'))
    assert listening(site.port) and not listening(other)


# ---- endpoints -----------------------------------------------------------------------------------------------------


def serves(address):
    with Wire(address) as client:
        client.greet()
        return client.command("QUIT").code == 221


@pytest.mark.parametrize("name, addresses", [
    (":{port}", ["127.0.0.1"]),
    ("*:{port}", ["127.0.0.1"]),
    ("127.0.0.1:{port}", ["127.0.0.1"]),
    ("[::1]:{port}", ["::1"]),
    ("[*]:{port}", ["::1"]),
    ("[::127.0.0.9]:{port}", ["::127.0.0.9"]),
])
def test_tcp_endpoints(impulse, site, namespace, name, addresses):
    namespace.address("::127.0.0.9")
    impulse.prefix = namespace.prefix
    impulse.start(site.config(listener=f'open_relay = true\n  Listen "{name.format(port=2525)}" {{}}'))
    for address in addresses:
        assert namespace.call(serves, (address, 2525))


def test_an_explicit_address_is_the_only_one(impulse, site, namespace):
    impulse.prefix = namespace.prefix
    impulse.start(site.config(listener='open_relay = true\n  Listen "127.0.0.5:2525" {}'))
    assert namespace.call(serves, ("127.0.0.5", 2525))
    with pytest.raises(ConnectionRefusedError):
        namespace.call(serves, ("127.0.0.1", 2525))


def test_unix_socket_and_its_file_mode(impulse, site):
    path = str(site.directory / "smtp.sock")
    impulse.start(site.config(listener=f'open_relay = true\n  Listen "{path}" {{ File_Mode = 0640 }}'))
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    assert serves(path)
    impulse.stop()
    assert not os.path.exists(path)


def test_unix_socket_default_mode(impulse, site):
    path = str(site.directory / "smtp.sock")
    impulse.start(site.config(listener=f'open_relay = true\n  Listen "{path}" {{}}'))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660


def test_a_stale_unix_socket_is_replaced(impulse, site):
    path = str(site.directory / "smtp.sock")
    config = site.config(listener=f'open_relay = true\n  Listen "{path}" {{}}')
    impulse.start(config)
    impulse.kill()
    assert os.path.exists(path)
    impulse.start(config)
    assert serves(path)


def test_a_port_that_is_taken_stops_the_start(site):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site.port = taken.getsockname()[1]
        file = site.directory / "taken.conf"
        file.write_text(site.config())
        status, said = run("-d", "-c", file)
    assert status != 0
    assert f"127.0.0.1:{site.port}" in said and "in use" in said


# ---- threads -------------------------------------------------------------------------------------------------------


def named(impulse, start):
    return sum(1 for name in impulse.threads() if name.lower().startswith(start.lower()))


def test_thread_pool_concurrency(impulse, site):
    """A pool of a stanza has its threads from the start; a Listen's Concurrency takes that many of them."""
    impulse.start(site.config('ThreadPool "accept-pool" { Concurrency = 7 Stack_Size = 262144 Backlog = 10 }',
                              listen='Concurrency = 4 Pool_Name = "accept-pool"'))
    assert named(impulse, "accept-pool") == 7
    await_true(lambda: acceptors(impulse) == 4, "4 threads wait for connections")
    assert serves(impulse.address)


# System calls in which a thread waits for a connection: poll, accept, ppoll, accept4, epoll_pwait, epoll_wait.
WAITING = {"x86_64": {7, 43, 271, 288, 281, 232}, "aarch64": {73, 202, 242, 22}}


def acceptors(impulse):
    """How many threads of the pool wait for connections; the others wait for work."""
    count = 0
    for task in os.listdir(f"/proc/{impulse.pid}/task"):
        base = f"/proc/{impulse.pid}/task/{task}"
        try:
            with open(base + "/comm") as comm, open(base + "/syscall") as call:
                name, number = comm.read(), call.read().split()[0]
        except OSError:
            continue
        if name.startswith("accept-pool") and number.isdigit() and int(number) in WAITING[platform.machine()]:
            count += 1
    return count


def test_stack_size(impulse, site):
    """The kernel is asked for stacks of that size, one for each thread of the pool."""
    trace = site.directory / "strace"
    impulse.prefix = ["strace", "-D", "-f", "-qq", "-e", "trace=mmap", "-e", "signal=none", "-o", str(trace)]
    impulse.environment["ASAN_OPTIONS"] = "detect_leaks=0"   # the leak checker would want to trace, too
    impulse.start(site.config('ThreadPool "small" { Concurrency = 3 Stack_Size = 1310720 }'))
    impulse.stop()
    sizes = [int(size) for size in re.findall(r"mmap\(NULL, (\d+), .*MAP_STACK", trace.read_text())]
    # The C library adds a guard page.
    assert sum(1310720 <= size <= 1310720 + 65536 for size in sizes) == 3, sizes


def test_event_loop_concurrency(impulse, site):
    impulse.start(site.config('EventLoop "inbound" { concurrency = 5 }', listener='event_loop = "inbound"'))
    assert named(impulse, "inbound") == 5
    assert serves(impulse.address)


def test_predefined_pool_can_be_changed(impulse, site):
    impulse.start(site.config('ThreadPool "CPU" { Concurrency = 9 }'))
    assert named(impulse, "cpu") == 9


def test_missing_pool_falls_back_to_io(impulse, site):
    impulse.start(site.config(listen='Concurrency = 3 Pool_Name = "nobody-defined-this"'))
    line = impulse.await_panic("nobody-defined-this")
    assert re.match(r"\d{10}: ", line) and "IO" in line, line
    assert named(impulse, "IO") >= 3
    assert serves(impulse.address)


def test_concurrency_without_pool_name_falls_back_to_io(impulse, site):
    impulse.start(site.config(listen="Concurrency = 2"))
    impulse.await_panic("IO")
    assert named(impulse, "IO") >= 2
    assert serves(impulse.address)


@pytest.mark.parametrize("options, said", [
    ("Concurrency = 4", "threaded accept (Concurrency 4) without a Pool_Name; the IO pool is used"),
    ('Concurrency = 4 Pool_Name = "acept"', 'pool_name "acept" is not defined by any ThreadPool; the IO pool is used'),
    ('Concurrency = 4 Pool_Name = "small"', 'Concurrency 4 of this Listen is above the 2 of ThreadPool "small"'),
    ('Concurrency = 2 Pool_Name = "SMALL"', None), ('Concurrency = 4 Pool_Name = "CPU"', None),
    ('Pool_Name = "acept"', None)])
def test_threads_that_are_not_there_to_accept_are_a_warning_at_load(site, options, said):
    file = site.directory / "pool.conf"
    file.write_text(f'ThreadPool "small" {{ Concurrency = 2 }}\n'
                    f'ESMTP_Listener {{ Listen "127.0.0.1:2525" {{ {options} }} }}\n')
    status, output = run("-t", "-c", file)
    assert status == 0
    assert (said in output) if said else ("warning" not in output), output


@pytest.mark.parametrize("pool, status", [("IO", 1), ("scan", 1), ("Close", 0)])
def test_a_pool_in_which_work_may_block_has_threads(site, pool, status):
    file = site.directory / "pool.conf"
    file.write_text(f'ThreadPool "{pool}" {{ Concurrency = 0 }}\n')
    found, output = run("-t", "-c", file)
    assert found == status
    assert (f'error: ThreadPool "{pool}": Concurrency = 0 leaves nobody to run its work' in output) == status, output


@pytest.mark.parametrize("listen", [
    'Concurrency = 2 Pool_Name = "p" Accept_Queue_Backlog = 1 Events_Per_Iter = 1',
    'Concurrency = 2 Pool_Name = "p" Accept_Queue_Backlog = 200 Events_Per_Iter = 20',
    "",
])
def test_many_connections_at_once(impulse, site, capture, listen):
    """Nobody is lost between the acceptors and the loops, however small the queue between them."""
    impulse.start(site.config('ThreadPool "p" { Concurrency = 2 }', listen=listen, to=capture))
    clients = [Wire(impulse.address) for _ in range(200)]
    for client in clients:
        client.greet()
    for client in clients[:20]:
        assert client.mail(EXACT["plain"]).code == 250
    for client in clients:
        client.command("QUIT", 221)
        client.close()
    capture.wait(20)


def test_accept_queue_backlog_leaves_the_rest_to_the_kernel(impulse, site):
    """With the only loop stopped, acceptors take Accept_Queue_Backlog connections and leave the others waiting."""
    impulse.start(site.config('ThreadPool "p" { Concurrency = 1 }\nEventLoop "one" { concurrency = 1 }',
                              listener='event_loop = "one"',
                              listen='Concurrency = 1 Pool_Name = "p" Accept_Queue_Backlog = 5'))
    assert serves(impulse.address)
    with frozen(impulse.thread("one")):
        clients = [Wire(impulse.address) for _ in range(20)]
        # One may be in the acceptor's hand on top of the five in the queue.
        await_true(lambda: waiting(site.port) in (14, 15), "5 or 6 of 20 are taken")
    for client in clients:
        client.greet()
        client.close()


# The system calls that wait for events, and those that send to a socket: epoll_wait, epoll_pwait; sendto, sendmsg.
POLLS = {"x86_64": {232, 281}, "aarch64": {22}}
SENDS = {"x86_64": {44, 46}, "aarch64": {206, 211}}


@pytest.mark.parametrize("option, most", [("", 1), ("Events_Per_Iter = 4", 4)])
def test_events_per_iter_limits_a_turn_of_the_loop(impulse, site, option, most):
    """Twelve connections wait in the loop's queue; each turn takes so many, and sends their banners."""
    impulse.start(site.config('ThreadPool "p" { Concurrency = 1 }\nEventLoop "one" { concurrency = 1 }',
                              listener='event_loop = "one"',
                              listen=f'Concurrency = 1 Pool_Name = "p" Accept_Queue_Backlog = 100 {option}'))
    assert serves(impulse.address)
    loop = impulse.thread("one")
    with frozen(loop):
        clients = [Wire(impulse.address) for _ in range(12)]
        await_true(lambda: waiting(site.port) == 0, "all are accepted")
        turns = [0]
        for number in system_calls(loop):
            if number in POLLS[platform.machine()]:
                turns.append(0)
            elif number in SENDS[platform.machine()]:
                turns[-1] += 1
            if sum(turns) == len(clients):
                break
    assert max(turns) == most, turns
    for client in clients:
        client.greet()
        client.close()


def waiting(port):
    """Connections that the kernel has established and nobody accepted yet."""
    out = subprocess.run(["ss", "-H", "-ltn", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    return int(out.split()[1])


def test_connections_from_many_threads(impulse, site, capture):
    """Several loops and several acceptors serve clients at the same time."""
    impulse.start(site.config('ThreadPool "p" { Concurrency = 3 }\nEventLoop "e" { concurrency = 3 }',
                              listener='event_loop = "e"', listen='Concurrency = 3 Pool_Name = "p"', to=capture))
    failures = []

    def client():
        try:
            for _ in range(10):
                with Wire(impulse.address) as wire:
                    wire.greet()
                    assert wire.mail(EXACT["plain"]).code == 250
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    capture.wait(80)

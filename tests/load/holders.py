"""Clients by the thousand, in processes of their own, so that neither one process's limit of open files nor its time
is in the way. What they do, they do with one epoll; each process ends with its parent."""
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

PR_SET_PDEATHSIG = 1


def raise_file_limit():
    """Up to the hard limit, which is returned."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Holder:
    """A process that runs `work(say)`, where say(object) is heard by next(), until end(), or with its parent."""

    def __init__(self, work):
        reader, writer = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reader)
            try:
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == parent:
                    work(lambda said: os.write(writer, json.dumps(said).encode() + b"\n"))
            finally:
                os._exit(0)
        os.close(writer)
        self.said = os.fdopen(reader)

    def next(self):
        return json.loads(self.said.readline())

    def end(self):
        os.kill(self.pid, signal.SIGKILL) # its sockets are closed with it
        os.waitpid(self.pid, 0)
        self.said.close()


def hold(address, sources, say, speak=b""):
    """
    Connects once from each of `sources`, says how many were greeted and how many turned away, and holds on to
    them. `speak` is sent by those that were greeted.
    """
    clients, waiting, counts = {}, set(), {"admitted": 0, "refused": 0, "closed": 0}
    poll = select.epoll()
    for source in sources:
        client = socket.create_connection(address, 30, (source, 0))
        clients[client.fileno()] = client
        waiting.add(client.fileno())
        poll.register(client, select.EPOLLIN)
        if len(waiting) >= 200:
            hear(poll, clients, waiting, counts, speak)
    while waiting:
        hear(poll, clients, waiting, counts, speak)
    say(counts)
    signal.pause()


def hear(poll, clients, waiting, counts, speak):
    for fd, _ in poll.poll(30):
        line = clients[fd].recv(4096)
        poll.unregister(fd)
        waiting.discard(fd)
        if line.startswith(b"220 "):
            counts["admitted"] += 1
            if speak:
                clients[fd].sendall(speak)
        else:
            counts["refused" if line.startswith(b"421 ") else "closed"] += 1
            clients.pop(fd).close()


def memory(pid):
    """The daemon's own memory, in bytes: not what it shares, and not what the kernel keeps for its sockets."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:"))

"""Holds one thread of another process still, or lets it go on from system call to system call, to see what it does.

The whole of it must run on one thread of ours: to the kernel that thread is the tracer.
"""
import contextlib
import ctypes
import os
import struct

from . import await_true

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_SYSCALL, PTRACE_DETACH = 0x4206, 0x4207, 24, 17
PTRACE_GET_SYSCALL_INFO, SYSCALL_ENTRY = 0x420E, 1
TRACE_SYSTEM_CALLS = 1  # PTRACE_O_TRACESYSGOOD, without which there is no PTRACE_GET_SYSCALL_INFO
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


def ptrace(request, thread, address=None, data=None):
    result = libc.ptrace(request, thread, address, data)
    if result < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return result


@contextlib.contextmanager
def frozen(thread):
    """`thread` is a thread's id; it stands until the block ends."""
    ptrace(PTRACE_SEIZE, thread, None, TRACE_SYSTEM_CALLS)
    try:
        ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield
    finally:
        try:
            ptrace(PTRACE_DETACH, thread)
        except ProcessLookupError:   # it runs: it can be let go only while it stands
            ptrace(PTRACE_INTERRUPT, thread)
            os.waitpid(thread, WALL)
            ptrace(PTRACE_DETACH, thread)


def system_calls(thread):
    """Lets a frozen thread go on and yields the number of each system call it begins; it stands in between."""
    info = ctypes.create_string_buffer(88)
    while True:
        ptrace(PTRACE_SYSCALL, thread)
        await_true(lambda: os.waitpid(thread, WALL | os.WNOHANG)[0], "the thread's next system call", 5)
        size = ptrace(PTRACE_GET_SYSCALL_INFO, thread, ctypes.sizeof(info), ctypes.addressof(info))
        if size >= 32 and info.raw[0] == SYSCALL_ENTRY:
            yield struct.unpack_from("=Q", info.raw, 24)[0]

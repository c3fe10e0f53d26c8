# SPDX-License-Identifier: MIT
"""What /proc says about processes, and the adoption of those whose parent is gone."""
import ctypes
import os
import signal

from support.wait import until

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Makes this process the parent of what its descendants leave behind, so that a leak is seen."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def status(pid):
    """The fields of /proc/PID/status, or None when there is no such process."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    """Whether @pid runs; a zombie does not."""
    fields = status(pid)
    return fields is not None and not fields["State"].startswith(("Z", "X"))


def rss_kib(pid):
    return int(status(pid)["VmRSS"].split()[0])


def n_fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def n_fds_but_sockets(pid):
    return sum(1 for fd in os.scandir(f"/proc/{pid}/fd") if not os.readlink(fd).startswith("socket:"))


def has_open(pid, path):
    return any(os.path.realpath(fd) == os.path.realpath(path) for fd in os.scandir(f"/proc/{pid}/fd"))


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child] + descendants(child)
    return found


def cpu_seconds(pid):
    """User and system time that @pid has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def loop_seconds(pid):
    """What the main thread of @pid has used of a processor: unlike the time that passes, none while others have it."""
    with open(f"/proc/{pid}/task/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def reap_leftovers():
    """Kills and collects what is left below this process; returns the commands of those that were alive."""
    left = {}
    for pid in descendants(os.getpid()):
        if alive(pid):
            left[pid] = command(pid) or "?"

    def all_gone():
        for pid in descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        return not descendants(os.getpid())

    until(all_gone, "the processes that a test left to die")
    return [f"{pid} {text}" for pid, text in left.items()]

# SPDX-License-Identifier: MIT
"""5,000 × /bin/true, 50 at once, supervised: session, notify socket, timeout, kill of what is left
behind; without and with a cgroup, without and with output."""

import common
import daemon
from common import Contestant

TOTAL = 200 if common.QUICK else 5000
IN_FLIGHT = 50
BARE_WAYS = ("wait", "pidfd", "sigchld")

CONFIG = """
[daemon]
cgroup = {cgroup}
"""
TASK = """
[task {output}]
manual = yes
{user}for-each = lines:{items}
command = /bin/true
concurrency = {in_flight}
timeout = 1min
output = {output}
"""


def xargs_rate(items):
    argv = [common.tool("xargs", "findutils"), "-P", str(IN_FLIGHT), "-n1", "/bin/true"]
    with open(items) as f:
        return TOTAL / common.wall(argv, stdin=f)


def contestants(directory):
    items = daemon.config(directory, "".join(f"{n}\n" for n in range(TOTAL)), "items")
    tasks = "".join(TASK.format(output=o, user=daemon.USER, items=items, in_flight=IN_FLIGHT) for o in ("null", "log"))
    inis = {c: daemon.config(directory, CONFIG.format(cgroup=c) + tasks, f"cgroup-{c}.ini") for c in ("no", "auto")}
    args = [str(TOTAL), str(IN_FLIGHT), "/bin/true"]

    def bare(way):
        return lambda: common.rate([common.program("bare-spawn"), way, *args], TOTAL)

    def ours(name, cgroup, output):
        def measure():
            found = daemon.once(directory, inis[cgroup], output, TOTAL)
            if cgroup != "no" and not daemon.once_had_cgroups(directory):
                raise common.Missing("a cgroup2 tree that can be written")
            return found

        return Contestant(f"tendd, {name}", measure, slow=True, more=(f"tendd, {name}, whole process",))

    def asyncio():
        return common.rate(common.python_peer("peer_subprocess.py", "asyncio", "python3") + args, TOTAL)

    return [
        *(Contestant(f"bare posix_spawn, {way}", bare(way), slow=True) for way in BARE_WAYS),
        ours("no cgroup, output = null", "no", "null"),
        ours("no cgroup, output = log", "no", "log"),
        ours("cgroup, output = null", "auto", "null"),
        ours("cgroup, output = log", "auto", "log"),
        Contestant("xargs -P", lambda: xargs_rate(items), slow=True),
        Contestant("asyncio", asyncio, slow=True),
    ]


def measure():
    row = common.Row("exec", f"exec: {TOTAL:,} × /bin/true, {IN_FLIGHT} at once")
    with common.scratch() as directory:
        row.compare(contestants(directory))
    # The yardstick is the way that is the fastest on this machine, by its median.
    best = max((f"bare posix_spawn, {way}" for way in BARE_WAYS), key=row.median)
    row.bar_ratio("tendd, no cgroup, output = null", best, 1.0)
    row.bar_ratio("tendd, cgroup, output = log", best, 0.9)
    return row

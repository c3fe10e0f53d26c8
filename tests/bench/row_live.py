# SPDX-License-Identifier: MIT
"""5,000 runs alive at a time, 500 of them starting and 500 ending a second: what the loop says of its own turns and of
how late its timers were served.

5,000 tasks, each of which runs 10 s in every 10 s, spread by jitter. Their output is read through pipes. The loop
counts since its start, so what it says includes loading and the first wave.
"""
import time

import common
import daemon

TASKS = 200 if common.QUICK else 5000
PERIOD = 10  # seconds
UP_TIMEOUT = 6 * PERIOD
WINDOW = 3 if common.QUICK else 10  # seconds

DAEMON = f"""
[daemon]
max-running = {2 * TASKS}
[defaults]
{daemon.USER}"""

TASK = """[task live-{n}]
command = {command}
every = {period}s
jitter = {jitter}s
overlap = allow:3
"""


def config(n_tasks, command):
    return DAEMON + "".join(TASK.format(n=n, command=command, period=PERIOD, jitter=PERIOD - 1) for n in range(n_tasks))


def wait_until_up(d):
    """After the second interval the arrivals are spread as they stay."""
    deadline = time.monotonic() + UP_TIMEOUT
    time.sleep(3 * PERIOD)
    while time.monotonic() < deadline:
        running = d.status()["running"]
        if running >= TASKS * 0.9:
            return running
        time.sleep(0.5)
    raise common.Broken(f"only {running} of {TASKS} runs came up in {UP_TIMEOUT} s")


def window(row, d):
    cpu, start = daemon.cpu_seconds(d.pid), time.monotonic()
    before = d.status()
    time.sleep(WINDOW)
    after = d.status()
    seconds = time.monotonic() - start
    row.add("runs alive", after["running"], "")
    row.add("runs ended", (after["done"] - before["done"]) / seconds, "/s")
    row.add("CPU of the daemon", (daemon.cpu_seconds(d.pid) - cpu) / seconds * 100, "%")
    loop = after["loop"]
    row.add("turn of the loop, p99", loop["turn_p99_usec"] / 1000, "ms")
    row.add("turn of the loop, longest", loop["turn_max_usec"] / 1000, "ms")
    row.add("lateness of timers, p99", loop["lag_p99_usec"] / 1000, "ms")
    row.add("lateness of timers, longest", loop["lag_max_usec"] / 1000, "ms")


def measure():
    row = common.Row("live", f"live: {TASKS:,} runs of {PERIOD} s alive, {TASKS // PERIOD:,} starts a second")
    text = config(TASKS, f"/bin/sleep {PERIOD}")
    with common.scratch() as directory:
        with daemon.Daemon(directory, daemon.config(directory, text)) as d:
            wait_until_up(d)
            for _ in range(common.ROUNDS):
                window(row, d)
    row.bar_value("turn of the loop, p99", 1)
    row.bar_value("lateness of timers, p99", 2)
    return row

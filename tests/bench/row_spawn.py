# SPDX-License-Identifier: MIT
"""1,000 processes spawned and reaped a second, each in a cgroup where there is one: what the loop says of its turns and
of how late its timers were served.

10,000 tasks, each of which runs every 10 s, spread by jitter over 9 of them: so at times it is 1,111 a second.
"""
import time

import common
import daemon
from row_live import PERIOD, config, window

TASKS = 200 if common.QUICK else 10000


def measure():
    row = common.Row("spawn", f"spawn: {TASKS // PERIOD:,} short runs a second")
    text = config(TASKS, "/bin/true")
    with common.scratch() as directory:
        with daemon.Daemon(directory, daemon.config(directory, text)) as d:
            time.sleep(2 * PERIOD)  # arrivals are spread as they stay
            for _ in range(common.ROUNDS):
                window(row, d)
    row.bar_value("runs ended", TASKS / PERIOD * 0.95, at_least=True)
    row.bar_value("lateness of timers, p99", 2)
    return row

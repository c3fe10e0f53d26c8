# SPDX-License-Identifier: MIT
"""What the store takes: runs recorded a second, begun and ended, on the disk that the build is on; and how long questions
take when a million runs are behind them.

Flat out, its thread and the loop have one processor each at best, and the lag tells which of them was given it. What the
loop feels is held to its bar at a fixed rate, which is above that of the bar.

python3's sqlite3 beside it writes the ended runs alone, in batches of 100, with the same indexes.
"""
import os
import tempfile

import common
from common import Contestant

RUNS = 5000 if common.QUICK else 200000
RATE = 60000
TASKS = 100
HISTORY = 20000 if common.QUICK else 1000000


def fresh(directory):
    """A path at which there is no database."""
    path = os.path.join(directory, "db")
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))
    return path


def ours(directory, *rate):
    def measure():
        result = common.run_json([common.program("store-runs"), fresh(directory), str(RUNS), str(TASKS), *rate],
                                 expect_done=RUNS)
        return RUNS / result["seconds"], result["lag_p99_usec"] / 1e3

    return measure


def python(directory):
    def measure():
        argv = common.python_peer("peer_sqlite.py", "sqlite3", "python3")
        return common.rate([*argv, fresh(directory), str(RUNS), str(TASKS)], RUNS)

    return measure


def ask(row, directory):
    path = fresh(directory)
    common.run_json([common.program("store-runs"), path, str(HISTORY), str(TASKS)], expect_done=HISTORY)
    for _ in range(common.ROUNDS):
        for name, found in common.run_json([common.program("store-runs"), path, "query"]).items():
            row.add(f"{HISTORY:,} runs: {name.replace('_', ' ')}", found["msec"], "ms")
    row.add(f"{HISTORY:,} runs: size", os.path.getsize(path) / 1e6, "MB")


def measure():
    row = common.Row("store", f"store: {RUNS:,} runs of {TASKS} tasks, begun and ended, recorded")
    at_rate = f"tendd, {RATE:,}/s put"
    # Not in /tmp, which may be no disk.
    with tempfile.TemporaryDirectory(prefix="bench-store-", dir=common.BUILD) as directory:
        row.compare([
            Contestant("python3 sqlite3, ends alone", python(directory), slow=True),
            Contestant("tendd", ours(directory), slow=True, more=("tendd: loop lag p99",)),
            Contestant(at_rate, ours(directory, str(RATE)), slow=True, more=(f"{at_rate}: loop lag p99",)),
        ])
        ask(row, directory)
    row.units["tendd: loop lag p99"] = row.units[f"{at_rate}: loop lag p99"] = "ms"
    row.bar_value(at_rate, 50000, at_least=True)
    row.bar_value(f"{at_rate}: loop lag p99", 1)
    return row

# SPDX-License-Identifier: MIT
"""Empty jobs through the pool: throughput, and the round trip with one outstanding."""
import os

import common
from common import Contestant

THREADS = 4
OUTSTANDING = 1000
JOBS = 20000 if common.QUICK else 2000000
TRIPS = 1000 if common.QUICK else 50000
PYTHON_JOBS = 500 if common.QUICK else 10000


def ours(total, outstanding):
    return lambda: common.rate([common.program("pool-jobs"), str(total), str(outstanding), str(THREADS)], total)


def libuv(total, outstanding):
    def measure():
        try:
            program = common.program("bare-uv")
        except common.Broken:
            raise common.Missing("libuv: apt-get install libuv1-dev, then make bench again") from None
        env = dict(os.environ, UV_THREADPOOL_SIZE=str(THREADS))
        return common.rate([program, str(total), str(outstanding)], total, env=env)

    return measure


def executor(outstanding):
    def measure():
        argv = common.python_peer("peer_executor.py", "asyncio", "python3")
        return common.rate([*argv, str(PYTHON_JOBS), str(outstanding), str(THREADS)], PYTHON_JOBS)

    return measure


def measure():
    row = common.Row("pool", f"pool: empty jobs, {THREADS} threads; {OUTSTANDING:,} outstanding, and one")
    row.compare([
        Contestant("libuv", libuv(JOBS, OUTSTANDING)),
        Contestant("tendd", ours(JOBS, OUTSTANDING)),
        Contestant("libuv, one outstanding", libuv(TRIPS, 1)),
        Contestant("tendd, one outstanding", ours(TRIPS, 1)),
        Contestant("run_in_executor", executor(OUTSTANDING), slow=True),
        Contestant("run_in_executor, one outstanding", executor(1), slow=True),
    ])
    row.bar_ratio("tendd", "libuv", 1.0)
    row.bar_ratio("tendd, one outstanding", "libuv, one outstanding", 1.0)
    return row

# SPDX-License-Identifier: MIT
"""The control socket: calls on one connection, one after another and pipelined; what `status` and `list` take with many
tasks; and what a thousand clients that follow the events cost the loop.

Lag is what the loop says of its own timers, of which there must be some: a few tasks that look at a file tick
meanwhile, each of whose runs is three events. It counts since the daemon's start, so each of these has a daemon of its
own that has done nothing before but load.
"""
import time

import common
import daemon
from common import Contestant

CALLS = 200 if common.QUICK else 20000
PIPELINED = 1000 if common.QUICK else 100000
WINDOW = 100
TASKS = 1000
MANY = 2000 if common.QUICK else 100000
FOLLOWERS = 50 if common.QUICK else 1000
EVENTS = 100  # a second
SECONDS = 2 if common.QUICK else 10
LISTS = 2 if common.QUICK else 10

TICK = "[task tick-{n}]\npath = /\nevery = {msec}ms\n"


def hourly(n):
    return f"[defaults]\n{daemon.USER}" + "".join(f"[task job-{i}]\ncommand = /bin/true\nevery = 1h\n" for i in range(n))


def ticking(per_second):
    """Tasks that are due so many times a second, together, and not at the same instants."""
    return "".join(TICK.format(n=n, msec=round(1000 * 10 / per_second) + n) for n in range(10))


def load(*args):
    return common.run_json([common.program("control-load"), *map(str, args)])


def rate(d, method, n, window):
    result = load("calls", d.socket_path, method, n, window)
    return n / result["seconds"]


def answers(row, directory):
    with daemon.Daemon(directory, daemon.config(directory, hourly(TASKS)), "calls") as d:

        def round_trip():
            return load("calls", d.socket_path, "io.tendd.Runner.Status", CALLS // 10, 1)["seconds"] / (CALLS // 10) * 1e3

        def tendctl():
            return common.wall([daemon.TENDCTL, "--socket", d.socket_path, "status"]) * 1000

        info = "org.varlink.service.GetInfo"
        row.compare([
            Contestant("ping-pong", lambda: rate(d, info, CALLS, 1)),
            Contestant("pipelined", lambda: rate(d, info, PIPELINED, WINDOW)),
            Contestant("Status, round trip", round_trip, "ms"),
            Contestant("tendctl status, whole process", tendctl, "ms"),
        ])
    row.bar_value("ping-pong", 10000, at_least=True)
    row.bar_value("pipelined", 50000, at_least=True)
    row.bar_value("Status, round trip", 1)


def recent(d):
    """The lag of late, p99, in ms."""
    return d.status()["loop"]["recent_lag_p99_usec"] / 1e3


def lists(row, directory):
    """As many timers as it takes for a percentile, and enough lists for these to fall into."""
    text = hourly(MANY) + ticking(200)
    with daemon.Daemon(directory, daemon.config(directory, text), "list") as d:
        time.sleep(SECONDS)
        row.add("lag without, p99", recent(d), "ms")
        for _ in range(LISTS):
            result = load("stream", d.socket_path, "io.tendd.Runner.List")
            row.add(f"list of {MANY:,} tasks", result["seconds"], "s")
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            load("stream", d.socket_path, "io.tendd.Runner.List")
        row.add("list: lag meanwhile, p99", recent(d), "ms")
    row.bar_value(f"list of {MANY:,} tasks", 1)
    row.bar_value("list: lag meanwhile, p99", 1)


def followers(row, directory):
    text = f"[defaults]\n{daemon.USER}" + ticking(EVENTS / 3)
    with daemon.Daemon(directory, daemon.config(directory, text), "follow") as d:
        for _ in range(common.ROUNDS):
            result = load("follow", d.socket_path, FOLLOWERS, SECONDS)
            if result["failed"] or result["least"] < SECONDS:
                raise common.Broken(f"followers: {result}")
            row.add(f"{FOLLOWERS:,} followers, messages a second", result["least"] / SECONDS, "/s")
            row.add(f"{FOLLOWERS:,} followers: lag, p99", recent(d), "ms")
    row.bar_value(f"{FOLLOWERS:,} followers: lag, p99", 5)


def measure():
    row = common.Row("control", f"control: {CALLS:,} calls, lists of {MANY:,} tasks, {FOLLOWERS:,} followers")
    with common.scratch() as directory:
        answers(row, directory)
        lists(row, directory)
        followers(row, directory)
    return row

# SPDX-License-Identifier: MIT
"""100,000 configured tasks, each `every = 1h`: how long they take to load, what they weigh, what they cost at rest.

Loading is counted from the start of the process to the first answer on the control socket, everything checked and
armed; `--check`, and parsing and checking alone, are shown beside it. The weight is the difference to a daemon without
them. At rest it is measured when each of the tasks, which are put into the store in slices, is in the file.
"""
import contextlib
import sqlite3
import time

import common
import daemon

TASKS = 2000 if common.QUICK else 100000
IDLE_SECONDS = 1 if common.QUICK else 5
REST_SECONDS = 120  # until all must be in the store


def text(n):
    tasks = "".join(f"[task job-{i}]\ncommand = /bin/true\nevery = 1h\n" for i in range(n))
    return f"[defaults]\n{daemon.USER}[task manual]\ncommand = /bin/true\nmanual = yes\n{tasks}"


def tasks_remembered(d):
    with contextlib.closing(sqlite3.connect(f"file:{d.database}?mode=ro", uri=True, timeout=60)) as db:
        return db.execute("SELECT count(*) FROM task").fetchone()[0]


def wait_for_rest(d, n):
    """Until @n tasks are in the file, and the daemon has done nothing between three looks: they are put in slices."""
    deadline = time.monotonic() + REST_SECONDS
    calm, last = 0, -1
    while calm < 3:
        if time.monotonic() > deadline:
            raise common.Broken(f"tendd: does not come to rest with {n} tasks")
        time.sleep(0.2)
        spent = daemon.cpu_seconds(d.pid)
        calm = calm + 1 if spent - last < 0.001 and tasks_remembered(d) == n else 0
        last = spent


def started(row, directory, path, name, n):
    """One start of the daemon with @n tasks. Returns its memory."""
    with daemon.Daemon(directory, path, name) as d:
        row.add(f"{name}: start to answer", d.start_seconds, "s")
        wait_for_rest(d, n)
        before = daemon.cpu_seconds(d.pid)
        time.sleep(IDLE_SECONDS)
        row.add(f"{name}: CPU at rest", (daemon.cpu_seconds(d.pid) - before) / IDLE_SECONDS * 100, "%")
        return daemon.memory(d.pid)[0]


def parsed(row, path):
    """Parsing and checking alone, and what it leaves on the heap."""
    result = common.run_json([common.program("config-load"), path], expect_done=TASKS + 1)
    row.add("configuration parsed and checked", result["seconds"], "s")
    row.add("configuration freed", result["free_seconds"], "s")
    row.add("configuration of a task", result["bytes"] / TASKS, "B")


def measure():
    row = common.Row("tasks", f"tasks: {TASKS:,} of them, every = 1h")
    many = f"{TASKS:,} tasks"
    peer = common.python_peer("peer_tasks.py", "asyncio", "python3")
    with common.scratch() as directory:
        few_ini = daemon.config(directory, text(0), "few.ini")
        many_ini = daemon.config(directory, text(TASKS), "many.ini")
        for _ in range(common.ROUNDS):
            few = started(row, directory, few_ini, "1 task", 1)
            all_of_them = started(row, directory, many_ini, many, TASKS + 1)
            row.add("memory of a task", (all_of_them - few) / TASKS, "B")
            row.add("asyncio: memory of a task", common.run_json([*peer, str(TASKS)])["bytes_per_task"], "B")
            parsed(row, many_ini)
            row.add("tendd --check", common.wall([daemon.TENDD, "--check", "--config", many_ini]), "s")
    row.bar_value(f"{many}: start to answer", 0.6)
    row.bar_value("memory of a task", 1536)
    row.bar_value(f"{many}: CPU at rest", 0.1)
    return row

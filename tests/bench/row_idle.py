# SPDX-License-Identifier: MIT
"""A daemon with nothing to do: how often it wakes up, and what it weighs. supervisord with three programs beside it.

A wake-up is a context switch of one of its threads. The watchdog's thread is counted apart.
"""
import os
import subprocess
import time

import common
import daemon

SECONDS = 2 if common.QUICK else 10
MB = 1024 * 1024

CONFIG = """
[daemon]
max-running = 16
[limit db]
permits = 2
[task fetch]
url = http://127.0.0.1:1/
every = 1h
[task clean]
{user}command = /bin/true
every = 1d
limit = db
[task dump]
{user}command = /bin/true
manual = yes
limit = db
"""

SUPERVISORD = """
[supervisord]
nodaemon = true
silent = true
logfile = {dir}/supervisord.log
pidfile = {dir}/supervisord.pid
childlogdir = {dir}
{user}
[unix_http_server]
file = {dir}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
SUPERVISORD_PROGRAM = """
[program:p{n}]
command = /bin/sleep 1000000
"""


def wakeups(pid):
    """Wake-ups a second over a while: of all threads but the watchdog's, and of that one."""
    before = daemon.switches(pid)
    time.sleep(SECONDS)
    watchdog = others = 0
    for name, n in daemon.switches(pid).items():
        if "watchdog" in name:
            watchdog += n - before.get(name, 0)
        else:
            others += n - before.get(name, 0)
    return others / SECONDS, watchdog / SECONDS


def ours(row, directory):
    path = daemon.config(directory, CONFIG.format(user=daemon.USER))
    with daemon.Daemon(directory, path) as d:
        time.sleep(1)
        others, watchdog = wakeups(d.pid)
        row.add("tendd: wake-ups", others, "/s")
        row.add("tendd: wake-ups of its watchdog", watchdog, "/s")
        pss, dirty = daemon.memory(d.pid)
        row.add("tendd: PSS", pss / MB, "MB")
        row.add("tendd: private dirty", dirty / MB, "MB")


def supervisord(row, directory):
    argv = [common.tool("supervisord", "supervisor"), "-c"]
    user = "user = root" if os.geteuid() == 0 else ""
    text = SUPERVISORD.format(dir=directory, user=user) + "".join(SUPERVISORD_PROGRAM.format(n=n) for n in range(3))
    path = daemon.config(directory, text, "supervisord.conf")
    process = subprocess.Popen([*argv, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        time.sleep(3)
        if process.poll() is not None:
            raise common.Broken(f"supervisord: exit {process.returncode}")
        row.add("supervisord: wake-ups", wakeups(process.pid)[0], "/s")
        pss, dirty = daemon.memory(process.pid)
        row.add("supervisord: PSS", pss / MB, "MB")
        row.add("supervisord: private dirty", dirty / MB, "MB")
    finally:
        process.terminate()
        process.wait()


def measure():
    row = common.Row("idle", f"idle: a small configuration, over {SECONDS} s")
    with common.scratch() as directory:
        for _ in range(common.ROUNDS):
            ours(row, directory)
            try:
                supervisord(row, directory)
            except common.Missing as e:
                row.skipped = [f"supervisord ({e})"]
    row.bar_value("tendd: wake-ups", 0)
    row.bar_value("tendd: PSS", 12)
    row.bar_value("tendd: private dirty", 4)
    return row

# SPDX-License-Identifier: MIT
"""1,000 services: how long until all are up, until all are down, what their state costs to ask for and the supervisor
weighs. supervisord with the same programs beside it, its `startsecs` 0, so that it calls a program running at once.

Both keep what the services print, in the way they do by default. When services come and go is told by themselves
(service.c), not by their supervisor; but tendd's are up only when it calls them
ready as well.
"""
import os
import select
import statistics
import subprocess
import time

import common
import daemon
from row_idle import MB, SUPERVISORD

SERVICES = 50 if common.QUICK else 1000
TIMEOUT = 120  # seconds

TENDD_SERVICE = """[task s{n}]
command = {program} {fifo}
restart = always
"""
SUPERVISORD_SERVICE = """[program:s{n}]
command = {program} {fifo}
autorestart = true
redirect_stderr = true
startsecs = 0
"""


class Services:
    """The reading end of the services' FIFO."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "fifo")
        os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLIN)

    def close(self):
        os.close(self.fd)

    def _wait(self, until, what):
        deadline = time.monotonic() + TIMEOUT
        while not until(self.poll.poll(10)):
            if time.monotonic() > deadline:
                raise common.Broken(f"the services are not {what} after {TIMEOUT} s")

    def wait_until_up(self):
        n = 0

        def count(events):
            nonlocal n
            if events and events[0][1] & select.POLLIN:
                n += len(os.read(self.fd, 65536))
            elif events:
                time.sleep(0.001)  # nobody yet
            return n >= SERVICES

        self._wait(count, "up")
        if n != SERVICES:
            raise common.Broken(f"{n} services came up instead of {SERVICES}")

    def wait_until_down(self):
        self._wait(lambda events: events and events[0][1] == select.POLLHUP, "down")


class Tendd:
    name = "tendd"
    asked = 21  # times

    def __init__(self, directory, fifo):
        services = "".join(TENDD_SERVICE.format(n=n, program=common.program("service"), fifo=fifo)
                           for n in range(SERVICES))
        path = daemon.config(directory, f"[defaults]\n{daemon.USER}{services}")
        self.daemon = daemon.Daemon(directory, path)

    def start(self):
        self.daemon.__enter__()
        self.pid = self.daemon.pid

    def wait_until_ready(self):
        deadline = time.monotonic() + TIMEOUT
        while self._n_ready() < SERVICES:
            if time.monotonic() > deadline:
                raise common.Broken("tendd: not all services are ready")
            time.sleep(0.001)

    def _n_ready(self):
        with open(self.daemon.log_path) as f:
            return sum(line.endswith(" ready\n") for line in f)

    def ctl(self, *words):
        common.wall([daemon.TENDCTL, "--socket", self.daemon.socket_path, *words])

    def stop_all(self):
        self.ctl("stop", "*")

    def start_all(self):
        self.ctl("start", "*")

    def queries(self):
        yield "status", ["status"]
        yield "state of each", ["list"]

    def end(self):
        self.daemon.__exit__()


class Supervisord:
    name = "supervisord"
    asked = 3

    def __init__(self, directory, fifo):
        self.argv = [common.tool("supervisord", "supervisor"), "-c"]
        self.control = [common.tool("supervisorctl", "supervisor"), "-s", f"unix://{directory}/supervisor.sock"]
        settings = f"minfds = {10 * SERVICES}\n" + ("user = root" if os.geteuid() == 0 else "")
        services = "".join(SUPERVISORD_SERVICE.format(n=n, program=common.program("service"), fifo=fifo)
                           for n in range(SERVICES))
        self.path = daemon.config(directory, SUPERVISORD.format(dir=directory, user=settings) + services,
                                  "supervisord.conf")

    def start(self):
        self.process = subprocess.Popen([*self.argv, self.path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        self.pid = self.process.pid

    def wait_until_ready(self):
        pass

    def ctl(self, *words):
        common.wall([*self.control, *words])

    def stop_all(self):
        self.ctl("stop", "all")

    def start_all(self):
        self.ctl("start", "all")

    def queries(self):
        yield "status", ["status"]

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def seconds(*steps):
    start = time.monotonic()
    for step in steps:
        step()
    return time.monotonic() - start


def life(row, contestant, services):
    """One life of a supervisor: up, asked, all stopped by its client, up again, ended by a signal."""
    name = contestant.name
    try:
        row.add(f"{name}: up", seconds(contestant.start, services.wait_until_up, contestant.wait_until_ready), "s")
        pss, dirty = daemon.memory(contestant.pid)
        row.add(f"{name}: PSS", pss / MB, "MB")
        row.add(f"{name}: private dirty", dirty / MB, "MB")
        for what, words in contestant.queries():
            times = [seconds(lambda words=words: contestant.ctl(*words)) for _ in range(contestant.asked)]
            row.add(f"{name}: {what}", statistics.median(times) * 1000, "ms")
        row.add(f"{name}: stop of all", seconds(contestant.stop_all, services.wait_until_down), "s")
        row.add(f"{name}: start of all", seconds(contestant.start_all, services.wait_until_up), "s")
    except BaseException:
        contestant.end()
        raise
    row.add(f"{name}: down", seconds(contestant.end, services.wait_until_down), "s")


def measure():
    row = common.Row("services", f"services: {SERVICES:,} of them, up and down")
    with common.scratch() as directory:
        services = Services(directory)
        for _ in range(common.ROUNDS):
            life(row, Tendd(directory, services.path), services)
            try:
                life(row, Supervisord(directory, services.path), services)
            except common.Missing as e:
                row.skipped = [f"supervisord ({e})"]
        services.close()
    row.bar_ratio("supervisord: up", "tendd: up", 15)
    row.bar_ratio("supervisord: down", "tendd: down", 10)
    row.bar_ratio("supervisord: status", "tendd: status", 100)
    row.bar_ratio("supervisord: PSS", "tendd: PSS", 2)
    return row

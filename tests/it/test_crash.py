# SPDX-License-Identifier: MIT
"""kill -9 at random moments under load: nothing acknowledged is lost, nothing is done twice, nothing is left running.

TENDD_CRASH_ROUNDS says how often the daemon is killed [25, with sanitizers 10], TENDD_CRASH_SEED what is drawn; both are printed.
"""
import collections
import contextlib
import os
import random
import shutil
import sqlite3
import threading
import time

from support import processes
from support.case import Case
from support.wait import SANITIZERS

ROUNDS = int(os.environ.get("TENDD_CRASH_ROUNDS", "25" if SANITIZERS == "no" else "10"))
SEED = int(os.environ.get("TENDD_CRASH_SEED", str(random.SystemRandom().randrange(1 << 32))))

CONFIG = """
[daemon]
catch-up-delay = 100ms
log-level = info
[defaults]
{user}env = TENDD_CRASH_TEST={directory}
[task calendar]
calendar = *:*:*
overlap = allow:5
shell = {note}
[task every]
every = 150ms
overlap = allow:5
shell = {note}
[task quick]
manual = yes
overlap = allow:20
shell = {note}
[task long]
manual = yes
overlap = allow:20
shell = {note}; sleep 300
on-failure = alert
[task again]
manual = yes
on-interrupt = rerun
shell = {note}; sleep 300
[task fan]
manual = yes
for-each = list:a b c d e f
concurrency = 3
shell = sleep 0.05
[task service]
restart = always
shell = {note}; sleep 300 & wait
on-failure = alert
[task one]
shell = {note}
[task two]
shell = {note}; sleep 300
[group both]
members = one two
manual = yes
overlap = allow:20
on-failure = alert
[task alert]
manual = yes
shell = echo "$TENDD_RUN $TENDD_FOR_RUN $TENDD_FOR_OUTCOME" >> {directory}/alerts
"""

# Alerts wait for each other and begin one by one, so that most kills find some that did not begin.
ALERTS = """
[limit mail]
permits = 1
[daemon]
hook-queue = 10000
[defaults]
{user}
[task bad]
manual = yes
overlap = allow:20
command = /bin/false
on-failure = alert
[task alert]
manual = yes
limit = mail
shell = sleep 0.02; echo "$TENDD_RUN $TENDD_FOR_RUN" >> {directory}/alerts
"""


class Operators:
    """Clients that start tasks as long as the daemon answers, and keep what it acknowledged."""

    def __init__(self, daemon, draw, kinds=("quick", "long", "again", "fan", "both", "quick"), waited=("quick", "fan"),
                 n=50):
        self.started = []
        self.ended = {}
        self._waited = waited
        self._threads = [threading.Thread(target=self._work, args=(daemon, tasks), daemon=True)
                         for tasks in (draw.choices(kinds, k=n), draw.choices(waited, k=n))]
        for thread in self._threads:
            thread.start()

    def _work(self, daemon, tasks):
        with contextlib.suppress(OSError, ValueError):
            client = daemon.connect()
            for task in tasks:
                wait = task in self._waited
                client.send("io.tendd.Runner.Start", {"tasks": [task], "wait": wait}, more=wait)
                while True:
                    reply = client.receive()
                    if reply is None or "error" in reply:
                        return
                    self.started += reply["parameters"].get("started", [])
                    result = reply["parameters"].get("result")
                    if result:
                        self.ended[result["run"]] = result["outcome"]
                    if not reply.get("continues"):
                        break

    def join(self):
        for thread in self._threads:
            thread.join(30)


class CrashCase(Case):
    def setUp(self):
        super().setUp()
        print(f"TENDD_CRASH_ROUNDS={ROUNDS} TENDD_CRASH_SEED={SEED}")
        self.draw = random.Random(SEED)

    def lines(self, name):
        return [line.split() for line in self.read(name).splitlines()]

    def history(self, sql, *values):
        """Rows of a copy of the database, so that nobody but the daemon ever recovers the file."""
        copy = self.path("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.crashing.state_dir, copy)
        with contextlib.closing(sqlite3.connect(os.path.join(copy, "state.db"))) as connection:
            return connection.execute(sql, values).fetchall()

    def crash(self, *args):
        """A daemon that is killed under load; what its operators know of it."""
        self.crashing.start()
        operators = Operators(self.crashing, self.draw, *args)
        time.sleep(self.draw.uniform(0, 0.7))  # this moment is what is tested
        self.crashing.process.kill()
        self.crashing.process.wait()
        operators.join()
        self.assertEqual(self.history("PRAGMA integrity_check"), [("ok",)])
        return operators

    def reap(self):
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


class Crash(CrashCase):
    def setUp(self):
        super().setUp()
        self.started, self.ended = [], {}
        note = f'echo "$TENDD_RUN $TENDD_TASK $TENDD_TRIGGER $TENDD_DUE" >> {self.directory}/runs'
        self.crashing = self.daemon(CONFIG.format(directory=self.directory, note=note,
                                                  user="user = root\n" if os.geteuid() == 0 else ""), start=False)

    def alive(self, task=None):
        """Processes of runs, whatever daemon they are of."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    environ = file.read().split(b"\0")
            except OSError:
                continue
            if f"TENDD_CRASH_TEST={self.directory}".encode() not in environ or not processes.alive(int(pid)):
                continue
            if task is None or f"TENDD_TASK={task}".encode() in environ:
                found.append(int(pid))
        return found

    # ---- what must hold ----

    def check_history(self):
        runs = dict(self.history("SELECT run, outcome FROM run"))
        self.assertEqual(self.history("SELECT run, count(*) FROM run GROUP BY run HAVING count(*) > 1"), [])
        self.assertEqual([run for run in self.started if run not in runs], [], "acknowledged and lost")
        self.assertEqual({run: runs.get(run) for run in self.ended}, self.ended, "told as ended otherwise")
        self.assertEqual([line[0] for line in self.lines("runs") if line[0] not in runs], [], "ran unknown to history")
        self.assertEqual(self.history("SELECT * FROM live"), [], "have no end")

    def check_nothing_twice(self):
        counts = collections.Counter(line[0] for line in self.lines("runs") if line[1] != "service")
        self.assertEqual([run for run, n in counts.items() if n > 1], [], "ran twice")
        dues = self.history("SELECT task, due_usec, count(*) FROM run WHERE \"trigger\" IN ('every', 'calendar') "
                            "GROUP BY task, due_usec HAVING count(*) > 1")
        self.assertEqual(dues, [], "fired twice")
        seconds = collections.Counter(line[3] for line in self.lines("runs") if line[2] == "calendar")
        self.assertEqual([due for due, n in seconds.items() if n > 1], [], "a second fired twice")

    def check_alerts(self):
        """Each at most once, because the next crash may hit the hook; and all of what the last crash hit."""
        alerts = collections.Counter(line[1] for line in self.lines("alerts"))
        self.assertEqual([run for run, n in alerts.items() if n > 1], [], "alerted twice")
        self.assertEqual([line for line in self.lines("alerts") if line[2] != "interrupted"], [])
        self.assertEqual([run for run in alerts if run.startswith("service")], [], "a service is no alarm")

    def test_whatever_the_moment_of_a_kill(self):
        for _ in range(ROUNDS):
            operators = self.crash()
            self.started += operators.started
            self.ended.update(operators.ended)
            self.reap()
        left = [run for (run,) in self.history("SELECT run FROM live WHERE task IN ('long', 'both')")]
        again = [run for (run,) in self.history("SELECT run FROM live WHERE task = 'again'")]

        self.crashing.start()
        self.crashing.log.wait(r"service#\d+ ready")
        self.reap()
        # One that is amid its execve(2) has no environment yet.
        self.until(lambda: len({processes.status(pid)["NSsid"] for pid in self.alive("service")}) == 1, "one service")
        self.until(lambda: {line[1] for line in self.lines("alerts")}.issuperset(left), "the alerts of the last crash")
        if again:
            self.crashing.log.wait(r"again#\d+ started")
        self.assertEqual(self.crashing.stop(), 0)
        self.reap()
        self.assertEqual(self.alive(), [])

        self.check_history()
        self.check_nothing_twice()
        self.check_alerts()
        interrupted = self.history("SELECT count(*) FROM run WHERE outcome = 'interrupted'")[0][0]
        print(f"{len(self.started)} acknowledged, {len(self.lines('runs'))} ran, {interrupted} interrupted")
        self.assertGreater(interrupted, ROUNDS // 2)


class Alerts(CrashCase):
    """Each outcome that the history has is alerted of, once."""

    def without_end(self):
        """Runs, also those of dead daemons that are not told of yet. The daemon has the file open, and recovers it alone."""
        path = os.path.join(self.crashing.state_dir, "state.db")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM live").fetchone()[0]

    def test_whatever_the_moment_of_a_kill(self):
        user = "user = root" if os.geteuid() == 0 else ""
        self.crashing = self.daemon(ALERTS.format(directory=self.directory, user=user), start=False)
        for _ in range(ROUNDS // 2):
            self.crash(("bad",), ("bad",), 10)
            self.reap()
        self.crashing.start()
        self.until(lambda: self.without_end() == 0, "what was without an end, and hooks for it, to end", 60)
        self.assertEqual(self.crashing.stop(), 0)

        ended = {run for (run,) in self.history("SELECT run FROM run WHERE task = 'bad'")}
        alerts = collections.Counter(line[1] for line in self.lines("alerts"))
        self.assertEqual([run for run, n in alerts.items() if n > 1], [], "alerted twice")
        self.assertEqual(set(alerts) - ended, set(), "of what did not end")
        # A hook that was at work, or about to, may have done it or not: one at a time, so at most one for each kill. With
        # many kills more wait than hook-queue takes, which the history tells too.
        hooks = collections.Counter(outcome for (outcome,) in self.history("SELECT outcome FROM run WHERE task = 'alert'"))
        unsaid = ended - set(alerts)
        print(f"{len(ended)} ended, {len(unsaid)} without an alert, hooks: {dict(hooks)}")
        self.assertLessEqual(len(unsaid), hooks["interrupted"] + hooks["skipped"], "alerts are lost")
        self.assertLessEqual(hooks["interrupted"], ROUNDS)
        self.assertGreater(hooks["never-started"], 0)

# SPDX-License-Identifier: MIT
"""What tree and why tell of runs at work: their processes, what they wait for, what they printed last."""
import os
import re
import signal

from support import processes
from support.case import Case
from support.servers import silence


class Asking(Case):
    def why_until(self, daemon, name, pattern):
        """What `tendctl why @name` prints, as soon as a line matches @pattern."""
        shown = []

        def matches():
            done = daemon.ctl("why", name)
            self.assertEqual(done.returncode, 0, done.stderr)
            shown[:] = [done.stdout]
            return re.search(pattern, done.stdout, re.M)
        self.until(matches, f"why {name} to tell {pattern!r}")
        return shown[0]


class Processes(Asking):
    def run_of(self, daemon, name):
        return next(run for run in daemon.ctl_json("tree")["runs"] if run["name"] == name)

    def test_a_nested_shell(self):
        daemon = self.daemon("[task t]\non-start = yes\nshell = echo one; echo two; sh -c 'sleep 60; :'; :\n")
        shown = self.why_until(daemon, "t", r"^  pid \d+ sleeps .*: sleep 60$")
        self.assertRegex(shown, r"(?m)^  its last output, (now|.* ago): two$")
        self.assertRegex(shown, r"(?m)^  pid \d+ sleeps \(do_wait: for a child to end\), [\d.]+[KM], \d\.\d\ds CPU, "
                                r"now \d+%: .*sh ")
        self.assertRegex(shown, r"(?m)^to end it: tendctl stop t; to give it more time: tendctl extend t 1h$")

        run = self.run_of(daemon, "t#1")
        told = {process["pid"]: process for process in run["processes"]}
        self.assertEqual(sorted(told), sorted(processes.descendants(daemon.pid)))
        self.assertEqual(processes.children(daemon.pid), list(told)[:1])
        self.assertNotIn("cpu_percent", run["processes"][0])
        self.assertEqual(run["last_output"], "two")
        lines = daemon.ctl("tree").stdout.splitlines()
        self.assertEqual(len(lines), 1 + 1 + 3)
        self.assertRegex(lines[0], r"^RUN +STATE +FOR +MEM +CPU +DETAIL$")
        for line, process in zip(lines[2:], run["processes"]):
            self.assertRegex(line, rf"^.─ {process['pid']} +\w.* {re.escape(process['command'])}$")
        lines = daemon.ctl("tree", "--no-processes").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertNotIn("MEM", lines[0])

    def test_odd_states_are_explained(self):
        daemon = self.daemon("[task t]\non-start = yes\nshell = sleep 61 & sleep 0 & exec sleep 60\n")
        self.why_until(daemon, "t", "zombie")
        stopped = next(process["pid"] for process in self.run_of(daemon, "t#1")["processes"]
                       if process["command"] == "sleep 61")
        os.kill(stopped, signal.SIGSTOP)
        shown = self.why_until(daemon, "t", rf"^  pid {stopped} stopped, ")
        self.assertIn("CONT lets it go on", shown)
        self.assertIn("it has ended, and is kept until", shown)
        self.assertRegex(daemon.ctl("tree").stdout, rf"{stopped} +stopped ")
        self.assertEqual(daemon.ctl("stop", "t").returncode, 0)
        self.assertEqual(daemon.ctl("wait", "t").returncode, 1)
        self.assertGone(stopped)

    def test_a_fifo_that_nobody_writes(self):
        os.mkfifo(self.path("fifo"))
        daemon = self.daemon(f"[task t]\non-start = yes\ncommand = cat {self.path('fifo')}\n")
        shown = self.why_until(daemon, "t", r"\(wait_for_partner|\(fifo_open")
        self.assertIn("for the other end of a FIFO to be opened", shown)

    def test_a_thread_that_hangs_is_told_while_and_after_the_run(self):
        os.mkfifo(self.path("fifo"))
        daemon = self.daemon(f"[task t]\nmanual = yes\npath = {self.path('fifo')}\ntimeout = 10min\n")
        daemon.ctl("start", "t")
        what = f"a thread of pool default reads {self.path('fifo')}"
        self.why_until(daemon, "t", f"it is at: for .* {re.escape(what)}")
        daemon.ctl("stop", "t")
        daemon.ctl("wait", "t")
        shown = self.why_until(daemon, "t", "t#1 left a thread that cannot be ended")
        self.assertIn(what, shown)
        self.assertNotIn("to end it", shown)
        with open(self.path("fifo"), "wb"):  # lets the thread go
            pass

    def test_a_server_that_is_silent(self):
        server = self.hostile(silence)
        daemon = self.daemon(f"[task web]\non-start = yes\nurl = {server.url}\ntimeout = 10min\n"
                             f"[task port]\non-start = yes\nconnect = {server.address}\nexpect = x\ntimeout = 10min\n")
        self.why_until(daemon, "web", re.escape(f"it is at: waiting for the answer of {server.url.rstrip('/')}"))
        self.why_until(daemon, "port",
                       re.escape(f"it is at: waiting for the answer of {server.address}, 0 bytes so far"))

    def test_a_process_that_leads_a_busy_life(self):
        daemon = self.daemon("[task t]\non-start = yes\nshell = while :; do :; done\n")
        shown = self.why_until(daemon, "t", r"^  pid \d+ runs, .*, now [1-9]\d*%: ")
        self.assertNotIn("its last output", shown)


class Situation10(Asking):
    """Something hangs: from what is wrong, by why, to its end, in a session of commands that each name the next."""

    CONFIG = """
[limit warehouse]
permits = 1
[defaults etl]
limit = warehouse
grace = 5s
[group etl]
manual = yes
members = etl-*
policy = settle
total-timeout = 5h
[task etl-extract]
use = etl
limit =
command = /bin/true
[task etl-load-customers]
use = etl
after = etl-extract
slow-after = 100ms
timeout = 40min
shell = echo 'row 1 of 20'; echo 'row 2 of 20'; read never < {fifo}
[task etl-load-orders]
use = etl
after = etl-extract
priority = -1
command = /bin/true
"""

    def test_it_is_found_and_stopped(self):
        os.mkfifo(self.path("fifo"))
        daemon = self.daemon(self.CONFIG.replace("{fifo}", self.path("fifo")))
        self.assertEqual(daemon.ctl("start", "etl").returncode, 0)

        def status():
            return re.search(r"SLOW +etl-load-customers .*(tendctl why \S+)\n", daemon.ctl("status").stdout)
        self.until(status, "status to tell that it is slow")
        self.assertRegex(daemon.ctl("status").stdout, r"FULL +limit warehouse ")
        self.assertEqual(status()[1].split()[1:], ["why", "etl-load-customers"])

        # What waits: for what, and who has it.
        shown = daemon.ctl("why", "etl#1/etl-load-orders").stdout
        self.assertIn("waits for 1 of the permits of limit warehouse: 1 of 1 are held", shown)
        self.assertIn("  held by etl#1/etl-load-customers\n", shown)

        # What hangs: last output and its age, its process, the next bound, and what to do.
        shown = self.why_until(daemon, "etl#1/etl-load-customers",
                               r"^  pid \d+ sleeps .*for the other end of a FIFO to be opened.* now \d+%: .*read never")
        self.assertRegex(shown, r"^etl#1/etl-load-customers is running for ")
        self.assertRegex(shown, r"\n  its last output, (now|\d+\w* ago): row 2 of 20\n")
        self.assertRegex(shown, r"  timeout of etl#1/etl-load-customers ends it in 39min \d+s\n")
        stop = re.search(r"to end it: tendctl (stop \S+);", shown)[1].split()
        pid = int(re.search(r"  pid (\d+) ", shown)[1])

        # What it printed before; where there is no journal, the daemon keeps the end of it.
        logs = re.search(r"to read its log: tendctl (logs \S+)\n", shown)[1].split()
        self.assertIn("row 1 of 20", daemon.ctl(*logs).stdout)

        self.assertEqual(daemon.ctl(*stop).returncode, 0)
        self.assertGone(pid)
        done = daemon.ctl("wait", "etl#1")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"etl-load-customers +cancelled")
        self.assertRegex(done.stdout, r"etl-load-orders +ok")  # its permit came free

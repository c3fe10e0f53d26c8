# SPDX-License-Identifier: MIT
"""The runner: phases, signals, drain, the second signal, one daemon a directory."""
import fcntl
import os
import re
import signal
import time

from support import processes
from support.case import Case
from support.servers import measure


class Signals(Case):
    def begun(self, name="begun"):
        self.until(lambda: self.read(name), f"{name} to be written")

    def service_like(self, body, **keys):
        """A task that starts at once, and says so in the file `begun`."""
        lines = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in keys.items())
        return f"[task t]\non-start = yes\nshell = {body}\n{lines}"

    def test_sigterm_stops_what_runs_and_exits_0(self):
        for signo in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signo):
                for name in ("begun", "ended"):
                    self.write(name, "")
                daemon = self.daemon(self.service_like(
                    f"trap 'echo asked > {self.path('ended')}; exit 0' TERM; echo $$ > {self.path('begun')}; "
                    "while :; do sleep 0.05; done"))
                self.begun()
                daemon.kill(signo)
                self.assertEqual(daemon.wait_exit(), 0)
                self.assertEqual(self.read("ended").strip(), "asked")
                self.assertGone(int(self.read("begun")), 0)
                self.assertFalse(os.path.exists(daemon.socket_path))

    STUBBORN = "trap '' TERM; echo $$ > {begun}; while :; do sleep 0.05; done"

    def stubborn(self, **keys):
        return self.service_like(self.STUBBORN.format(begun=self.path("begun")), **keys)

    def test_grace_is_waited_for_and_then_it_is_killed(self):
        daemon = self.daemon(self.stubborn(grace="1500ms"))
        self.begun()
        seconds, code = measure(daemon.stop)
        self.assertEqual(code, 0)
        self.assertGreater(seconds, 1.4)
        self.assertLess(seconds, 5 * self.SCALE)
        self.assertGone(int(self.read("begun")), 0)

    def test_shutdown_timeout_caps_the_grace(self):
        daemon = self.daemon("[daemon]\nshutdown-timeout = 1s\n" + self.stubborn(grace="1min"))
        self.begun()
        seconds, code = measure(daemon.stop)
        self.assertEqual(code, 0)
        self.assertLess(seconds, 10 * self.SCALE)
        self.assertGone(int(self.read("begun")), 0)

    def test_a_second_signal_skips_the_grace(self):
        daemon = self.daemon(self.stubborn(grace="1min"))
        self.begun()
        daemon.kill(signal.SIGTERM)
        first = time.monotonic()
        # Not within a second of the first: that counts as the same.
        self.until(lambda: time.monotonic() - first > 1.2, "1.2 s to pass since the first signal", 5)
        self.assertTrue(daemon.running())
        seconds, code = measure(lambda: (daemon.kill(signal.SIGTERM), daemon.wait_exit(15))[1])
        self.assertEqual(code, 0)
        self.assertLess(seconds, 5 * self.SCALE)
        self.assertGone(int(self.read("begun")), 0)

    def test_two_signals_at_once_are_one(self):
        daemon = self.daemon(self.stubborn(grace="2s"))
        self.begun()
        daemon.kill(signal.SIGTERM)
        seconds, code = measure(lambda: (daemon.kill(signal.SIGINT), daemon.wait_exit())[1])
        self.assertEqual(code, 0)
        self.assertGreater(seconds, 1.9)

    def test_signals_that_mean_nothing_change_nothing(self):
        daemon = self.daemon(self.service_like(f"echo $$ > {self.path('begun')}; exec sleep 60"))
        self.begun()
        for signo in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGCHLD, signal.SIGURG):
            daemon.kill(signo)
        self.assertEqual(daemon.ctl("status").returncode, 0)
        self.assertTrue(processes.alive(int(self.read("begun"))))
        self.assertEqual(daemon.stop(), 0)

    def test_drain_waits_for_runs_that_ask_for_it(self):
        daemon = self.daemon(
            "[daemon]\ndrain-timeout = 20s\n" +
            self.service_like(f"echo $$ > {self.path('begun')}; sleep 1.5; echo whole > {self.path('ended')}",
                              on_shutdown="wait") +
            f"[task other]\non-start = yes\nshell = echo $$ > {self.path('other')}; exec sleep 60\n")
        self.begun()
        self.begun("other")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.read("ended").strip(), "whole")

    def test_drain_ends_with_its_timeout(self):
        daemon = self.daemon("[daemon]\ndrain-timeout = 1s\n" + self.service_like(
            f"echo $$ > {self.path('begun')}; exec sleep 60", on_shutdown="wait"))
        self.begun()
        seconds, code = measure(daemon.stop)
        self.assertEqual(code, 0)
        self.assertGreater(seconds, 0.9)
        self.assertLess(seconds, 8 * self.SCALE)

    def test_no_new_run_while_stopping_but_questions_are_answered(self):
        daemon = self.daemon(self.stubborn(grace="3s") + "[task u]\nmanual = yes\ncommand = /bin/true\n")
        self.begun()
        daemon.kill(signal.SIGTERM)
        daemon.log.wait("(?i)stop|drain|shut")
        refused = daemon.ctl("start", "u")
        self.assertNotEqual(refused.returncode, 0, refused.stdout)
        self.assertEqual(daemon.ctl("list").returncode, 0)
        self.assertEqual(daemon.wait_exit(), 0)

    def test_hooks_still_run_while_stopping(self):
        daemon = self.daemon(self.service_like(
            f"trap 'exit 9' USR1; echo $$ > {self.path('begun')}; while :; do sleep 0.05; done",
            on_failure="hook", stop_signal="USR1", timeout="1s") +
            f"[task hook]\nmanual = yes\nshell = echo $TENDD_FOR_OUTCOME > {self.path('hook')}\n")
        self.begun()
        self.until(lambda: self.read("hook"), "the hook", 15)
        self.assertEqual(self.read("hook").strip(), "timeout")
        self.assertEqual(daemon.stop(), 0)


class OneDaemon(Case):
    CONFIG = "[task t]\nmanual = yes\ncommand = /bin/true\n"

    def test_a_second_daemon_is_refused_with_the_pid_of_the_first(self):
        first = self.daemon(self.CONFIG)
        done = first.run()
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(str(first.pid), done.stderr)
        self.assertEqual(first.ctl("status").returncode, 0)

    def test_a_second_daemon_on_the_same_database_is_refused(self):
        begun = self.path("begun")
        daemon = self.daemon(self.CONFIG + f"[task held]\nmanual = yes\nshell = echo $$ > {begun}; exec sleep 60\n")
        daemon.ctl("start", "held")
        self.until(lambda: os.path.exists(begun) and self.read("begun").endswith("\n"), "held to run")
        other = self.daemon(self.CONFIG, start=False)
        other.state_dir = daemon.state_dir
        done = other.run()
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertRegex(done.stderr, rf"another tendd, pid {daemon.pid}, uses it")
        self.assertTrue(processes.alive(int(self.read("begun"))))

    def test_after_kill_9_the_next_one_starts(self):
        daemon = self.daemon(self.CONFIG)
        daemon.kill(signal.SIGKILL)
        self.assertEqual(daemon.wait_exit(), -signal.SIGKILL)
        daemon.start()
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        self.assertEqual(daemon.stop(), 0)

    def test_what_a_killed_daemon_was_about_to_make_is_waited_for(self):
        daemon = self.daemon(self.CONFIG)
        daemon.kill(signal.SIGKILL)
        daemon.wait_exit()
        path = os.path.join(daemon.runtime_dir, "tendd.lock")
        with open(path, encoding="ascii") as lock:  # as a child has it until it executes
            fcntl.flock(lock, fcntl.LOCK_EX)
            daemon.start(wait=False)
            self.until(lambda: processes.has_open(daemon.pid, path), "it to look at the lock")
        daemon.wait_ready()


class Schedules(Case):
    def test_every_never_drifts(self):
        daemon = self.daemon("[task t]\nevery = 500ms\ncommand = sleep 0.1\n")
        # Under load a run may still be at work when the next one is due: that is an occurrence, too.
        due = r"(\d+):(\d+):([\d.]+) \S+ (t#\d+ started|t overlap)"
        self.until(lambda: daemon.log.count(due) >= 10, "ten occurrences", 20)
        daemon.stop()
        times = [int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
                 for match in (re.search(due, line) for line in daemon.log.lines) if match]
        # Counted from the end of each run, ten of them would take a second longer.
        self.assertAlmostEqual((times[9] - times[0]) % 86400, 9 * 0.5, delta=0.45, msg=str(times))

    def test_overlap_skip_is_counted_and_never_two(self):
        daemon = self.daemon(f"[task t]\nevery = 200ms\nshell = mkdir {self.path('lock')} || echo twice >> "
                             f"{self.path('twice')}; sleep 0.7; rmdir {self.path('lock')}; echo x >> "
                             f"{self.path('runs')}\n")
        self.until(lambda: self.read("runs").count("x") >= 3, "three runs", 20)
        daemon.stop()
        self.assertEqual(self.read("twice"), "")

    def test_on_start_runs_once(self):
        daemon = self.daemon(f"[task t]\non-start = yes\nshell = echo x >> {self.path('runs')}\n"
                             f"[task u]\nevery = 300ms\nshell = echo x >> {self.path('others')}\n")
        self.until(lambda: self.read("others").count("x") >= 3, "three runs of another task", 20)
        daemon.stop()
        self.assertEqual(self.read("runs"), "x\n")


class Idle(Case):
    def test_an_idle_daemon_uses_no_cpu(self):
        daemon = self.daemon("[task t]\nevery = 1h\ncommand = /bin/true\n")
        before = processes.cpu_seconds(daemon.pid)
        start = time.monotonic()
        self.until(lambda: time.monotonic() - start > 2, "two seconds to pass")
        self.assertLessEqual(processes.cpu_seconds(daemon.pid) - before, 0.02)

# SPDX-License-Identifier: MIT
"""What a daemon finds when it is started: no standard descriptors, blocked signals, few descriptors, no home, a service
manager that listens, a log that nobody reads."""
import os
import resource
import signal
import socket
import subprocess

from support.case import Case
from support.daemon import TENDD

TASK = "[task t]\nmanual = yes\nshell = echo said\n"


class Start(Case):
    def once(self, config, env=None, **kwargs):
        daemon = self.daemon(config, start=False, env=env)
        return daemon, subprocess.run(daemon.command("--once", "t"), env=daemon.env, timeout=60 * self.SCALE, check=False,
                                      **kwargs)

    def test_missing_standard_descriptors_are_not_taken_by_files_of_ours(self):
        def close_all():
            for fd in (0, 1, 2):
                os.close(fd)
        daemon, done = self.once(TASK, preexec_fn=close_all)
        self.assertEqual(done.returncode, 0)
        with open(os.path.join(daemon.runtime_dir, "tendd.lock"), encoding="ascii") as lock:
            self.assertRegex(lock.read(), r"^\d+\n$")

    def test_signals_that_were_blocked_are_heard(self):
        daemon = self.daemon(TASK, start=False)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGCHLD))
        try:
            daemon.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        self.assertEqual(daemon.stop(), 0)

    def test_what_is_about_the_daemon_stays_with_it(self):
        about = {name: "of the daemon" for name in (
            "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "INVOCATION_ID",
            "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "STATE_DIRECTORY", "RUNTIME_DIRECTORY",
            "OLDPWD", "TENDD_SOCKET", "TENDD_RUN")}
        _, done = self.once("[task t]\nmanual = yes\ncommand = cat /proc/self/environ\n"
                            f"output = file:{self.path('environ')}\n", env={**about, "KEPT": "of the daemon"},
                            stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0)
        given = dict(word.split("=", 1) for word in self.read("environ").split("\0") if word)
        self.assertEqual([name for name, value in given.items() if value == "of the daemon"], ["KEPT"])
        self.assertFalse({"PWD", "_"} & given.keys())
        self.assertEqual(given["TENDD_RUN"], "t#1")

    def test_signals_ignored_by_the_daemon_are_not_by_its_children(self):
        def ignore():
            for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1):
                signal.signal(number, signal.SIG_IGN)
            os.umask(0o027)
        _, done = self.once("[task t]\nmanual = yes\nshell = grep -E 'Sig(Blk|Ign)' /proc/self/status; umask\n"
                            f"output = file:{self.path('status')}\n", preexec_fn=ignore)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.read("status").split(), ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16, "0027"])

    def test_too_few_descriptors_are_told(self):
        # The sanitizer's own search for leaks needs descriptors.
        daemon = self.daemon(TASK, start=False, env={"ASAN_OPTIONS": "detect_leaks=0"})
        for n in range(3, 24):
            done = subprocess.run(daemon.command("--once", "t"), env=daemon.env, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60 * self.SCALE, check=False,
                                  preexec_fn=lambda n=n: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
            with self.subTest(n):
                if done.returncode not in (0, 126):
                    self.assertRegex(done.stderr, "Too many open files|error while loading", done)
                self.assertGreaterEqual(done.returncode, 0, done)

    def test_without_home_or_place_for_state_it_runs(self):
        def run(**env):
            done = subprocess.run([TENDD, "--config", daemon.config_path, "--runtime-dir", daemon.runtime_dir, "--once",
                                   "t"], env={**daemon.env, **env}, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=60 * self.SCALE, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stderr
        daemon = self.daemon(TASK, start=False)
        del daemon.env["HOME"]
        self.assertIn("/proc/none", run(STATE_DIRECTORY="/proc/none"))
        self.assertIn("said", run(STATE_DIRECTORY=self.path("state")))


class Manager(Case):
    def listener(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(self.path("notify"))
        listener.settimeout(10 * self.SCALE)
        self.addCleanup(listener.close)
        return listener

    def told(self, listener):
        return listener.recv(4096).decode().splitlines()

    def tells(self, listener, line):
        """It is told sooner or later, between what else there is to tell."""
        while line not in self.told(listener):
            pass

    def test_a_daemon_tells_its_phases(self):
        if "libsystemd" not in subprocess.run(["ldd", TENDD], capture_output=True, text=True, check=False).stdout:
            self.skipTest("built without libsystemd")
        listener = self.listener()
        daemon = self.daemon(TASK, env={"NOTIFY_SOCKET": self.path("notify")})
        self.tells(listener, "READY=1")
        self.assertEqual(daemon.stop(), 0)
        self.tells(listener, "STOPPING=1")

    def test_once_tells_nothing(self):
        listener = self.listener()
        daemon = self.daemon(TASK, start=False, env={"NOTIFY_SOCKET": self.path("notify")})
        self.assertEqual(daemon.run("--once", "t").returncode, 0)
        listener.setblocking(False)
        with self.assertRaises(BlockingIOError):
            listener.recv(4096)


class Logs(Case):
    def test_a_log_that_nobody_reads_harms_no_run(self):
        ours, theirs = os.pipe()
        daemon = self.daemon("[task t]\nmanual = yes\ncommand = seq 1500000\ntimeout = 30s\n", start=False)
        done = subprocess.run(daemon.command("--once", "t", "--json"), env=daemon.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=120 * self.SCALE, check=False)
        os.close(ours)
        os.close(theirs)
        self.assertEqual(done.returncode, 0, done.stdout)

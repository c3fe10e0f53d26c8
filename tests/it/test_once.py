# SPDX-License-Identifier: MIT
"""tendd --once: one task, its outcome as JSON, and its exit code."""
import json
import os
import signal
import subprocess

from support.case import Case
from support.servers import measure


def task(text, name="t"):
    return f"[task {name}]\nmanual = yes\n{text}\n"


class ExitCodes(Case):
    CASES = {
        "ok": ("command = /bin/true", 0, "ok", None),
        "own code": ("shell = exit 37", 37, "failed", "exit"),
        "a code that counts as success": ("shell = exit 3\nsuccess-exit = 0 3", 3, "ok", None),
        "signal": ("shell = kill -KILL $$", 128 + signal.SIGKILL, "failed", "signal"),
        "timeout": ("command = sleep 60\ntimeout = 300ms\ngrace = 1s", 124, "timeout", "timeout"),
        "not found": ("command = /no/such/program", 127, "failed", "spawn"),
        "not executable": ("command = /etc/passwd", 126, "failed", "spawn"),
    }

    def test_exit_codes(self):
        for name, (text, code, outcome, error) in self.CASES.items():
            with self.subTest(name):
                done = self.run_once(task(text), "t", "--json")
                self.assertEqual(done.returncode, code, done.stderr + done.stdout)
                tree = json.loads(done.stdout)
                self.assertEqual(tree["outcome"], outcome, tree)
                self.assertEqual(tree["task"], "t")
                if error and outcome == "failed":
                    self.assertEqual(tree["errors"][0]["kind"], error, tree)

    def test_an_interrupt_cancels_and_exits_130(self):
        daemon = self.daemon(task(f"shell = echo begun > {self.path('begun')}; exec sleep 60"), start=False)
        daemon.start("--once", "t", wait=False)
        self.until(lambda: self.read("begun"), "the command to begin")
        daemon.kill(signal.SIGINT)
        self.assertEqual(daemon.wait_exit(), 130)

    def test_no_such_task(self):
        done = self.run_once(task("command = /bin/true", "backup"), "bakcup")
        self.assertNotIn(done.returncode, (0, 1))
        self.assertIn("backup", done.stderr)

    def test_refused_while_a_daemon_holds_the_runtime_directory(self):
        daemon = self.daemon(task("command = /bin/true"))
        done = daemon.run("--once", "t")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(daemon.pid), done.stderr)

    def test_a_relative_directory_is_where_runs_speak_to(self):
        daemon = self.daemon(task("shell = case $NOTIFY_SOCKET in /*) ;; *) exit 9 ;; esac"), start=False)
        daemon.runtime_dir = os.path.relpath(daemon.runtime_dir)
        self.assertEqual(daemon.run("--once", "t").returncode, 0)

    def test_other_tasks_do_not_run(self):
        self.run_once(task("command = /bin/true") +
                      f"[task other]\non-start = yes\ncommand = touch {self.path('other')}\n", "t")
        self.assertFalse(os.path.exists(self.path("other")))


class Commands(Case):
    def once(self, text, *args, name="t"):
        done = self.run_once(text, name, "--json", *args)
        return done, json.loads(done.stdout)

    def test_a_missing_command_names_path_and_errno_and_is_retried_slowly(self):
        seconds, (_, tree) = measure(lambda: self.once(task(
            "command = /no/such/program\nretries = 2\nretry-delay = 400ms..400ms")))
        self.assertEqual(tree["outcome"], "failed")
        self.assertEqual(tree["attempts"], 3, tree)
        self.assertIn("/no/such/program", tree["errors"][0]["detail"])
        self.assertRegex(tree["errors"][0]["detail"], "No such file|ENOENT")
        # two delays of 400 ms ± 20 %
        self.assertGreater(seconds, 0.6)

    def test_what_double_forks_and_ignores_sigterm_is_gone(self):
        pid_file = self.path("pid")
        script = self.write("daemonize", f"""#!/usr/bin/python3
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("{pid_file}.tmp", "w").write(str(os.getpid()))
        os.rename("{pid_file}.tmp", "{pid_file}")
        time.sleep(300)
    time.sleep(300)
time.sleep(300)
""", 0o755)
        seconds, (_, tree) = measure(lambda: self.once(task(f"command = {script}\ntimeout = 6s\ngrace = 1s")))
        self.assertEqual(tree["outcome"], "timeout", tree)
        self.assertLess(seconds, (6 + 1 + 1) * self.SCALE)
        self.assertGone(int(self.read("pid")), 0)

    def test_grandchildren_that_outlive_the_command_are_killed(self):
        _, tree = self.once(task(f"shell = setsid sleep 300 & echo $! > {self.path('pid')}; exit 0\ngrace = 500ms"))
        self.assertEqual(tree["outcome"], "ok", tree)
        self.assertGone(int(self.read("pid")), 0)

    def test_the_child_sees_a_clean_world(self):
        _, tree = self.once(task(
            f"shell = env > {self.path('env')}; ls -l /proc/self/fd > {self.path('fds')}; "
            f"readlink /proc/self/fd/0 > {self.path('stdin')}; grep Sig /proc/self/status > {self.path('signals')}\n"
            "env = COLOUR=blue"))
        self.assertEqual(tree["outcome"], "ok", tree)
        env = dict(line.split("=", 1) for line in self.read("env").splitlines() if "=" in line)
        self.assertEqual(env["COLOUR"], "blue")
        self.assertEqual(env["TENDD_TASK"], "t")
        self.assertRegex(env["TENDD_RUN"], r"^t#\d+$")
        self.assertEqual(env["TENDD_ATTEMPT"], "1")
        self.assertNotIn("WATCHDOG_USEC", env)
        self.assertEqual(self.read("stdin").strip(), "/dev/null")
        # 0, 1, 2, and the one that ls has open
        self.assertLessEqual(len(self.read("fds").splitlines()) - 1, 4, self.read("fds"))
        signals = dict(line.split(":\t") for line in self.read("signals").splitlines())
        self.assertEqual(int(signals["SigBlk"], 16), 0)
        self.assertEqual(int(signals["SigIgn"], 16), 0)

    def test_output_goes_to_the_log_line_by_line_and_the_tail_to_nobody_else(self):
        done, _ = self.once(task("shell = echo first line; echo second line >&2"))
        self.assertRegex(done.stderr, r"(?m)t.*first line$")
        self.assertRegex(done.stderr, r"(?m)t.*second line$")

    def test_output_to_a_file(self):
        target = self.path("out")
        self.once(task(f"shell = echo one; echo two >&2\noutput = file:{target}"))
        self.assertEqual(self.read("out"), "one\ntwo\n")

    def test_a_flood_of_output_does_not_grow_the_daemon(self):
        daemon = self.daemon(task("command = seq 2000000\n"
                                  "timeout = infinity"))
        started = daemon.rss_kib()
        peak = started
        waiting = subprocess.Popen(daemon.ctl_command("start", "--wait", "t"), env=daemon.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while waiting.poll() is None:
            peak = max(peak, daemon.rss_kib())
            try:
                waiting.wait(0.05)
            except subprocess.TimeoutExpired:
                pass
        self.assertEqual(waiting.returncode, 0)
        self.assertLess(peak - started, self.FLAT_KIB)


class Groups(Case):
    def tree(self, config, name="g", env=None):
        done = self.daemon(config, start=False, env=env).run("--once", name, "--json")
        return done, json.loads(done.stdout)

    def test_the_first_failure_cancels_the_siblings_and_comes_first(self):
        _, tree = self.tree("[group g]\nmanual = yes\nmembers = bad slow stubborn\n"
                            "[task bad]\nshell = sleep 0.3; exit 3\n[task slow]\ncommand = sleep 60\n"
                            "[task stubborn]\nshell = trap '' TERM; sleep 60; sleep 60\ngrace = 500ms\n")
        self.assertEqual(tree["outcome"], "failed", tree)
        self.assertEqual(tree["errors"][0]["kind"], "exit", tree)
        outcomes = {child["task"]: child["outcome"] for child in tree["children"]}
        self.assertEqual(outcomes, {"bad": "failed", "slow": "cancelled", "stubborn": "cancelled"})

    def test_after_orders_and_a_failed_predecessor_means_never_started(self):
        _, tree = self.tree("[group g]\nmanual = yes\npolicy = settle\nmembers = a b c d\n"
                            f"[task a]\nshell = sleep 0.2; echo a >> {self.path('order')}\n"
                            f"[task b]\nafter = a\nshell = echo b >> {self.path('order')}; exit 1\n"
                            f"[task c]\nafter = b\nshell = echo c >> {self.path('order')}\n"
                            f"[task d]\nshell = echo d >> {self.path('order')}\n")
        self.assertEqual(self.read("order").split(), ["d", "a", "b"])
        outcomes = {child["task"]: child["outcome"] for child in tree["children"]}
        self.assertEqual(outcomes, {"a": "ok", "b": "failed", "c": "never-started", "d": "ok"})

    def test_first_wins_and_the_others_are_cancelled(self):
        _, tree = self.tree("[group g]\nmanual = yes\npolicy = first\nmembers = a b\n"
                            "[task a]\ncommand = sleep 0.2\n[task b]\ncommand = sleep 60\n")
        self.assertEqual(tree["outcome"], "ok", tree)

    def test_the_groups_bound_is_named_with_its_owner(self):
        done, tree = self.tree("[group g]\nmanual = yes\nmembers = a\ntotal-timeout = 500ms\n"
                               "[task a]\ncommand = sleep 60\ngrace = 1s\n")
        self.assertEqual(done.returncode, 124)
        self.assertEqual(tree["outcome"], "timeout", tree)
        self.assertEqual(tree["bound"]["key"], "total-timeout", tree)
        child = tree["children"][0]
        self.assertEqual(child["outcome"], "cancelled")
        self.assertEqual(child["bound"], {"key": "total-timeout", "run": tree["run"]})

    def test_a_hook_gets_the_failure(self):
        seen = self.path("seen")
        self.daemon("[group g]\nmanual = yes\nmembers = a\non-failure = hook\n[task a]\nshell = exit 4\n"
                    f"[task hook]\nmanual = yes\nshell = cat > {seen}.json; "
                    f"echo $TENDD_FOR_TASK $TENDD_FOR_OUTCOME $TENDD_FOR_ERROR > {seen}\n",
                    start=False).run("--once", "g")
        self.assertEqual(self.read("seen").split(), ["g", "failed", "exit"])
        self.assertEqual(json.loads(self.read("seen.json"))["outcome"], "failed")

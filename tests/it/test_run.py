# SPDX-License-Identifier: MIT
"""Commands that tendctl has the daemon run: what goes in and out, how they end, and as whom they run."""
import json
import os
import shutil
import signal
import socket
import subprocess
import time

from support import processes
from support.case import Case
from support.daemon import TENDCTL, environment

CONFIG = """
[limit api]
rate = 10/s
[limit db]
permits = 2
[task held]
manual = yes
command = sleep 60
"""


class RunCase(Case):
    def command(self, daemon, *args, **kwargs):
        """tendctl run, to its end; what it reads is `input`, bytes, or nothing."""
        kwargs.setdefault("input", b"")
        kwargs.setdefault("env", daemon.env)
        return subprocess.run(daemon.ctl_command("run", *args), capture_output=True, timeout=60 * self.SCALE, check=False,
                              **kwargs)

    def begin(self, daemon, *args, **kwargs):
        """The same, which goes on."""
        kwargs.setdefault("stdin", subprocess.DEVNULL)
        begun = subprocess.Popen(daemon.ctl_command("run", *args), env=daemon.env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, **kwargs)
        self.addCleanup(begun.communicate)
        self.addCleanup(begun.kill)
        return begun

    def end(self, begun):
        """Its exit code, and what else it has printed."""
        out, err = begun.communicate(timeout=60 * self.SCALE)
        return begun.returncode, out, err.decode()

    def wait_queued(self, daemon, name):
        self.until(lambda: name in [run["name"] for run in daemon.ctl_json("tree")["runs"]], f"{name} to be queued")

    def status_of(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return file.read()

    def last(self, daemon, name="run"):
        """The run of that name that ended last."""
        return next(past["ran"] for past in daemon.ctl_json("history", name)["history"] if "ran" in past)


class Run(RunCase):
    def test_what_goes_in_and_out_is_the_commands(self):
        daemon = self.daemon(CONFIG)
        data = os.urandom(4 << 20)
        self.assertTrue(self.command(daemon, "cat", input=data).stdout == data)
        done = self.command(daemon, "sh", "-c", "echo out; echo err >&2")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"out\n", b"err\n"))

        os.mkdir(self.path("here"))
        done = self.command(daemon, "--", "sh", "-c", 'pwd; umask; echo "$SECRET $TENDD_RUN $NOTIFY_SOCKET"; echo $TENDD_SOCKET; echo "$@"', "-",
                            "--timeout", "{item} {}", "é\n", cwd=self.path("here"), preexec_fn=lambda: os.umask(0o027),
                            env=daemon.env | {"SECRET": "hush-hush", "NOTIFY_SOCKET": "/mine", "TENDD_RUN": "other#1",
                                              "TENDD_SOCKET": os.path.relpath(daemon.socket_path)})
        self.assertRegex(done.stdout.decode(), rf"^{self.path('here')}\n0027\nhush-hush run#3 {daemon.runtime_dir}/notify/\w+\n"
                                               rf"{daemon.socket_path}\n--timeout {{item}} {{}} é\n\n$")
        self.assertNotIn("hush-hush", daemon.log.text())

        done = self.command(daemon, "--json", "sh", "-c", "cat; echo said; exit 5", input=b"fed ")
        self.assertEqual((done.returncode, json.loads(done.stdout)["exit_code"], done.stderr), (5, 5, b"fed said\n"))
        closed = subprocess.run(["sh", "-c", 'exec "$@" <&-', "-", *daemon.ctl_command("run", "cat")], env=daemon.env,
                                capture_output=True, timeout=60 * self.SCALE, check=False)
        self.assertEqual((closed.returncode, closed.stdout), (0, b""))

    def test_it_exits_as_the_command_or_tells_why_not(self):
        daemon = self.daemon(CONFIG)
        for args, code, said in (
                (["true"], 0, ""), (["sh", "-c", "exit 7"], 7, ""), (["no-such-command"], 127, "No such file"),
                (["/etc/passwd"], 126, "Permission denied"), (["sh", "-c", "kill -TERM $$"], 143, "SIGTERM"),
                (["--timeout", "200ms", "sleep", "60"], 124, "timeout of 200ms reached\n"),
                (["--retries", "2", "--retry-delay", "10ms", "false"], 1, "(3 attempts)"),
                (["--timeout", "5x", "true"], 2, "a duration"), (["--timeout", "0s", "true"], 125, "timeout: "), (["--limit", "x", "true"], 125, "no such limit: x"),
                (["--limit", "db:3", "true"], 125, "more permits of db"), (["--name", "held", "true"], 125, "held"),
                (["--retries", "x", "true"], 2, "a number"), ([], 2, "usage"), (["--nothing"], 2, "no such option")):
            done = self.command(daemon, *args)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            self.assertIn(said, done.stderr.decode(), args)
        self.assertEqual(self.command(daemon, "--timeout", "infinity", "true").returncode, 0)
        self.write("tries", "")
        done = self.command(daemon, "--retries", "5", "--retry-delay", "10ms", "sh", "-c",
                            f"echo $TENDD_ATTEMPT >> {self.path('tries')}; test $TENDD_ATTEMPT = 3")
        self.assertEqual((done.returncode, self.read("tries")), (0, "1\n2\n3\n"))
        failing = daemon.ctl_json("status")
        self.assertEqual(failing["failing"], 0)
        done = subprocess.run(daemon.ctl_command("run", "true")[:1] + ["--socket", "/none", "run", "true"], env=daemon.env,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 125)

    def test_a_slow_reader_holds_up_nobody_else(self):
        daemon = self.daemon(CONFIG)
        slow = self.begin(daemon, "head", "-c", "10000000", "/dev/zero")
        daemon.log.wait(r"run#1 started")
        self.assertEqual(self.command(daemon, "echo", "quick").stdout, b"quick\n")
        code, out, _ = self.end(slow)
        self.assertEqual((code, len(out)), (0, 10000000))

    def test_limits_are_held_and_pace(self):
        daemon = self.daemon(CONFIG)
        began = time.monotonic()
        paced = [self.begin(daemon, "--limit", "api", "true") for _ in range(6)]
        self.assertEqual([self.end(run)[0] for run in paced], [0] * 6)
        self.assertGreater(time.monotonic() - began, 0.45)
        # With two of two permits, never two at once.
        script = f"mkdir {self.path('alone')} && sleep 0.05 && rmdir {self.path('alone')}"
        alone = [self.begin(daemon, "-l", "api,db:2", "sh", "-c", script) for _ in range(4)]
        self.assertEqual([self.end(run)[0] for run in alone], [0] * 4)

    def test_a_signal_stops_and_a_second_one_forces(self):
        daemon = self.daemon(CONFIG)
        for signo in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            run = self.begin(daemon, "sh", "-c", 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.02; done')
            self.assertEqual(run.stdout.readline(), b"ready\n")
            run.send_signal(signo)
            code, out, err = self.end(run)
            self.assertEqual((code, out), (130, b"bye\n"))
            self.assertIn(f"tendctl got {signo.name}", err)
        run = self.begin(daemon, "--grace", "1h", "sh", "-c", 'trap "" TERM; echo ready; while :; do sleep 0.02; done')
        self.assertEqual(run.stdout.readline(), b"ready\n")
        run.send_signal(signal.SIGINT)
        daemon.log.wait(r"run#4 stopping")
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.end(run)[0], 130)
        # In a queue there is nothing to wait for.
        first = self.begin(daemon, "--limit", "db:2", "sleep", "60")
        daemon.log.wait(r"run#5 started")
        second = self.begin(daemon, "--limit", "db:2", "true")
        self.wait_queued(daemon, "run#6")
        self.assertIn("db", daemon.ctl("why", "run#6").stdout)
        second.send_signal(signal.SIGINT)
        self.assertEqual(self.end(second)[0], 130)
        # Who cannot say so is missed all the same.
        pid = processes.children(daemon.pid)[-1]
        first.kill()
        daemon.log.wait(r"run#5 cancelled.*the client vanished")
        self.assertGone(pid)

    def test_a_signal_before_the_run_has_a_name_stops_it_then(self):
        path = self.path("socket")
        with socket.socket(socket.AF_UNIX) as daemon:
            daemon.bind(path)
            daemon.listen()
            run = subprocess.Popen([TENDCTL, "--socket", path, "run", "true"], env=environment(), stderr=subprocess.PIPE)
            self.addCleanup(run.communicate)
            self.addCleanup(run.kill)
            calls = [daemon.accept()[0]]
            self.assertIn(b"RunCommand", calls[0].recv(65536))
            run.send_signal(signal.SIGINT)
            self.until(lambda: "ShdPnd:\t0000000000000000" in self.status_of(run.pid), "the signal to be read")
            calls[0].sendall(b'{"parameters":{"run":"run#1"},"continues":true}\0')
            calls.append(daemon.accept()[0])
            asked = json.loads(calls[1].recv(65536)[:-1])
            self.assertEqual((asked["method"], asked["parameters"]["runs"]), ("io.tendd.Runner.Stop", ["run#1"]))
            calls[1].sendall(b'{"parameters":{}}\0')
            calls[0].sendall(b'{"parameters":{"result":{"run":"run#1","outcome":"cancelled","exit_code":130}}}\0')
            self.assertEqual(run.wait(60 * self.SCALE), 130)
            for call in calls:
                call.close()

    def test_what_is_detached_goes_on_without_its_client(self):
        daemon = self.daemon(CONFIG)
        done = self.command(daemon, "--detach", "--name", "aside", "sh", "-c", "echo told; exit 4")
        self.assertEqual((done.returncode, done.stdout), (0, b"aside#1\n"))
        daemon.log.wait(r"aside#1.* told")
        daemon.log.wait(r"aside#1 failed")
        self.assertEqual(self.last(daemon, "aside")["exit_code"], 4)
        # It is known by its name as long as it lives, and in the history after that, across daemons.
        self.command(daemon, "--detach", "--name", "aside", "sleep", "60")
        self.assertEqual([run["name"] for run in daemon.ctl_json("tree", "aside")["runs"]], ["aside#2"])
        self.assertEqual(daemon.ctl("start", "aside").returncode, 5)
        daemon.kill(signal.SIGKILL)
        daemon.wait_exit()
        daemon.start()
        self.until(lambda: self.last(daemon, "aside")["outcome"] == "interrupted", "it to be told as interrupted")
        self.assertEqual(daemon.ctl_json("tree")["runs"], [])
        done = self.command(daemon, "--detach", "--name", "aside", "true")
        self.assertEqual(done.stdout, b"aside#3\n")

    def test_who_waits_is_told_how_a_shutdown_ended_it(self):
        daemon = self.daemon(CONFIG)
        # Of one that takes a while to stop, as of one that is gone at once.
        slow = self.begin(daemon, "--limit", "db:2", "sh", "-c", 'trap "sleep 0.3; exit 3" TERM; echo ready; while :; do sleep 0.02; done')
        self.assertEqual(slow.stdout.readline(), b"ready\n")
        queued = self.begin(daemon, "--limit", "db", "true")
        self.wait_queued(daemon, "run#2")
        quick = self.begin(daemon, "sleep", "60")
        mapping = subprocess.Popen(daemon.ctl_command("map", "sleep"), env=daemon.env, stdin=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        daemon.log.wait(r"run#3 started")
        self.wait_queued(daemon, "map#1")
        self.assertEqual(daemon.stop(), 0)
        for run, said in ((slow, "run#1: cancelled by shutdown"), (queued, "run#2: never-started"), (quick, "run#3: cancelled"),
                          (mapping, "map#1: ")):
            code, _, err = self.end(run)
            self.assertEqual(code, 130, err)
            self.assertIn(said, err)

    def test_a_reload_leaves_what_waits_alone(self):
        daemon = self.daemon(CONFIG)
        first = self.begin(daemon, "--limit", "db:2", "cat", stdin=subprocess.PIPE)
        daemon.log.wait(r"run#1 started")
        second = self.begin(daemon, "--limit", "db", "true")
        self.wait_queued(daemon, "run#2")
        daemon.write_config(CONFIG + "[task run]\nmanual = yes\ncommand = true\n")
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.assertEqual(self.command(daemon, "true").returncode, 125)  # the name is taken by now
        first.stdin.close()
        first.stdin = None
        self.assertEqual([self.end(first)[0], self.end(second)[0]], [0, 0])
        self.assertEqual(daemon.ctl("start", "--wait", "run").returncode, 0)
        self.assertEqual(self.last(daemon)["run"], "run#3")

    def test_what_a_run_runs_is_its_child(self):
        daemon = self.daemon(CONFIG)
        tendctl = " ".join(daemon.ctl_command("run"))
        run = self.begin(daemon, "--name", "outer", "sh", "-c", f"echo ready; {tendctl} --name inner sleep 60")
        daemon.log.wait(r"inner#1 started")
        tree = {run["name"]: run["depth"] for run in daemon.ctl_json("tree")["runs"]}
        self.assertEqual(tree, {"outer#1": 0, "inner#1": 1})
        run.send_signal(signal.SIGINT)
        self.assertEqual(self.end(run)[0], 130)
        self.assertEqual(self.last(daemon, "inner")["outcome"], "cancelled")


class Users(RunCase):
    """Everybody runs things as himself: the groups of the user database have no say, nor has the daemon's environment."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be several users")
        super().setUp()
        os.chmod(self.directory, 0o755)

    def test_a_command_has_its_callers_rights(self):
        daemon = self.daemon(CONFIG + "[access]\noperate = user:daemon\nview = user:bin\n", env={"SECRET": "it"})
        caller = {"user": 1, "group": 60, "extra_groups": [70, 80]}
        os.mkdir(self.path("mine"), 0o700)
        os.chown(self.path("mine"), 1, 60)
        done = self.command(daemon, "sh", "-c", "id -u; id -g; id -G; pwd; echo $HOME; echo $SECRET; touch made; umask",
                            cwd=self.path("mine"), env={"PATH": "/usr/bin:/bin", "HOME": "/x"}, **caller)
        self.assertEqual(done.stdout.decode().split("\n"), ["1", "60", "60 70 80", self.path("mine"), "/x", "", "0022", ""])
        made = os.stat(self.path("mine", "made"))
        self.assertEqual((made.st_uid, made.st_gid), (1, 60))
        self.assertEqual(self.command(daemon, "cat", "/etc/shadow", **caller).returncode, 1)

        renounced = [shutil.which("setpriv"), "--no-new-privs", *daemon.ctl_command("run", "--", "grep", "NoNewPrivs",
                                                                                    "/proc/self/status")]
        for words, expected in ((renounced, b"NoNewPrivs:\t1\n"), (renounced[2:], b"NoNewPrivs:\t0\n")):
            done = subprocess.run(words, env=daemon.env, stdin=subprocess.DEVNULL, capture_output=True, check=False, **caller)
            self.assertEqual(done.stdout, expected, done.stderr)

        done = self.command(daemon, "--user", "root", "true", **caller)
        self.assertEqual((done.returncode, done.stderr), (125, b"tendctl: denied: only an admin may run something as: root\n"))
        self.assertEqual(self.command(daemon, "--user", "daemon", "id", "-g", **caller).stdout, b"60\n")  # that is himself
        done = self.command(daemon, "true", user=2, group=2, extra_groups=[])
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"operate", done.stderr)

        done = self.command(daemon, "--user", "daemon:60", "sh", "-c", "id -u; id -g; pwd; echo $USER")
        self.assertEqual(done.stdout.decode().split(), ["1", "60", "/", "daemon"])
        self.assertEqual(self.command(daemon, "id", "-u").stdout, b"0\n")

    def test_a_daemon_that_is_not_root_is_its_users_alone(self):
        daemon = self.daemon(CONFIG.replace("[task", "[access]\noperate = user:bin\n[task"), start=False)
        os.chown(daemon.directory, 1, 1)
        os.chown(daemon.config_path, 1, 1)
        daemon.start(user=1)
        self.assertEqual(self.command(daemon, "id", "-u", user=1, group=1, extra_groups=[]).stdout, b"1\n")
        self.assertEqual(self.command(daemon, "id", "-g", user=1, group=60, extra_groups=[]).stdout, b"1\n")
        self.assertEqual(self.command(daemon, "id", "-u").stdout, b"1\n")
        done = self.command(daemon, "id", "-u", user=2, group=2, extra_groups=[])
        self.assertEqual((done.returncode, done.stdout), (125, b""))
        self.assertIn(b"the daemon is not root", done.stderr)

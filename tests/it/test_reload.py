# SPDX-License-Identifier: MIT
"""Reload and diff: only what has changed is touched, and a file with mistakes changes nothing."""
import json
import os
import signal

from support import processes
from support.case import Case
from support.wait import SANITIZERS

HEAD = """
[daemon]
include = conf.d/*.ini
"""


def service(name, *lines):
    return "\n".join([f"[task {name}]", "restart = always", "grace = 1s", *lines, ""])


class Reload(Case):
    def going(self, **files):
        """A daemon with these files in conf.d."""
        daemon = self.daemon(HEAD, start=False)
        self.put(daemon, **files)
        daemon.start()
        return daemon

    def put(self, daemon, **files):
        for name, text in files.items():
            os.makedirs(os.path.join(daemon.directory, "conf.d"), exist_ok=True)
            daemon.write_config(text, f"conf.d/{name}.ini")

    def drop(self, daemon, name):
        os.unlink(os.path.join(daemon.directory, "conf.d", f"{name}.ini"))

    def reload(self, daemon, *args):
        done = daemon.ctl("reload", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def task(self, daemon, name):
        return daemon.ctl_json("list", name)["tasks"][0]

    def pid_of(self, daemon, name):
        """The main process of the service, once it is up."""
        def pid():
            runs = daemon.ctl_json("tree", name)["runs"]
            found = [process["pid"] for run in runs for process in run.get("processes", [])]
            return found[0] if found else None
        return self.until(pid, f"a process of {name}")

    def test_what_an_operator_stopped_stays_down_when_its_file_comes_late(self):
        daemon = self.going(a=service("web", "command = sleep 1000"), b=service("db", "command = sleep 1000"))
        self.pid_of(daemon, "web")
        self.assertEqual(daemon.ctl("stop", "web").returncode, 0)
        self.assertEqual(daemon.stop(), 0)
        text = service("web", "command = sleep 1000")
        self.drop(daemon, "a")
        daemon.start()
        self.put(daemon, a=text)
        self.reload(daemon)
        daemon.log.wait("web.*an operator has stopped it, until it is started")
        self.assertEqual(self.task(daemon, "web")["state"], "stopped")
        self.assertEqual(daemon.ctl("start", "web").returncode, 0)
        self.pid_of(daemon, "web")

    def test_what_is_the_same_does_not_notice(self):
        daemon = self.going(a=service("web", "command = sleep 1000"),
                            b="[task tick]\nevery = 1h\ncommand = true\n")
        pid, due = self.pid_of(daemon, "web"), self.task(daemon, "tick")["next_usec"]
        for _ in range(5):
            self.put(daemon, c="[task other]\nmanual = yes\ncommand = true\n")
            self.reload(daemon)
            self.drop(daemon, "c")
            self.reload(daemon)
        self.assertEqual(self.pid_of(daemon, "web"), pid)
        self.assertAlmostEqual(self.task(daemon, "tick")["next_usec"], due, delta=1000000)
        self.assertEqual(daemon.ctl("diff").returncode, 0)

    def test_services_come_change_and_go(self):
        daemon = self.going(a=service("web", "command = sleep 1000"), b=service("old", "command = sleep 1000"))
        web, old = self.pid_of(daemon, "web"), self.pid_of(daemon, "old")
        self.put(daemon, a=service("web", "command = sleep 2000"), c=service("new", "command = sleep 1000"))
        self.drop(daemon, "b")
        done = daemon.ctl("diff")
        self.assertEqual(done.returncode, 1)
        self.assertIn("command: sleep 1000 -> sleep 2000", done.stdout)
        self.assertIn("1 added, 1 removed, 1 changed, 0 unchanged", done.stdout)
        self.assertIn("restart needed: web", self.reload(daemon))
        self.assertGone(old)
        self.pid_of(daemon, "new")
        self.assertEqual(self.pid_of(daemon, "web"), web)
        self.assertIn("OUTDATED", daemon.ctl("status").stdout)
        self.assertEqual(daemon.ctl("restart", "web").returncode, 0)
        self.assertGone(web)
        with open(f"/proc/{self.pid_of(daemon, 'web')}/cmdline", "rb") as file:
            self.assertEqual(file.read().split(b"\0")[1], b"2000")
        self.assertNotIn("OUTDATED", daemon.ctl("status").stdout)

    def test_an_attempt_after_a_crash_is_by_the_new_configuration(self):
        daemon = self.going(a=service("web", "restart-delay = 10ms..10ms", "command = sleep 1000"))
        pid = self.pid_of(daemon, "web")
        self.put(daemon, a=service("web", "restart-delay = 10ms..10ms", "command = sleep 2000"))
        self.reload(daemon)
        os.kill(pid, signal.SIGKILL)
        self.assertGone(pid)
        daemon.log.wait("web#1 restarts")
        with open(f"/proc/{self.pid_of(daemon, 'web')}/cmdline", "rb") as file:
            self.assertEqual(file.read().split(b"\0")[1], b"2000")

    def test_restart_changed_restarts_those_alone(self):
        daemon = self.going(a=service("web", "command = sleep 1000"), b=service("other", "command = sleep 1000"))
        web, other = self.pid_of(daemon, "web"), self.pid_of(daemon, "other")
        self.put(daemon, a=service("web", "command = sleep 2000"))
        self.reload(daemon, "--restart-changed")
        self.assertGone(web)
        self.assertEqual(self.pid_of(daemon, "other"), other)

    def test_a_run_ends_as_it_began(self):
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        task = "[task work]\nmanual = yes\ntimeout = 1min\nshell = read x < {}; echo {} >> {}\n"
        daemon = self.going(a=task.format(fifo, "first", self.path("out")))
        daemon.ctl("start", "work")
        daemon.log.wait("work#1 started")
        self.put(daemon, a=task.format("/dev/null || true", "second", self.path("out")))
        self.reload(daemon)
        daemon.ctl("start", "work")  # waits for its slot: both are runs of one task
        with open(fifo, "w", encoding="utf-8") as file:
            file.write("go\n")
        daemon.log.wait("work#2 ok")
        self.assertEqual(self.read("out"), "first\nsecond\n")

    def test_a_job_that_is_gone_ends_and_comes_back_with_its_number(self):
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        text = f"[task work]\nmanual = yes\nshell = read x < {fifo}\n"
        daemon = self.going(a=text)
        daemon.ctl("start", "work")
        daemon.log.wait("work#1 started")
        daemon.ctl("start", "work")
        self.drop(daemon, "a")
        self.reload(daemon)
        daemon.log.wait("work#2 skipped")
        self.assertEqual(daemon.ctl("start", "work").returncode, 5)
        with open(fifo, "w", encoding="utf-8") as file:
            file.write("go\n")
        daemon.log.wait("work#1 ok")
        self.put(daemon, a="[task work]\nmanual = yes\ncommand = true\n")
        self.reload(daemon)
        self.assertEqual(daemon.ctl("start", "--wait", "work").returncode, 0)
        daemon.log.wait("work#3 ok")
        self.drop(daemon, "a")
        self.reload(daemon)
        daemon.stop()
        self.put(daemon, a="[task work]\nmanual = yes\ncommand = true\n")
        daemon.start()
        daemon.ctl("start", "--wait", "work")
        daemon.log.wait("work#4 ok")

    def test_a_job_outlives_all_that_came_after_it(self):
        """Its task comes and goes while the run of the first is at work: the numbers go on, and so does the overlap."""
        fifo, text = self.path("fifo"), "[task work]\nmanual = yes\ncommand = true\n"
        os.mkfifo(fifo)
        daemon = self.going(a=f"[task work]\nmanual = yes\nshell = read x < {fifo}\n")
        daemon.ctl("start", "work")
        daemon.log.wait("work#1 started")
        for _ in range(3):
            self.drop(daemon, "a")
            self.reload(daemon)
            self.put(daemon, a=text)
            self.reload(daemon)
        daemon.ctl("start", "work")
        self.assertEqual(daemon.ctl_json("tree", "work#2")["runs"][0]["state"], "queued")
        self.drop(daemon, "a")
        self.reload(daemon)
        daemon.log.wait("work#2 skipped")
        with open(fifo, "w", encoding="utf-8") as file:
            file.write("go\n")
        daemon.log.wait("work#1 ok")
        self.put(daemon, a=text)
        self.reload(daemon)
        daemon.ctl("start", "--wait", "work")
        daemon.log.wait("work#3 ok")

    def test_mistakes_change_nothing_and_are_all_told(self):
        daemon = self.going(a=service("web", "command = sleep 1000"))
        pid = self.pid_of(daemon, "web")
        self.put(daemon, a=service("web", "command = sleep 2000", "colour = red"), b="[task b]\ncommand = true\nevery = soon\n")
        for verb, code in (("diff", 2), ("reload", 1)):
            done = daemon.ctl(verb)
            self.assertEqual(done.returncode, code)
            self.assertIn("conf.d/a.ini:5: colour: unknown key", done.stderr)
            self.assertIn("conf.d/b.ini:3: every: ", done.stderr)
        checked = daemon.run("--check", "--json")
        for words in (("diff",), ("reload",), ("reload", "--dry-run")):
            done = daemon.ctl("--json", *words)
            self.assertEqual(json.loads(done.stdout), json.loads(checked.stdout))
            self.assertEqual(done.stderr, "tendctl: the configuration is refused, and nothing was changed\n")
        self.assertEqual(json.loads(done.stdout)["errors"], 2)
        daemon.log.wait("the new configuration is refused, and the old one goes on")
        daemon.log.wait("colour: unknown key")
        self.assertRegex(daemon.ctl("status").stdout, r"REFUSED +configuration +a reload refused the files")
        self.assertEqual(self.pid_of(daemon, "web"), pid)
        start = len(daemon.log.lines)
        daemon.kill(signal.SIGHUP)
        daemon.log.wait("the new configuration is refused", start=start)
        self.put(daemon, a=service("web", "command = sleep 2000"), b="")
        start = len(daemon.log.lines)
        daemon.kill(signal.SIGHUP)
        daemon.log.wait("configuration reloaded: 0 tasks added, 0 removed, 1 changed", start=start)
        self.assertNotIn("REFUSED", daemon.ctl("status").stdout)

    def test_groups_follow_their_members(self):
        group = "[group site]\nmembers = web-*\npolicy = settle\n"
        daemon = self.going(a=group, b=service("web-1", "command = sleep 1000"), c=service("web-2", "command = sleep 1000"))
        first, second = self.pid_of(daemon, "web-1"), self.pid_of(daemon, "web-2")
        self.put(daemon, c=service("web-2", "command = sleep 2000"))
        self.assertIn("restart needed: web-2", self.reload(daemon))
        self.assertEqual(daemon.ctl("restart", "web-2").returncode, 0)
        self.assertGone(second)
        self.assertEqual(self.pid_of(daemon, "web-1"), first)
        self.assertNotIn("OUTDATED", daemon.ctl("status").stdout)
        # One that is gone is stopped in its group, which goes on without it.
        third = self.pid_of(daemon, "web-2")
        self.drop(daemon, "c")
        self.reload(daemon)
        self.assertGone(third)
        self.assertEqual(self.pid_of(daemon, "web-1"), first)

    def test_a_group_that_has_other_members_is_run_anew(self):
        group = "[group site]\nmembers = web-*\npolicy = settle\n"
        daemon = self.going(a=group, b=service("web-1", "command = sleep 1000"), c=service("web-2", "command = sleep 1000"))
        first, second = self.pid_of(daemon, "web-1"), self.pid_of(daemon, "web-2")
        self.drop(daemon, "c")
        self.put(daemon, d=service("web-3", "command = sleep 1000"))
        self.assertIn("restart needed: site", self.reload(daemon))
        self.assertGone(second)
        self.assertEqual(self.pid_of(daemon, "web-1"), first)
        self.assertRegex(daemon.ctl("status").stdout, "OUTDATED +site ")
        done = daemon.ctl("restart", "web-1", "site")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, "^site#2 ready, attempt 1\n$")
        self.assertGone(first)
        daemon.log.wait(r"site#1 cancelled")
        self.pid_of(daemon, "web-1")
        self.pid_of(daemon, "web-3")
        self.assertNotIn("OUTDATED", daemon.ctl("status").stdout)
        self.assertEqual(daemon.ctl("diff").returncode, 0)
        # A member that does not come up is told; the others are up.
        self.put(daemon, e=service("web-4", "ready = notify", "restart-limit = 0/1min", "command = false"))
        done = daemon.ctl("reload", "--restart-changed")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, "site#3 not ready, attempt 1: .*exit")
        self.pid_of(daemon, "web-3")

    def test_a_service_that_comes_back_while_it_ends_is_started(self):
        deaf = "shell = trap '' TERM; echo deaf; while :; do sleep 0.1; done"
        up = service("web", deaf, "critical = no")
        daemon = self.going(a=up, b="[task other]\nmanual = yes\ncommand = true\n")
        daemon.log.wait("web#1 deaf")
        for n, down in enumerate(("", up + "enabled = no\n", up.replace("restart = always\n", "manual = yes\n")
                                  .replace("critical = no\n", "")), 2):
            for text in (down, up):
                self.put(daemon, a=text)
                self.reload(daemon)
            self.assertEqual(daemon.log.count(f"web#{n} started"), 0)
            daemon.log.wait(f"web#{n} deaf")
            self.assertEqual(self.task(daemon, "web")["state"], "up")
        # Into a group, and out of it before it has begun there.
        for text in (up + "[group site]\nmembers = web\npolicy = settle\n", up):
            self.put(daemon, a=text)
            self.reload(daemon)
        daemon.log.wait("web#5 deaf")
        # A job that goes on first.
        self.put(daemon, c="[task job]\nmanual = yes\ncommand = sleep 1000\n")
        self.reload(daemon)
        daemon.ctl("start", "job")
        pid = self.pid_of(daemon, "job")
        self.put(daemon, c=service("job", "command = sleep 2000"))
        self.reload(daemon)
        self.assertTrue(processes.alive(pid))
        self.assertEqual(daemon.ctl("stop", "job#1").returncode, 0)
        daemon.log.wait("job#2 ready")

    def test_a_service_that_becomes_instances_and_back_stays_up(self):
        one, three = ["command = sleep 1000"], ["command = sleep 100{n}", "instances = 3"]
        daemon = self.going(a=service("web", *one))
        for before, after in ((one, three), (three, one)):
            pid = self.pid_of(daemon, "web")
            self.put(daemon, a=service("web", *after))
            self.assertIn("restart needed: web", self.reload(daemon))
            self.assertRegex(daemon.ctl("status").stdout, "OUTDATED +web ")
            self.assertEqual(self.pid_of(daemon, "web"), pid)
            for lines in (before, after):  # it goes on as often as somebody changes his mind
                self.put(daemon, a=service("web", *lines))
                self.reload(daemon)
                self.assertEqual(self.pid_of(daemon, "web"), pid)
            done = daemon.ctl("reload", "--restart-changed")
            self.assertRegex(done.stdout, r"web#\d ready, attempt 1\n$", done.stderr)
            self.assertGone(pid)
            self.assertNotIn("OUTDATED", daemon.ctl("status").stdout)
        self.assertEqual(daemon.ctl_json("list", "web")["tasks"][0]["state"], "up")

    def test_services_come_into_a_group_change_it_and_leave_it(self):
        one, two = service("web-1", "command = sleep 1000"), service("web-2", "command = sleep 1000")
        group = "[group {}]\nmembers = {}\npolicy = settle\n"
        daemon = self.going(a=one + two)

        def states():
            return {task["name"]: task["state"] for task in daemon.ctl_json("list")["tasks"]}

        def up(*names):
            self.until(lambda: states() == dict.fromkeys(names, "up") and
                       len(daemon.ctl_json("tree")["runs"]) == len(names),
                       lambda: f"{names} to be up once: {states()}")

        up("web-1", "web-2")
        for text, names in (
                (one + two + group.format("site", "web-1 web-2"), ("site", "web-1", "web-2")),
                (one + two + group.format("place", "web-1 web-2"), ("place", "web-1", "web-2")),
                (one.replace("-1", "-3") + two.replace("-2", "-4") + group.format("place", "web-*"),
                 ("place", "web-3", "web-4")),
                (one.replace("-1", "-3") + two.replace("-2", "-4"), ("web-3", "web-4"))):
            self.put(daemon, a=text)
            self.reload(daemon, "--restart-changed")
            up(*names)
        # One after the other, while members wait for what ends.
        deaf = service("web-1", "shell = trap '' TERM; echo deaf; while :; do sleep 0.1; done")
        self.put(daemon, a=deaf)
        self.reload(daemon)
        daemon.log.wait("deaf$")
        for text in (deaf + group.format("site", "web-1"), two + group.format("site", "web-2")):
            self.put(daemon, a=text)
            self.reload(daemon)
        self.until(lambda: self.task(daemon, "site")["state"] == "up", lambda: f"site to be up: {states()}")
        # Into a group that goes on, with its next run.
        self.put(daemon, a=one + two + group.format("site", "web-1"))
        self.reload(daemon, "--restart-changed")
        up("site", "web-1", "web-2")
        self.put(daemon, a=one + two + group.format("site", "web-1 web-2"))
        self.assertIn("restart needed: site web-2\n", self.reload(daemon))
        done = daemon.ctl("reload", "--restart-changed")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\nsite#\d ready, attempt 1\n$")
        up("site", "web-1", "web-2")
        # Out of one.
        three, four = one.replace("-1", "-3"), two.replace("-2", "-4")
        self.put(daemon, a=three + four + group.format("site", "web-3 web-4"))
        self.reload(daemon)
        up("site", "web-3", "web-4")
        pid = self.pid_of(daemon, "web-4")
        self.put(daemon, a=three + four + group.format("site", "web-3"))
        self.reload(daemon)
        self.assertEqual(self.pid_of(daemon, "web-4"), pid)
        self.assertEqual(daemon.ctl("restart", "site").returncode, 0)
        self.assertGone(pid)
        self.until(lambda: self.pid_of(daemon, "web-4") != pid, "web-4 on its own")
        up("site", "web-3", "web-4")
        self.assertRegex(daemon.ctl("tree", "--no-processes").stdout, r"(?m)^web-4#2 +up ")
        self.assertNotIn("OUTDATED", daemon.ctl("status").stdout)

    def test_a_group_in_a_group_is_run_anew_with_it(self):
        groups = "[group all]\nmembers = site side\npolicy = settle\n[group site]\nmembers = web-*\npolicy = settle\n"
        daemon = self.going(a=groups, b=service("web-1", "command = sleep 1000"), c=service("side", "command = sleep 1000"))
        side = self.pid_of(daemon, "side")
        self.put(daemon, d=service("web-2", "command = sleep 1000"))
        self.assertIn("restart needed: site", self.reload(daemon))
        self.assertEqual(self.pid_of(daemon, "side"), side)
        done = daemon.ctl("restart", "site")
        self.assertEqual((done.returncode, done.stdout), (0, "all#2 ready, attempt 1\n"))
        self.assertGone(side)
        self.pid_of(daemon, "web-2")
        self.assertNotIn("OUTDATED", daemon.ctl("status").stdout)

    def test_limits_pools_and_the_daemon_follow(self):
        task = "[task {0}]\nmanual = yes\ncommand = sleep 1000\nlimit = few\n"
        daemon = self.going(a="[limit few]\npermits = 1\n", b=task.format("one") + task.format("two"))
        daemon.ctl("start", "one")
        daemon.log.wait("one#1 started")
        daemon.ctl("start", "two")
        self.assertEqual(self.task(daemon, "two")["state"], "running")
        self.put(daemon, a="[limit few]\npermits = 2\n[pool default]\nthreads = 7\n")
        self.reload(daemon)
        daemon.log.wait("two#1 started")
        self.assertEqual(daemon.ctl_json("pools")["pools"][0]["threads"], 7)
        # What an operator sets holds until a reload changes that section.
        self.assertIn("set at run time; configured: 2 permits", daemon.ctl("limits", "few", "--permits", "5").stdout)
        self.assertIn("configured: 7 threads", daemon.ctl("pools", "default", "--threads", "3").stdout)
        self.assertEqual(daemon.ctl("limits", "few", "--permits", "0").returncode, 2)
        self.assertEqual(daemon.ctl("limits", "--permits", "1").returncode, 2)
        self.put(daemon, a="[limit few]\npermits = 2\n[pool default]\nthreads = 8\n")
        self.reload(daemon)
        self.assertEqual(daemon.ctl_json("limits", "few")["limits"][0]["permits"], 5)
        self.assertEqual(daemon.ctl_json("pools")["pools"][0]["threads"], 8)
        self.assertEqual(daemon.ctl_json("limits", "few", "--reset")["limit"]["permits"], 2)
        daemon.write_config(HEAD + "state-dir = /elsewhere\nlog-level = debug\n")
        self.assertIn("restart the daemon", self.reload(daemon))

    def test_a_health_check_follows(self):
        web = service("web", "command = sleep 1000", "restart-delay = 10ms..10ms")
        ping = "[task ping]\nevery = 50ms\ncommand = false\n"
        daemon = self.going(a=web, b=ping)
        daemon.log.wait("ping#1 failed")
        pid = self.pid_of(daemon, "web")
        self.put(daemon, a=web + "health = ping\n")
        self.reload(daemon)
        self.assertGone(pid)
        daemon.log.wait("web#1 restarts.*health: ping failed")
        self.put(daemon, a=web)
        self.reload(daemon)
        pid = self.pid_of(daemon, "web")
        start = len(daemon.log.lines)
        daemon.log.wait(r"ping#\d+ failed", start=start)
        self.assertEqual(self.pid_of(daemon, "web"), pid)

    def test_a_stop_goes_before_a_reload(self):
        daemon = self.going(a=service("web", "command = sleep 1000"))
        daemon.kill(signal.SIGHUP)
        daemon.kill(signal.SIGTERM)
        self.assertEqual(daemon.wait_exit(), 0)

    def test_what_ends_does_not_say_that_it_reloads(self):
        daemon = self.daemon("[task deaf]\non-start = yes\ngrace = 20s\nshell = trap '' TERM; echo deaf; while :; do sleep 0.1; done\n")
        daemon.log.wait("deaf$")
        daemon.kill(signal.SIGTERM)
        daemon.log.wait("notice stopping")
        daemon.kill(signal.SIGHUP)
        daemon.log.wait("SIGHUP: opening output files anew; the daemon is ending and reloads no configuration")
        self.assertEqual(daemon.ctl("reload").returncode, 1)
        self.assertEqual(daemon.ctl("stop", "--force", "deaf").returncode, 0)
        self.assertEqual(daemon.wait_exit(), 0)
        self.assertEqual(daemon.log.count("reloading"), 0)

    def test_what_files_say_meanwhile_is_read_again(self):
        daemon = self.going(a="[task work]\nmanual = yes\ncommand = true\n")
        one, other = daemon.connect(), daemon.connect()
        one.send("io.tendd.Runner.Reload")
        self.put(daemon, b="[task more]\nmanual = yes\ncommand = true\n")
        other.send("io.tendd.Runner.Reload")
        self.assertIn("counts", json.dumps(one.receive()))
        self.assertIn("counts", json.dumps(other.receive()))
        one.close()
        other.close()
        self.assertEqual(self.task(daemon, "more")["name"], "more")


class Fallback(Case):
    """Files that are refused at the start: the last accepted configuration runs."""

    def test_the_last_accepted_one_is_started(self):
        daemon = self.daemon(HEAD, start=False)
        os.makedirs(os.path.join(daemon.directory, "conf.d"))
        daemon.write_config(service("web", "command = sleep 1000"), "conf.d/web.ini")
        kept = os.path.join(daemon.state_dir, "accepted.ini")
        daemon.start()
        self.until(lambda: os.path.exists(kept), "the configuration to be kept")
        self.assertEqual(os.stat(kept).st_mode & 0o777, 0o600)
        daemon.log.wait("web#1 ready")
        daemon.stop()
        daemon.write_config("[task web]\ncolour = red\n", "conf.d/web.ini")
        self.assertEqual(daemon.run("--no-fallback").returncode, 2)
        daemon.start()
        daemon.log.wait("web.ini:2: colour: unknown key")
        daemon.log.wait("running the last configuration that was accepted")
        daemon.log.wait("web#2 ready")
        status = daemon.ctl("status").stdout
        self.assertIn("REFUSED", status)
        self.assertIn("tendctl diff", status)
        self.assertEqual(daemon.ctl("reload").returncode, 1)
        daemon.write_config(service("web", "command = sleep 2000"), "conf.d/web.ini")
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.assertNotIn("REFUSED", daemon.ctl("status").stdout)
        self.until(lambda: "sleep 2000" in open(kept, encoding="utf-8").read(), "it to be kept")

    def test_without_one_there_is_nothing_to_fall_back_on(self):
        daemon = self.daemon("[task web]\ncolour = red\n", start=False)
        self.assertEqual(daemon.run().returncode, 2)

    def test_where_the_files_say_that_state_is(self):
        daemon = self.daemon("", start=False)
        state = self.path("elsewhere")
        text = f"[daemon]\nstate-dir = {state}\nruntime-dir = {daemon.runtime_dir}\n[task a]\nmanual = yes\ncommand = true\n"
        daemon.write_config(text)
        daemon.command = lambda *args: [daemon.program, "--config", daemon.config_path, "--log-target", "stderr", *args]
        daemon.start()
        self.until(lambda: os.path.exists(os.path.join(state, "accepted.ini")), "the configuration to be kept")
        daemon.stop()
        daemon.write_config(text + "colour = red\n")
        daemon.start()
        daemon.log.wait("running the last configuration that was accepted")


class UnderLoad(Case):
    # What is kept for the next run, of as many as were at work at once: fewer than a leak in each reload would be.
    KEPT = 64

    def held(self, daemon):
        """Descriptors and threads while only the service runs."""
        daemon.write_config("[task web]\nrestart = always\ncommand = sleep 1000\n")
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.until(lambda: len(daemon.ctl_json("tree")["runs"]) == 1, "the jobs to end")
        return processes.n_fds(daemon.pid), int(processes.status(daemon.pid)["Threads"])

    def test_a_thousand_reloads_lose_and_double_nothing(self):
        """Reloads back to back while runs come and go: each run is told once, numbers have no holes, nothing grows."""
        rounds = int(os.environ.get("TENDD_RELOADS", "150" if SANITIZERS == "no" else "40"))
        text = ("[task tick]\nevery = 20ms\noverlap = allow:50\ncommand = true\n"
                "[task web]\nrestart = always\ncommand = sleep 1000\n")
        more = "[task more]\nevery = 10ms\ncommand = true\n[limit x]\npermits = {0}\n[task lim]\nmanual = yes\nlimit = x\ncommand = true\n"
        daemon = self.daemon(text)
        daemon.log.wait("web#1 ready")
        for i in range(rounds):
            daemon.write_config(text + (more.format(1 + i) if i % 2 else ""))
            done = daemon.ctl("reload")
            self.assertEqual(done.returncode, 0, done.stderr)
            if i == rounds // 3:
                before, held = daemon.rss_kib(), self.held(daemon)
        self.assertLess(daemon.rss_kib(), before + self.FLAT_KIB)
        for now, then in zip(self.held(daemon), held):
            self.assertLess(now, then + self.KEPT)
        daemon.stop()
        for task in ("tick", "more"):
            started = daemon.log.count(rf" {task}#\d+ started")
            ended = daemon.log.count(rf" {task}#\d+ (ok|cancelled|failed)")
            numbers = {line.split()[-2] for line in daemon.log.text().splitlines()
                       if f" {task}#" in line and line.endswith(" started")}
            self.assertEqual(started, len(numbers), task)
            self.assertGreaterEqual(ended, started)
        self.assertEqual(daemon.log.count("web#1 restarts"), 0)

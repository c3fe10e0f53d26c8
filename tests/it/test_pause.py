# SPDX-License-Identifier: MIT
"""Tasks that an operator paused."""
import signal

from support.case import Case

TICK = """
[daemon]
catch-up-delay = 0s
[task tick]
calendar = *:*:*
shell = echo x >> {path}
[task other]
every = 1h
command = /bin/true
"""


class Pause(Case):
    def setUp(self):
        super().setUp()
        self.runs = self.path("runs")

    def tick(self):
        return self.daemon(TICK.format(path=self.runs))

    def n_runs(self):
        return self.read("runs").count("x")

    def task(self, daemon, name="tick"):
        return daemon.ctl_json("list", name)["tasks"][0]

    def assertPaused(self, daemon):
        """What comes due is not run: twice, to be sure."""
        self.until(lambda: self.task(daemon)["running"] == 0, "what was at work to end")
        before = self.n_runs()
        for _ in range(2):
            due = self.task(daemon).get("last_due_usec", 0)
            self.until(lambda due=due: self.task(daemon).get("last_due_usec", 0) > due, "the task to come due")
        task = self.task(daemon)
        self.assertEqual((self.n_runs(), task["state"]), (before, "paused"))
        self.assertIn("paused", task["last_due_what"])

    def test_it_is_not_run_until_it_is_resumed(self):
        daemon = self.tick()
        self.until(lambda: self.n_runs() > 0, "a run")
        done = daemon.ctl("pause", "tick", "-r", "new disk")
        self.assertEqual((done.returncode, done.stdout), (0, "paused tick\n"))
        daemon.log.wait(r"tick paused by uid \d+, pid \d+: new disk")
        self.assertPaused(daemon)
        done = daemon.ctl("resume", "tick")
        self.assertEqual((done.returncode, done.stdout), (0, "resumed tick\n"))
        before = self.n_runs()
        self.until(lambda: self.n_runs() > before, "a run")
        # What came due meanwhile was not caught up, but is told.
        missed = [past["missed"] for past in daemon.ctl_json("history", "tick")["history"] if "missed" in past]
        self.assertEqual({entry["reason"] for entry in missed}, {"paused"})
        self.assertGreaterEqual(sum(entry["n"] for entry in missed), 2)

    def test_it_stays_so_over_a_stop_and_a_crash(self):
        daemon = self.tick()
        self.until(lambda: self.n_runs() > 0, "a run")
        daemon.ctl_json("pause", "tick", "-r", "new disk")
        daemon.stop()
        daemon.start()
        self.assertPaused(daemon)
        self.assertIn("new disk", self.task(daemon)["paused_by"])
        daemon.ctl_json("resume", "tick")
        daemon.ctl_json("pause", "tick")
        daemon.kill(signal.SIGKILL)
        daemon.process.wait()
        daemon.start()
        self.assertPaused(daemon)

    def test_an_operator_starts_it_all_the_same(self):
        daemon = self.daemon(TICK.format(path=self.runs))
        daemon.ctl_json("pause", "other")
        self.assertEqual(daemon.ctl("start", "--wait", "other").returncode, 0)

    def test_everybody_is_told(self):
        daemon = self.daemon(TICK.format(path=self.runs))
        self.until(lambda: "next_usec" in self.task(daemon, "other"), "what is due")
        daemon.ctl_json("pause", "other", "-r", "new disk")
        self.assertRegex(daemon.ctl().stdout, r"PAUSED +other +by uid \d+, pid \d+: new disk, \d+s ago +tendctl resume other")
        self.assertEqual(daemon.ctl("status", "-q").returncode, 0, "somebody wants it so")
        self.assertRegex(daemon.ctl("list").stdout, r"other +exec +paused .*paused by .*new disk")
        self.assertEqual([task["name"] for task in daemon.ctl_json("list", "--paused")["tasks"]], ["other"])
        self.assertRegex(daemon.ctl("show", "other").stdout, r"paused +.*by .*new disk")
        why = daemon.ctl("why", "other").stdout
        self.assertRegex(why, r"it is paused since .*, by .*new disk")
        self.assertIn("tendctl resume other", why)
        self.assertIn("would be due", why)
        daemon.ctl_json("pause", "*")
        self.assertRegex(daemon.ctl().stdout, r"PAUSED +other .*tendctl resume other\nPAUSED +tick .*tendctl resume tick")

    def test_what_is_so_already_is_said_and_no_error(self):
        daemon = self.daemon(TICK.format(path=self.runs))
        daemon.ctl("pause", "other")
        done = daemon.ctl("pause", "other")
        self.assertEqual((done.returncode, done.stdout), (0, "other is paused already\n"))
        done = daemon.ctl("resume", "tick", "other")
        self.assertEqual((done.returncode, done.stdout), (0, "tick is not paused\nresumed other\n"))
        done = daemon.ctl("resume", "*")
        self.assertEqual((done.returncode, done.stdout), (0, "all that match are not paused\n"))
        done = daemon.ctl("pause", "other", "nothing")
        self.assertEqual((done.returncode, done.stdout), (5, ""))
        self.assertNotIn("paused_by", self.task(daemon, "other"))

    def test_limits_and_all_triggers_stay_paused_over_a_crash_and_a_reload(self):
        with_limit = TICK.format(path=self.runs) + """
[limit db]
permits = 1
[task held]
manual = yes
limit = db
command = /bin/true
"""
        daemon = self.daemon(with_limit)
        self.until(lambda: self.n_runs() > 0, "a run")
        self.assertEqual(daemon.ctl("pause", "--all", "-r", "move").stdout, "paused all triggers\n")
        self.assertEqual(daemon.ctl("pause", "-l", "db").stdout, "paused db\n")
        daemon.kill(signal.SIGKILL)
        daemon.process.wait()
        daemon.start()
        self.assertPaused(daemon)
        self.assertRegex(daemon.ctl("status").stdout.splitlines()[1], r"^ALL-PAUSED +triggers .*: move.* tendctl resume --all")
        daemon.ctl_json("start", "held")
        self.assertRegex(daemon.ctl("why", "held").stdout, r"limit db, which is paused by uid")
        self.assertIn("db is paused", daemon.ctl("limits").stdout)
        daemon.ctl_json("stop", "held")
        # It goes with a reload, and is paused when it comes back.
        for config in (TICK.format(path=self.runs), with_limit):
            daemon.write_config(config)
            daemon.ctl_json("reload")
        self.assertIn("paused_by", daemon.ctl_json("limits", "db")["limits"][0])
        self.assertEqual(daemon.ctl("resume", "-l", "*").stdout, "resumed db\n")
        self.assertEqual(daemon.ctl("start", "--wait", "held").returncode, 0)
        before = self.n_runs()
        self.assertEqual(daemon.ctl("resume", "--all").stdout, "resumed all triggers\n")
        self.assertEqual(daemon.ctl("resume", "--all").stdout, "all triggers are not paused\n")
        self.until(lambda: self.n_runs() > before, "a run")
        self.assertEqual(daemon.ctl("pause", "--all", "tick").returncode, 2)
        self.assertEqual(daemon.ctl("pause").returncode, 2)

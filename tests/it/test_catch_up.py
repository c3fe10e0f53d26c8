# SPDX-License-Identifier: MIT
"""What came due while there was no daemon."""
import os
import time

from support.case import Case

CONFIG = """
[daemon]
catch-up-delay = {delay}
[task all]
calendar = *:*:0/2
catch-up = all
command = /bin/true
[task latest]
calendar = *:*:0/2
command = /bin/true
[task none]
calendar = *:*:0/2
catch-up = none
command = /bin/true
[task daily]
every = {every}
command = /bin/true
"""

USEC = 1000000


LATE = """
[task late]
calendar = *:*:*
catch-up = all
command = /bin/true
"""


class ReadLate(Case):
    def test_a_file_that_comes_after_the_start_has_missed_nothing(self):
        daemon = self.daemon("[daemon]\ncatch-up-delay = 0s\ninclude = conf.d/*.ini\n", start=False)
        os.mkdir(os.path.join(daemon.directory, "conf.d"))
        path = daemon.write_config(LATE, "conf.d/late.ini")
        daemon.start()
        daemon.log.wait("late#1 ok")
        daemon.stop()
        os.unlink(path)
        stopped = time.time()
        self.until(lambda: time.time() > stopped + 2.5, "seconds to pass without a daemon")
        daemon.start()
        daemon.write_config(LATE, "conf.d/late.ini")
        before = int(time.time() * USEC)
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        daemon.log.wait(r"late#\d+ ok")
        past = daemon.ctl_json("history", "late")["history"]
        lost = [entry["missed"] for entry in past if "missed" in entry]
        self.assertEqual([entry for entry in lost if stopped * USEC < entry["last_due_usec"] < before], [])
        due = {entry["run"]["due_usec"] for entry in past if "run" in entry}
        self.assertEqual([at for at in due if (stopped + 1) * USEC < at < before - USEC], [])
        self.assertEqual(len(due), len([entry for entry in past if "run" in entry]), "fired twice")


class CatchUp(Case):
    def live(self, delay="0s", every="1d"):
        """A daemon that has run each, and was stopped for some seconds then."""
        self.d = self.daemon(CONFIG.format(delay=delay, every=every))
        for task in ("all", "latest", "none"):
            self.until(lambda task=task: self.ran(task), f"a run of {task}")
        self.d.stop()
        self.stopped = time.time()
        self.until(lambda: time.time() > self.stopped + 7, "seconds to pass without a daemon")
        self.started = time.time()
        self.d.start()

    def history(self, task):
        """The oldest first."""
        return self.d.ctl_json("history", task, "-n", "500")["history"][::-1]

    def ran(self, task):
        return [past["ran"] for past in self.history(task) if "ran" in past]

    def missed(self, task):
        return [past["missed"] for past in self.history(task) if "missed" in past]

    def caught_up(self, task):
        return [run["due_usec"] / USEC for run in self.ran(task) if run["trigger"] == "catch-up"]

    def assertOnce(self, task):
        """Each even second was run, or told as missed, once."""
        decided = [run["due_usec"] // USEC for run in self.ran(task)]
        for missed in self.missed(task):
            row = range(missed["first_due_usec"] // USEC, missed["last_due_usec"] // USEC + 1, 2)
            self.assertEqual(missed["n"], len(row), missed)
            decided += row
        decided.sort()
        self.assertEqual(decided, list(range(decided[0], decided[-1] + 1, 2)), task)

    def test_it_is_caught_up_as_each_task_wants(self):
        self.live()
        self.until(lambda: len(self.caught_up("all")) >= 3, "all to be caught up")
        self.until(lambda: self.ran("latest")[-1]["due_usec"] > (self.started + 2) * USEC, "latest to go on")
        self.until(lambda: self.ran("none")[-1]["due_usec"] > self.started * USEC, "none to go on")
        self.assertEqual(self.caught_up("all"), sorted(self.caught_up("all")))
        self.assertEqual(self.caught_up("none"), [])
        self.assertLessEqual(len(self.caught_up("latest")), 1)
        self.assertEqual({missed["reason"] for missed in self.missed("none")} - {"overlap"}, {"down"})
        self.d.stop()
        self.d.start()
        for task in ("all", "latest", "none"):
            self.assertOnce(task)

    def test_it_waits_for_its_delay(self):
        self.live(delay="1d")
        self.until(lambda: self.ran("none")[-1]["due_usec"] > self.started * USEC, "none to go on")
        self.assertEqual([self.caught_up(task) for task in ("all", "latest", "none")], [[], [], []])

    def test_every_that_came_due_meanwhile_runs_once(self):
        self.d = self.daemon(CONFIG.format(delay="0s", every="8s"))
        self.until(lambda: self.d.ctl_json("list", "daily")["tasks"][0].get("next_usec"), "daily to be planned")
        due = self.d.ctl_json("list", "daily")["tasks"][0]["next_usec"]
        self.d.stop()
        if time.time() * USEC >= due:
            self.skipTest("this machine is too slow: it was due before the daemon was stopped")
        self.until(lambda: time.time() * USEC > due + USEC, "daily to come due")
        self.d.start()

        def it():
            return [run for run in self.ran("daily") if abs(run["due_usec"] - due) < USEC / 10]

        self.until(it, "daily to run")
        self.assertEqual([run["trigger"] for run in it()], ["catch-up"])

    def test_what_waits_of_a_task_that_is_disabled_or_gone_is_told(self):
        config = "[daemon]\ncatch-up-delay = 1d\n"
        tasks = {name: f"[task {name}]\ncalendar = *:*:0/2\ncatch-up = all\ncommand = /bin/true\n"
                 for name in ("gone", "later-gone", "later-off", "off", "other")}
        self.d = self.daemon(config + "".join(tasks.values()))
        for task in tasks:
            self.until(lambda task=task: self.ran(task), f"a run of {task}")
        self.d.stop()
        stopped = time.time()
        self.until(lambda: time.time() > stopped + 3, "seconds to pass without a daemon")
        self.d.start()
        for task in tasks:
            self.until(lambda task=task: self.d.ctl_json("list", task)["tasks"][0].get("next_usec"), f"{task} to be due")
        del tasks["later-gone"]
        tasks["later-off"] += "enabled = no\n"
        self.d.write_config(config + "".join(tasks.values()))
        self.assertEqual(self.d.ctl("reload").returncode, 0)
        self.d.stop()
        del tasks["gone"]
        tasks["off"] += "enabled = no\n"
        self.d.write_config(config + "".join(tasks.values()))
        self.d.start()
        for task, why in (("gone", "the task is not in the configuration any more"),
                          ("later-gone", "the task is not in the configuration any more"),
                          ("off", "the task is not enabled any more"),
                          ("later-off", "the task is not enabled any more")):
            told = self.until(lambda task=task: self.missed(task), f"what {task} has missed")
            self.assertEqual([(missed["reason"], missed["detail"]) for missed in told], [("changed", why)])
            self.assertOnce(task)
        self.assertEqual(self.missed("other"), [])

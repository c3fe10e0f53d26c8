# SPDX-License-Identifier: MIT
"""What is due when, as `tendctl next` tells it."""
import os
import re
import time

from support.case import Case

HOUR = 3600 * 1000000

# Situation 6, with a stand-in for certbot.
CERTIFICATES = """
[task cert-renew]
user = root
command = /bin/true
calendar = *-*-* 00,12:00
splay = 1h
timeout = 15min
failing-after = 4
on-failing = alert
[task alert]
manual = yes
command = /bin/true
"""

MIXED = """
[task half]
every = 30min
command = /bin/true
[task hourly]
cron = 0 * * * *
command = /bin/true
[task tokyo]
calendar = *-*-* 02:30 Asia/Tokyo
command = /bin/true
[task inbox]
watch = /nonexistent/*.csv
command = /bin/true
[task shaken]
every = 10min
jitter = 1min
command = /bin/true
[task hand]
manual = yes
command = /bin/true
[task off]
enabled = no
every = 1min
command = /bin/true
"""


class Next(Case):
    def armed(self, config, **kwargs):
        """A daemon whose triggers are armed: it answers before, while it looks for what a dead one has left."""
        daemon = self.daemon(config, **kwargs)
        self.wait_armed(daemon)
        return daemon

    def wait_armed(self, daemon):
        self.until(lambda: any("next_usec" in task for task in daemon.ctl_json("list")["tasks"]), "what is due")

    def rows(self, daemon, *args):
        return daemon.ctl_json("next", *args)["next"]

    def test_situation_6_shows_the_splayed_time(self):
        if os.geteuid() != 0:
            self.skipTest("user = root needs root")
        daemon = self.armed(CERTIFICATES)
        rows = self.rows(daemon, "cert-renew", "-n", "4")
        delays = {row["at_usec"] - row["due_usec"] for row in rows}
        self.assertEqual(len(rows), 4)
        self.assertEqual(len(delays), 1, "the splay of one machine is always the same")
        self.assertTrue(0 <= delays.copy().pop() < HOUR, delays)
        self.assertEqual([row["local"][11:] for row in rows[:2]],
                         sorted((row["local"][11:] for row in rows[:2]), reverse=rows[0]["local"][11:13] == "12"))
        self.assertEqual({row["local"][11:] for row in rows}, {"00:00:00", "12:00:00"})
        self.assertEqual({row["due_usec"] - before["due_usec"] for before, row in zip(rows, rows[1:])} - {
            11 * HOUR, 12 * HOUR, 13 * HOUR}, set())  # half a day, but where clocks are set
        self.assertRegex(daemon.ctl("next", "cert-renew").stdout, r"cert-renew +calendar \*-\*-\* 00,12:00 .* \+ splay ")
        # What status and show say is the splayed time as well.
        at = rows[0]["at_usec"]
        self.assertEqual(daemon.ctl_json("show", "cert-renew")["task"]["next_usec"], at)
        self.assertEqual(daemon.ctl_json("status")["next"], [{"task": "cert-renew", "at_usec": at}])

        daemon.stop()
        daemon.start()
        self.wait_armed(daemon)
        self.assertEqual(self.rows(daemon, "cert-renew", "-n", "1")[0]["at_usec"], at, "the splay is stable")

    def test_the_next_of_each_task_in_the_order_of_time(self):
        daemon = self.armed(MIXED)
        rows = self.rows(daemon)
        self.assertEqual(sorted(row["task"] for row in rows), ["half", "hourly", "inbox", "shaken", "tokyo"])
        times = [row["at_usec"] for row in rows[:-1]]
        self.assertEqual(times, sorted(times))
        self.assertEqual((rows[-1]["trigger"], rows[-1]["expression"]), ("watch", "/nonexistent/*.csv"))
        self.assertNotIn("at_usec", rows[-1])
        by_task = {row["task"]: row for row in rows}
        self.assertEqual(by_task["hourly"]["expression"], "0 * * * *")
        self.assertEqual(by_task["half"]["expression"], "30min")
        shaken = by_task["shaken"]
        self.assertTrue(0 <= shaken["at_usec"] - shaken["due_usec"] <= 60 * 1000000, shaken)

    def test_all_times_of_what_is_named(self):
        daemon = self.armed(MIXED)
        rows = self.rows(daemon, "half", "hourly", "-n", "9")
        self.assertEqual(len(rows), 9)
        self.assertEqual({row["task"] for row in rows}, {"half", "hourly"})
        times = [row["at_usec"] for row in rows]
        self.assertEqual(times, sorted(times))
        for task, step in (("half", HOUR // 2), ("hourly", HOUR)):
            due = [row["due_usec"] for row in rows if row["task"] == task]
            # `every` counts on another clock, which is told by this one some microseconds off.
            self.assertEqual({round((later - earlier) / 1000) for earlier, later in zip(due, due[1:])}, {step // 1000})

    def test_no_later_than_until(self):
        daemon = self.armed(MIXED)
        until = int(time.time()) + 5 * 3600
        rows = self.rows(daemon, "--all", "--until", f"@{until}")
        timed = [row for row in rows if "at_usec" in row]
        self.assertTrue(all(row["at_usec"] <= until * 1000000 for row in timed))
        self.assertIn(sum(row["task"] == "hourly" for row in timed), (4, 5))
        self.assertIn(sum(row["task"] == "half" for row in timed), (9, 10))

    def test_another_zone_is_told_where_clocks_differ(self):
        daemon = self.armed(MIXED, env={"TZ": "UTC"})
        self.assertRegex(daemon.ctl("next").stdout, r"17:30:00 .* tokyo .* 02:30:00 in Asia/Tokyo")
        daemon.env["TZ"] = "Asia/Tokyo"
        self.assertRegex(daemon.ctl("next").stdout, r"02:30:00 .* tokyo +calendar \*-\*-\* 02:30 Asia/Tokyo\n")

    def test_what_nothing_starts_is_told_when_it_is_named(self):
        daemon = self.armed(MIXED)
        self.assertEqual([(row["task"], row["trigger"]) for row in self.rows(daemon, "hand", "off")],
                         [("hand", "none"), ("off", "disabled")])
        text = daemon.ctl("next", "hand", "off").stdout
        self.assertRegex(text, r"hand .*by hand")
        self.assertRegex(text, r"off .*not enabled")

    def test_what_is_paused_is_marked(self):
        daemon = self.armed(MIXED)
        daemon.ctl_json("pause", "half", "-r", "new disk")
        rows = self.rows(daemon, "half", "hourly", "-n", "4")
        self.assertEqual({(row["task"], row["paused"]) for row in rows}, {("half", True), ("hourly", False)})
        lines = daemon.ctl("next").stdout.splitlines()
        self.assertEqual([re.split(r" {2,}", line)[1] for line in lines if " half " in line], ["paused"])
        self.assertNotIn("half", [entry["task"] for entry in daemon.ctl_json("status")["next"]])

    def test_thousands_of_tasks_are_merged(self):
        tasks = "".join(f"[task t{n:04}]\nevery = {n % 50 + 60}min\ncommand = /bin/true\n" for n in range(3000))
        daemon = self.armed(tasks)
        rows = self.rows(daemon, "--all", "-n", "1000")
        self.assertEqual(len(rows), 1000)
        times = [row["at_usec"] for row in rows]
        self.assertEqual(times, sorted(times))
        self.assertEqual({row["expression"] for row in rows[:60]}, {"1h"})
        self.assertEqual(len(self.rows(daemon)), 20)

    def test_wrong_usage(self):
        daemon = self.armed(MIXED)
        for args, code in ((["nothing"], 5), (["-n", "0"], 2), (["-n", "1001"], 2), (["--until", "soon"], 2),
                           (["--until", "2025"], 2)):
            done = daemon.ctl("next", *args)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)

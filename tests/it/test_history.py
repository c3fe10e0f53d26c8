# SPDX-License-Identifier: MIT
"""What was, as `tendctl history`, `show`, `why` and `status` tell it: situations 1 and 12, and what can go wrong."""
import json
import os
import re
import sqlite3
import time

from support.case import Case

DAY = 24 * 3600 * 1000000

# Situation 1, with stand-ins for pg_dump, rclone and find, and with what a night is for it.
BACKUP = """
[daemon]
catch-up-delay = 0s
[defaults backup]
user = root
[group backup]
description = nightly dump, off-site copy, prune
members = dump upload prune
calendar = {calendar}
total-timeout = 4h
stale-after = {stale_after}
catch-up = {catch_up}
on-failure = alert
on-stale = alert
[task dump]
use = backup
shell = echo dump > {srv}/app.part && mv {srv}/app.part {srv}/app.dump
timeout = 3h
[task upload]
use = backup
shell = cp {srv}/app.dump {srv}/remote/
after = dump
retries = 3
retry-delay = 10ms..10ms
[task prune]
use = backup
command = find {srv} -mtime +14 -delete
after = upload
[task alert]
user = root
manual = yes
shell = echo "$TENDD_FOR_TASK $TENDD_FOR_EVENT: $TENDD_FOR_DETAIL" >> {srv}/alerts
"""

FAILS = """
[task fails]
manual = yes
shell = echo last words; exit 7
[task fine]
manual = yes
command = /bin/true
on-success = hook
[task hook]
manual = yes
command = /bin/true
"""


class History(Case):
    def history(self, daemon, *args):
        return daemon.ctl_json("history", *args)["history"]

    def missed(self, daemon, *args):
        return [past["missed"] for past in self.history(daemon, *args) if "missed" in past]

    def ran(self, daemon, *args):
        return [past["ran"] for past in self.history(daemon, *args) if "ran" in past]

    def backup(self, calendar="*-*-* 02:30", stale_after="26h", catch_up="latest", start=True):
        if os.geteuid() != 0:
            self.skipTest("user = root needs root")
        os.makedirs(self.path("srv", "remote"), exist_ok=True)
        return self.daemon(BACKUP.format(calendar=calendar, stale_after=stale_after, catch_up=catch_up,
                                         srv=self.path("srv")), start=start)

    def stop_days_ago(self, daemon, task, days):
        """As if the daemon had been stopped @days ago: what came due since has been missed."""
        path = os.path.join(daemon.state_dir, "state.db")
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.until(lambda: database.execute("SELECT 1 FROM task WHERE task = ? AND schedule NOT NULL",
                                            (task,)).fetchone(), "the task to be remembered")
        database.close()
        daemon.stop()
        database = sqlite3.connect(path)
        past = int(time.time() * 1000000) - days * DAY
        with database:
            changed = database.execute("UPDATE task SET accounted_usec = ?, first_seen_usec = ?, fired = NULL, "
                                       "last_due_usec = 0 WHERE task = ?", (past, past, task)).rowcount
        database.close()
        self.assertEqual(changed, 1)

    # ---- situation 1: nightly dump, upload, prune ----

    def test_situation_1_runs_and_is_remembered(self):
        daemon = self.backup()
        self.assertEqual(daemon.ctl("start", "backup", "--wait").returncode, 0)
        self.assertTrue(os.path.exists(self.path("srv", "remote", "app.dump")))
        run = self.history(daemon, "backup#1")[0]["ran"]
        self.assertEqual(run["outcome"], "ok")
        self.assertRegex(run["trigger"], r"^uid 0, pid \d+$")
        self.assertEqual([child["run"] for child in run["result"]["children"]],
                         ["backup#1/dump", "backup#1/upload", "backup#1/prune"])
        self.assertEqual([entry["run"] for entry in self.ran(daemon, "upload")], ["backup#1/upload"])
        text = daemon.ctl("history", "backup#1").stdout
        self.assertRegex(text, r"(?s)^backup#1\n +trigger +uid 0, .*\nbackup#1 +ok .*─ upload +ok ")

    def test_situation_1_alerts_with_the_reason(self):
        daemon = self.backup()
        os.rmdir(self.path("srv", "remote"))
        with open(self.path("srv", "remote"), "w", encoding="utf-8"):
            pass
        os.chmod(self.path("srv"), 0o755)
        os.remove(self.path("srv", "remote"))
        done = daemon.ctl("start", "backup", "--wait")
        self.assertEqual(done.returncode, 1)
        self.until(lambda: "backup" in self.read("srv/alerts"), "the alert")
        self.assertRegex(self.read("srv/alerts"), r"backup failure: .*exit status 1")
        why = daemon.ctl("why", "backup").stdout
        self.assertRegex(why, r"it is failing")
        self.assertIn("tendctl show upload", why)
        run = self.ran(daemon, "--failed", "backup")[0]
        self.assertEqual((run["run"], run["outcome"], run["error"]), ("backup#1", "failed", "exit"))
        self.assertEqual(self.ran(daemon, "upload")[0]["attempts"], 4)
        self.assertRegex(daemon.ctl().stdout, r"FAILING +backup ")

    def test_situation_1_is_caught_up_after_a_reboot(self):
        daemon = self.backup()
        self.stop_days_ago(daemon, "backup", 2)
        daemon.start()
        run = self.until(lambda: self.ran(daemon, "backup"), "the run that is caught up")[0]
        self.assertEqual((run["trigger"], run["outcome"]), ("catch-up", "ok"))
        self.assertGreater(run["begun_usec"], run["due_usec"])
        missed = self.missed(daemon, "backup")
        self.assertEqual(sum(entry["n"] for entry in missed), 1, "the one before that")
        self.assertLess(missed[0]["last_due_usec"], run["due_usec"])
        text = daemon.ctl("history", "backup").stdout
        self.assertRegex(text, r"backup#1 .* ok .* catch-up +(\d{4}-\d\d-\d\d )?02:30:00")
        self.assertRegex(text, r"backup .* 02:30:00 +not run ")

    def test_situation_1_alerts_when_it_stops_happening(self):
        daemon = self.backup(calendar="*:*:*", stale_after="2s")
        self.until(lambda: any(run["outcome"] == "ok" for run in self.ran(daemon, "backup")), "a run that is ok")
        daemon.ctl_json("pause", "backup")
        self.until(lambda: "stale" in self.read("srv/alerts"), "the alert")
        self.assertRegex(daemon.ctl().stdout, r"STALE +backup +last ok .* ago, bound 2s +tendctl why backup")
        self.assertEqual(daemon.ctl("status", "-q").returncode, 1)
        why = daemon.ctl("why", "backup").stdout
        self.assertRegex(why, r"it is stale since .*: it was last ok .* ago")
        self.assertRegex(why, r"it is paused since ")
        self.assertTrue(daemon.ctl_json("show", "backup")["task"]["stale"])

    # ---- situation 12: it did not run last night ----

    def test_situation_12_why_it_did_not_run_last_night(self):
        daemon = self.backup(catch_up="none")
        self.stop_days_ago(daemon, "backup", 2)
        daemon.start()
        missed = self.until(lambda: self.missed(daemon, "backup", "--since", "yesterday"), "what was missed")
        self.assertEqual({entry["reason"] for entry in missed}, {"down"})
        self.assertEqual(sum(entry["n"] for entry in missed), 2)
        self.assertEqual(self.ran(daemon, "backup"), [])
        text = daemon.ctl("history", "backup", "--since", "yesterday").stdout
        self.assertRegex(text, r"backup .* 02:30:00 +2 not run .*down")
        # Last due, what became of it and why, next due.
        why = daemon.ctl("why", "backup").stdout
        self.assertRegex(why, r"it was last due at (\d{4}-\d\d-\d\d )?02:30:00, .* ago: .*down")
        self.assertRegex(why, r"it is due next at (\d{4}-\d\d-\d\d )?02:30:00, in ")
        task = daemon.ctl_json("why", "backup")["task"]
        self.assertEqual(task["next_usec"] - task["last_due_usec"] in (23 * DAY // 24, DAY, 25 * DAY // 24), True)
        self.assertRegex(daemon.ctl("show", "backup").stdout, r"last due +.*02:30:00, .*down")
        self.assertRegex(daemon.ctl("show", "backup").stdout, r"triggers +calendar \*-\*-\* 02:30:00 in ")

    def test_situation_12_a_file_is_checked_before_it_is_put_there(self):
        daemon = self.backup()
        for calendar, code in (("02:30", 0), ("25:30", 2)):
            path = self.write("new.ini", f"[task new]\nuser = root\ncommand = /bin/true\ncalendar = {calendar}\n", 0o600)
            self.assertEqual(daemon.run("--check", "--add", path).returncode, code, calendar)

    # ---- what it tells ----

    def test_runs_survive_a_restart(self):
        daemon = self.daemon(FAILS)
        daemon.ctl("start", "--wait", "fails")
        daemon.ctl("start", "--wait", "fine")
        daemon.stop()
        daemon.start()
        runs = self.ran(daemon)
        self.assertEqual([(run["run"], run["outcome"]) for run in runs], [("fine#1", "ok"), ("fails#1", "failed")])
        text = daemon.ctl("history", "fails#1").stdout
        self.assertIn("last words", text)
        self.assertIn("exit status 7", text)
        show = daemon.ctl_json("show", "fails")
        self.assertEqual(show["summary"]["outcomes"]["failed"], 1)
        self.assertEqual(show["last"]["run"], "fails#1")
        self.assertRegex(daemon.ctl("show", "fails").stdout, r"runs +1 failed; 0% ok")

    def test_options_choose(self):
        daemon = self.daemon(FAILS)
        daemon.ctl("start", "--wait", "fails")
        daemon.ctl("start", "--wait", "fine")
        self.until(lambda: self.ran(daemon, "hook", "--hooks"), "the hook")
        self.assertEqual([run["run"] for run in self.ran(daemon, "--failed")], ["fails#1"])
        self.assertEqual([run["run"] for run in self.ran(daemon, "f*")], ["fine#1", "fails#1"])
        self.assertEqual([run["run"] for run in self.ran(daemon, "-n", "1", "f*")], ["fine#1"])
        self.assertEqual(self.ran(daemon, "hook"), [])
        self.assertEqual(self.ran(daemon, "hook", "--hooks")[0]["hook"], True)
        begun = self.ran(daemon, "fine")[0]["begun_usec"]
        since = f"@{begun // 1000000}.{begun % 1000000:06}"
        self.assertEqual([run["run"] for run in self.ran(daemon, "f*", "--since", since)], ["fine#1"])
        self.assertEqual([run["run"] for run in self.ran(daemon, "f*", "--until", since)], ["fails#1"])
        self.assertEqual(self.ran(daemon, "--until", "yesterday"), [])

    def test_of_one_task_it_has_a_summary(self):
        daemon = self.daemon(FAILS)
        for _ in range(3):
            daemon.ctl("start", "--wait", "fine")
        answer = daemon.ctl_json("history", "fine")
        self.assertEqual((answer["summary"]["outcomes"]["ok"], len(answer["summary"]["last"])), (3, 3))
        self.assertLessEqual(answer["summary"]["p50_usec"], answer["summary"]["max_usec"])
        text = daemon.ctl("history", "fine").stdout
        self.assertRegex(text, r"runs +3 ok; 100% ok\n +took +p50 \S+ms +p90 .* max ")
        self.assertRegex(text, r"the latest +[▁▂▃▄▅▆▇█]{3}\n")
        daemon.env["LC_ALL"] = "C"
        self.assertRegex(daemon.ctl("history", "fine").stdout, r"the latest +[_.~=+*#-]{3}\n")
        self.assertNotIn("summary", daemon.ctl_json("history"))

    def test_a_run_that_goes_on_is_pointed_to(self):
        daemon = self.daemon("[task long]\nmanual = yes\ncommand = sleep 60\n")
        daemon.ctl("start", "long")
        done = daemon.ctl("history", "long#1")
        self.assertEqual((done.returncode, done.stdout), (0, "long#1 has not ended; see tendctl why 'long#1'\n"))

    def test_what_cannot_be(self):
        daemon = self.daemon(FAILS)
        for args, code in ((["nothing"], 5), (["no*"], 5), (["fails#9"], 5), (["-n", "0"], 2), (["--since", "x"], 2),
                           (["fails", "fails#1"], 2), (["--until"], 2)):
            done = daemon.ctl("history", *args)
            self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        done = daemon.ctl("history", "fine")
        self.assertEqual((done.returncode, done.stdout), (0, "fine\nno run has ended, and none was missed\n"))
        self.assertEqual(daemon.ctl("history", "--failed").stdout, "no run failed\n")

    def test_without_a_store_the_rest_is_told(self):
        daemon = self.daemon(FAILS, start=False)
        os.makedirs(daemon.state_dir, 0o700)
        os.mkdir(os.path.join(daemon.state_dir, "state.db"))  # no database can be there
        daemon.start()
        self.assertEqual(daemon.ctl("start", "--wait", "fine").returncode, 0)
        done = daemon.ctl("history")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"the history cannot be read: \S")
        show = daemon.ctl("show", "fine")
        self.assertEqual(show.returncode, 0)
        self.assertRegex(show.stdout, r"history +unknown: \S")
        self.assertRegex(daemon.ctl().stdout, r"DEGRADED +store +\S.* tendctl events")
        self.assertEqual(daemon.ctl("status", "-q").returncode, 1)

    def test_a_long_history_comes_whole(self):
        daemon = self.daemon("[task many]\nmanual = yes\ncommand = /bin/true\n")
        for _ in range(3):
            daemon.ctl("start", *["many"] * 40)
            self.until(lambda: daemon.ctl_json("list", "many")["tasks"][0]["running"] == 0, "all to end", 60)
        runs = [run["run"] for run in self.ran(daemon, "--since", "1h")]
        self.assertEqual(sorted(runs, key=lambda name: int(name.split("#")[1])), [f"many#{n + 1}" for n in range(120)])
        self.assertEqual(len(runs), len(set(runs)))
        self.assertEqual(len(self.ran(daemon)), 20)
        self.assertEqual(len(re.findall(r"^many#", daemon.ctl("history", "-n", "70").stdout, re.M)), 70)
        json.loads(daemon.ctl("--json", "history", "--since", "1h").stdout)

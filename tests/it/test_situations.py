# SPDX-License-Identifier: MIT
"""Situations 8, 9, 11 and 12: a long batch is watched and extended, a change goes through a review and onto a host, everybody
shares the pace of one API, and a fleet is kept by configuration management."""
import os
import re
import shutil
import subprocess
import threading
import time

from support.box import BoxCase
from support.case import Case
from support.daemon import TENDCTL
from support.servers import Hostile

MAIN = "[daemon]\ninclude = conf.d/*.ini\n[task alert]\nmanual = yes\ncommand = true\n"
BACKUP = "[task backup]\ncommand = true\ncalendar = *-*-* 02:30\nstale-after = 26h\non-stale = alert\non-failure = alert\n"


class Situation8(Case):
    def test_a_long_batch_is_watched_and_gets_more_time(self):
        os.mkfifo(self.path("steps"))
        daemon = self.daemon(f"""
[task backfill]
manual = yes
shell = n=4; i=0; while read step; do i=$((i + 1)); {TENDCTL} notify --progress "$i/$n" --status "step $step"; done <{self.path('steps')}
timeout = 6h
total-timeout = 12h
slow-after = 1s
on-slow = alert
[task alert]
manual = yes
shell = echo "$TENDD_FOR_TASK $TENDD_FOR_OUTCOME $TENDD_FOR_DETAIL" >>{self.path('alerts')}
""")
        self.assertEqual(daemon.ctl("start", "backfill").returncode, 0)
        with open(self.path("steps"), "w", encoding="utf-8") as steps:
            for number, bar in enumerate((r"\[##        \] 25% 1/4", r"\[#####     \] 50% 2/4", r"\[#######   \] 75% 3/4"), 1):
                print(number, file=steps, flush=True)
                self.until(lambda bar=bar, number=number: re.search(rf"backfill#1 +running.* {bar} step {number}\n",
                                                                    daemon.ctl("tree", "backfill").stdout),
                           f"the bar {bar}")
            # 2 a.m.: it is slow, and somebody is told once. The operator looks, and gives it more time.
            self.until(lambda: self.read("alerts"), "the alert")
            self.assertRegex(self.read("alerts"), r"\Abackfill running slow: at work for 1s, which is slow-after\n\Z")
            self.assertRegex(daemon.ctl("status").stdout, r"SLOW +backfill +at work for .*, slow after 1s +tendctl why backfill")
            self.assertRegex(daemon.ctl("status").stdout, r"says +backfill#1 +\[#######   \] 75% 3/4 step 3")
            why = daemon.ctl("why", "backfill").stdout
            self.assertRegex(why, r"timeout of backfill#1 ends it in 5h 59min")
            extend = re.search(r"to give it more time: tendctl (extend backfill) 1h", why)[1].split()
            self.assertRegex(daemon.ctl(*extend, "2h").stdout, r"^backfill#1 ends in 7h 59min.*, at .*, by timeout$")
            # Not past the bound that holds for the whole run, waits and retries included; the answer names it.
            self.assertRegex(daemon.ctl(*extend, "9h").stdout, r"^backfill#1 ends in 11h 59min.*, at .*, by total-timeout of backfill#1, "
                             "which comes before what was asked for$")
            waiting = threading.Thread(target=lambda: self.codes.append(daemon.ctl("wait", "backfill").returncode))
            self.codes = []
            waiting.start()
            print(4, file=steps, flush=True)
        waiting.join()
        self.assertEqual(self.codes, [0])
        self.assertEqual(self.read("alerts").count("\n"), 1)
        self.assertIn("all is well", daemon.ctl("status").stdout)


class Situation9(Case):
    def test_a_change_is_checked_seen_applied_or_refused(self):
        host = self.daemon(MAIN, start=False)
        os.mkdir(os.path.join(host.directory, "conf.d"))
        host.write_config(BACKUP, "conf.d/backup.ini")
        host.start()
        self.assertEqual(host.ctl("diff").returncode, 0)

        # Reviewed where neither the user nor the command is known.
        review = self.daemon(MAIN, start=False)
        os.mkdir(os.path.join(review.directory, "conf.d"))

        def change(text):
            review.write_config(text, "conf.d/backup.ini")
            return review.run("--check", "--portable", "--strict").returncode

        self.assertEqual(change(BACKUP + "command = /nowhere/x\n"), 2)  # written twice
        self.assertEqual(change(BACKUP.replace("command = true", "command = /nowhere/x\nuser = nobody-here")), 0)
        self.assertEqual(change(BACKUP.replace("on-failure = alert\n", "")), 1)
        wanted = BACKUP.replace("02:30", "03:15")
        self.assertEqual(change(wanted), 0)

        def deploy():
            shutil.copy(os.path.join(review.directory, "conf.d", "backup.ini"), os.path.join(host.directory, "conf.d"))

        deploy()
        done = host.ctl("diff")
        self.assertEqual(done.returncode, 1)
        self.assertIn("calendar: *-*-* 02:30 -> *-*-* 03:15", done.stdout)
        self.assertEqual(host.ctl("reload").returncode, 0)
        self.assertEqual(host.ctl("diff").returncode, 0)
        self.assertIn("03:15:00", host.ctl("next", "backup").stdout)

        self.assertEqual(change(wanted + "retrys = 3\n"), 2)
        deploy()
        self.assertEqual(host.ctl("diff").returncode, 2)
        done = host.ctl("reload")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"conf.d/backup.ini:7: retrys: unknown key.*retries")
        self.assertIn("03:15:00", host.ctl("next", "backup").stdout)
        self.assertIn("REFUSED", host.ctl("status").stdout)
        self.assertEqual(change(wanted + "retries = 3\n"), 0)
        deploy()
        self.assertEqual(host.ctl("reload").returncode, 0)
        self.assertNotIn("REFUSED", host.ctl("status").stdout)


class Api(Hostile):
    """An API that knows how many calls it had at once, and when each came; it answers when it is told to."""

    def __init__(self):
        self.lock = threading.Lock()
        self.at_once = self.most = 0
        self.came = []
        self.answers = threading.Event()
        super().__init__(self.call)

    def call(self, connection, _server):
        connection.recv(65536)
        with self.lock:
            self.came.append(time.monotonic())
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.answers.wait(60)
        with self.lock:
            self.at_once -= 1
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


class Situation11(Case):
    def test_all_tasks_together_keep_the_pace_of_one_api(self):
        api = self.peer(Api())
        self.write("ids", "".join(f"{number}\n" for number in range(20)))
        ask = f'import urllib.request; print(urllib.request.urlopen("{api.url}").read().decode())'
        daemon = self.daemon(f"""
[limit api]
permits = 5
rate = 10/s
[task sync-users]
shell = /usr/bin/python3 -c '{ask}'
limit = api
every = 1min
on-start = yes
[task poll]
for-each = lines:{self.path('ids')}
url = {api.url}v1/{{item}}
limit = api
every = 10min
on-start = yes
""")
        # It is slow: permits are what bounds it. Then it is fast, and the pace does.
        self.until(lambda: len(api.came) == 5, "five calls")
        shown = self.until(lambda: re.search(r"^api +5/5 +[1-9].*$", daemon.ctl("limits", "api").stdout, re.M),
                           "others to wait for a permit")[0]
        self.assertRegex(shown, r" 10/s ")
        # A script's call waits with the others.
        script = subprocess.Popen(daemon.ctl_command("run", "--limit", "api", "--", "/usr/bin/python3", "-c", ask),
                                  env=daemon.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.until(lambda: "  run#1 waits for 1, for " in daemon.ctl("limits", "api").stdout, "the script's call to wait")
        self.assertEqual(len(api.came), 5)
        api.answers.set()
        begun = time.monotonic()
        self.assertEqual((script.communicate(timeout=60 * self.SCALE)[0], script.returncode), ("ok\n", 0))
        self.until(lambda: daemon.ctl_json("status")["done"] >= 3, "all to have ended", 30)
        outcomes = {task["name"]: task["last"]["outcome"] for task in daemon.ctl_json("list", "sync-users", "poll")["tasks"]}
        self.assertEqual(outcomes, {"sync-users": "ok", "poll": "ok"})
        self.assertEqual(len(api.came), 22)
        self.assertEqual(api.most, 5)
        # Seventeen starts, a tenth of a second between two.
        self.assertGreater(api.came[-1] - begun, 1.5)


class Situation12(BoxCase):
    def test_a_file_is_dropped_in_and_the_reload_says_how_it_was(self):
        box = self.box(MAIN)
        box.ask("systemctl", "start", "tendd", timeout=60)

        def drop_in(text):
            """As configuration management does: checked, put in place, reloaded; the exit codes."""
            box.ask("sh", "-c", f"mkdir -p /etc/tendd/conf.d; cat >/etc/tendd/upload <<'END'\n{text}END\n")
            check = box.ask("tendd", "--check", "--add", "backup.ini=/etc/tendd/upload", check=False).returncode
            box.ask("mv", "/etc/tendd/upload", "/etc/tendd/conf.d/backup.ini")
            return check, box.ask("systemctl", "reload", "tendd", check=False, timeout=60).returncode

        self.assertEqual(drop_in(BACKUP), (0, 0))
        self.assertIn("02:30:00", box.run("tendctl", "next", "backup").stdout)
        self.assertEqual(drop_in(BACKUP.replace("02:30", "25:30")), (2, 1))
        self.assertEqual(box.property("ActiveState"), "active")
        self.assertIn("02:30:00", box.run("tendctl", "next", "backup").stdout)
        self.assertTrue(any("backup.ini:3: calendar: " in record["MESSAGE"]
                            for record in box.journal("_SYSTEMD_UNIT=tendd.service")))
        self.assertEqual(drop_in(BACKUP), (0, 0))
        why = box.run("tendctl", "why", "backup").stdout
        self.assertRegex(why, r"it is due next at .*02:30:00, in ")
        self.assertEqual(box.run("tendctl", "history", "backup", "--since", "yesterday").returncode, 0)

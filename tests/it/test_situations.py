# SPDX-License-Identifier: MIT
"""Situations 9 and 12: a change goes through a review and onto a host, and a fleet is kept by configuration management."""
import os
import shutil

from support.box import BoxCase
from support.case import Case

MAIN = "[daemon]\ninclude = conf.d/*.ini\n[task alert]\nmanual = yes\ncommand = true\n"
BACKUP = "[task backup]\ncommand = true\ncalendar = *-*-* 02:30\nstale-after = 26h\non-stale = alert\non-failure = alert\n"


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

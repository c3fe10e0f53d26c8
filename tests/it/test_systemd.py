# SPDX-License-Identifier: MIT
"""The installed unit, under a real systemd and journald."""
import re
import time

from support.box import STUBBORN, BoxCase


class Unit(BoxCase):
    def test_it_is_ready_when_it_serves(self):
        box = self.start("[task t]\nmanual = yes\ncommand = /bin/true\n")
        self.assertEqual(box.property("ActiveState"), "active")
        self.until(lambda: box.property("StatusText") == "running: 1 tasks, 0 running, 0 queued",
                   lambda: f"the state in {box.property('StatusText')!r}")
        done = box.run("tendctl", "status")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 0)
        self.assertEqual(box.ask("stat", "-c", "%a %U", "/run/tendd", "/var/lib/tendd").stdout, "755 root\n755 root\n")
        box.ask("systemctl", "stop", "tendd")
        self.assertEqual(box.property("Result"), "success")

    def test_the_story_of_a_task_is_in_the_journal(self):
        box = self.start("[task t]\nmanual = yes\nshell = echo plain; echo '<3>grave' >&2; exit 3\n")
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 3)
        plain = self.message(box, "plain", "TENDD_TASK=t")
        for field, value in {"TENDD_RUN": "t#1", "SYSLOG_IDENTIFIER": "t", "PRIORITY": "6",
                             "_SYSTEMD_UNIT": "tendd.service", "_PID": box.property("MainPID")}.items():
            self.assertEqual(plain[field], value, plain)
        self.assertEqual(self.message(box, "grave", "TENDD_TASK=t")["PRIORITY"], "3")
        end = self.until(lambda: box.journal("TENDD_TASK=t", "TENDD_OUTCOME=failed"), "the run's end in the journal")[0]
        for field, value in {"TENDD_RUN": "t#1", "TENDD_ERROR": "exit", "TENDD_EVENT": "run-done", "PRIORITY": "3",
                             "SYSLOG_IDENTIFIER": "tendd"}.items():
            self.assertEqual(end[field], value, end)
        self.assertRegex(end["MESSAGE"], "^t#1 failed after .*exit status 3")
        self.assertGreater(int(end["TENDD_DURATION_USEC"]), 0)
        self.assertEqual(len(end["MESSAGE_ID"]), 32)

    def test_no_line_of_many_is_dropped(self):
        box = self.start("[task t]\nmanual = yes\ncommand = seq 30000\n")
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 0)
        self.until(lambda: box.journal("TENDD_TASK=t", "TENDD_OUTCOME=ok"), "the run's end in the journal")
        lines = box.ask("journalctl", "-q", "-o", "cat", "SYSLOG_IDENTIFIER=t").stdout.split()
        self.assertEqual(len(lines), 30000)
        self.assertEqual(box.journal("TENDD_EVENT=log-dropped"), [])

    def test_it_logs_on_after_journald_was_restarted(self):
        box = self.start("[task t]\nmanual = yes\nshell = echo $TENDD_RUN speaks\n")
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 0)
        self.message(box, "t#1 speaks", "TENDD_TASK=t")
        box.ask("systemctl", "restart", "systemd-journald")
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 0)
        self.message(box, "t#2 speaks", "TENDD_TASK=t")

    def test_stop_drains_then_stops_and_leaves_nothing(self):
        box = self.start(
            "[daemon]\ndrain-timeout = 1min\n"
            "[task whole]\non-start = yes\non-shutdown = wait\n"
            "shell = echo begun; until [ -e /run/go-on ]; do sleep 0.1; done; echo whole\n"
            f"[task deaf]\non-start = yes\ngrace = 1s\nshell = {STUBBORN}\n")
        self.message(box, "begun", "TENDD_TASK=whole")
        self.message(box, "deaf", "TENDD_TASK=deaf")
        box.ask("systemctl", "stop", "--no-block", "tendd")
        self.until(lambda: re.fullmatch(r"draining: waiting until [\d:]{8} for whole#1(, deaf#1)?",
                                        box.property("StatusText")), "the unit to say that it drains")
        self.assertEqual(box.property("ActiveState"), "deactivating")
        box.ask("touch", "/run/go-on")
        self.until(lambda: box.property("ActiveState") == "inactive", "the unit to stop", 30)
        self.assertEqual(box.property("Result"), "success")
        self.assertEqual(box.property("ExecMainStatus"), "0")
        self.message(box, "whole", "TENDD_TASK=whole")
        self.no_process_left(box)

    def test_stopping_is_told(self):
        box = self.start(f"[task deaf]\non-start = yes\ngrace = 5s\nshell = {STUBBORN}\n")
        self.message(box, "deaf", "TENDD_TASK=deaf")
        box.ask("systemctl", "stop", "--no-block", "tendd")
        self.until(lambda: re.fullmatch(r"stopping: waiting at most until [\d:]{8} for deaf#1",
                                        box.property("StatusText")), "the unit to say that it stops")
        self.until(lambda: box.property("ActiveState") == "inactive", "the unit to stop", 30)
        self.no_process_left(box)

    def test_pings_keep_the_watchdog_away_and_their_end_brings_it(self):
        box = self.start("[task t]\non-start = yes\ncommand = sleep 600\n", f"WatchdogSec={2 * self.SCALE:.0f}s\n")
        first = box.property("MainPID")
        start = time.monotonic()
        self.until(lambda: time.monotonic() - start > 5 * self.SCALE, "more than twice the watchdog's time to pass")
        self.assertEqual((box.property("ActiveState"), box.property("MainPID")), ("active", first))
        box.ask("kill", "-STOP", first)
        self.until(lambda: box.property("NRestarts") == "1" and box.property("ActiveState") == "active",
                   "the watchdog to restart it", 60)
        self.assertNotEqual(box.property("MainPID"), first)
        self.assertTrue(box.journal("UNIT=tendd.service", "UNIT_RESULT=watchdog"))

    def test_when_the_daemon_is_killed_nothing_of_it_stays(self):
        box = self.start(f"[task deaf]\non-start = yes\nshell = {STUBBORN}\n")
        self.message(box, "deaf", "TENDD_TASK=deaf")
        before = self.pids(box)
        self.assertGreater(len(before), 1)
        box.ask("kill", "-KILL", box.property("MainPID"))
        self.until(lambda: box.property("NRestarts") == "1" and box.property("ActiveState") == "active",
                   "systemd to restart it", 30)
        self.until(lambda: not before & self.pids(box), "the processes of the killed daemon to be gone", 20)
        self.assertEqual(box.run("tendctl", "status").returncode, 0)

    def test_a_second_daemon_is_refused_with_the_pid_of_the_first(self):
        box = self.start("[task t]\nmanual = yes\ncommand = /bin/true\n")
        done = box.run("tendd")
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(f"pid {box.property('MainPID')}", done.stderr)
        self.assertEqual(box.run("tendd", "--once", "t").returncode, 125)
        self.assertEqual(box.run("tendctl", "status").returncode, 0)

    def test_a_wrong_configuration_fails_the_unit_at_once(self):
        box = self.box("[task t]\nmanual = maybe\ncommand = /bin/true\n")
        self.assertNotEqual(box.ask("systemctl", "start", "tendd", check=False).returncode, 0)
        self.assertEqual((box.property("ActiveState"), box.property("NRestarts"), box.property("ExecMainStatus")),
                         ("failed", "0", "2"))
        self.until(lambda: any("tendd.ini:4: manual" in record["MESSAGE"] for record in
                               box.journal("_SYSTEMD_UNIT=tendd.service")), "the mistake in the journal")

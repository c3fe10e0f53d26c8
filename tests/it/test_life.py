# SPDX-License-Identifier: MIT
"""What an operator does to the unit, and what befalls it: reload, refused files, a stuck loop, children that resist."""
from support.box import STUBBORN, BoxCase
from support.daemon import Varlink

SERVICE = "[task s]\nrestart = always\ncommand = sleep infinity\n"
CONFIG = "[defaults]\nuser = root\n" + SERVICE
# Two mistakes, in lines 7 and 10.
BROKEN = CONFIG + "[task a]\nmanual = maybe\ncommand = true\n[task b]\nevrey = 1h\ncommand = true\n"

HOSTILE = """
[daemon]
shutdown-timeout = 30s
[defaults h]
on-start = yes
grace = 1s
[task gone]
use = h
shell = trap '' TERM; env -i setsid -f sh -c 'trap "" TERM HUP; sleep 1000'; echo up; sleep 1000
[task stopped]
use = h
shell = sleep 1000 & kill -STOP $!; echo up; kill -STOP $$
[task many]
use = h
shell = trap '' TERM; for i in {1..50}; do (trap '' TERM; sleep 1000) & done; echo up; wait
[task again]
use = h
shell = trap 'setsid -f sleep 1000' TERM; echo up; while :; do sleep 0.1; done
"""


class Life(BoxCase):
    def assert_two_mistakes(self, records):
        text = "\n".join(record["MESSAGE"] for record in records)
        self.assertIn("tendd.ini:7: manual", text)
        self.assertIn("tendd.ini:10: evrey", text)

    def test_it_answers_as_soon_as_it_is_ready(self):
        # systemd runs it as soon as it hears READY=1; if it fails, so does the start.
        box = self.start("[task t]\nmanual = yes\ncommand = true\n", "ExecStartPost=/usr/local/bin/tendctl start --wait t\n")
        self.assertEqual(box.property("ActiveState"), "active")

    def test_reload_waits_and_fails_when_it_is_refused(self):
        box = self.start(SERVICE)
        self.message(box, "s#1 ready", "TENDD_TASK=s")
        daemon = box.property("MainPID")
        before = self.pids(box)
        box.put("/etc/tendd/tendd.ini", CONFIG + "[task added]\nmanual = yes\ncommand = true\n")
        box.ask("systemctl", "reload", "tendd")
        self.assertEqual(box.run("tendctl", "start", "--wait", "added").returncode, 0)

        box.put("/etc/tendd/tendd.ini", BROKEN)
        self.assertNotEqual(box.ask("systemctl", "reload", "tendd", check=False).returncode, 0)
        self.assertEqual([box.property(name) for name in ("ActiveState", "SubState", "MainPID", "NRestarts")],
                         ["active", "running", daemon, "0"])
        self.assertEqual(self.pids(box), before)
        self.assertEqual(box.run("tendctl", "start", "--wait", "added").returncode, 0)
        self.assertEqual(len(self.until(lambda: box.journal("TENDD_EVENT=reload-refused"), "the refusal")), 1)
        # Told by the daemon, and to who has asked. That has ended, perhaps before journald has looked for its _COMM.
        for match in ("PRIORITY=3", "SYSLOG_IDENTIFIER=tendctl"):
            self.assert_two_mistakes(box.journal("_SYSTEMD_UNIT=tendd.service", match))
        self.until(lambda: "REFUSED: configuration" in box.property("StatusText"), "the unit to say so")

        box.put("/etc/tendd/tendd.ini", CONFIG)
        box.ask("systemctl", "reload", "tendd")
        self.until(lambda: box.property("StatusText") == "running: 1 tasks, 1 running, 0 queued",
                   lambda: f"the refusal to be over: {box.property('StatusText')}")
        self.assertEqual(self.pids(box), before)

    def test_refused_files_at_the_start(self):
        box = self.start(SERVICE)
        self.message(box, "s#1 ready", "TENDD_TASK=s")
        box.put("/etc/tendd/tendd.ini", BROKEN)
        box.ask("systemctl", "restart", "tendd")
        self.assertEqual(box.property("ActiveState"), "active")
        self.message(box, "s#2 started", "TENDD_TASK=s")
        self.assertEqual([record["PRIORITY"] for record in box.journal("TENDD_EVENT=config-fallback")], ["3"])
        self.assert_two_mistakes(box.journal("_SYSTEMD_UNIT=tendd.service", "PRIORITY=3"))
        self.until(lambda: "REFUSED: configuration" in box.property("StatusText"), "the unit to say so")
        self.assertEqual(box.ask("tendctl", "status", "-q", check=False).returncode, 1)
        self.assertRegex(box.ask("tendctl", "status", check=False).stdout, "REFUSED +configuration")

        box.put("/etc/systemd/system/tendd.service.d/strict.conf",
                "[Service]\nExecStart=\nExecStart=/usr/local/sbin/tendd --no-fallback\n")
        box.ask("systemctl", "daemon-reload")
        self.assertNotEqual(box.ask("systemctl", "restart", "tendd", check=False).returncode, 0)
        self.assertEqual([box.property(name) for name in ("ActiveState", "NRestarts", "ExecMainStatus")],
                         ["failed", "0", "2"])

    def test_a_loop_that_is_stuck_is_ended_and_everything_is_started_anew(self):
        box = self.start(f"[task s]\nrestart = always\nshell = {STUBBORN}\n", f"WatchdogSec={10 * self.SCALE:.0f}s\n")
        connection = Varlink(f"/proc/{box.pid}/root/run/tendd/control.sock")
        interfaces = connection.call("org.varlink.service.GetInfo")["parameters"]["interfaces"]
        if "io.tendd.Debug" not in interfaces:
            self.skipTest("built without --enable-debug-hooks")
        self.message(box, "deaf", "TENDD_RUN=s#1")
        before = self.pids(box)
        connection.send("io.tendd.Debug.HoldLoop", {"usec": 600 * 1000 * 1000})
        self.until(lambda: box.property("NRestarts") == "1" and box.property("ActiveState") == "active",
                   "the watchdog to restart it", 60)
        connection.close()
        self.assertTrue(box.journal("UNIT=tendd.service", "UNIT_RESULT=watchdog"))
        stuck = [record["MESSAGE"] for record in box.journal("TENDD_EVENT=loop-stuck")]
        self.assertRegex(stuck[-1], r"^loop stuck for \S+s in control-client \(wchan .*\), at:$")
        stack = [record["MESSAGE"] for record in box.journal("PRIORITY=3", "_COMM=tendd")]
        self.assertTrue(any("nanosleep" in frame for frame in stack), stack)
        self.message(box, "deaf", "TENDD_RUN=s#2")
        self.assertTrue(box.journal("TENDD_RUN=s#1", "TENDD_OUTCOME=interrupted"))
        self.until(lambda: not before & self.pids(box), "the processes of the daemon that was stuck to be gone", 20)

    def test_stop_leaves_nothing_of_children_that_resist(self):
        box = self.start(HOSTILE)
        for task in ("gone", "stopped", "many", "again"):
            self.message(box, "up", f"TENDD_TASK={task}")
        self.assertGreater(len(self.pids(box)), 55)
        box.ask("systemctl", "stop", "tendd", timeout=60)
        self.assertEqual(self.pids(box), set())
        self.assertEqual([box.property(name) for name in ("ActiveState", "Result", "ExecMainStatus")],
                         ["inactive", "success", "0"])
        # Nothing was left for systemd to kill.
        told = [record["MESSAGE"] for record in box.journal("UNIT=tendd.service")]
        self.assertEqual([text for text in told if "Killing" in text or "left-over" in text], [])

# SPDX-License-Identifier: MIT
"""The units: what systemd thinks of them, how they start, end, and what they give to others."""
import os
import re
import shutil
import subprocess

from support.box import BoxCase
from support.case import Case
from support.daemon import environment
from support.install import files, install, make

TASK = "[task t]\nmanual = yes\nshell = cat /proc/self/oom_score_adj\n"


class Installed(Case):
    def test_uninstall_leaves_nothing(self):
        root = self.path("root")
        make("install", root)
        self.assertTrue(any(path.endswith("/sbin/tendd") for path in files(root)), files(root))
        make("uninstall", root)
        self.assertEqual(files(root), [])

    def installed(self):
        """A directory with all that `make install` puts there, for systemd-analyze to look at."""
        root = self.path("root")
        os.mkdir(root)
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze (Debian: systemd)")
        if not install(root):
            self.skipTest("built without libsystemd")
        return root

    def test_systemd_has_nothing_to_say(self):
        root = self.installed()
        for unit in ("system/tendd.service", "system/tendd.socket", "user/tendd.service"):
            with self.subTest(unit):
                path = f"{root}/etc/systemd/{unit}"
                self.runnable(root, path)
                done = self.analyze("verify", "--man=no", *(["--user"] if unit.startswith("user") else []), path)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_systemd_has_nothing_to_say_of_few_rights(self):
        root = self.installed()
        unit = f"{root}/etc/systemd/system/tendd.service"
        os.mkdir(f"{unit}.d")
        shutil.copy(f"{root}/usr/share/doc/tendd/examples/unprivileged.conf", f"{unit}.d")
        self.runnable(root, unit)
        done = self.analyze("verify", "--man=no", unit)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def runnable(self, root, unit):
        """Its programs are below @root, where verify would not find them."""
        with open(unit, encoding="utf-8") as file:
            text = re.sub("^(Exec\\w+=)/", f"\\1{root}/", file.read(), flags=re.M)
        with open(unit, "w", encoding="utf-8") as file:
            file.write(text)

    def analyze(self, *argv):
        return subprocess.run(["systemd-analyze", *argv], env=environment(SYSTEMD_LOG_LEVEL="warning", XDG_RUNTIME_DIR=self.path(".")),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


class Units(BoxCase):
    def test_the_daemon_is_protected_and_what_it_runs_is_not(self):
        box = self.box(TASK)
        box.ask("systemctl", "start", "tendd", timeout=60)
        self.assertEqual(box.property("OOMScoreAdjust"), "-800")
        score = box.ask("cat", f"/proc/{box.property('MainPID')}/oom_score_adj").stdout
        self.assertIn(score, ("-800\n", "0\n"))  # 0: root has no CAP_SYS_RESOURCE here, and systemd goes on without
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 0)
        self.until(lambda: any(record["MESSAGE"] == "0" for record in box.journal("TENDD_TASK=t")), "the score of t")

    def test_the_socket_starts_the_daemon_and_outlasts_it(self):
        box = self.box(TASK)
        box.ask("systemd-sysusers")
        box.ask("systemctl", "start", "tendd.socket")
        seen = box.ask("stat", "-c", "%a %U %G %i", "/run/tendd/control.sock").stdout
        self.assertRegex(seen, "^660 root tendd ")
        self.assertEqual(box.property("ActiveState"), "inactive")
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 0)
        self.assertEqual(box.property("ActiveState"), "active")
        box.ask("systemctl", "stop", "tendd.service")
        self.assertEqual(box.property("Result"), "success")
        self.assertEqual(box.ask("stat", "-c", "%a %U %G %i", "/run/tendd/control.sock").stdout, seen)
        self.assertEqual(box.run("tendctl", "status").returncode, 0)
        self.assertEqual(box.property("ActiveState"), "active")

    def test_draining_may_take_longer_than_systemd_would_wait(self):
        box = self.box("[daemon]\ndrain-timeout = 2min\n[task whole]\non-start = yes\non-shutdown = wait\n"
                       "shell = echo begun; trap 'exit 3' TERM; until [ -e /run/go-on ]; do sleep 0.1; done\n",
                       "TimeoutStopSec=1s\n")
        box.ask("systemctl", "start", "tendd", timeout=60)
        self.until(lambda: box.journal("TENDD_TASK=whole", "MESSAGE=begun"), "the run to begin")
        box.ask("systemctl", "stop", "--no-block", "tendd")
        self.until(lambda: box.property("StatusText").startswith("draining"), "the unit to say that it drains")
        box.ask("sleep", "3")  # thrice what systemd would wait; what must not happen has no event
        self.assertEqual(box.property("ActiveState"), "deactivating")
        box.ask("touch", "/run/go-on")
        self.until(lambda: box.property("ActiveState") == "inactive", "the unit to stop", 30)
        self.assertEqual(box.property("Result"), "success")
        self.assertTrue(box.journal("TENDD_TASK=whole", "TENDD_OUTCOME=ok"))

    def test_the_status_names_what_fails(self):
        box = self.box("[task bad]\nmanual = yes\ncommand = false\n")
        box.ask("systemctl", "start", "tendd", timeout=60)
        box.run("tendctl", "start", "--wait", "bad")
        self.until(lambda: box.property("StatusText") == "running: 1 tasks, 0 running, 0 queued; 1 FAILING: bad",
                   lambda: f"bad in {box.property('StatusText')!r}", 20)

    def test_a_daemon_of_a_user(self):
        box = self.box(TASK)
        box.ask("useradd", "-m", "alice")
        box.ask("loginctl", "enable-linger", "alice")
        uid = box.ask("id", "-u", "alice").stdout.strip()
        self.until(lambda: box.property("ActiveState", f"user@{uid}") == "active", "the manager of alice", 30)

        def manager(*argv, check=True):
            return box.ask_as("alice", "systemctl", "--user", *argv, check=check)

        def shown(name):
            return manager("show", "--value", "-p", name, "tendd").stdout.rstrip()

        manager("start", "tendd")
        self.assertEqual((shown("ActiveState"), shown("ConditionResult")), ("inactive", "no"))
        box.ask_as("alice", "mkdir", "-p", "/home/alice/.config/tendd")
        config = "[task t]\nmanual = yes\nshell = id -un\n[task s]\nrestart = always\ncommand = sleep infinity\n"
        box.put("/home/alice/.config/tendd/tendd.ini", config)
        manager("start", "tendd")
        self.assertEqual(shown("ActiveState"), "active")
        self.assertEqual(box.ask("stat", "-c", "%U", f"/run/user/{uid}/tendd/control.sock",
                                 "/home/alice/.local/state/tendd").stdout, "alice\nalice\n")
        self.assertEqual(box.ask_as("alice", "tendctl", "start", "--wait", "t").returncode, 0)
        self.until(lambda: box.journal("_SYSTEMD_USER_UNIT=tendd.service", "TENDD_TASK=t", "MESSAGE=alice"), "its line")
        box.put("/home/alice/.config/tendd/tendd.ini", config + "[task added]\nmanual = yes\ncommand = true\n")
        manager("reload", "tendd")
        self.assertEqual(box.ask_as("alice", "tendctl", "start", "--wait", "added").returncode, 0)
        box.put("/home/alice/.config/tendd/tendd.ini", config + "[task added]\nmanual = maybe\n")
        self.assertNotEqual(manager("reload", "tendd", check=False).returncode, 0)
        self.assertEqual(shown("ActiveState"), "active")
        manager("stop", "tendd")
        self.assertEqual(shown("Result"), "success")
        self.assertEqual(box.ask("pgrep", "-u", "alice", "-l", "tendd|sleep", check=False).stdout, "")

    def test_a_daemon_with_few_rights(self):
        box = self.box("[task t]\nmanual = yes\n"
                       "shell = id -un; ! touch /etc/x 2>/dev/null && grep CapBnd /proc/self/status\n")
        box.ask("systemd-sysusers")
        box.ask("sed", "-i", "s/^user = root$//", "/etc/tendd/tendd.ini")
        box.ask("chgrp", "-R", "tendd", "/etc/tendd")
        box.ask("chmod", "-R", "g+rX", "/etc/tendd")
        box.ask("cp", "/usr/share/doc/tendd/examples/unprivileged.conf", "/etc/systemd/system/tendd.service.d/")
        box.ask("systemctl", "daemon-reload")
        box.ask("systemctl", "start", "tendd", timeout=60)
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 0)
        for line in ("tendd", "CapBnd:\t0000000000000000"):
            self.until(lambda line=line: any(record["MESSAGE"] == line for record in box.journal("TENDD_TASK=t")), line)
        rating = box.ask("systemd-analyze", "security", "--no-pager", "tendd.service").stdout
        exposure = float(re.search(r"Overall exposure level for tendd.service: ([\d.]+)", rating)[1])
        self.assertLess(exposure, 3.0, rating)

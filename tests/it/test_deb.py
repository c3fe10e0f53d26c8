# SPDX-License-Identifier: MIT
"""The Debian package: installed, upgraded while the daemon works, removed and purged, under a real systemd."""
import os
import re
import shutil
import subprocess

from support.box import BoxCase
from support.daemon import environment

# Made by contrib/build-deb; building it here would take minutes.
DEB = os.environ.get("TENDD_DEB", "")

# A service, a run that goes on, and a load.
WORK = """
[defaults]
user = root
[task service]
restart = always
command = sleep infinity
[task long]
on-start = yes
command = sleep infinity
[task load]
every = 50ms
command = true
"""


def dpkg_deb(*argv):
    return subprocess.run(["dpkg-deb", *argv], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True).stdout


class Package(BoxCase):
    def setUp(self):
        super().setUp()
        if not shutil.which("dpkg-deb"):
            self.skipTest("no dpkg-deb (Debian: dpkg)")
        if not os.path.exists(DEB):
            self.skipTest("no package: contrib/build-deb makes one, and TENDD_DEB says where it is")
        self.version = dpkg_deb("-f", DEB, "Version").strip()
        self.later = f"{int(self.version[0]) + 1}{self.version[1:]}"

    def box_with_packages(self):
        """A box that has the package, and one of a later version, in /opt."""
        box = self.bare_box()
        os.mkdir(f"{box.files}/opt")
        shutil.copy(DEB, f"{box.files}/opt/tendd.deb")
        self.make_later(f"{box.files}/opt/later.deb")
        # That of this machine may keep services from being started.
        box.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n", 0o755)
        self.boot(box)
        # The database of all man pages of this machine is not made anew each time.
        box.ask("rm", "-f", "/var/lib/man-db/auto-update")
        return box

    def make_later(self, deb):
        """The package as the next version would make it: with nothing but the version changed."""
        tree = self.path("tree")
        dpkg_deb("-R", DEB, tree)
        old = re.compile(rb"(?<![\d.])" + re.escape(self.version).encode() + rb"(?![\d.])")
        for path in ("DEBIAN/control", "usr/sbin/tendd", "usr/bin/tendctl"):
            with open(f"{tree}/{path}", "r+b") as file:
                text, n_changed = old.subn(self.later.encode(), file.read())
                self.assertGreater(n_changed, 0, path)
                file.seek(0)
                file.write(text)
        os.remove(f"{tree}/DEBIAN/md5sums")
        dpkg_deb("--root-owner-group", "-Znone", "-b", tree, deb)

    def dpkg(self, box, *argv):
        return box.ask("dpkg", "--force-unsafe-io", *argv, timeout=60).stdout

    def enabled(self, box, unit):
        return box.ask("systemctl", "is-enabled", unit, check=False).stdout.strip()

    def pid_of(self, box, task):
        seen = {}

        def look():
            text = box.ask("tendctl", "--json", "tree", task, check=False).stdout
            pids = re.findall(r'"pid": ?(\d+)', text)
            seen["text"] = text
            return pids[0] if pids else None

        return self.until(look, lambda: f"a process of {task}: {seen}", 20)

    def named_tendd(self, box):
        """What there is of that name, but in what dpkg and systemd remember of their own."""
        found = box.ask("find", "/etc", "/lib/systemd", "/run", "/usr/bin", "/usr/sbin", "/usr/lib/systemd", "/usr/lib/sysusers.d",
                        "/usr/share/doc", "/usr/share/man", "/var", "-xdev", "(", "-path", "/var/lib/dpkg", "-o", "-path",
                        "/var/log", "-o", "-path", "/run/systemd", ")", "-prune", "-o", "-name", "*tendd*", "-print").stdout
        return set(found.split())

    def test_what_is_in_it(self):
        listed = {re.sub(r"\.gz$", "", line.split()[5][1:]) for line in dpkg_deb("-c", DEB).splitlines()}
        self.assertLessEqual(
            {"/usr/sbin/tendd", "/usr/bin/tendctl", "/etc/tendd/tendd.ini", "/etc/tendd/conf.d/",
             "/usr/share/doc/tendd/examples/tendd.ini.example", "/usr/share/doc/tendd/examples/unprivileged.conf",
             "/usr/lib/systemd/catalog/tendd.catalog", "/usr/lib/sysusers.d/tendd.conf",
             "/usr/lib/systemd/user/tendd.service", "/usr/share/man/man8/tendd.8", "/usr/share/man/man1/tendctl.1",
             "/usr/share/man/man5/tendd.ini.5", "/usr/share/man/man7/tendd-metrics.7",
             "/usr/share/doc/tendd/examples/grafana-dashboard.json"}, listed)
        self.assertEqual({os.path.basename(path) for path in listed if "/systemd/system/" in path},
                         {"", "tendd.service", "tendd.socket"})
        tree = self.path("control")
        dpkg_deb("-e", DEB, tree)
        self.assertEqual(self.read("control/conffiles"), "/etc/needrestart/conf.d/tendd.conf\n/etc/tendd/tendd.ini\n")

    def test_installed_removed_and_purged(self):
        box = self.box_with_packages()
        before = self.named_tendd(box)
        box.ask("sh", "-c", "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d")
        self.dpkg(box, "-i", "/opt/tendd.deb")
        self.assertEqual(box.property("ActiveState"), "inactive", "policy-rc.d was not asked")
        self.assertEqual((self.enabled(box, "tendd.service"), self.enabled(box, "tendd.socket")), ("enabled", "disabled"))
        self.dpkg(box, "-P", "tendd")
        self.assertEqual(self.named_tendd(box), before)

        box.ask("sh", "-c", "printf '#!/bin/sh\\nexit 0\\n' >/usr/sbin/policy-rc.d")
        self.dpkg(box, "-i", "/opt/tendd.deb")
        self.assertEqual((box.property("ActiveState"), box.property("ActiveState", "tendd.socket")), ("active", "inactive"))
        self.assertEqual(box.ask("stat", "-c", "%a %U %G", "/run/tendd/control.sock").stdout, "660 root tendd\n")
        self.assertEqual(len(box.ask("cat", "/etc/tendd/tendd.ini").stdout.splitlines()), 5)
        done = box.ask("tendd", "--check", "--strict")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
        self.assertIn("tendd", box.ask("journalctl", "--list-catalog").stdout)
        self.assertEqual(box.property("WantedBy"), "multi-user.target")

        box.ask("sh", "-c", f"cat >/etc/tendd/conf.d/work.ini <<'END'\n{WORK}\nEND\n")
        # With the socket enabled, too, nothing may start the daemon while it is removed.
        box.ask("systemctl", "stop", "tendd")
        box.ask("systemctl", "enable", "--now", "tendd.socket")
        pid = self.pid_of(box, "service")
        box.ask("test", "-e", "/var/lib/tendd/state.db")
        self.dpkg(box, "-r", "tendd")
        self.assertNotEqual(box.ask("test", "-d", f"/proc/{pid}", check=False).returncode, 0)
        for unit in ("tendd.service", "tendd.socket"):
            self.assertEqual(box.property("ActiveState", unit), "inactive", unit)
        box.ask("test", "-e", "/var/lib/tendd/state.db")
        box.ask("test", "-e", "/etc/tendd/tendd.ini")

        self.dpkg(box, "-P", "tendd")
        self.assertEqual(self.named_tendd(box) - before, {"/etc/tendd"})
        self.assertEqual(box.ask("find", "/etc/tendd", "-type", "f").stdout, "/etc/tendd/conf.d/work.ini\n")
        self.assertEqual(box.property("LoadState"), "not-found")
        self.assertRegex(box.ask("getent", "passwd", "tendd").stdout, "^tendd:.*:/var/lib/tendd:/usr/sbin/nologin\n$")

    def test_an_upgrade_leaves_alone_what_runs(self):
        box = self.box_with_packages()
        self.dpkg(box, "-i", "/opt/tendd.deb")
        box.ask("sh", "-c", f"cat >/etc/tendd/conf.d/work.ini <<'END'\n{WORK}\nEND\n")
        box.ask("sh", "-c", "echo 'max-running = 7' >>/etc/tendd/tendd.ini")
        box.ask("systemctl", "restart", "tendd", timeout=60)
        daemon = box.property("MainPID")
        pids = [self.pid_of(box, task) for task in ("service", "long")]

        self.dpkg(box, "-i", "/opt/later.deb")
        self.assertEqual((box.property("MainPID"), box.property("ActiveState")), (daemon, "active"))
        self.assertEqual([self.pid_of(box, task) for task in ("service", "long")], pids)
        status = box.ask("tendctl", "status").stdout
        self.assertIn(f"tendctl {self.later} is newer than the running daemon {self.version}: systemctl restart tendd", status)
        conffiles = box.ask("sh", "-c", "tail -n 1 /etc/tendd/tendd.ini; ls /etc/tendd").stdout
        self.assertEqual(conffiles, "max-running = 7\nconf.d\ntendd.ini\n")
        box.ask("systemctl", "reload", "tendd")
        number = self.last_of_load(box)
        self.until(lambda: self.last_of_load(box) > number, "runs to begin after the upgrade")
        self.assertEqual(box.journal("TENDD_TASK=load", "TENDD_OUTCOME=failed"), [])

        box.ask("systemctl", "restart", "tendd", timeout=60)
        status = box.ask("tendctl", "status").stdout
        self.assertRegex(status, rf"^tendd {re.escape(self.later)} ")
        self.assertNotIn("newer", status)
        self.assertGreater(self.last_of_load(box), number)
        self.assertNotIn(self.pid_of(box, "service"), pids)

        # Who has stopped and disabled it finds it so after an upgrade.
        box.ask("systemctl", "disable", "--now", "tendd")
        self.dpkg(box, "-i", "/opt/later.deb")
        self.assertEqual((self.enabled(box, "tendd.service"), box.property("ActiveState")), ("disabled", "inactive"))

    def last_of_load(self, box):
        """The number of the last run of the load."""
        return int(re.search(r"load#(\d+)", box.ask("tendctl", "show", "load").stdout)[1])

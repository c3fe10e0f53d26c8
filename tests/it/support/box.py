# SPDX-License-Identifier: MIT
"""A box: systemd and journald of its own, over the root of this machine, with tendd installed in it.

Its root is an overlay whose upper part is in memory. The mounts are in a namespace of the launcher and go with it, so
that only the control groups have to be removed. Two boxes must not share those: nspawn names the ones it makes always
the same.
"""
import json
import os
import shutil
import subprocess
import uuid

from support import daemon, processes
from support.case import Case
from support.install import install
from support.wait import SCALE, until

PROGRAMS = {"systemd-nspawn": "systemd-container", "systemd-run": "systemd", "dbus-daemon": "dbus",
            "unshare": "util-linux", "nsenter": "util-linux", "make": "make"}

# A command that is deaf to SIGTERM, and says so once it is.
STUBBORN = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"

# $1: what is to lie over the root, $2: an empty directory. The other arguments: directories of control groups.
LAUNCH = """
files=$1 mnt=$2
shift 2
for group; do echo 0 >"$group/cgroup.procs"; done
mount -t tmpfs -o mode=755 tmpfs "$mnt"
mkdir "$mnt/upper" "$mnt/work" "$mnt/root"
cp -a "$files/." "$mnt/upper"
mount -t overlay -o "lowerdir=/,upperdir=$mnt/upper,workdir=$mnt/work" overlay "$mnt/root"
echo mounted
exec systemd-nspawn -q -D "$mnt/root" --private-network --register=no --keep-unit --console=pipe \
        -b systemd.unit=basic.target
"""


def hierarchies():
    """Where a group of our own can be made: below our own, in cgroup2 and in systemd's tree where the two are apart."""
    own = {}
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            own[controllers] = path
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            before, after = line.split(" - ", 1)
            kind, _, options = after.split()[:3]
            name = "" if kind == "cgroup2" else "name=systemd" if "name=systemd" in options.split(",") else None
            if name in own:
                mount = before.split()[4]
                inner = mount + own[name].rstrip("/")
                yield inner if os.path.isdir(inner) else mount


def remove_group(path):
    """Removes a control group and those below it, whose processes have ended."""
    for directory, _, _ in os.walk(path, topdown=False):
        os.rmdir(directory)


class Unavailable(Exception):
    """Why there can be no box here."""


class Box:
    def __init__(self, directory):
        self.files = os.path.join(directory, "files")
        self._mnt = os.path.join(directory, "mnt")
        for path in (directory, self.files, self._mnt):
            os.mkdir(path, 0o755)
        self._groups = []
        self.process = self.log = self.pid = None
        # Two boxes with the same one would share what systemd keeps under its name.
        self.write("etc/machine-id", uuid.uuid4().hex + "\n")

    def write(self, path, text, mode=0o644):
        """A file of the box, before it boots."""
        path = os.path.join(self.files, path)
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)

    @staticmethod
    def check():
        if os.geteuid() != 0:
            raise Unavailable("a systemd box needs root")
        for program, package in PROGRAMS.items():
            if not shutil.which(program, path=daemon.environment()["PATH"]):
                raise Unavailable(f"no {program} (Debian: {package})")
        if not any(os.path.exists(f"{path}/systemd/systemd") for path in ("/usr/lib", "/lib")):
            raise Unavailable("no systemd (Debian: systemd)")

    def _make_groups(self):
        # One name for all trees, because nspawn makes the group it finds in one also in the others.
        name = f"tendd-box-{uuid.uuid4().hex}"
        for parent in hierarchies():
            group = os.path.join(parent, name)
            try:
                os.mkdir(group)
            except OSError as error:
                raise Unavailable(f"no control group for a systemd box: {error}") from None
            self._groups.append(group)
        if not self._groups:
            raise Unavailable("no cgroup2 is mounted")

    def _launch(self):
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-euc", LAUNCH, "box", self.files, self._mnt,
             *self._groups], env=daemon.environment(SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log = daemon.Log(self.process.stdout)
        try:
            self.log.wait("^mounted$")
        except AssertionError:
            raise Unavailable(f"nothing can be mounted for a systemd box: {self.log.text()}") from None

    def _find_init(self):
        if self.process.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended with {self.process.returncode}:\n{self.log.text()}")
        for pid in processes.descendants(self.process.pid):
            fields = processes.status(pid)
            if fields and fields["Name"] == "systemd" and fields["NSpid"].split()[-1] == "1":
                return pid
        return None

    def boot(self):
        self.check()
        self._make_groups()
        self._launch()
        self.pid = until(self._find_init, "the init of the box", 30)
        until(lambda: self.ask("systemctl", "is-active", "basic.target", check=False).stdout == "active\n",
              lambda: "the box to boot:\n" + self.log.text(), 60)
        return self

    def _command(self, argv):
        return ["nsenter", "-t", str(self.pid), "-a", *argv]

    def ask(self, *argv, check=True, timeout=30.0):
        """Runs a program inside, but in our control group: for systemctl and journalctl."""
        done = subprocess.run(self._command(argv), env=daemon.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=timeout * SCALE, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(argv)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def ask_as(self, user, *argv, check=True):
        """As ask(), with what a session of @user has."""
        uid = self.ask("id", "-u", user).stdout.strip()
        return self.ask("setpriv", f"--reuid={uid}", "--regid", uid, "--init-groups", "env", f"HOME=/home/{user}",
                        f"XDG_RUNTIME_DIR=/run/user/{uid}", *argv, check=check)

    def put(self, path, text):
        """A file of the box, after it has booted."""
        with open(f"/proc/{self.pid}/root{path}", "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, *argv, timeout=30.0):
        """Runs a program as a service of the box, to its end."""
        settings = [f"--setenv={name}={value}" for name, value in daemon.environment().items()]
        return self.ask("systemd-run", "--wait", "--pipe", "--quiet", "--collect", *settings, "--", *argv, check=False,
                        timeout=timeout)

    def property(self, name, unit="tendd.service"):
        return self.ask("systemctl", "show", "--value", "-p", name, unit).stdout.rstrip("\n")

    def journal(self, *matches):
        """The records of the box's journal that match, as dictionaries."""
        # What was sent to journald before is read by it first.
        self.ask("journalctl", "--sync", check=False)
        text = self.ask("journalctl", "-q", "-o", "json", "--all", *matches).stdout
        return [json.loads(line) for line in text.splitlines()]

    def stop(self):
        """Powers it off, and removes its control groups."""
        if self.process:
            if self.pid and self.process.poll() is None:
                self.ask("systemctl", "poweroff", check=False)
            try:
                self.process.wait(30 * SCALE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.log.join()
        for group in self._groups:
            until(lambda group=group: not os.path.exists(group) or self._try_remove(group), f"{group} to be empty", 30)
        self._groups = []

    @staticmethod
    def _try_remove(group):
        try:
            remove_group(group)
        except OSError:
            return False
        return True


class BoxCase(Case):
    """A test with boxes. What `make install` installs is in each, its unit too."""

    def setUp(self):
        super().setUp()
        self._boxes = []

    def bare_box(self):
        """A box without tendd that has not been booted."""
        box = Box(self.path(f"box{len(self._boxes)}"))
        try:
            box.check()
        except Unavailable as why:
            self.skipTest(str(why))
        self._boxes.append(box)
        return self.peer(box)

    def boot(self, box):
        try:
            return box.boot()
        except Unavailable as why:
            self.skipTest(str(why))

    def box(self, config, unit=""):
        """A booted box with tendd on @config, not started; @unit: lines for its [Service] section."""
        box = self.bare_box()
        if not install(box.files):
            self.skipTest("built without libsystemd")
        box.write("etc/tendd/tendd.ini", "[defaults]\nuser = root\n" + config, 0o600)
        sanitizers = [f'Environment="{name}={value}"\n' for name, value in daemon.environment().items()
                      if name.endswith("SAN_OPTIONS")]
        box.write("etc/systemd/system/tendd.service.d/test.conf", "[Service]\n" + "".join(sanitizers) + unit)
        return self.boot(box)

    def start(self, config, unit=""):
        """A box in which tendd was started, and is ready: `systemctl start` waits for that."""
        box = self.box(config, unit)
        box.ask("systemctl", "start", "tendd", timeout=60)
        return box

    def message(self, box, message, *matches):
        """Waits for a record of @message in the journal."""
        def find():
            return next((record for record in box.journal(*matches) if record["MESSAGE"] == message), None)

        return self.until(find, lambda: f"{message!r} in\n" + box.ask("journalctl", "-q", "--no-pager").stdout, 20)

    def pids(self, box):
        """All processes of the unit, by its control group."""
        listed = box.ask("sh", "-c", "find /sys/fs/cgroup/system.slice/tendd.service "
                         "/sys/fs/cgroup/unified/system.slice/tendd.service -name cgroup.procs -exec cat {} + "
                         "2>/dev/null; true").stdout
        return {int(line) for line in listed.split()}

    def no_process_left(self, box):
        self.until(lambda: not self.pids(box), lambda: f"processes {self.pids(box)} of the unit to be gone", 20)

    def logs(self):
        return "".join(f"--- console of box {n} ---\n{box.log.text()}\n"
                       for n, box in enumerate(self._boxes) if box.log)

    def tearDown(self):
        try:
            for box in self._boxes:
                if box.pid and box.process.poll() is None:
                    box.ask("systemctl", "stop", "tendd", check=False, timeout=60)
                    text = box.ask("journalctl", "-q", "-o", "cat", "_SYSTEMD_UNIT=tendd.service", check=False).stdout
                    self.assertIsNone(daemon.SANITIZER_REPORT.search(text), text)
        finally:
            super().tearDown()

# SPDX-License-Identifier: MIT
"""The recipes of tendd(8) for checks before files are put in place: pre-commit, Ansible, ExecStartPre."""
import json
import os
import re
import subprocess

from support.box import BoxCase
from support.case import Case
from support.daemon import TENDD, environment

SOURCE = os.environ.get("top_srcdir", ".")
HOOKS = "[task alert]\nmanual = yes\ncommand = true\n"
TASK = "[task backup]\nevery = 1h\ncommand = true\non-failure = alert\n"


def recipes():
    """The examples of tendd(8), as they are read."""
    with open(os.path.join(SOURCE, "daemon", "tendd.8"), encoding="utf-8") as file:
        return [text.replace("\\-", "-") for text in re.findall(r"^\.EX\n(.*?)^\.EE", file.read(), re.S | re.M)]


class Recipes(Case):
    def setUp(self):
        super().setUp()
        self.user = "[defaults]\nuser = root\n" if os.geteuid() == 0 else ""

    def run_there(self, command, stdin=""):
        """Runs a command line that begins with tendd, in the test's directory."""
        argv = command.split()
        self.assertEqual(argv[0], "tendd")
        return subprocess.run([TENDD, *argv[1:]], cwd=self.directory, env=environment(), input=stdin, capture_output=True,
                              text=True, timeout=60 * self.SCALE, check=False)

    def command(self, pattern):
        return next(found[1] for found in (re.search(pattern, text) for text in recipes()) if found)

    def put(self, path, text):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        self.write(path, text, 0o600)

    def test_pre_commit(self):
        entry = self.command("entry: (.*)")
        self.put("tendd/tendd.ini", "[daemon]\ninclude = conf.d/*.ini\n[defaults]\nuser = nobody-here\n" + HOOKS)
        self.put("tendd/conf.d/backup.ini", TASK)
        done = self.run_there(entry)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.put("tendd/conf.d/more.ini", "[task more]\ncommand = true\n")
        done = self.run_there(entry)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^tendd/conf.d/more.ini:1: warning: \[task more\] nothing starts it")
        self.put("tendd/conf.d/more.ini", "[task more]\ncommand = true\nevry = 5min\n")
        self.assertEqual(self.run_there(entry).returncode, 2)
        # Each a configuration of its own.
        entry = entry.rsplit(" ", 1)[0]
        for name in ("a", "b", "c"):
            self.put(f"hosts/{name}.ini", TASK + HOOKS)
        self.assertEqual(self.run_there(f"{entry} hosts/a.ini hosts/b.ini hosts/c.ini").returncode, 0)
        self.put("hosts/b.ini", TASK)
        done = self.run_there(f"{entry} hosts/a.ini hosts/b.ini hosts/c.ini")
        self.assertEqual((done.returncode, done.stderr), (2, "hosts/b.ini:4: on-failure: there is no [task alert]\n"))
        found = json.loads(self.run_there(f"{entry} --json hosts/a.ini hosts/b.ini missing.ini").stdout)
        self.assertEqual([finding["file"] for finding in found["findings"]], ["hosts/b.ini", "missing.ini"])
        self.assertEqual(found["errors"], 2)

    def test_ansible(self):
        part, whole = (self.command(rf"validate: (.* {name}=%s)") for name in ("backup.ini", "tendd.ini"))
        self.put("etc/tendd.ini", "[daemon]\ninclude = conf.d/*.ini\n" + self.user + HOOKS)
        self.put("etc/conf.d/backup.ini", TASK.replace("1h", "2h"))
        here = f" --config {self.path('etc/tendd.ini')}"
        # What is looked at is where Ansible has put it, and belongs to whoever has connected.
        self.put("tmp/ansible-tmp-1-2/source", TASK)
        os.chmod(self.path("tmp/ansible-tmp-1-2/source"), 0o666)
        for command in (part, whole):
            self.put("tmp/ansible-tmp-1-2/source", "[daemon]\ninclude = conf.d/*.ini\n" + self.user + HOOKS
                     if command is whole else TASK)
            done = self.run_there(command.replace("%s", self.path("tmp/ansible-tmp-1-2/source")) + here)
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        self.put("tmp/ansible-tmp-1-2/source", TASK + "on-failing = nobody\n")
        done = self.run_there(part.replace("%s", "tmp/ansible-tmp-1-2/source") + here)
        self.assertEqual(done.returncode, 2)
        self.assertIn("tmp/ansible-tmp-1-2/source:5: on-failing: there is no [task nobody]", done.stderr)
        # Without the hooks the included file is refused, and named.
        self.put("tmp/ansible-tmp-1-2/source", "[daemon]\ninclude = conf.d/*.ini\n" + self.user)
        done = self.run_there(whole.replace("%s", "tmp/ansible-tmp-1-2/source") + here)
        self.assertEqual(done.returncode, 2)
        self.assertIn("etc/conf.d/backup.ini:4: on-failure: there is no [task alert]", done.stderr)

    def test_several_files_and_standard_input(self):
        self.put("etc/tendd.ini", "[daemon]\ninclude = conf.d/*.ini\n" + self.user)
        check = f"tendd --check --config {self.path('etc/tendd.ini')}"
        self.put("new/backup.ini", TASK)
        self.put("new/hooks.ini", HOOKS)
        self.assertEqual(self.run_there(f"{check} --add new/backup.ini").returncode, 2)
        self.assertEqual(self.run_there(f"{check} --add new/backup.ini --add new/hooks.ini").returncode, 0)
        self.assertEqual(self.run_there(f"{check} --add new/hooks.ini --add backup.ini=-", TASK).returncode, 0)
        done = self.run_there("tendd --check -", self.user + TASK)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"^<stdin>:\d: on-failure: there is no \[task alert\]")
        self.assertEqual(self.run_there("tendd --check --strict --portable --config -", TASK + HOOKS).returncode, 0)
        self.assertEqual(self.run_there("tendd --check --strict --portable /dev/stdin", TASK + HOOKS).returncode, 0)
        done = self.run_there(f"{check} --add new/missing.ini")
        self.assertEqual((done.returncode, done.stderr), (2, "new/missing.ini: cannot be read: No such file or directory\n"))
        done = self.run_there("tendd --config -")
        self.assertEqual(done.returncode, 2)


class Unit(BoxCase):
    def test_exec_start_pre(self):
        recipe = next(text for text in recipes() if "ExecStartPre=" in text)
        program = re.search("ExecStartPre=(\\S+)", recipe)[1]
        box = self.box(HOOKS + TASK)
        where = box.ask("sh", "-c", "command -v tendd").stdout.strip()
        box.ask("sh", "-c", "cat >/etc/systemd/system/tendd.service.d/check.conf <<'END'\n" +
                recipe.replace(program, where) + "END\n")
        box.ask("systemctl", "daemon-reload")
        box.ask("systemctl", "start", "tendd", timeout=60)
        box.ask("systemctl", "stop", "tendd", timeout=60)
        box.ask("sh", "-c", "echo 'evry = 5min' >>/etc/tendd/tendd.ini")
        self.assertNotEqual(box.ask("systemctl", "start", "tendd", check=False, timeout=60).returncode, 0)
        self.until(lambda: any("evry: unknown key" in record["MESSAGE"] for record in box.journal("_SYSTEMD_UNIT=tendd.service")),
                   "the journal to say what is wrong")
        box.ask("sh", "-c", "sed -i '$d' /etc/tendd/tendd.ini; systemctl reset-failed tendd")
        box.ask("systemctl", "start", "tendd", timeout=60)

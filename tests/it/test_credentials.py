# SPDX-License-Identifier: MIT
"""Secrets: credentials of systemd reach what needs them, and nobody is shown what they are."""
import os
import re

from support.box import BoxCase
from support.case import Case

SECRET = "s3cr3t-of-the-unit"
OTHER = "an0ther-s3cr3t"

# Prints how long the secret is and what it is made of, and whether the daemon's directory is in its environment.
CHILD = ("[task child]\nmanual = yes\nenv = TOKEN=${cred:token}\n"
         "shell = echo \"$TOKEN\" | tr a-z A-Z >%s; echo \"directory ${CREDENTIALS_DIRECTORY:-none}\"\n")


class Credentials(Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("cred"))
        self.write("cred/token", SECRET + "\n", 0o600)
        self.env = {"CREDENTIALS_DIRECTORY": self.path("cred")}

    def assertHidden(self, daemon, *texts):
        """No text, no log and no file of the daemon has one of the secrets."""
        said = {"log": daemon.log.text(), **{str(n): text for n, text in enumerate(texts)}}
        for directory, _, names in os.walk(daemon.state_dir):
            for name in names:
                with open(os.path.join(directory, name), "rb") as file:
                    said[name] = file.read().decode(errors="replace")
        self.assertIn("accepted.ini", said)
        self.assertIn("state.db", said)
        for where, text in said.items():
            for secret in (SECRET, OTHER):
                self.assertNotIn(secret, text, where)

    def shown(self, daemon, *tasks):
        for verb in (("status",), ("list",), ("history",), ("limits",)):
            yield daemon.ctl(*verb).stdout
            yield daemon.ctl("--json", *verb).stdout
        for task in tasks:
            for verb in ("show", "why", "history"):
                yield daemon.ctl(verb, task).stdout
                yield daemon.ctl("--json", verb, task).stdout

    def test_they_reach_commands_and_requests_and_are_shown_nowhere(self):
        asked = []

        def answer(connection, _):
            asked.append(connection.recv(65536).decode())
            connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        server = self.hostile(answer)
        out = self.path("out")
        config = (CHILD % out + "[task call]\nmanual = yes\nmethod = PUT\n"
                  f"url = http://joe:${{cred:token}}@{server.address}/?key=${{cred:token}}\n"
                  "header = X-Key: ${cred:token}\nbody = <${cred:token}>\n"
                  "[task file]\nmanual = yes\nstdin = file:${env:CREDENTIALS_DIRECTORY}/token\n"
                  f"shell = tr a-z A-Z >{out}.file\n")
        daemon = self.daemon(config, env=self.env)
        self.assertEqual(daemon.ctl("start", "--wait", "child").returncode, 0)
        self.assertEqual(self.read("out"), SECRET.upper() + "\n")
        daemon.log.wait("directory none$")
        self.assertEqual(daemon.ctl("start", "--wait", "file").returncode, 0)
        self.assertEqual(self.read("out.file"), SECRET.upper() + "\n")
        failed = daemon.ctl("start", "--wait", "call")
        self.assertIn("403", failed.stdout + failed.stderr)
        self.assertIn(f"PUT /?key={SECRET} ", asked[0])
        self.assertIn(f"X-Key: {SECRET}\r\n", asked[0])
        self.assertIn(f"<{SECRET}>", asked[0])
        texts = list(self.shown(daemon, "child", "call", "file"))
        self.assertIn("(contains ${env:} or ${cred:})", daemon.ctl("show", "child").stdout)
        daemon.stop()
        self.assertHidden(daemon, failed.stdout, failed.stderr, *texts)

    def test_a_reload_reads_them_anew(self):
        out = self.path("out")
        daemon = self.daemon(CHILD % out, env=self.env)
        self.assertEqual(daemon.ctl("diff").returncode, 0)
        self.write("cred/token", OTHER + "\n", 0o600)
        diff = daemon.ctl("diff")
        self.assertEqual(diff.returncode, 1)
        self.assertIn("env: (contains ${env:} or ${cred:}) -> (contains ${env:} or ${cred:})", diff.stdout)
        done = daemon.ctl("reload")
        self.assertEqual(done.returncode, 0, done.stderr)
        daemon.ctl("start", "--wait", "child")
        self.assertEqual(self.read("out"), OTHER.upper() + "\n")
        daemon.stop()
        self.assertHidden(daemon, diff.stdout, done.stdout, daemon.log.text())

    def test_one_that_is_missing_is_named_with_its_place(self):
        daemon = self.daemon(CHILD % self.path("out"), env=self.env)
        os.unlink(self.path("cred/token"))
        done = daemon.ctl("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"env: the credential {self.path('cred/token')} cannot be read: No such file", done.stderr)
        self.assertEqual(daemon.ctl("start", "--wait", "child").returncode, 0)
        self.assertEqual(daemon.run("--check").returncode, 2)
        self.assertEqual(daemon.run("--check", "--portable").returncode, 0)

    def test_what_is_called_a_secret_is_hidden_too(self):
        daemon = self.daemon("[task a]\nmanual = yes\nurl = http://127.0.0.1:1/\n"
                             f"header = Accept: text/html\n  Authorization: Bearer {SECRET}\n"
                             f"[task b]\nmanual = yes\ncommand = true\nenv = LANG=C\n  DB_PASSWORD={SECRET}\n"
                             f"[task c]\nmanual = yes\nurl = http://joe:{SECRET}@127.0.0.1:1/\n")
        checked = daemon.run("--check", "--json")
        self.assertEqual(checked.stdout.count("there seems to be a secret in clear text"), 3, checked.stdout)
        for task, text in (("a", "Authorization: ***"), ("b", "DB_PASSWORD=***"), ("c", "http://***@127.0.0.1:1/")):
            self.assertIn(text, daemon.ctl("show", task).stdout)
            daemon.ctl("start", "--wait", task)
        with open(daemon.config_path, encoding="utf-8") as file:
            text = file.read()
        daemon.write_config(text.replace(SECRET, OTHER))
        diff = daemon.ctl("diff")
        self.assertEqual(len(re.findall(r"\*\*\*", diff.stdout)), 6, diff.stdout)
        for text in [checked.stdout, diff.stdout, daemon.log.text(), *self.shown(daemon, "a", "b", "c")]:
            self.assertNotIn(SECRET, text)
            self.assertNotIn(OTHER, text)


class Unit(BoxCase):
    def test_systemd_loads_them(self):
        box = self.box(CHILD % "/run/out", "LoadCredential=token:/etc/tendd/token\n")
        box.ask("sh", "-c", f"umask 077; echo {SECRET} >/etc/tendd/token")
        box.ask("systemctl", "start", "tendd", timeout=60)
        self.assertEqual(box.run("tendctl", "start", "--wait", "child").returncode, 0)
        self.assertEqual(box.ask("cat", "/run/out").stdout, SECRET.upper() + "\n")
        self.until(lambda: box.journal("TENDD_TASK=child", "MESSAGE=directory none"), "the child to have no directory")
        box.ask("systemctl", "reload", "tendd", timeout=60)
        self.assertNotIn(SECRET, str(box.journal()))

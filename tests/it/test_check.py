# SPDX-License-Identifier: MIT
"""tendd --check: every mistake at once, and nothing started."""
import json
import os
import re

from support.case import Case

SOURCE = os.environ.get("top_srcdir", ".")

# One mistake a line; what the message must contain besides the key.
MISTAKES = [
    ("[daemon]", None, None),
    ("max-running = many", "max-running", None),
    ("colour = blue", "colour", None),
    ("[limit db]", None, None),
    ("permits = -3", "permits", None),
    ("[task a]", None, None),
    ("manual = yes", None, None),
    ("command = /bin/true", None, None),
    ("timeuot = 5s", "timeuot", "timeout"),
    ("grace = soon", "grace", None),
    ("retries = 1.5", "retries", None),
    ("[task b]", None, None),
    ("manual = yes", None, None),
    ("command = /bin/true", None, None),
    ("overlap = sometimes", "overlap", "skip"),
    ("limit = dbb:2", "limit", "db"),
    ("on-failure = nobody", "on-failure", None),
    ("[group g]", None, None),
    ("manual = yes", None, None),
    ("members = a missing", "members", "missing"),
]


class Check(Case):
    def check(self, config, *args):
        return self.daemon(config, start=False).run("--check", *args)

    def test_ten_mistakes_are_ten_lines(self):
        directory = os.path.join(self.directory, "d0")
        done = self.check("[defaults]\n" + "\n".join(line for line, _, _ in MISTAKES) + "\n", "--portable")
        self.assertEqual(done.returncode, 2, done.stderr)
        said = [line for line in (done.stdout + done.stderr).splitlines() if re.search(r"tendd\.ini:\d+: ", line)]
        expected = [(number, key, hint) for number, (_, key, hint) in enumerate(MISTAKES, 2) if key]
        self.assertEqual(len(expected), 10)
        for number, key, hint in expected:
            mine = [line for line in said if f"tendd.ini:{number}: " in line]
            self.assertEqual(len(mine), 1, f"line {number}, {key}: {mine} of\n" + "\n".join(said))
            self.assertIn(key, mine[0])
            if hint:
                self.assertIn(hint, mine[0])
        self.assertEqual(len(said), 10, "\n".join(said))
        self.assertFalse(os.path.exists(os.path.join(directory, "run", "control.sock")))

    def test_a_daemon_does_not_start_on_mistakes(self):
        marker = self.path("marker")
        done = self.daemon(f"[defaults]\n{self.user()}[task a]\ncommand = touch {marker}\non-start = yes\n"
                           "evry = 5min\n", start=False).run()
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"tendd\.ini:\d+: evry: .*every")
        self.assertFalse(os.path.exists(marker))

    @staticmethod
    def user():
        return "user = root\n" if os.geteuid() == 0 else ""

    def test_a_clean_configuration_is_silent(self):
        done = self.check("[task a]\ncommand = /bin/true\non-start = yes\non-failure = b\n"
                          "[task b]\ncommand = /bin/true\nmanual = yes\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_a_task_that_nothing_starts_is_a_warning_and_strict_fails(self):
        config = "[task forgotten]\ncommand = /bin/true\n"
        done = self.check(config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("forgotten", done.stdout + done.stderr)
        self.assertEqual(self.check(config, "--strict").returncode, 1)

    def test_a_file_is_checked_before_it_is_put_in_place(self):
        daemon = self.daemon("[daemon]\ninclude = conf.d/*.ini\n", start=False)
        task = "[task a]\ncommand = /bin/true\nmanual = yes\n" + self.user()
        for name in ("conf.d/a.ini", "upload-1234"):
            path = os.path.join(os.path.dirname(daemon.config_path), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(task)
        self.assertEqual(daemon.run("--check", "--strict", "--add", f"a.ini={path}").returncode, 0)
        done = daemon.run("--check", "--strict", "--add", path)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("upload-1234:1: [task a] is there already", done.stderr)

    def test_json_is_json(self):
        done = self.check("[task a]\ncommand = /bin/true\nmanual = yes\ntimeout = soon\n", "--json")
        self.assertEqual(done.returncode, 2, done.stderr)
        text = json.dumps(json.loads(done.stdout))
        self.assertIn("timeout", text)

    def test_no_file_is_an_error_with_its_name(self):
        daemon = self.daemon("", start=False)
        os.unlink(daemon.config_path)
        done = daemon.run("--check")
        self.assertEqual(done.returncode, 2)
        self.assertIn("tendd.ini", done.stdout + done.stderr)

    def test_the_configuration_of_the_readme_is_valid(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            config = re.search(r"```ini\n(.*?)```", file.read(), re.S)[1]
        self.assertLessEqual(len(config.splitlines()), 15)
        done = self.check(config, "--portable", "--strict")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_demo_is_valid(self):
        with open(os.path.join(SOURCE, "conf", "demo.ini"), encoding="utf-8") as file:
            config = file.read()
        env = {"DEMO_USER": "nobody", "DEMO_URL": "http://127.0.0.1:1", "DEMO_NAME": "localhost",
               "DEMO_DIR": self.directory}
        done = self.daemon(config, start=False, env=env).run("--check", "--portable", "--strict")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_one_api_for_all_tasks(self):
        ids = self.path("ids")
        with open(ids, "w", encoding="utf-8") as file:
            file.write("1\n2\n")
        done = self.check("[limit api]\npermits = 5\nrate = 10/s\n"
                          "[task sync-users]\nuser = sync\ncommand = /usr/local/bin/sync users\nlimit = api\n"
                          f"every = 1min\n[task poll]\nfor-each = lines:{ids}\n"
                          "url = https://api.example.com/v1/{item}\nlimit = api\nevery = 10min\n", "--portable")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(re.findall("no hook sees its failures", done.stderr)), 2, done.stderr)

    @staticmethod
    def page(*path):
        """The text of a man page, as it is read."""
        with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
            return file.read().replace("\\-", "-").replace("\\(aq", "'").replace("\\\\", "\\")

    def test_the_examples_of_the_man_page_are_valid(self):
        page = self.page("conf", "tendd.ini.5")
        situations = re.findall(r"^\.SS ", page[page.index(".SH EXAMPLES"):page.index(".SH FILES")], re.M)
        examples = re.findall(r"^\.EX\n(.*?)^\.EE", page, re.S | re.M)
        self.assertEqual((len(situations), len(examples)), (12, 10))
        alert = next(re.search(r"^\[task alert\]\n.*", text, re.S | re.M)[0] for text in examples if "[task alert]" in text)
        for example in examples:
            config = example if "[task alert]" in example else example + alert
            done = self.check(config, "--portable", "--strict")
            self.assertEqual((done.returncode, done.stderr), (0, ""), config)

    def test_the_commands_of_the_man_pages_are_known(self):
        ctl = self.daemon("", start=False).ctl
        for path in (("conf", "tendd.ini.5"), ("daemon", "tendctl", "tendctl.1")):
            examples = re.findall(r"^\.(?:nf|EX)\n(.*?)^\.(?:fi|EE)", self.page(*path), re.S | re.M)
            verbs = set(re.findall(r"^tendctl (?:-\S+ )*([a-z]+)", "".join(examples), re.M))
            self.assertGreater(len(verbs), 0, path)
            for verb in verbs:
                self.assertEqual(ctl(verb, "--help").returncode, 0, f"tendctl {verb} in {path[-1]}")

    def test_files_that_others_may_write_are_refused_by_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        daemon = self.daemon("[task a]\ncommand = /bin/true\nmanual = yes\n", start=False)
        os.chmod(daemon.config_path, 0o666)
        done = daemon.run("--check")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("tendd.ini", done.stderr + done.stdout)

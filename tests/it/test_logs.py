# SPDX-License-Identifier: MIT
"""tendctl logs: where there is no journal of this daemon, what is kept of its runs. In the journal: test_journal.py."""
import json
import os
import subprocess

from support.case import Case
from support.daemon import TENDCTL, environment

CONFIG = """
[task said]
manual = yes
shell = echo "$TENDD_RUN one"; echo '<4>two'
[task stays]
on-start = yes
shell = echo here; exec sleep 600
[task inner]
manual = yes
shell = echo "$TENDD_RUN"
[group outer]
members = inner said
manual = yes
"""


class Kept(Case):
    def lines(self, daemon, *args):
        done = daemon.ctl("logs", "--json", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def texts(self, daemon, *args):
        return [(line["run"], line["text"]) for line in self.lines(daemon, *args)]

    def run_all(self, config=CONFIG):
        daemon = self.daemon(config)
        for name in ("said", "outer"):
            self.assertEqual(daemon.ctl("start", "--wait", name).returncode, 0)
        return daemon

    def test_ends_of_output_are_shown(self):
        daemon = self.run_all()
        self.assertEqual(self.texts(daemon, "said#1"), [("said#1", "said#1 one"), ("said#1", "two")])
        self.assertEqual({line["level"] for line in self.lines(daemon, "said#1")}, {"info", "warning"})
        self.assertEqual(self.texts(daemon, "said")[:2], self.texts(daemon, "said#1"))
        self.assertEqual(set(self.texts(daemon, "outer")),
                         {("outer#1/inner", "outer#1/inner"), ("outer#1/said", "outer#1/said one"), ("outer#1/said", "two")})
        self.assertEqual(self.texts(daemon, "-n", "1", "said#1"), [("said#1", "two")])
        self.until(lambda: self.texts(daemon, "st*") == [("stays#1", "here")], "the output of what runs")
        everything = self.texts(daemon)
        self.assertEqual(len(everything), len(set(everything)))
        self.assertLessEqual({("said#1", "two"), ("outer#1/inner", "outer#1/inner"), ("stays#1", "here")}, set(everything))
        done = daemon.ctl("logs", "said#1")
        self.assertIn("the end of what recent runs printed", done.stderr)
        self.assertRegex(done.stdout, r"said#1: said#1 one\n\S+ said#1: two\n$")

    def test_a_task_that_is_gone_is_known_by_its_history(self):
        daemon = self.run_all(CONFIG + "[task silent]\nmanual = yes\ncommand = true\n")
        self.assertEqual(daemon.ctl("start", "--wait", "silent").returncode, 0)
        self.assertEqual(self.texts(daemon, "silent#1"), [])
        said, outer = self.texts(daemon, "said"), self.texts(daemon, "outer")
        daemon.write_config("[task stays]\non-start = yes\nshell = echo here; exec sleep 600\n")
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.assertEqual(self.texts(daemon, "said"), said)
        self.assertNotIn("no such task", daemon.ctl("logs", "said").stderr)
        self.assertEqual(set(self.texts(daemon, "outer")), set(outer))
        self.assertIn(("stays#1", "here"), self.texts(daemon, "said", "stays"))
        done = daemon.ctl("logs", "said", "nothing")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (5, "", "tendctl: no such task: nothing\n"))

    def test_a_log_file_is_shown(self):
        path = self.path("log")
        daemon = self.daemon(f"[task t]\nmanual = yes\noutput = file:{path}\ncommand = seq 2000\n")
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        lines = self.lines(daemon, "t", "-n", "1500")  # more than is kept of a run
        self.assertEqual([line["text"] for line in lines], [str(n) for n in range(501, 2001)])
        self.assertIn(path, daemon.ctl("logs", "t").stderr)
        os.unlink(path)
        done = daemon.ctl("logs", "t")
        self.assertIn(f"{path}, which cannot be read", done.stderr)
        self.assertTrue(done.stdout.endswith(": 2000\n"), done.stdout)

    def test_what_is_not_there_is_told(self):
        daemon = self.daemon(CONFIG)
        for name, text in (("x", "no such task: x"), ("said#9", "no such run: said#9")):
            done = daemon.ctl("logs", name)
            self.assertEqual((done.returncode, done.stdout), (5, ""))
            self.assertIn(text, done.stderr)
        done = daemon.ctl("logs", "-n", "x")
        self.assertEqual(done.returncode, 2)
        done = subprocess.run([TENDCTL, "--socket", self.path("none"), "logs", "no-such-task-of-any-daemon"],
                              env=environment(), capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("no daemon", done.stderr)

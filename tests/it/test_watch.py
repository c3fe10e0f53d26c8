# SPDX-License-Identifier: MIT
"""Tasks that start when files arrive: each once it is whole, none left behind."""
import os
import re
import unittest

from support.case import Case

IMPORT = """#!/bin/sh
# --then-move FILE: takes a file that must be whole, and says when it begins and ends.
name=${{2##*/}}
echo "begin $name" >>{dir}/log
case $name in
gate*) while [ ! -e {dir}/open ]; do sleep 0.02; done ;;
esac
tail -n 1 "$2" | grep -qx END || {{ echo "torn $name" >>{dir}/log; exit 1; }}
mv "$2" {dir}/done/ && echo "end $name" >>{dir}/log
"""

INBOX = """[task inbox]
watch = {dir}/inbox/*.csv
watch-settle = 50ms
for-each = glob:{dir}/inbox/*.csv
command = {dir}/import --then-move {{item}}
concurrency = 3
timeout = 15min
"""


class Watch(Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("done"))
        self.write("import", IMPORT.format(dir=self.directory), mode=0o755)

    def inbox(self, make=True):
        if make:
            os.mkdir(self.path("inbox"))
        return self.daemon(INBOX.format(dir=self.directory), args=("--log-level", "debug"))

    def put(self, name, where="inbox"):
        """A file that is moved into place when it is complete."""
        self.write(f"{name}.part", "a;b\n1;2\nEND\n")
        os.rename(self.path(f"{name}.part"), self.path(where, name))

    def lines(self, word):
        return [line.split()[1] for line in self.read("log").splitlines() if line.startswith(word + " ")]

    def await_done(self, *names, timeout=30.0):
        self.until(lambda: set(names) <= set(self.lines("end")), lambda: f"{names}, of which {self.lines('end')}", timeout)

    def test_each_file_once_it_is_whole(self):
        """Slow writers: a run that another file started passes over what is being written."""
        self.inbox()
        with open(self.path("inbox", "slow.csv"), "w", encoding="utf-8") as slow:
            slow.write("a;b\n")
            slow.flush()
            self.put("fast.csv")
            self.await_done("fast.csv")
            slow.write("1;2\nEND\n")
            slow.flush()
            self.put("next.csv")
            self.await_done("next.csv")
            self.assertNotIn("slow.csv", self.lines("begin"))
        self.await_done("slow.csv")
        self.assertEqual(self.lines("torn"), [])

    def test_written_behind_a_link(self):
        """No close is told of what a link leads to: it is looked at until it is whole."""
        with open(self.path("elsewhere"), "w", encoding="utf-8") as slow:
            slow.write("a;b\n")
            slow.flush()
            os.mkdir(self.path("inbox"))
            os.symlink("../elsewhere", self.path("inbox", "slow.csv"))
            self.put("fast.csv")
            self.inbox(make=False)
            self.await_done("fast.csv")
            slow.write("1;2\nEND\n")
        self.await_done("slow.csv")
        self.assertEqual(self.lines("torn"), [])

    def test_three_at_a_time(self):
        self.inbox()
        names = [f"gate{n}.csv" for n in range(9)]
        for name in names:
            self.put(name)
        self.until(lambda: len(self.lines("begin")) == 3, "three to begin")
        self.write("open", "")
        self.await_done(*names)
        most = now = 0
        for line in self.read("log").splitlines():
            now += 1 if line.startswith("begin") else -1
            most = max(most, now)
        self.assertEqual(most, 3)
        self.assertEqual(sorted(self.lines("begin")), names)

    def test_arrives_while_a_run_works(self):
        """It is handled by a run that waits for its turn, and one is enough for all that come."""
        daemon = self.inbox()
        self.put("gate.csv")
        self.until(lambda: self.lines("begin") == ["gate.csv"], "the first to begin")
        self.put("second.csv")
        self.until(lambda: daemon.log.count("queued by watch") >= 2, "another run to queue")
        self.put("third.csv")
        self.write("open", "")
        self.await_done("gate.csv", "second.csv", "third.csv")
        self.assertEqual(daemon.log.count("took its place"), 0)

    def test_there_at_start(self):
        os.mkdir(self.path("inbox"))
        self.put("early.csv")
        self.inbox(make=False)
        self.await_done("early.csv")

    def test_directory_later(self):
        self.inbox(make=False)
        os.mkdir(self.path("inbox"))
        self.put("a.csv")
        self.await_done("a.csv")
        os.rmdir(self.path("inbox"))
        os.mkdir(self.path("inbox"))
        self.put("b.csv")
        self.await_done("a.csv", "b.csv")

    def test_paused(self):
        """A paused task does not start, and takes what came meanwhile when it is resumed."""
        daemon = self.inbox()
        self.assertEqual(daemon.ctl("pause", "inbox").returncode, 0)
        self.put("a.csv")
        self.assertEqual(daemon.ctl("start", "inbox", "--wait").returncode, 0)
        self.await_done("a.csv")
        self.put("b.csv")
        self.assertEqual(daemon.log.count("queued by watch"), 0)
        self.assertEqual(daemon.ctl("resume", "inbox").returncode, 0)
        self.await_done("b.csv")
        self.assertGreaterEqual(daemon.log.count("queued by watch"), 1)
        self.assertEqual(daemon.log.count("skipped"), 0)

    def test_ten_thousand(self):
        """More than the kernel keeps in mind may come at once: none stays."""
        os.mkdir(self.path("inbox"))
        daemon = self.daemon(f"""
[task inbox]
watch = {self.directory}/inbox/*.csv
watch-settle = 50ms
command = find {self.directory}/inbox -name *.csv -exec mv -t {self.directory}/done {{}} +
""", args=("--log-level", "debug"))
        for n in range(10000):
            with open(self.path("inbox", f"{n}.csv"), "w", encoding="utf-8"):
                pass
        self.until(lambda: not os.listdir(self.path("inbox")), "all to be taken", 60)
        self.assertEqual(len(os.listdir(self.path("done"))), 10000)
        self.assertIn(daemon.log.count("queued by watch"), range(1, 200))

    def test_what_is_in_its_way_is_told(self):
        os.symlink("nowhere", self.path("inbox"))
        daemon = self.inbox(make=False)
        self.until(lambda: "watch_trouble" in daemon.ctl_json("list", "inbox")["tasks"][0], "the watch to be in trouble")
        trouble = daemon.ctl_json("why", "inbox")["task"]["watch_trouble"]
        self.assertIn(self.path("inbox"), trouble)
        self.assertIn(f"its watch does not see at once what arrives: {trouble}\n", daemon.ctl("why", "inbox").stdout)
        self.assertRegex(daemon.ctl("show", "inbox").stdout, rf"(?m)^ *watch +{re.escape(trouble)}$")

    def test_is_clean(self):
        """Situation 4 as it is written has nothing to warn of but that no hook sees its failures."""
        text = INBOX.format(dir="/srv").replace("watch-settle = 50ms\n", "").replace("[task inbox]\n",
                                                                                     "[task inbox]\nuser = import\n")
        done = self.daemon("[defaults]\n" + text, start=False).run("--check", "--portable")
        self.assertEqual(done.returncode, 0, done.stderr)
        warnings = [line for line in (done.stdout + done.stderr).splitlines() if "warning" in line]
        self.assertTrue(all("hook" in line or "warnings" in line for line in warnings), warnings)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Runs that are started from inside of others: from a process of a run, which makes them its children."""
import os

from support.case import Case
from support.daemon import TENDCTL

CONFIG = """
[daemon]
cgroup = {cgroup}
[defaults]
{user}manual = yes
env = CTL={tendctl}
    DIRECTORY={directory}
[limit db]
permits = 4
[task inner]
shell = echo $TENDD_TRIGGER >> $DIRECTORY/triggers; exec sleep 600
[task outer]
shell = $CTL start --wait inner || echo $? >> $DIRECTORY/codes
[task reads]
limit = db
command = sleep 600
[task writes]
limit = db
shell = $CTL start reads 2>> $DIRECTORY/refused
[task itself]
shell = $CTL start itself 2>> $DIRECTORY/refused
[task asks]
shell = $CTL run --name ask -- sleep 600 || echo $? >> $DIRECTORY/codes
[task fails]
shell = $CTL start inner; exit 3
[task web]
restart = always
command = sleep 600
[task deploys]
shell = $CTL start web; $CTL wait --for ready web; exit 3
# A process of another session, without parents, that starts something.
[task forks]
shell = setsid -f $CTL start inner > $DIRECTORY/forked; while ! grep -q inner $DIRECTORY/forked; do sleep 0.05; done
"""


class Inside(Case):
    def serve(self, cgroup):
        user = "user = root\n" if os.geteuid() == 0 else ""
        daemon = self.daemon("", start=False)
        daemon.write_config(CONFIG.format(cgroup=cgroup, tendctl=TENDCTL, user=user,
                                          directory=self.directory))
        return daemon.start()

    def tree(self, daemon, *names):
        return [(run["depth"], run["name"]) for run in daemon.ctl_json("tree", "--no-processes", *names)["runs"]]

    def await_tree(self, daemon, *expected):
        self.until(lambda: self.tree(daemon) == list(expected), f"the tree {expected}, not {self.tree(daemon)}")

    def last(self, daemon, task):
        return daemon.ctl_json("history", task)["history"][0]["ran"]

    def check_all(self, cgroup):
        daemon = self.serve(cgroup)

        # What a script starts is below it, and ends with it.
        daemon.ctl_json("start", "outer")
        self.await_tree(daemon, (0, "outer#1"), (1, "inner#1"))
        self.assertEqual(self.tree(daemon, "inner"), [(0, "inner#1")])
        self.assertEqual(self.tree(daemon, "outer#1"), [(0, "outer#1"), (1, "inner#1")])
        self.until(lambda: self.read("triggers").startswith("outer#1 (uid "), "what started it")
        self.assertRegex(daemon.ctl("tree").stdout, r"\nouter#1 .*(\n├─ \d+ .*)+\n└─ inner#1 .*\n   └─ \d+ ")
        daemon.ctl_json("stop", "outer")
        self.await_tree(daemon)
        outcome = self.last(daemon, "inner")
        self.assertEqual((outcome["outcome"], outcome["run"]), ("cancelled", "inner#1"))
        self.assertRegex(daemon.ctl("history", "inner").stdout, r"inner#1 .* cancelled .* outer#1 *\n")

        # It is a run like any other to its own task.
        daemon.ctl_json("start", "outer")
        self.await_tree(daemon, (0, "outer#2"), (1, "inner#2"))
        daemon.ctl_json("stop", "inner")
        self.await_tree(daemon)
        self.assertEqual(self.read("codes"), "130\n")
        self.assertEqual(self.last(daemon, "outer")["outcome"], "ok")

        # What could only wait for ever is refused.
        self.assertEqual(daemon.ctl("start", "--wait", "writes").returncode, 1)
        self.assertIn("reads would wait for permits of limit db, of which writes#1 ", self.read("refused"))
        self.assertEqual(daemon.ctl("start", "--wait", "itself").returncode, 1)
        self.assertIn("itself would wait for itself#1, because its runs do not overlap", self.read("refused"))

        # What is run for a client goes the same way.
        self.write("codes", "", 0o666)
        daemon.ctl_json("start", "asks")
        self.await_tree(daemon, (0, "asks#1"), (1, "ask#1"))
        daemon.ctl_json("stop", "ask#1")
        self.await_tree(daemon)
        self.assertEqual(self.read("codes"), "130\n")
        daemon.ctl_json("start", "asks")
        self.await_tree(daemon, (0, "asks#2"), (1, "ask#2"))
        daemon.ctl_json("stop", "asks")
        self.await_tree(daemon)

        # A process that went away from the others belongs to its run all the same; and that waits for what it started.
        daemon.ctl_json("start", "forks")
        self.await_tree(daemon, (0, "forks#1"), (1, "inner#3"))
        self.until(lambda: daemon.ctl_json("tree", "--no-processes", "forks")["runs"][0].get("waiting"),
                   "the command to end")
        self.assertIn("has ended its own work and waits for inner#3, which was started from inside of it",
                      " ".join(daemon.ctl("why", "forks").stdout.split()))
        daemon.ctl_json("stop", "inner")
        self.await_tree(daemon)
        self.assertEqual(self.last(daemon, "forks")["outcome"], "ok")

        # What failed leaves nothing at work but services.
        self.assertEqual(daemon.ctl("start", "--wait", "fails").returncode, 3)
        self.assertEqual(self.tree(daemon), [])
        self.assertRegex(daemon.ctl("history", "inner").stdout, r"inner#4 .* (never-started|cancelled) .* fails#1 *\n")
        self.assertEqual(daemon.ctl("start", "--wait", "deploys").returncode, 3)
        self.assertEqual(self.tree(daemon), [(0, "web#1")])

    def test_with_groups(self):
        self.check_all("auto")

    def test_without_groups(self):
        self.check_all("no")

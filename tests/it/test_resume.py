# SPDX-License-Identifier: MIT
"""Groups that are started to run only what was not ok in an earlier run."""
import os
import signal

from support.case import Case

STEPS = [f"etl-{kind}-{n:02}" for kind in ("extract", "load") for n in range(10)]

# Each step notes its name. One named in the file `broken` fails, and one named in `held` does not end.
DEFAULTS = """
[defaults etl]
{user}env = DIRECTORY={directory}
shell = echo $TENDD_TASK >> $DIRECTORY/ran; while grep -qsx $TENDD_TASK $DIRECTORY/held; do sleep 0.05; done; \
 ! grep -qsx $TENDD_TASK $DIRECTORY/broken
"""

ETL = DEFAULTS + """
[limit warehouse]
permits = 4
[group etl]
members = etl-*
policy = settle
manual = yes
[task other]
use = etl
manual = yes
""" + "".join(f"[task etl-extract-{n:02}]\nuse = etl\nlimit = warehouse:2\n"
              f"[task etl-load-{n:02}]\nuse = etl\nafter = etl-extract-{n:02}\n" for n in range(10))

BACKUP = DEFAULTS + """
[group backup]
members = dump upload prune
manual = yes
[task dump]
use = etl
[task upload]
use = etl
after = dump
[task prune]
use = etl
after = upload
[group night]
members = backup report
policy = settle
manual = yes
[task report]
use = etl
[group off]
members = dump
enabled = no
manual = yes
"""


class Resume(Case):
    def serve(self, config):
        user = "user = root\n" if os.geteuid() == 0 else ""
        return self.daemon(config.format(directory=self.directory, user=user))

    def ran(self):
        """The steps that ran since the last call, sorted."""
        names = sorted(self.read("ran").split())
        self.write("ran", "", 0o666)
        return names

    def start(self, daemon, group, run=None):
        """Starts @group, resuming @run if given, to its end: the outcome."""
        client = daemon.connect(timeout=60)
        self.addCleanup(client.close)
        parameters = {"tasks": [group], "wait": True} | ({"resume": run} if run else {})
        client.send("io.tendd.Runner.Start", parameters, more=True)
        started = client.receive()
        self.assertIn("parameters", started)
        self.assertNotIn("error", started)
        return client.receive()["parameters"]["result"]

    def resumed(self, outcome):
        return {child["task"]: child["resumed"] for child in outcome["children"] if "resumed" in child}

    def crash(self, daemon):
        # What was acknowledged is kept, and all that was before it.
        daemon.ctl_json("pause", "*")
        daemon.ctl_json("resume", "*")
        daemon.kill(signal.SIGKILL)
        daemon.process.wait()
        daemon.start()

    def hold(self, daemon, group, step, *left):
        """Starts @group, and waits until @step of it is at work and besides that only what is @left lives."""
        self.write("held", step + "\n")
        run = daemon.ctl_json("start", group)["started"][0]

        def is_left():
            live = {entry["task"] for entry in daemon.ctl_json("tree", "--no-processes", run)["runs"]}
            return step in self.read("ran").split() and live == {group, step, *left}

        self.until(is_left, f"all but {step} to end", 30)
        return run

    # ---- situation 5 ----

    def test_twenty_steps_go_on_where_they_broke(self):
        daemon = self.serve(ETL)
        self.write("broken", "etl-extract-03\n")
        self.assertEqual(self.start(daemon, "etl")["outcome"], "failed")
        self.assertEqual(self.ran(), [step for step in STEPS if step != "etl-load-03"])
        # Still broken: what comes after it is not reached.
        outcome = self.start(daemon, "etl", "etl#1")
        self.assertEqual((outcome["run"], outcome["outcome"]), ("etl#2", "failed"))
        self.assertEqual(self.ran(), ["etl-extract-03"])
        self.assertEqual(set(self.resumed(outcome).values()), {"etl#1"})
        self.write("broken", "")
        outcome = self.start(daemon, "etl", "etl#2")
        self.assertEqual(outcome["outcome"], "ok")
        self.assertEqual(self.ran(), ["etl-extract-03", "etl-load-03"])
        self.assertEqual(self.resumed(outcome),
                         {step: "etl#1" for step in STEPS if step not in ("etl-extract-03", "etl-load-03")})
        # One that is not the last any more is found in the history.
        self.assertEqual(self.start(daemon, "etl", "etl#1")["outcome"], "ok")
        self.assertEqual(self.ran(), ["etl-extract-03", "etl-load-03"])

    def test_they_do_so_after_a_restart_of_the_daemon(self):
        daemon = self.serve(ETL)
        self.write("broken", "etl-load-07\n")
        self.start(daemon, "etl")
        daemon.stop()
        daemon.start()
        self.ran()
        self.assertEqual(self.start(daemon, "etl", "etl#1")["outcome"], "failed")
        self.assertEqual(self.ran(), ["etl-load-07"])
        daemon.stop()
        daemon.start()
        self.write("broken", "")
        outcome = self.start(daemon, "etl", "etl#2")
        self.assertEqual(outcome["outcome"], "ok")
        self.assertEqual(self.ran(), ["etl-load-07"])
        self.assertEqual(self.resumed(outcome), {step: "etl#1" for step in STEPS if step != "etl-load-07"})

    def test_they_do_so_after_the_daemon_died(self):
        daemon = self.serve(ETL)
        run = self.hold(daemon, "etl", "etl-extract-04", "etl-load-04")
        self.crash(daemon)
        self.write("held", "")
        self.ran()
        self.until(lambda: daemon.ctl_json("show", "etl").get("last", {}).get("outcome") == "interrupted",
                   "the daemon to tell of what was interrupted")
        outcome = self.start(daemon, "etl", run)
        self.assertEqual(outcome["outcome"], "ok")
        self.assertEqual(self.ran(), ["etl-extract-04", "etl-load-04"])

    def test_with_rerun_they_do_so_by_themselves(self):
        daemon = self.serve(ETL.replace("policy = settle", "policy = settle\non-interrupt = rerun"))
        self.hold(daemon, "etl", "etl-extract-04", "etl-load-04")
        daemon.kill(signal.SIGKILL)
        daemon.process.wait()
        self.write("held", "")
        ended = set(self.ran()) - {"etl-extract-04"}
        daemon.start()
        daemon.log.wait(r"etl#2 ok")
        self.assertEqual(len(ended), len(STEPS) - 2)
        # The last of them may have ended so shortly before that nobody had written it down.
        again = set(self.ran())
        self.assertLessEqual({"etl-extract-04", "etl-load-04"}, again)
        outcome = daemon.ctl_json("show", "etl")["last"]
        self.assertEqual({child["task"] for child in outcome["children"] if "resumed" in child}, set(STEPS) - again)

    # ---- situation 1 ----

    def test_a_backup_is_uploaded_without_another_dump(self):
        daemon = self.serve(BACKUP)
        self.write("broken", "upload\n")
        self.assertEqual(daemon.ctl("start", "backup", "--wait").returncode, 1)
        self.assertEqual(self.ran(), ["dump", "upload"])
        self.write("broken", "")
        done = daemon.ctl("start", "backup", "--resume", "backup#1", "--wait")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"dump +ok .*ok in backup#1")
        self.assertEqual(self.ran(), ["prune", "upload"])

    def test_a_group_in_a_group_that_the_daemon_died_under(self):
        daemon = self.serve(BACKUP)
        run = self.hold(daemon, "night", "upload", "backup", "prune")
        self.crash(daemon)
        self.write("held", "")
        self.ran()
        self.assertEqual(self.start(daemon, "night", run)["outcome"], "ok")
        self.assertEqual(self.ran(), ["prune", "upload"])

    # ---- what cannot be resumed ----

    def assertRefused(self, daemon, words, code, text):
        done = daemon.ctl("start", *words)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(text, done.stderr)

    def test_what_cannot_be_resumed_is_told_with_what_to_do(self):
        daemon = self.serve(BACKUP)
        self.assertEqual(self.start(daemon, "backup")["outcome"], "ok")
        self.ran()
        for words, code, text in (
                (("backup", "--resume", "backup#9"), 5, "tendctl history backup"),
                (("backup", "--resume", "backup"), 5, "tendctl history backup"),
                (("nothing", "--resume", "backup#1"), 5, "no such task: nothing"),
                (("night", "--resume", "backup#1"), 1, "a run of another task"),
                (("dump", "--resume", "backup#1"), 1, "only a group"),
                (("off", "--resume", "off#1"), 1, "not enabled in the configuration: off"),
                (("backup", "--resume", "backup#1"), 1, "start it without --resume"),
                (("backup", "night", "--resume", "backup#1"), 2, "takes one group"),
                (("back*", "--resume", "backup#1"), 2, "takes one group")):
            with self.subTest(words):
                self.assertRefused(daemon, words, code, text)
                self.assertRefused(daemon, ("--wait", *words), code if code == 2 else 125, text)
        self.write("held", "dump\n")
        run = daemon.ctl_json("start", "backup")["started"][0]
        self.until(lambda: "dump" in self.read("ran"), "the dump to begin")
        self.assertRefused(daemon, ("backup", "--resume", run), 1, "tendctl wait")
        self.assertEqual(self.ran(), ["dump"])

    def test_what_a_store_would_have_to_tell(self):
        user = "user = root\n" if os.geteuid() == 0 else ""
        config = BACKUP.format(directory=self.directory, user=user)
        daemon = self.daemon(config, start=False)
        os.makedirs(os.path.join(daemon.state_dir, "state.db"))
        daemon.start()
        self.write("broken", "upload\n")
        self.start(daemon, "backup")
        # The last run is at hand, and others are not.
        self.assertRefused(daemon, ("backup", "--resume", "backup#9"), 1, "the history cannot be read")
        self.write("broken", "")
        self.ran()
        self.assertEqual(self.start(daemon, "backup", "backup#1")["outcome"], "ok")
        self.assertEqual(self.ran(), ["prune", "upload"])

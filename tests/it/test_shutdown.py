# SPDX-License-Identifier: MIT
"""Daemons that an operator ends."""
import os
import subprocess

from support.case import Case

CONFIG = """
[task job]
manual = yes
shell = until [ -e {go} ]; do sleep 0.05; done; echo done >> {ends}
[task later]
manual = yes
limit = one
shell = echo later >> {ends}
[limit one]
permits = 1
[task holder]
manual = yes
limit = one
shell = until [ -e {go} ]; do sleep 0.05; done
[task tick]
every = 1s
command = /bin/true
[task web]
restart = always
on-start = yes
shell = trap 'echo stopped >> {ends}; exit 0' TERM; while :; do sleep 0.05; done
[task deaf]
manual = yes
grace = 1h
shell = trap '' TERM; touch {deaf}; while :; do sleep 0.05; done
"""


class Shutdown(Case):
    def setUp(self):
        super().setUp()
        self.served = self.daemon(CONFIG.format(go=self.path("go"), ends=self.path("ends"), deaf=self.path("deaf")))

    def shutdown(self, *args):
        """tendctl shutdown, at work."""
        process = subprocess.Popen(self.served.ctl_command("shutdown", *args), env=self.served.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        return process

    def test_when_idle_all_that_runs_or_waits_comes_to_its_end_first(self):
        daemon = self.served
        for task in ("holder", "job", "later"):
            daemon.ctl_json("start", task)
        self.assertEqual(daemon.ctl("shutdown", "--when-idle", "--no-wait").returncode, 0)
        status = daemon.ctl_json("status")
        self.assertEqual(status["phase"], "finishing")
        self.assertEqual(sorted(status["ending"]["waits_for"]), ["holder#1", "job#1", "later#1"])
        text = daemon.ctl("status").stdout
        self.assertIn("waits for: ", text)
        self.assertNotIn("next: ", text)  # what is due is not started
        refused = daemon.ctl("start", "job")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("ending", refused.stderr)
        self.assertEqual(daemon.ctl("reload").returncode, 1)
        daemon.log.wait("tick.*the daemon is stopping")
        waits = self.shutdown("--when-idle")
        # What takes long is named.
        self.assertIn("finishing: waiting for ", waits.stderr.readline())
        self.write("go", "")
        self.assertEqual(waits.wait(30 * self.SCALE), 0)
        # It was gone by then: the process, not only its socket.
        self.assertEqual(daemon.wait_exit(1), 0)
        self.assertEqual(sorted(self.read("ends").split()[:2]), ["done", "later"])
        self.assertEqual(self.read("ends").split()[2:], ["stopped"])
        daemon.start()
        reasons = [past["missed"]["reason"] for past in daemon.ctl_json("history", "tick")["history"]
                   if "missed" in past]
        self.assertIn("shutdown", reasons)

    def test_each_way_can_be_followed_by_one_that_is_faster(self):
        daemon = self.served
        daemon.ctl_json("start", "deaf")
        self.until(lambda: os.path.exists(self.path("deaf")), "it to be deaf")
        self.assertEqual(daemon.ctl("shutdown", "--now", "--when-idle").returncode, 2)
        for args, phase in ((["--when-idle"], "finishing"), ([], "stopping"), ([], "stopping")):
            answer = daemon.ctl_json("shutdown", "--no-wait", *args)
            self.assertEqual(answer, {"phase": phase, "pid": daemon.pid})
        self.assertEqual(daemon.ctl("shutdown", "--now").returncode, 0)
        self.assertEqual(daemon.wait_exit(1), 0)

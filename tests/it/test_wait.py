# SPDX-License-Identifier: MIT
"""Clients that wait until something is in a state."""
import subprocess

from support.case import Case

CONFIG = """
[task web]
manual = yes
restart = always
ready = notify
shell = until [ -e {go} ]; do sleep 0.05; done; {tendctl} notify --ready; exec sleep 1000
[task broken]
manual = yes
restart = always
restart-delay = 100ms
restart-limit = 1/1h
command = /bin/false
[task check]
manual = yes
shell = test -e {go}
[task long]
manual = yes
shell = until [ -e {go} ]; do sleep 0.05; done
"""


class Wait(Case):
    def test_for_each_state_and_no_longer_than_asked(self):
        go = self.path("go")
        daemon = self.daemon("")
        daemon.write_config(CONFIG.format(go=go, tendctl=daemon.ctl_command()[0]))
        daemon.ctl_json("reload")
        for task in ("web", "check", "long", "broken"):
            daemon.ctl_json("start", task)
        self.assertEqual(daemon.ctl("wait", "long", "--for", "started").stdout, "long has started\n")
        self.assertEqual(daemon.ctl("wait", "check", "--for", "failing").stdout, "check is failing\n")
        self.assertEqual(daemon.ctl("wait", "broken", "--for", "failing").returncode, 0)
        ended = daemon.ctl("wait", "broken", "--for", "ready")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("broken#1 failed: /bin/false: exit status 1", ended.stderr)
        late = daemon.ctl("wait", "--for", "idle", "-t", "100ms")
        self.assertEqual((late.returncode, late.stderr), (124, "tendctl: not in time: long#1\n"))
        self.assertEqual(daemon.ctl("wait", "web", "--for", "ready", "-t", "100ms").returncode, 124)
        self.assertEqual(daemon.ctl("wait", "long", "-t", "100ms").returncode, 124)
        waiting = [subprocess.Popen(daemon.ctl_command("wait", *args), env=daemon.env, stdout=subprocess.PIPE, text=True)
                   for args in (["web", "--for", "ready"], ["check", "--for", "recovered"], ["--for", "idle"])]
        self.until(lambda: daemon.ctl_json("status")["clients"] == 4, "all to wait")
        self.write("go", "")
        daemon.ctl_json("start", "check")
        self.assertEqual([(process.communicate(timeout=30 * self.SCALE)[0], process.returncode) for process in waiting],
                         [("web is ready\n", 0), ("check is not failing\n", 0), ("", 0)])
        for wrong in (["web", "--for", "fine"], ["web", "--for", "idle"], [], ["web#1", "--for", "ready"], ["web", "-t", "0"]):
            self.assertEqual(daemon.ctl("wait", *wrong).returncode, 2, wrong)

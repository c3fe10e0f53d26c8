# SPDX-License-Identifier: MIT
"""Clients that follow what happens."""
import json
import subprocess

from support.case import Case
from support.daemon import Log

CONFIG = """
[task job]
manual = yes
command = /bin/true
[task bad]
manual = yes
command = /bin/false
"""


class Client:
    def __init__(self, process):
        self.process = process

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Events(Case):
    def follow(self, daemon, *args):
        process = subprocess.Popen(daemon.ctl_command("--json", "events", "-f", *args), env=daemon.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.peer(Client(process))
        return Log(process.stdout), Log(process.stderr)

    def test_who_follows_goes_on_when_the_daemon_is_started_anew(self):
        daemon = self.daemon(CONFIG)
        events, said = self.follow(daemon)
        self.until(lambda: daemon.ctl_json("status")["clients"] == 2, "the client to follow")
        daemon.ctl_json("start", "job")
        events.wait('"run-done"')
        daemon.stop()
        events.wait('"text":"stopping"')
        said.wait("the daemon is gone")
        daemon.start()
        said.wait("started anew")
        events.wait('"text":"running"', start=len(events.lines) - 1)
        daemon.ctl_json("start", "job")
        events.wait('"job#2".*"outcome":"ok"')
        # Numbers of each daemon grow by one.
        ids = [json.loads(line)["id"] for line in events.lines]
        first = ids.index(1, 1)
        for part in (ids[:first], ids[first:]):
            self.assertEqual(part, list(range(part[0], part[0] + len(part))))

    def test_only_what_is_asked_for_is_shown(self):
        daemon = self.daemon(CONFIG)
        for task in ("job", "bad"):
            daemon.ctl("start", "--wait", task)
        shown = daemon.ctl("events", "--failed").stdout
        self.assertIn("bad#1", shown)
        self.assertNotIn("job", shown)
        self.assertEqual(daemon.ctl("events", "-k", "run-done,failing", "job", "bad#1").stdout.count("run-done"), 2)
        wrong = daemon.ctl("events", "-k", "run-away")
        self.assertEqual((wrong.returncode, "run-away" in wrong.stderr), (2, True))

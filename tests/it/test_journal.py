# SPDX-License-Identifier: MIT
"""The journal: fields, the catalog, tendctl logs, and a journald that has stopped. A systemd and a journald of its own."""
import json
import os
import re
import threading
import time

from support.box import BoxCase
from support.wait import SANITIZERS
from test_catalog import table

# How long journald is stopped. CI has five seconds; TENDD_TEST_STALL=30 is what the daemon has to bear.
STALL = float(os.environ.get("TENDD_TEST_STALL", "5"))
LAG_P99_USEC = 5000

CONFIG = """
[task t]
manual = yes
shell = echo plain; echo '<3>grave' >&2; exit 3
[task member]
manual = yes
shell = echo inner
[group g]
manual = yes
members = member
[task worker-1]
manual = yes
shell = echo one
[task worker-2]
manual = yes
shell = echo two
"""


class Lateness(threading.Thread):
    """How late this process itself wakes up: what a busy machine does to everybody."""

    def __init__(self):
        super().__init__(daemon=True)
        self._enough = threading.Event()
        self._late = []

    def run(self):
        while not self._enough.is_set():
            start = time.monotonic()
            time.sleep(0.005)
            self._late.append(time.monotonic() - start - 0.005)

    def p99_usec(self):
        self._enough.set()
        self.join()
        return sorted(self._late)[len(self._late) * 99 // 100] * 1e6


class Journal(BoxCase):
    def wait_for(self, box, *matches):
        """The records that match, once there are some."""
        return self.until(lambda: box.journal(*matches), lambda: f"{matches} in\n" + box.ask(
            "journalctl", "-q", "--no-pager").stdout, 20)

    def read_logs(self, box, *args):
        done = box.ask("tendctl", "logs", "--json", *args)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_fields_and_the_catalog(self):
        box = self.start(CONFIG)
        self.assertEqual(box.run("tendctl", "start", "--wait", "t").returncode, 3)
        self.assertEqual(box.run("tendctl", "start", "--wait", "g").returncode, 0)
        self.wait_for(box, "TENDD_RUN=g#1", "TENDD_EVENT=run-done")
        ids = dict(table())
        events = box.journal("_COMM=tendd", "SYSLOG_IDENTIFIER=tendd")
        self.assertGreater(len([event for event in events if "TENDD_EVENT" in event]), 5)
        for event in events:
            self.assertRegex(event["CODE_FILE"], r"^daemon/\S+\.c$")
            self.assertGreater(int(event["CODE_LINE"]), 0)
            self.assertRegex(event["CODE_FUNC"], r"^\w+$")
            if "TENDD_EVENT" in event:
                self.assertEqual(event["MESSAGE_ID"], ids[event["TENDD_EVENT"]])
        inner = self.wait_for(box, "TENDD_GROUP=g", "SYSLOG_IDENTIFIER=member")[0]
        for field, value in {"MESSAGE": "inner", "TENDD_TASK": "member", "TENDD_RUN": "g#1/member",
                             "TENDD_TOP_RUN": "g#1"}.items():
            self.assertEqual(inner[field], value, inner)
        box.ask("journalctl", "--update-catalog")
        text = box.ask("journalctl", "-q", "-x", "--no-pager", "TENDD_RUN=t#1", "TENDD_EVENT=run-done").stdout
        self.assertIn("Subject: Run t#1 has ended: failed\n", text)
        self.assertIn("tendctl logs t#1\n", text)
        listed = box.ask("journalctl", "--list-catalog").stdout
        for message_id in ids.values():
            self.assertIn(message_id, listed)

    def test_logs_are_read_from_the_journal(self):
        box = self.start(CONFIG)
        for task, code in {"t": 3, "g": 0, "worker-1": 0, "worker-2": 0}.items():
            self.assertEqual(box.run("tendctl", "start", "--wait", task).returncode, code)
        for run in ("t#1", "g#1", "worker-1#1", "worker-2#1"):
            self.wait_for(box, f"TENDD_RUN={run}", "TENDD_EVENT=run-done")
        lines = self.read_logs(box, "t")
        self.assertLessEqual({("plain", "info"), ("grave", "err")}, {(line["text"], line["level"]) for line in lines})
        end = next(line for line in lines if line.get("event") == "run-done")
        self.assertEqual((end["event"], end["outcome"], end["error"], end["run"]), ("run-done", "failed", "exit", "t#1"))
        self.assertEqual({line["task"] for line in lines}, {"t"})
        self.assertIn("inner", [line["text"] for line in self.read_logs(box, "g")])
        self.assertIn("inner", [line["text"] for line in self.read_logs(box, "g#1")])
        self.assertEqual(self.read_logs(box, "g#1/member"), self.read_logs(box, "member"))
        self.assertEqual({line["task"] for line in self.read_logs(box, "worker-*")}, {"worker-1", "worker-2"})
        everything = self.read_logs(box, "-n", "1000")
        self.assertIn("running", [line["text"] for line in everything])
        self.assertLessEqual({"plain", "inner", "one", "two"}, {line["text"] for line in everything})
        self.assertEqual(self.read_logs(box, "-n", "2", "t"), lines[-2:])
        self.assertEqual(self.read_logs(box, "--since", "1h", "t"), lines)
        self.assertRegex(box.ask("tendctl", "logs", "t").stdout, r"(?m)^\S+ t#1: plain$")

    def test_logs_are_followed(self):
        box = self.start(CONFIG)
        box.ask("systemd-run", "-q", "--unit=follow", "--property=StandardOutput=file:/run/followed", "tendctl", "logs", "-f",
                "worker-*")
        for task in ("worker-1", "t", "worker-2"):
            box.run("tendctl", "start", "--wait", task)
        self.until(lambda: "worker-2#1: two" in box.ask("cat", "/run/followed", check=False).stdout, "the line of worker-2")
        shown = box.ask("cat", "/run/followed").stdout
        self.assertIn("worker-1#1: one", shown)
        self.assertNotIn("plain", shown)
        box.ask("systemctl", "stop", "follow")
        self.assertEqual(box.ask("tendctl", "logs", "-f", "x", check=False).returncode, 5)

    def test_who_may_not_read_the_journal_is_told_what_to_do(self):
        box = self.start(CONFIG)
        box.run("tendctl", "start", "--wait", "t")
        self.wait_for(box, "TENDD_RUN=t#1", "TENDD_EVENT=run-done")
        for args, code in ((("t",), None), (("-f", "t"), 4)):
            done = box.ask("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "tendctl", "logs", *args,
                           check=False)
            self.assertIn("systemd-journal", done.stderr)
            self.assertNotIn("plain", done.stdout if code else "")
            if code:
                self.assertEqual(done.returncode, code)

    def test_a_flood_is_suppressed_and_counted(self):
        box = self.start("[task flood]\nmanual = yes\nlog-rate = 100/3s\ncommand = seq 1000\n"
                         "[task quiet]\nmanual = yes\nshell = echo heard\n")
        box.run("tendctl", "start", "--wait", "flood")
        box.run("tendctl", "start", "--wait", "quiet")
        self.wait_for(box, "SYSLOG_IDENTIFIER=quiet")
        told = self.until(lambda: [record for record in box.journal("TENDD_TASK=flood", "TENDD_EVENT=output-suppressed")
                                   if "were not logged" in record["MESSAGE"]], "the number of lines", 20)
        lines = len(box.journal("SYSLOG_IDENTIFIER=flood"))
        self.assertEqual(lines + sum(int(re.search(r"(\d+) lines", record["MESSAGE"])[1]) for record in told), 1000)
        self.assertGreaterEqual(lines, 100)

    def test_a_journald_that_has_stopped_holds_nothing_up(self):
        tasks = "".join(f"[task tick-{n}]\nevery = 100ms\nshell = echo tick\n" for n in range(10))
        box = self.start(tasks + "[task flood]\nmanual = yes\nlog-rate = infinity\ngrace = 1s\n"
                         "shell = while :; do head -c 1000000 /dev/zero | tr '\\0' x | fold -w 100; sleep 0.05; done\n")
        self.wait_for(box, "SYSLOG_IDENTIFIER=tick-9")
        journald = box.property("MainPID", "systemd-journald.service")
        lateness = Lateness()
        box.ask("kill", "-STOP", journald)
        try:
            lateness.start()
            begun = self.status(box)
            box.ask("tendctl", "start", "flood")
            start = time.monotonic()
            while time.monotonic() - start < STALL:  # the daemon answers all the time
                status = self.status(box)
            self.until(lambda: self.status(box)["log_dropped"] > 0, "records to be dropped", 60)
            status = self.status(box)
            witness = lateness.p99_usec()
            box.ask("tendctl", "stop", "flood")
            box.ask("tendctl", "pause", "*")
        finally:
            box.ask("kill", "-CONT", journald)
        runs = sum(status["outcomes"].values()) - sum(begun["outcomes"].values())
        lag = status["loop"]["lag_p99_usec"]
        print(f"journald stopped for {STALL:.0f} s: {runs} runs ended, {status['log_dropped']} records dropped, "
              f"lag p99 {lag} us, of a thread of this test {witness:.0f} us")
        self.assertGreater(runs, 10)
        if SANITIZERS == "no" and witness < LAG_P99_USEC / 5:  # else the machine is too busy to tell
            self.assertLessEqual(lag, LAG_P99_USEC)

        def told():
            return sum(int(re.match(r"(\d+) log records", record["MESSAGE"])[1])
                       for record in box.journal("TENDD_EVENT=log-dropped"))

        self.until(lambda: told() >= status["log_dropped"], "what was dropped to be told", 30)
        self.until(lambda: told() == self.status(box)["log_dropped"], "all that was dropped to be told", 30)

    def status(self, box):
        return json.loads(box.ask("tendctl", "status", "--json", timeout=20).stdout)

# SPDX-License-Identifier: MIT
"""The journal's catalog explains each event, and no other; journalctl takes it."""
import os
import pathlib
import re
import shutil
import subprocess

from support.case import Case
from support.daemon import environment

SOURCE = pathlib.Path(os.environ.get("top_srcdir", "."))
CATALOG = SOURCE / "systemd/tendd.catalog"
# Fields that may be in the text of an entry: those its records always have. Others would be shown as they are written.
ALL_HAVE = {"MESSAGE"}
TASKS_HAVE = ALL_HAVE | {"TENDD_TASK"}
RUNS_HAVE = TASKS_HAVE | {"TENDD_RUN"}
FIELDS = {"run-done": RUNS_HAVE | {"TENDD_OUTCOME"}, "item-failed": TASKS_HAVE, "interrupted": RUNS_HAVE,
          "remnant": RUNS_HAVE, "remnant-gone": RUNS_HAVE, "hook-dropped": RUNS_HAVE, "critical": RUNS_HAVE,
          **{name: TASKS_HAVE for name in ("output-suppressed", "failing", "recovered", "skipped", "missed", "paused", "resumed", "stale")},
          **{name: RUNS_HAVE for name in ("run-queued", "run-started", "run-stopping", "run-ready", "run-restarting",
                                          "run-down", "run-slow")}}


def table():
    """The names of the events and their ids, as the sources have them."""
    text = (SOURCE / "daemon/base/event_id.c").read_text()
    return re.findall(r'\[EVENT_\w+\] = \{ "([a-z-]+)", LOG_\w+, "([0-9a-f]{32})" \},', text)


def entries():
    """What the catalog has: name, id, headers, text."""
    for part in re.split(r"\n(?=# [a-z-]+\n-- )", CATALOG.read_text())[1:]:
        match = re.fullmatch(r"# ([a-z-]+)\n-- (\w+)\n((?:[A-Z][a-zA-Z-]+: [^\n]+\n)+)\n(.+)", part, re.S)
        assert match, part
        yield match[1], match[2], dict(line.split(": ", 1) for line in match[3].splitlines()), match[4]


class Catalog(Case):
    def test_every_event_has_an_entry_and_every_entry_an_event(self):
        names = (SOURCE / "daemon/base/event_id.h").read_text()
        count = len(re.findall(r"^ {8}EVENT_\w+,", names, re.M)) - 1  # EVENT_NONE
        self.assertEqual(len(table()), count)
        self.assertEqual([(name, message_id) for name, message_id, _, _ in entries()], table())

    def test_ids_are_unique_and_random(self):
        ids = [message_id for _, message_id in table()]
        self.assertEqual(len(ids), len(set(ids)))
        for message_id in ids:  # a version 4 UUID, as systemd-id128 new makes them
            self.assertRegex(message_id, r"^.{12}4.{3}[89ab].{15}$")

    def test_entries_say_what_and_whose(self):
        for name, _, headers, text in entries():
            self.assertEqual(set(headers), {"Subject", "Defined-By", "Documentation"}, name)
            self.assertEqual(headers["Defined-By"], "tendd")
            self.assertGreater(len(text), 60, name)
            fields = set(re.findall(r"@([A-Z_]+)@", headers["Subject"] + text))
            self.assertLessEqual(fields, FIELDS.get(name, ALL_HAVE), name)

    def test_lines_fit_a_terminal(self):
        for line in CATALOG.read_text().splitlines():
            if not line.startswith("#"):
                self.assertLessEqual(len(line), 78, line)

    def test_journalctl_takes_it(self):
        if not shutil.which("journalctl", path=environment()["PATH"]):
            self.skipTest("no journalctl (Debian: systemd)")
        for directory in ("usr/lib/systemd/catalog", "var/lib/systemd/catalog"):
            os.makedirs(self.path(directory))
        shutil.copy(CATALOG, self.path("usr/lib/systemd/catalog"))
        for verb in ("--update-catalog", "--dump-catalog"):
            done = subprocess.run(["journalctl", f"--root={self.directory}", verb], env=environment(),
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        shown = dict(re.findall(r"^-- (\w{32})\nSubject: (.*)$", done.stdout, re.M))
        self.assertEqual(shown, {message_id: headers["Subject"] for _, message_id, headers, _ in entries()})

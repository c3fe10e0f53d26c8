# SPDX-License-Identifier: MIT
"""tendctl calendar: what an expression means, without a daemon."""
import json
import os
import subprocess

from support.case import Case
from support.daemon import BUILD


class CalendarVerb(Case):
    def ctl(self, *args, code=0, env=None):
        done = subprocess.run([f"{BUILD}/tendctl", "calendar", *args], capture_output=True, text=True, check=False,
                              timeout=30, env={**os.environ, "TENDD_SOCKET": "/nonexistent", **(env or {})})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def json(self, *args):
        return json.loads(self.ctl("--json", *args))

    def test_json_has_the_instant_the_local_time_and_the_fold(self):
        self.assertEqual(self.json("02:30", "--zone", "Europe/Berlin", "--from", "@1774569600", "-n", "3"), {
            "normalized": "*-*-* 02:30:00",
            "next": [{"usec": 1774575000000000, "local": "2026-03-27 02:30:00", "fold": 0},
                     {"usec": 1774661400000000, "local": "2026-03-28 02:30:00", "fold": 0},
                     # Clocks skip it: the first instant after the gap, called by what was written.
                     {"usec": 1774746000000000, "local": "2026-03-29 02:30:00", "fold": 0}]})

    def test_a_repeated_hour_has_both_folds(self):
        answer = self.json("*:00", "-z", "Europe/Berlin", "-f", "2026-10-25 01:30", "-n4")
        self.assertEqual([(at["local"][11:13], at["fold"]) for at in answer["next"]],
                         [("02", 0), ("02", 1), ("03", 0), ("04", 0)])

    def test_five_words_are_cron(self):
        answer = self.json("0 12 13 * fri", "--zone=UTC", "--from=2026-02-01", "-n", "3")
        self.assertEqual([at["local"] for at in answer["next"]],
                         ["2026-02-06 12:00:00", "2026-02-13 12:00:00", "2026-02-20 12:00:00"])
        self.assertEqual(self.json("@daily", "-z", "UTC", "-f", "@0", "-n1")["next"],
                         [{"usec": 86400000000, "local": "1970-01-02 00:00:00", "fold": 0}])

    def test_a_time_since_1970_is_no_cron(self):
        self.assertEqual([at["usec"] for at in self.json("@1800000000", "-f", "@1")["next"]], [1800000000000000])

    def test_the_zone_of_the_expression_goes_first(self):
        answer = self.json("00:00 Asia/Tokyo", "--zone", "UTC", "--from", "2026-01-01 12:00", "-n1")
        self.assertEqual(answer, {"normalized": "*-*-* 00:00:00 Asia/Tokyo",
                                  "next": [{"usec": 1767279600000000, "local": "2026-01-02 00:00:00", "fold": 0}]})

    def test_fractions_of_a_second_are_kept(self):
        answer = self.json("00:00:00.25", "-z", "UTC", "-f", "@0", "-n1")
        self.assertEqual(answer["next"], [{"usec": 250000, "local": "1970-01-01 00:00:00.250000", "fold": 0}])

    def test_a_day_that_was_skipped(self):
        answer = self.json("2011-12-30 12:00", "-z", "Pacific/Apia", "-f", "@0")
        self.assertEqual(answer["next"], [{"usec": 1325239200000000, "local": "2011-12-30 12:00:00", "fold": 0}])

    def test_people_read_local_time_utc_and_what_is_odd(self):
        text = self.ctl("02:30", "-z", "Europe/Berlin", "-f", "2026-03-28 12:00", "-n1")
        self.assertRegex(text, r"(?m)^\*-\*-\* 02:30:00 in Europe/Berlin$")
        self.assertRegex(text, r"(?m)^Sun 2026-03-29 03:00:00  CEST  2026-03-29 01:00:00  .*"
                               r"for 02:30:00, which clocks skip$")
        text = self.ctl("*:30", "-z", "Europe/Berlin", "-f", "2026-10-25 02:00", "-n2")
        self.assertRegex(text, r"02:30:00  CEST  2026-10-25 00:30:00  .*clocks will show it once more")
        self.assertRegex(text, r"02:30:00  CET   2026-10-25 01:30:00  .*for the second time")

    def test_what_never_elapses_says_so(self):
        self.assertIn("it never elapses", self.ctl("*-02-30"))
        self.assertIn("it does not elapse again", self.ctl("2020-01-01"))
        self.assertIn("and never again", self.ctl("2190-01-01"))
        self.assertEqual(self.json("*-02-30")["next"], [])

    def test_mistakes_say_what_is_wrong(self):
        for args, text in [(["x"], '"x" is no calendar expression: '), (["60 * * * *"], "is no cron expression: "),
                           (["@reboot"], "on-start"), (["daily", "--zone", "Mars/Base"], "no time zone Mars/Base"),
                           (["daily", "--zone", "../../etc/passwd"], "no time zone"),
                           (["daily", "--from", "soon"], "--from soon: not a time"),
                           (["daily", "-n", "0"], "from 1 to 1000"), ([], "usage: "), (["Mon", "02:30"], "usage: ")]:
            with self.subTest(args=args):
                self.assertIn(text, self.ctl(*args, code=2))

    def test_a_damaged_zone_is_named(self):
        self.write("Broken", "TZif")
        self.assertIn("Broken: its file is damaged",
                      self.ctl("daily", "-z", "Broken", code=1, env={"TZDIR": self.directory}))

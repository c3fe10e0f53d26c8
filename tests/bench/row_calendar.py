# SPDX-License-Identifier: MIT
"""The next occurrence of calendars and cron lines, in a zone whose clocks change; and of some that never elapse."""
import common
from common import Contestant

ZONE = "Europe/Berlin"
TOTAL = 2000 if common.QUICK else 300000
PYTHON_TOTAL = 100 if common.QUICK else 5000

# What people write: each must be found a million times a second.
COMMON = [("calendar", "*:0/5"), ("calendar", "daily"), ("calendar", "Mon..Fri 02:30"), ("cron", "*/5 2 * * 1-5"),
          ("cron", "0 0 13 * 5")]

# By how they end: no such day, past, a date and a weekday that do not meet, and the worst that is known: what falls into a
# gap each year, of which all years up to the last are looked at.
NEVER = [("calendar", "*-02-30", 1), ("calendar", "2020-*-* *:0", 1), ("calendar", "Mon 2024-01-02", 1),
         ("calendar", "Sun *-03~07/1 02:*", 200)]


def ours(kind, text, total=TOTAL):
    return lambda: common.rate([common.program("calendar-next"), kind, text, ZONE, str(total)], total) / 1e6


def never(kind, text, total):
    def measure():
        result = common.run_json([common.program("calendar-next"), kind, text, ZONE, str(total)], expect_done=total)
        if result["never"] != total:
            raise common.Broken(f"{text} elapses")
        return result["seconds"] / total * 1e6

    return measure


def croniter(text):
    def measure():
        argv = common.python_peer("peer_croniter.py", "croniter", "python3-croniter")
        return common.rate([*argv, text, ZONE, str(PYTHON_TOTAL)], PYTHON_TOTAL) / 1e6

    return measure


def measure():
    row = common.Row("calendar", f"calendar: the next occurrence, in {ZONE}, by time of the processor")
    contestants = [Contestant(f"tendd, {text}", ours(kind, text), "M/s") for kind, text in COMMON]
    contestants += [Contestant(f"tendd, {text}: never", never(kind, text, max(TOTAL // 100 // slower, 10)), "µs")
                    for kind, text, slower in NEVER]
    contestants.append(Contestant("croniter, */5 2 * * 1-5", croniter("*/5 2 * * 1-5"), "M/s", slow=True))
    row.compare(contestants)
    for _, text in COMMON:
        row.bar_value(f"tendd, {text}", 1, at_least=True)
    for _, text, slower in NEVER:
        row.bar_value(f"tendd, {text}: never", 5 * slower)
    return row

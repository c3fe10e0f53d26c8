# SPDX-License-Identifier: MIT
"""Zones say what Python's zoneinfo says, of all zones of tzdata: at every transition and a second before, at samples all
along (so that a transition that is missed shows), and for local time around each transition, in both folds."""
import collections
import datetime
import hashlib
import itertools
import os
import struct
import subprocess
import zoneinfo

from support.case import Case
from support.daemon import BUILD

DIRECTORY = "/usr/share/zoneinfo"
EPOCH = datetime.datetime(1970, 1, 1)
SECOND = datetime.timedelta(seconds=1)
DAY = 86400


def seconds(year):
    return (datetime.datetime(year, 1, 1) - EPOCH) // SECOND


def read(name):
    with open(os.path.join(DIRECTORY, name), "rb") as file:
        return file.read()


def distinct_zones():
    """The names that available_timezones() has, those of equal files together."""
    by_content = collections.defaultdict(list)
    for name in sorted(zoneinfo.available_timezones()):
        by_content[hashlib.sha256(read(name)).digest()].append(name)
    return sorted(by_content.values())


def written_transitions(name):
    """The times of transitions in a file, read without either of the two that are compared."""
    data = read(name)
    head = struct.Struct(">4sc15x6I")

    def counts(at):
        magic, _, n_ut, n_std, n_leap, n_time, n_type, n_char = head.unpack_from(data, at)
        assert magic == b"TZif", name
        return n_ut, n_std, n_leap, n_time, n_type, n_char

    n_ut, n_std, n_leap, n_time, n_type, n_char = counts(0)
    at = head.size + n_time * 5 + n_type * 6 + n_char + n_leap * 8 + n_std + n_ut
    n_time = counts(at)[3]
    return struct.unpack_from(f">{n_time}q", data, at + head.size)


class Zone:
    """One zone as Python has it."""

    def __init__(self, name):
        self.zone = zoneinfo.ZoneInfo(name)

    def at(self, utc):
        time = datetime.datetime.fromtimestamp(utc, self.zone)
        return int(time.utcoffset() / SECOND), int(bool(time.dst())), time.tzname()

    def resolve(self, local):
        """Both readings of a local time, by datetime's rule: in a gap, fold 0 has the offset before it, fold 1 that after it."""
        time = EPOCH + datetime.timedelta(seconds=local)
        first, second = (local - int(time.replace(tzinfo=self.zone, fold=fold).utcoffset() / SECOND) for fold in (0, 1))
        if first == second:
            return "unique", first, second
        if first < second:
            return "repeated", first, second
        return "gap", second, first

    def samples(self, start, end, step):
        """The runs of equal answers: (instant, answer)."""
        last = None
        result = []
        zone, fromtimestamp = self.zone, datetime.datetime.fromtimestamp
        for utc in range(start, end, step):
            time = fromtimestamp(utc, zone)
            now = (time.utcoffset(), time.tzname(), time.dst())
            if now != last:
                result.append((utc, self.at(utc)))
            last = now
        return [result[0]] + [b for a, b in itertools.pairwise(result) if a[1] != b[1]]


class Zones(Case):
    def ask(self, names, start, end, step):
        """{name: {"sample" | "change" | "local": [words...]}}"""
        done = subprocess.run([f"{BUILD}/tests/support/zone-print", str(start), str(end), str(step)],
                              input="\n".join(names) + "\n", capture_output=True, text=True, check=False, timeout=100 * self.SCALE)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = {}
        for line in done.stdout.splitlines():
            word, *rest = line.split(" ")
            if word == "zone":
                lines = result[rest[0]] = collections.defaultdict(list)
            else:
                lines[word].append(rest)
        self.assertEqual(list(result), names)
        return result

    def compare_changes(self, name, zone, changes):
        for at, *answers in changes:
            at = int(at)
            for utc, (offset, dst, abbreviation) in ((at - 1, answers[:3]), (at, answers[3:])):
                self.assertEqual((int(offset), int(dst), abbreviation), zone.at(utc), f"{name} at {utc}")
            self.assertNotEqual(zone.at(at - 1)[0], zone.at(at)[0], f"{name}: no change at {at}")

    def compare_written(self, name, zone, changes, start, end):
        """What the file has as a transition is one if and only if the offset changes there."""
        known = {int(change[0]) for change in changes}
        for at in written_transitions(name):
            if start < at < end:
                self.assertEqual(zone.at(at - 1)[0] != zone.at(at)[0], at in known, f"{name}: transition {at}")

    def compare_local(self, name, zone, locals_, changes):
        starts = {int(change[0]) for change in changes}
        for local, kind, first, last in locals_:
            expected = zone.resolve(int(local))
            if kind == "gap":
                # Python gives the two readings, between which the clocks were set: that instant is what we say.
                self.assertEqual(expected[0], "gap", f"{name}: local {local}")
                self.assertEqual(first, last)
                self.assertIn(int(first), starts)
                self.assertTrue(expected[1] < int(first) <= expected[2], f"{name}: local {local}: {first}")
            else:
                self.assertEqual((kind, int(first), int(last)), expected, f"{name}: local {local}")

    def compare(self, zones, start, end, step):
        totals = collections.Counter()
        answers = self.ask([name for names in zones for name in names], start, end, step)
        for names in zones:
            name = names[0]
            ours = answers[name]
            for other in names[1:]:
                self.assertEqual(answers[other], ours, f"{other} is not {name}")
            zone = Zone(name)
            samples = [(int(at), (int(offset), int(dst), word)) for at, offset, dst, word in ours["sample"]]
            self.assertEqual(samples, zone.samples(start, end, step), name)
            self.compare_changes(name, zone, ours["change"])
            self.compare_written(name, zone, ours["change"], start, end)
            self.compare_local(name, zone, ours["local"], ours["change"])
            totals.update(zones=len(names), distinct=1, samples=(end - start) // step, changes=len(ours["change"]),
                          locals=len(ours["local"]))
        print(", ".join(f"{n} {what}" for what, n in totals.items()))
        return totals

    def compare_part(self, part):
        """Every fourth zone: in parts, so that none takes long where much else is at work."""
        zones = distinct_zones()
        if not zones:
            self.skipTest("no zones (Debian: tzdata)")
        totals = self.compare(zones[part::4], seconds(1970), seconds(2100), 3 * DAY + 3607)
        self.assertGreater(totals["changes"], 2000)

    def test_zones_are_as_python_has_them_1(self):
        self.compare_part(0)

    def test_zones_are_as_python_has_them_2(self):
        self.compare_part(1)

    def test_zones_are_as_python_has_them_3(self):
        self.compare_part(2)

    def test_zones_are_as_python_has_them_4(self):
        self.compare_part(3)

    def test_rules_go_on_for_ever(self):
        zones = [names for names in distinct_zones()
                 if names[0] in ("America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Jerusalem",
                                 "America/Nuuk", "Africa/Cairo", "Asia/Tokyo", "Asia/Gaza", "America/Santiago")]
        self.assertGreater(len(zones), 3)
        self.compare(zones, seconds(2395), seconds(2405), DAY)
        self.compare(zones, seconds(9700), seconds(9998), 10 * DAY)

# SPDX-License-Identifier: MIT
"""Calendars elapse when systemd-analyze says, and cron lines when croniter says, but for what is listed here.

Thousands of generated expressions, base times and zones; TEST_SEED chooses others, TENDD_PEERS_ROUNDS makes them more. Each intended
difference is a predicate with a name, as narrow as it can be, and counted; the counts are printed.
"""
import collections
import datetime
import os
import random
import re
import shutil
import subprocess
import unittest
import zoneinfo

try:
    import croniter
except ImportError:
    croniter = None

from support.case import Case
from support.daemon import BUILD

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
ASK = os.path.join(BUILD, "tests/support/calendar-ask")
ROUNDS = int(os.environ.get("TENDD_PEERS_ROUNDS", "1"))
SEED = int(os.environ.get("TEST_SEED", 1))

USEC = 1000000
SECOND = datetime.timedelta(seconds=1)
EPOCH = datetime.datetime(1970, 1, 1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe",
         "Pacific/Apia", "Europe/Dublin", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Chatham", "Asia/Tehran",
         "Antarctica/Troll", "America/St_Johns", "Africa/Cairo", "Asia/Kolkata"]

# Near changes of the clocks in those zones, where most can go wrong; and anywhere.
CHANGES = ["2024-03-31 01:00", "2024-10-27 01:00", "2024-03-10 07:00", "2024-11-03 06:00", "2018-11-04 03:00",
           "2018-02-18 02:00", "2024-11-03 05:00", "2024-10-05 15:30", "2024-04-06 15:00", "2011-12-30 10:00",
           "2023-03-19 02:00", "2023-04-23 02:00", "2024-09-28 14:00", "2024-04-06 14:00", "2022-03-21 20:30"]


def seconds(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp())


def ask(questions):
    """The answers of calendar-ask to (kind, text, zone, after in seconds, n): a sentence, or (normalized, occurrences)."""
    lines = "".join("\t".join((kind, text, zone, str(after * USEC), str(n))) + "\n"
                    for kind, text, zone, after, n in questions)
    done = subprocess.run([ASK], input=lines, capture_output=True, text=True, timeout=300, check=True)
    answers = []
    for line in done.stdout.splitlines():
        verdict, first, *rest = line.split("\t")
        if verdict == "wrong":
            answers.append(first)
        else:
            answers.append((first, [Occurrence(*occurrence.split(":")) for occurrence in rest]))
    assert len(answers) == len(questions), done.stderr
    return answers


class Occurrence:
    __slots__ = ("utc", "local", "fold", "kind")

    def __init__(self, utc, local, fold, kind):
        self.utc = int(utc) // USEC
        self.local = int(local) // USEC
        self.fold = int(fold)
        self.kind = kind

    def __repr__(self):
        return f"{self.utc} ({civil(self.local)}{' again' if self.fold else ''}, {self.kind})"


# ---- expressions ----

class Generator:
    """Expressions that people write, and worse ones."""

    def __init__(self, rng):
        self.rng = rng

    def one_of(self, *makers):
        return self.rng.choice(makers)()

    def value(self, low, high, width):
        value = self.rng.randint(low, high)
        return f"{value:0{self.rng.choice((1, width))}d}"

    def component(self, low, high, width, step):
        rng = self.rng
        kind = rng.random()
        if kind < 0.5:
            return self.value(low, high, width)
        first = rng.randint(low, high - 1)
        if kind < 0.7:
            return f"{first:0{width}d}/{rng.randint(1, min(high - first, step))}"
        last = rng.randint(first + 1, high)
        text = f"{first:0{width}d}..{last:0{width}d}"
        return text if kind < 0.9 else f"{text}/{rng.randint(1, step)}"

    def field(self, low, high, width=2, star=0.4, step=30):
        if self.rng.random() < star:
            return "*"
        return ",".join(self.component(low, high, width, step) for _ in range(self.rng.choice((1, 1, 1, 2, 3))))

    def weekdays(self):
        names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "monday", "tuesday", "Wednesday", "THU", "friday",
                 "saturday", "Sunday"]
        parts = []
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            first = self.rng.randrange(7)
            last = self.rng.randrange(first, 7)
            parts.append(names[first + self.rng.choice((0, 7))] +
                         (self.rng.choice(("..", "..", "-")) + names[last] if last > first else ""))
        return ",".join(parts) + self.rng.choice(("", "", "", ","))

    def seconds(self):
        rng = self.rng
        if rng.random() < 0.85:
            return self.field(0, 59)
        text = f"{rng.randint(0, 58)}.{rng.randint(0, 9999999)}"
        return text + (f"/{rng.randint(0, 20)}.{rng.randint(1, 999)}" if rng.random() < 0.3 else "")

    def date(self):
        rng = self.rng
        year = rng.choice(("", "", "*-", "*-", "*-", f"{rng.randint(2010, 2030)}-", f"{rng.randint(0, 99):02d}-",
                           self.field(2000, 2060, 4) + "-", f"{rng.randint(1970, 2030)}/{rng.randint(1, 9)}-"))
        if rng.random() < 0.2:
            # No lists of days before the end: systemd forbids most of them, by an oversight.
            return f"{year}{self.field(1, 12, star=0.7, step=6)}~{self.component_before_end()}"
        return f"{year}{self.field(1, 12, star=0.7, step=6)}-{self.field(1, 31, step=15)}"

    def component_before_end(self):
        first = self.rng.randint(1, 27)
        return self.one_of(lambda: f"{first:02d}", lambda: f"{first}..{self.rng.randint(first + 1, 28)}",
                           lambda: f"{first + 1}/{self.rng.randint(1, first)}")

    def time(self):
        rng = self.rng
        hour = self.one_of(lambda: self.field(0, 23, step=12), lambda: self.field(0, 3, star=0.1, step=2),
                           lambda: str(rng.randint(0, 3)))
        minute = self.one_of(lambda: self.field(0, 59), lambda: rng.choice(("00", "30", "15,45", "0/15", "59")))
        return f"{hour}:{minute}" + (f":{self.seconds()}" if rng.random() < 0.3 else "")

    def expression(self):
        rng = self.rng
        if rng.random() < 0.02:
            return rng.choice(("minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly",
                               "annually", "biannually", f"@{rng.randrange(4000000000)}"))
        parts = [self.weekdays()] if rng.random() < 0.3 else []
        parts += [self.date()] if rng.random() < 0.5 else []
        parts += [self.time()] if rng.random() < 0.8 or not parts else []
        return " ".join(parts)

    def mistake(self):
        """An expression with some letters changed, which may still be none or another one."""
        text = list(self.expression())
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            at = self.rng.randrange(len(text))
            what = self.rng.choice("0123456789*/,.-~: @MonUT")
            self.rng.choice((lambda: text.insert(at, what), lambda: text.__setitem__(at, what),
                             lambda: text.__delitem__(at) if len(text) > 1 else None))()
        return "".join(text).strip() or "none"

    def base(self):
        if self.rng.random() < 0.7:
            return seconds(self.rng.choice(CHANGES)) + self.rng.randint(-2 * 86400, 86400)
        return self.rng.randint(86400, 4000000000)


class CronGenerator(Generator):
    """Lines of cron that croniter reads as cron does."""

    MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
    DAYS = "sun mon tue wed thu fri sat".split()

    def cron_component(self, low, high, names):
        """Its text and its values."""
        rng = self.rng

        def name(value):
            return names[value - low] if names and rng.random() < 0.4 and value - low < len(names) else str(value)

        first = rng.randint(low, high)
        kind = rng.random()
        if kind < 0.6 or first == high:
            return name(first), {first}
        last = rng.randint(first + 1, high)
        text = f"{name(first)}-{name(last)}"
        if kind < 0.85:
            return text, set(range(first, last + 1))
        step = rng.randint(1, last - first)
        return f"{text}/{step}", set(range(first, last + 1, step))

    def cron_field(self, low, high, star, names=()):
        rng = self.rng
        kind = rng.random()
        if kind < star:
            return "*"
        if kind < star + 0.15:
            return f"*/{rng.randint(1, (high - low) // 2)}"
        while True:
            components = [self.cron_component(low, high, names) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
            # croniter takes what covers a field for a star.
            if len(set().union(*(values for _, values in components))) < high - low:
                return ",".join(text for text, _ in components)

    def line(self):
        if self.rng.random() < 0.03:
            return self.rng.choice(("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"))
        return " ".join((self.cron_field(0, 59, 0.2), self.cron_field(0, 23, 0.3), self.cron_field(1, 31, 0.5),
                         self.cron_field(1, 12, 0.6, self.MONTHS), self.cron_field(0, 7, 0.5, self.DAYS)))


# ---- systemd ----

GAVE_UP = object()


def systemd(expressions, zone, base, n):
    """What systemd-analyze says of each: None when it is a mistake, GAVE_UP, or (normalized, [UTC…])."""
    env = {"PATH": os.environ["PATH"], "TZ": zone, "LC_ALL": "C"}
    done = subprocess.run([SYSTEMD_ANALYZE, "calendar", f"--iterations={n}", f"--base-time=@{base}", "--", *expressions],
                          capture_output=True, text=True, timeout=300, check=False, env=env)
    answers, said = [], None
    for line in done.stdout.splitlines():
        key, _, value = line.partition(": ")
        key = key.strip()
        if key == "Normalized form":
            said = (value, [])
            answers.append(said)
        elif (key == "Next elapse" or key.startswith("Iter.")) and value.endswith(" UTC"):
            said[1].append(seconds(value[4:-4]))
        elif key == "(in UTC)":
            said[1].append(seconds(value[4:-4]))
    wrong = set(re.findall(r"^Failed to parse calendar specification '(.*)': ", done.stderr, re.M))
    lost = set(re.findall(r"^Failed to determine next elapse for '(.*)': Resource deadlock avoided", done.stderr, re.M))
    answers = iter(answers)
    result = [None if text in wrong else GAVE_UP if text in lost else next(answers) for text in expressions]
    assert next(answers, None) is None, done.stderr
    return result


# Where a field's values end, and how many there are before the next larger unit.
FIELD_ENDS = {"month": (12, 12), "day": (31, 31), "hour": (23, 24), "minute": (59, 60), "second": (59.999999, 60)}


def open_repetitions(normalized):
    """(field, start, repetition) of each A/N without an end: what systemd carries over into the next unit."""
    form = re.search(r"(\S+)-(\S+?)([-~])(\S+) (\S+):(\S+):(\S+)", normalized)
    texts = zip(("year", "month", "day", "hour", "minute", "second"), form.group(1, 2, 4, 5, 6, 7))
    for field, text in texts:
        for start, repetition in re.findall(r"(?:^|,)(\d+(?:\.\d+)?)/([\d.]+)", text):
            start = float(start)
            yield field, 32 - start if field == "day" and form.group(3) == "~" else start, float(repetition)


def carried(normalized):
    """The first value by field that an open repetition reaches when it runs on into the next unit."""
    reached = collections.defaultdict(float)
    for field, start, repetition in open_repetitions(normalized):
        if field != "year":
            end, n = FIELD_ENDS[field]
            reached[field] = max(reached[field], start + (int((end - start) / repetition) + 1) * repetition - n)
    return reached


def civil(local):
    return EPOCH + datetime.timedelta(seconds=local)


CONSTANT_ZONES = {"UTC", "Asia/Kathmandu", "Asia/Kolkata"}


def is_lost_by_carrying(normalized, zone, occurrence):
    """systemd lets an open repetition run on at the end of its field (minute 50/15 is 65, minute 5 of the next hour), and at the turn of
    a larger unit forgets what lies before that. Of days it forgets more, if clocks changed since."""
    time = civil(occurrence.local)
    reached = carried(normalized)
    return (any(getattr(time, field) < least for field, least in reached.items()) or
            ("day" in reached and zone not in CONSTANT_ZONES))


def gap_on(zone, date):
    """The local times between which the clocks of @zone were set forward on @date: seconds, or None."""
    zone = zoneinfo.ZoneInfo(zone)
    start = datetime.datetime(date.year, date.month, date.day)
    for minute in range(0, 1440, 15):
        time = start + datetime.timedelta(minutes=minute)
        back = time.replace(tzinfo=zone).astimezone(datetime.timezone.utc).astimezone(zone).replace(tzinfo=None)
        if back != time:
            return (time - EPOCH) // SECOND, (back - EPOCH) // SECOND
    return None


def is_lost_after_gap(text, zone, occurrence):
    """Where an expression has a time in a gap, or its hour begins in one, systemd loses what lies behind the gap on that day."""
    gap = gap_on(zone, civil(occurrence.local))
    if not gap or occurrence.local < gap[1]:
        return False
    if gap[0] <= occurrence.local // 3600 * 3600 < gap[1]:
        return True
    ((_, plain),) = ask([("calendar", re.sub(r" (UTC|[A-Z][a-z]+/\S+)$", "", text), "UTC", gap[0] - 1, 1)])
    return bool(plain) and plain[0].utc < gap[1]


def is_wildcard(normalized):
    """Its hour or minute is a star or a repetition of it: alone they follow elapsed time."""
    form = re.search(r" ([^ :]+):([^ :]+):\S+(?: |$)", normalized)
    return any(re.search(r"^\*$|(?:^|,)00/\d", field) for field in form.group(1, 2))


def is_second_time(zone, utc):
    return datetime.datetime.fromtimestamp(utc, zoneinfo.ZoneInfo(zone)).fold == 1


# What only tendd has, and only systemd: by name a predicate.
ONLY_OURS = {
    "a fixed time in a gap: at its end": lambda text, form, zone, o: o.kind == "gap" and not is_wildcard(form),
    "a wildcard in a repeated hour: again": lambda text, form, zone, o: 
        o.kind == "repeated" and o.fold == 1 and is_wildcard(form),
    "a fixed time in a repeated hour: the first time": lambda text, form, zone, o:
        o.kind == "repeated" and o.fold == 0,
    "systemd loses what it carries over": lambda text, form, zone, o: is_lost_by_carrying(form, zone, o),
    "systemd loses what follows a gap": lambda text, form, zone, o: is_lost_after_gap(text, zone, o),
}
ONLY_THEIRS = "a fixed time in a repeated hour: not again"

# What only tendd accepts.
ACCEPTED = {
    "a repetition of a star": lambda text: re.search(r"\*/\d", text),
    "a list of days before the month's end": lambda text: re.search(r"~\S*,", text),
}


def compare_parsed(text, theirs, ours, counts):
    """None when both accept, both refuse, or tendd alone accepts as intended; else what differs."""
    if theirs is None and not isinstance(ours, str):
        for name, predicate in ACCEPTED.items():
            if predicate(text):
                counts[f"only tendd accepts {name}"] += 1
                return None
        return f"only tendd accepts it, as {ours[0]}"
    if theirs is None:
        counts["refused by both"] += 1
        return None
    if isinstance(ours, str):
        return f"tendd alone refuses it: {ours}"
    if theirs is not GAVE_UP and theirs[0] != ours[0]:
        return f"normalized it is {theirs[0]} for systemd, {ours[0]} for tendd"
    return None


def compare(text, zone, theirs, ours, counts):
    """None when both say the same but for what is intended, else what differs."""
    wrong = compare_parsed(text, theirs, ours, counts)
    if wrong or theirs is None:
        return wrong
    form, ours = ours
    if theirs is GAVE_UP:
        if not any(open_repetitions(form)) and zone in CONSTANT_ZONES:
            return "systemd gave up"
        counts["systemd gives up"] += 1
        return None
    theirs = collections.deque(theirs[1])
    for occurrence in ours:
        while theirs and theirs[0] < occurrence.utc and is_second_time(zone, theirs[0]) and not is_wildcard(form):
            counts[ONLY_THEIRS] += 1
            theirs.popleft()
        if not theirs:
            return None
        if occurrence.utc == theirs[0]:
            counts["equal"] += 1
            theirs.popleft()
            continue
        for name, predicate in ONLY_OURS.items():
            if occurrence.utc < theirs[0] and predicate(text, form, zone, occurrence):
                counts[name] += 1
                break
        else:
            return f"next is {theirs[0]} for systemd, {occurrence} for tendd"
    return f"systemd has {list(theirs)}, too" if theirs and len(ours) < WANTED else None


def is_lost_in_march(occurrence):
    """croniter looks for a day that February lacks, and then begins with March 2nd, 3rd or 4th."""
    time = civil(occurrence.local)
    return time.month == 3 and time.day <= 3


def compare_cron(theirs, ours, counts):
    if len(theirs) < len(ours):
        counts["croniter gives up"] += 1
    theirs = collections.deque(theirs)
    for occurrence in ours:
        if not theirs:
            return None
        if occurrence.utc == theirs[0]:
            counts["equal"] += 1
            theirs.popleft()
        elif occurrence.utc < theirs[0] and is_lost_in_march(occurrence):
            counts["croniter loses days after February"] += 1
        else:
            return f"next is {theirs[0]} for croniter, {occurrence} for tendd"
    return f"croniter has {list(theirs)}, too" if theirs and len(ours) < 8 else None


# Occurrences that are asked of each: of tendd more, for those that systemd loses.
ITERATIONS = 20
WANTED = 100


class CalendarPeers(Case):
    def setUp(self):
        super().setUp()
        if not os.path.exists(ASK):
            self.skipTest(f"{ASK} is not built (make check builds it)")
        self.rng = random.Random(SEED)
        self.counts = collections.Counter()

    def told(self, wrong):
        summary = ", ".join(f"{name}: {n}" for name, n in sorted(self.counts.items()))
        print(f"TEST_SEED={SEED} {self._testMethodName}: {summary}")
        self.assertEqual(wrong, [], f"\nTEST_SEED={SEED}, {summary}")

    @unittest.skipUnless(SYSTEMD_ANALYZE, "no systemd-analyze (Debian: systemd)")
    def test_systemd(self):
        version = subprocess.run([SYSTEMD_ANALYZE, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        if version != "252":
            self.skipTest(f"systemd {version} is not the 252 whose differences are known")
        generator = Generator(self.rng)
        wrong = []
        for _ in range(60 * ROUNDS):
            zone, base = self.rng.choice(ZONES), generator.base()
            local, n = zone, ITERATIONS
            texts = [generator.expression() for _ in range(50)] + [generator.mistake() for _ in range(10)]
            if self.rng.random() < 0.2:
                # The zone in the expression, and another one around it. Few: systemd forks for each occurrence.
                texts = [f"{text} {zone}" for text in texts[-15:] if not text.startswith("@")]
                local, n = "Asia/Kathmandu", 4
            theirs = systemd(texts, local, base, n)
            ours = ask([("calendar", text, local, base, WANTED) for text in texts])
            for text, a, b in zip(texts, theirs, ours):
                what = compare(text, zone, a, b, self.counts)
                if what:
                    wrong.append(f"{text!r} in {zone} after {base}: {what}")
        self.told(wrong)
        self.assertGreater(self.counts["equal"], 25000 * ROUNDS)
        # An exception that is needed often would hide mistakes of ours.
        self.assertLess(sum(self.counts.values()) - self.counts["equal"] - self.counts["refused by both"],
                        self.counts["equal"] / 50, self.counts)

    @unittest.skipUnless(croniter, "no croniter (Debian: python3-croniter)")
    def test_croniter(self):
        """In UTC: how a cron line follows clocks, it shares with calendars. Left out, because croniter differs: what both do about
        a star with a step in one of the two days (its day_or is told to it here), a field that covers all values without a
        star, a step without a range and ranges that run backwards (it accepts both), and steps beyond the field."""
        generator = CronGenerator(self.rng)
        wrong = []
        for _ in range(15 * ROUNDS):
            base = self.rng.randint(86400, 4000000000)
            lines = [generator.line() for _ in range(100)]
            for line, ours in zip(lines, ask([("cron", line, "UTC", base, 8) for line in lines])):
                if isinstance(ours, str):
                    wrong.append(f"{line!r}: tendd refuses it: {ours}")
                    continue
                what = compare_cron(self.croniter(line, base, 8), ours[1], self.counts)
                if what:
                    wrong.append(f"{line!r} after {base}: {what}")
        self.told(wrong)
        self.assertGreater(self.counts["equal"], 10000 * ROUNDS)
        self.assertLess(self.counts["croniter gives up"], 100 * ROUNDS)

    @staticmethod
    def croniter(line, base, n):
        fields = line.split()
        either = len(fields) == 5 and not fields[2].startswith("*") and not fields[4].startswith("*")
        result = []
        try:
            times = croniter.croniter(line, base, day_or=either)
            while len(result) < n:
                result.append(int(times.get_next(float)))
        except croniter.CroniterBadDateError:
            pass
        return result

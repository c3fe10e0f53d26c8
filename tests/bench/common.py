# SPDX-License-Identifier: MIT
"""What the rows share: contestants measured in turns, their medians and ratios, and the bars they are held to.

A row asks for rounds; in each round every contestant is measured once, fast ones several times in turn (A B C A B C),
and the round's value is the median of these. A ratio is the median of the rounds' own ratios: both sides of it were
measured within seconds of each other, so that a machine that is slower for a while slows both.
"""
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

QUICK = os.environ.get("BENCH_QUICK", "0") not in ("", "0")
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or (1 if QUICK else 5))
PASSES = 1 if QUICK else 3  # of a fast contestant within a round
TIMEOUT = 300  # seconds for one measurement: longer than any takes

SOURCE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("top_builddir", ".")
PYTHON = "/usr/bin/python3"


class Broken(Exception):
    """A measurement failed that should not have: the bench ends with an error."""


class Missing(Exception):
    """A peer is not installed; the text names its Debian package."""


def program(name):
    """A program that `make bench` built."""
    path = os.path.join(BUILD, "tests/bench", name)
    if not os.access(path, os.X_OK):
        raise Broken(f"{path} was not built")
    return path


def tool(name, package):
    """A program from a Debian package."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{name}: apt-get install {package}")
    return path


def python_peer(name, module, package):
    """The command of a peer in Python, which needs @module."""
    if subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode != 0:
        raise Missing(f"{module}: apt-get install {package}")
    return [PYTHON, "-B", os.path.join(SOURCE, name)]


def run_json(argv, expect_done=None, env=None):
    """Runs a peer that prints its result as JSON; checks that it did all of its work."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=TIMEOUT, env=env,
                          start_new_session=True)
    if done.returncode != 0:
        raise Broken(f"{argv[0]}: exit {done.returncode}")
    result = json.loads(done.stdout)
    if expect_done is not None and result["done"] != expect_done:
        raise Broken(f"{' '.join(argv[:3])}: {result['done']} of {expect_done} done, {result['failed']} failed")
    return result


def rate(argv, n, env=None):
    return n / run_json(argv, expect_done=n, env=env)["seconds"]


def wall(argv, **kwargs):
    """Seconds that a whole process takes. It must end with 0."""
    start = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT,
                          start_new_session=True, **kwargs)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        raise Broken(f"{' '.join(argv[:3])}: exit {done.returncode}")
    return seconds


@dataclasses.dataclass
class Contestant:
    name: str
    measure: object  # () → a number, or a tuple of numbers for `name` and the names in `more`
    unit: str = "/s"
    slow: bool = False  # seconds rather than tenths of a second: once in a round
    more: tuple = ()


@dataclasses.dataclass
class Bar:
    text: str
    value: float
    bound: float
    at_least: bool = True
    unit: str = "×"

    @property
    def met(self):
        return self.value >= self.bound if self.at_least else self.value <= self.bound


class Row:
    """The results of one row of the table."""

    def __init__(self, name, title):
        self.name = name
        self.title = title
        self.values = {}  # name → values of the rounds
        self.units = {}
        self.bars = []
        self.skipped = []
        self.notes = []
        print(f"\n{title}", flush=True)

    def add(self, name, value, unit):
        self.values.setdefault(name, []).append(value)
        self.units[name] = unit

    def median(self, name):
        return statistics.median(self.values[name])

    def ratio(self, name, other):
        return statistics.median(a / b for a, b in zip(self.values[name], self.values[other]))

    def compare(self, contestants, rounds=None):
        """Measures @contestants in turns. One that is Missing is left out and named."""
        present = []
        for contestant in contestants:
            try:
                contestant.measure()  # also warms the caches
                present.append(contestant)
            except Missing as e:
                self.skipped.append(f"{contestant.name} ({e})")
        for _ in range(rounds or ROUNDS):
            found = {}
            for i in range(PASSES):
                for contestant in present:
                    if i > 0 and contestant.slow:
                        continue
                    values = contestant.measure()
                    names = (contestant.name, *contestant.more)
                    for name, value in zip(names, values if isinstance(values, tuple) else (values,)):
                        found.setdefault(name, []).append(value)
                        self.units[name] = contestant.unit
            for name, values in found.items():
                self.values.setdefault(name, []).append(statistics.median(values))
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def bar_ratio(self, name, other, bound):
        if name in self.values and other in self.values:
            self.bars.append(Bar(f"{name} ≥ {bound:g}× {other}", self.ratio(name, other), bound))

    def bar_value(self, name, bound, at_least=False):
        if name in self.values:
            sign = "≥" if at_least else "≤"
            text = f"{name} {sign} {bound:g} {self.units[name]}"
            self.bars.append(Bar(text, self.median(name), bound, at_least, self.units[name]))

    def print(self):
        for name, values in self.values.items():
            spread = f"({number(min(values))} … {number(max(values))})" if len(values) > 1 else ""
            print(f"  {name:<44} {number(statistics.median(values)):>10} {self.units[name]:<5} {spread}")
        for bar in self.bars:
            space = "" if bar.unit == "×" else " "
            print(f"  {'met' if bar.met else 'NOT MET':<8} {bar.text}: {number(bar.value)}{space}{bar.unit}")
        for text in self.skipped:
            print(f"  skipped  {text}")
        for text in self.notes:
            print(f"  note     {text}")
        sys.stdout.flush()

    def to_json(self):
        return {
            "row": self.name,
            "values": {n: {"unit": self.units[n], "rounds": v, "median": self.median(n)} for n, v in self.values.items()},
            "bars": [{"text": b.text, "value": b.value, "bound": b.bound, "met": b.met} for b in self.bars],
            "skipped": self.skipped,
            "notes": self.notes,
        }


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def scratch():
    """A private directory, readable by the users that servers change to."""
    directory = tempfile.TemporaryDirectory(prefix="tendd-bench-")
    os.chmod(directory.name, 0o755)
    return directory

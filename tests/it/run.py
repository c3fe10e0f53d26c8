#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run.py [-l] [-v] [-j N] [PATTERN...]: the integration tests, each in a process of its own, several at a time.

A test is a method test_* of a class derived from support.case.Case in a file tests/it/test_*.py: there is nothing else
to register. PATTERN, or a word of $TENDD_IT, selects by substring of file.Class.method. Prints one line per test, with the time it took and the
processor's time it used; the output of those that failed; why others were skipped; "N passed, N failed, N skipped"; and
last of all, after a line "failed:", the names of those that failed, with the end of their output.
"""
import argparse
import collections
import concurrent.futures
import io
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))

from support.wait import SCALE  # noqa: E402

# A test that has not ended by then never will.
DEADLINE = 120 * SCALE

# What is told again of a test that failed, and of how many.
AGAIN_LINES, AGAIN_TESTS = 12, 6

# How a child tells its result: exit codes that nothing else uses.
PASSED, FAILED, SKIPPED = 0, 1, 77


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def discover(patterns):
    names = [test.id() for test in flatten(unittest.TestLoader().discover(str(HERE), top_level_dir=str(HERE)))]
    return [name for name in names if not patterns or any(pattern in name for pattern in patterns)]


def run_here(name):
    """Runs one test in this process, and exits with its result."""
    test = next(flatten(unittest.TestLoader().loadTestsFromName(name)))
    result = unittest.TextTestResult(unittest.runner._WritelnDecorator(io.StringIO()), True, 0)

    def on_alarm(_signo, _frame):
        raise AssertionError(f"the test did not end within {DEADLINE:.0f} s")

    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(int(DEADLINE))
    test.run(result)
    if result.skipped:
        print(result.skipped[0][1])
        sys.exit(SKIPPED)
    for _, text in result.errors + result.failures:
        print(text)
    if not result.wasSuccessful():
        print(getattr(test, "logs", lambda: "")())
    sys.exit(PASSED if result.wasSuccessful() else FAILED)


def run_child(name):
    """Returns @name, its result, its output, how long it took, and the processor's time with that of its daemons."""
    start = time.monotonic()
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen([sys.executable, __file__, "--one", name], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    timer = threading.Timer(DEADLINE + 60, process.kill)
    timer.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode < 0:
        output += f"killed by signal {-process.returncode}\n"
    return name, process.returncode, output, time.monotonic() - start, usage.ru_utime + usage.ru_stime


def tell_again(failed):
    """What failed, in few lines: @failed maps names to outputs."""
    print("failed:")
    for name, output in list(failed.items())[:AGAIN_TESTS]:
        print(f"FAIL {name}")
        print("".join(f"    {line}\n" for line in telling(output)), end="")
    for name in list(failed)[AGAIN_TESTS:]:
        print(f"FAIL {name}")


def telling(output):
    """The lines of @output that say most: the end of the exception, and of the daemon's log after it."""
    lines = output.splitlines()
    logs = next((i for i, line in enumerate(lines) if line.startswith("--- log of daemon")), len(lines))
    head = [line for line in lines[:logs] if line.strip()][-AGAIN_LINES:]
    return head + lines[max(logs, len(lines) - AGAIN_LINES // 2):]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-l", "--list", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true", help="the output of tests that pass, too")
    parser.add_argument("-j", "--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    if options.one:
        run_here(options.one)
    names = discover(options.patterns or os.environ.get("TENDD_IT", "").split())
    if options.list:
        print("\n".join(names))
        return 0

    words = {PASSED: "PASS", SKIPPED: "SKIP"}
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    skipped = collections.defaultdict(list)
    failed = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as executor:
        for future in concurrent.futures.as_completed([executor.submit(run_child, name) for name in names]):
            name, code, output, seconds, used = future.result()
            word = words.get(code, "FAIL")
            counts[word] += 1
            print(f"{word} {seconds:5.1f}s {used:5.1f}s {name}", flush=True)
            if word == "SKIP":
                skipped[output.strip()].append(name)
            if word == "FAIL":
                failed[name] = output
            if word == "FAIL" or options.verbose:
                print("".join(f"    {line}\n" for line in output.splitlines()), flush=True)
    for reason, tests in skipped.items():
        print(f"skipped: {tests[0]}" + (f" and {len(tests) - 1} more" if len(tests) > 1 else "") + f": {reason}")
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    if failed:
        tell_again(failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

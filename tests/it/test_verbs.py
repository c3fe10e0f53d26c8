# SPDX-License-Identifier: MIT
"""What holds for every verb of tendctl: JSON, help, exit codes, patterns, and what is said of a value that cannot be.

The verbs are those of the table, as the help shows it. One that is new fails here until it has a row below."""
import json
import os
import re
import subprocess

from support.case import Case
from support.daemon import TENDCTL, environment
from test_tendctl import FakeDaemon, error

CONFIG = """
[daemon]
include = conf.d/*.ini
[limit db]
permits = 1
rate = 100/s
[task nap]
manual = yes
shell = trap '' TERM; echo napping; while :; do sleep 1; done
timeout = 1h
grace = 300ms
limit = db
[task serve]
restart = always
command = sleep 60
[task tick]
every = 1h
command = true
[task seven]
manual = yes
shell = exit 7
[task late]
manual = yes
command = sleep 60
timeout = 100ms
[task missing]
manual = yes
command = /no/such/program
[task data]
manual = yes
command = /etc/passwd
[task killed]
manual = yes
shell = kill -KILL $$
[task refused]
manual = yes
connect = 127.0.0.1:1
"""

# What each verb prints with --json, in the order of the calls: so many values, a line each; None: one or more.
JSON = (
    ("status", [], 1), ("list", [], 1), ("start", ["nap"], 1), ("start", ["--wait", "seven"], 1), ("show", ["nap"], 1),
    ("show", ["nap", "t*"], 2), ("tree", [], 1), ("why", ["nap", "serve"], 2), ("why", ["nap#1"], 1),
    ("signal", ["nap", "CONT"], 1), ("extend", ["nap", "5min"], 1), ("restart", ["serve"], 1),
    ("restart", ["--no-wait", "serve"], 1), ("pause", ["tick"], 1), ("resume", ["tick"], 1), ("reload", [], 1),
    ("reload", ["--dry-run"], 1), ("diff", [], 1), ("next", [], 1), ("calendar", ["daily"], 1), ("limits", [], 1),
    ("limits", ["db"], 1), ("pools", [], 1), ("events", [], None), ("logs", ["nap"], None), ("notify", ["--ready"], 0),
    ("stop", ["--force", "nap"], 1), ("wait", ["nap"], 1), ("history", [], 1), ("history", ["seven#1"], 1),
    ("run", ["true"], 1), ("run", ["--detach", "true"], 1), ("map", ["true"], 1), ("top", [], None), ("timeline", [], 1),
    ("wait", ["--for", "ready", "serve"], 1), ("shutdown", ["--no-wait"], 1),
)

# What is said of a value that cannot be says what can.
BAD = {
    "N": ("x", r"a number"), "T": ("whenever", r"such as|for instance"),
    "SPAN": ("soon", r"such as|a duration|a span"),
    "STATE": ("odd", r"\(failing, "), "ZONE": ("Mars/Base", r"zoneinfo"),
    "SIGNAL": ("BOOM", r"such as HUP"), "EXPR": ("nonsense", r"no calendar expression: ."), "A/B": ("half", r"two numbers"),
    "VIEW": ("odd", r"tasks, runs, "), "N/SPAN": ("10", r"such as 10/s"),
    "WORD": ("odd", r"continue or cancel"), "WHAT": ("odd", r"done, started, "),
}
# Any value can be one of these; whether there is such a thing the daemon knows.
FREE = {"TASK", "RUN", "LIMIT", "POOL", "TEXT", "PATH", "COMMAND", "ARGUMENT", "USER", "NAME", "FILE", "KIND"}

# What stands for an argument that a verb must have.
FILL = {"TASK": "nap", "RUN": "nap", "LIMIT": "db", "POOL": "default", "SIGNAL": "CONT", "SPAN": "5min", "EXPR": "daily",
        "COMMAND": "true"}

# What an option can stand for.
ALSO = {"extend": ["5min"], "wait": ["nap"]}

# Options that set something need the one that is meant.
NAMED = {"limits": ["db"], "pools": ["default"]}

NEEDS_NO_DAEMON = {"calendar"}
# Exit codes that are not those of the other verbs, as the man page has them.
NO_DAEMON = {("start", "--wait"): 125, ("run", None): 125, ("map", None): 125}
DENIED = {("start", "--wait"): 125, ("run", None): 125, ("map", None): 125}
NO_SUCH = {("start", "--wait"): 125}
# Of runs that have ended the daemon does not know all.
ANY_RUN = {"events"}


def tendctl(*args, timeout=60, **kwargs):
    return subprocess.run([TENDCTL, *args], env=kwargs.pop("env", environment()), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", timeout=timeout, check=False, **kwargs)


class Verb:
    """A verb as its help shows it."""

    def __init__(self, name):
        self.name = name
        self.help = tendctl(name, "--help").stdout
        self.arguments = re.match(r"tendctl \S+ \[OPTION\.\.\.\] ?(.*)\n", self.help)[1]
        self.options = re.findall(r"^  (?:-\w,|   ) --([\w-]+)(?: (\S+))?  ", self.help, re.M)

    def placeholders(self):
        return set(re.findall(r"[A-Z/]+", self.arguments)) - {"OPTION"}

    def required(self):
        """Words that it must have, as they could be: of several names one."""
        words = [word for word in self.arguments.split() if not word.startswith("[") and word != "--"]
        return [FILL[re.search(r"[A-Z/]+", word)[0]] for word in words] + ALSO.get(self.name, [])

    def call_once(self):
        """The least with which it does something."""
        return {"notify": ["--ready"], "top": ["--once"], "pause": ["tick"], "resume": ["tick"]}.get(self.name) or self.required()


def verbs():
    usage = tendctl("--help").stdout.split("Verbs:\n")[1].split("\n\n")[0]
    return [Verb(name) for name in re.findall(r"^  ([a-z]+) ", usage, re.M)]


class Every(Case):
    def setUp(self):
        super().setUp()
        self.verbs = verbs()

    def check(self, args, code, pattern=None, **kwargs):
        with self.subTest(" ".join(args)):
            done = tendctl(*args, timeout=60 * self.SCALE, **kwargs)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            if code not in (0, 7):
                self.assertRegex(done.stderr, pattern or "^tendctl: .")
                self.assertEqual(done.stdout, "")
            return done

    def test_json(self):
        daemon = self.daemon(CONFIG)
        missing = {verb.name for verb in self.verbs} - {name for name, *_ in JSON}
        self.assertEqual(missing, set(), "verbs without a row in the table JSON")
        for name, args, n in JSON:
            with self.subTest(f"{name} {' '.join(args)}"):
                done = daemon.ctl("--json", name, *args)
                if (name, args) == ("start", ["nap"]):
                    daemon.log.wait("nap#1 napping")
                if name == "notify":  # it speaks to nobody here
                    self.assertEqual((done.returncode, done.stdout), (3, ""))
                    continue
                self.assertIn(done.returncode, (0, 7) if "--wait" in args else (0, 1) if name == "wait" else (0,),
                              done.stderr)
                values = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertTrue(all(isinstance(value, dict) for value in values), done.stdout)
                if n is None:
                    self.assertTrue(values)
                else:
                    self.assertEqual(len(values), n, done.stdout)
        self.assertEqual(daemon.wait_exit(), 0)

    def test_help_has_examples_and_only_what_the_verb_has(self):
        for verb in self.verbs:
            with self.subTest(verb.name):
                examples = verb.help.split("\nExamples:\n")[1].splitlines()
                self.assertTrue(examples)
                options = {f"--{name}" for name, _ in verb.options} | set(re.findall(r"^  (-\w),", verb.help, re.M))
                for example in examples:
                    used = re.findall(r"(?<=\s)(--[\w-]+)", example.split(" -- ")[0])
                    self.assertEqual(set(used) - options, set(), example)
                for line in verb.help.splitlines():
                    self.assertLessEqual(len(line), 130, line)

    def test_wrong_usage_is_2(self):
        for verb in self.verbs:
            self.check([verb.name, "--nonsense"], 2, f"--nonsense: no such option; see tendctl {verb.name} --help")
            if verb.required():
                self.check([verb.name], 2, "usage: tendctl|name ")
            if not verb.arguments:
                self.check([verb.name, "word"], 2, f"usage: tendctl {verb.name}")

    def test_what_cannot_be_is_2_and_says_what_can(self):
        for verb in self.verbs:
            for option, argument in verb.options:
                kind = re.match(r"[A-Z/]+", argument)[0] if argument else None
                if not kind or kind in FREE:
                    continue
                self.assertIn(kind, BAD, f"{verb.name} --{option}: an argument without a row in the table BAD")
                self.check([verb.name, f"--{option}", BAD[kind][0], *NAMED.get(verb.name, []), *verb.required()], 2,
                           BAD[kind][1])
            for kind in verb.placeholders() - FREE:
                self.assertIn(kind, BAD, f"{verb.name}: an argument without a row in the table BAD")
                words = [name for name in ("TASK", "EXPR") if name in verb.arguments and name != kind]
                self.check([verb.name, *[FILL[word] for word in words], BAD[kind][0]], 2, BAD[kind][1])

    def test_no_daemon_is_3(self):
        for verb in self.verbs:
            if verb.name in NEEDS_NO_DAEMON:
                self.check([verb.name, *verb.required()], 0, "")
                continue
            for name, option in [(verb.name, None), *(key for key in NO_DAEMON if key[0] == verb.name)]:
                args = [name, *verb.call_once(), *([option] if option else [])]
                self.check(["--socket", self.path("none"), *args], NO_DAEMON.get((name, option), 3), "tendctl: |tried:")

    def test_denied_is_4(self):
        fake = self.peer(FakeDaemon(self.path("fake.sock"),
                                    lambda _call: error("org.varlink.service.PermissionDenied")))
        for verb in self.verbs:
            if verb.name in NEEDS_NO_DAEMON | {"notify"}:
                continue
            for name, option in [(verb.name, None), *(key for key in DENIED if key[0] == verb.name)]:
                args = [name, *verb.call_once(), *([option] if option else [])]
                self.check(["--socket", self.path("fake.sock"), *args], DENIED.get((name, option), 4), "denied|journal")
        self.assertTrue(fake.calls)

    def test_names_that_are_none_are_5_and_patterns_are_as_good_as_names(self):
        daemon = self.daemon(CONFIG)
        named = [verb for verb in self.verbs if verb.placeholders() & {"TASK", "RUN", "LIMIT", "POOL"}]
        for verb in named:
            runs = "RUN" in verb.arguments and verb.name not in ANY_RUN
            for none in ("none", "non*", "nap#99") if runs else ("none", "non*"):
                rest = [word for word in verb.required() if word not in ("nap", "db", "default")]
                self.check(["--socket", daemon.socket_path, verb.name, none, *rest], 5)
                for option, code in NO_SUCH.items():
                    if option[0] == verb.name:
                        self.check(["--socket", daemon.socket_path, verb.name, option[1], none, *rest], code)
        # In this order, with what they match.
        patterns = (("start", "na*"), ("list", "na?"), ("show", "na*"), ("tree", "n*p"), ("why", "?ap"), ("next", "ti*"),
                    ("signal", "na*", "CONT"), ("extend", "na*", "5min"), ("pause", "t*"), ("resume", "t*"),
                    ("restart", "ser*"), ("events", "na*"), ("logs", "na*"), ("limits", "d*"), ("pools", "def*"),
                    ("stop", "na*"), ("wait", "na*"), ("history", "na*"), ("timeline", "na*"))
        self.assertEqual({verb.name for verb in named} - {name for name, *_ in patterns}, set(),
                         "verbs that take names, without a row in the table of patterns")
        for name, *args in patterns:
            with self.subTest(f"{name} {' '.join(args)}"):
                done = daemon.ctl(name, *args)
                if name == "start":
                    daemon.log.wait("nap#1 napping")  # there is a process that takes signals
                self.assertEqual(done.returncode, 1 if name == "wait" else 0, done.stderr)
                self.assertRegex(done.stdout, {"limits": "db", "pools": "default", "next": "tick", "pause": "tick",
                                               "resume": "tick", "restart": "serve"}.get(name, "nap"))

    def test_the_outcome_of_a_run_is_the_exit_code_of_who_waits(self):
        daemon = self.daemon(CONFIG)
        for task, code in (("tick", 0), ("seven", 7), ("late", 124), ("data", 126), ("missing", 127), ("killed", 137),
                           ("refused", 1)):
            with self.subTest(task):
                self.assertEqual(daemon.ctl("start", "--wait", task).returncode, code)
                self.assertEqual(daemon.ctl("wait", task).returncode, 1 if code else 0)
        waiting = subprocess.Popen(daemon.ctl_command("start", "--wait", "nap"), env=daemon.env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        daemon.log.wait("nap#1 napping")
        self.assertEqual(daemon.ctl("stop", "nap").returncode, 0)
        self.assertEqual(waiting.wait(30 * self.SCALE), 130)
        self.assertEqual(daemon.ctl("status", "-q").returncode, 1)

# SPDX-License-Identifier: MIT
"""What tendctl, its man page, the description of the interface and the sources say of each other."""
import os
import pathlib
import re
import socket
import subprocess

from support.case import Case
from support.daemon import TENDCTL, environment
from support.idl import Description as Idl

SOURCE = pathlib.Path(os.environ.get("top_srcdir", "."))
DAEMON = SOURCE / "daemon"
COMMON = {"json", "socket", "help"}


def tendctl(*args):
    return subprocess.run([TENDCTL, *args], env=environment(), capture_output=True, text=True, check=True).stdout


def verbs():
    """The verbs, with their arguments, as --help tells them."""
    text = tendctl("--help")
    lines = text.split("Verbs:\n")[1].split("\n\n")[0].splitlines()
    found = {}
    for line in lines:
        match = re.match(r"  (\S+) +((?:\[?[A-Z|]+(?:\.\.\.)?\]? ?)*?) {2,}\S", line)
        assert match, line
        found[match[1]] = match[2]
    return found


def plain(roff):
    return re.sub(r"\\f[BIRP]", "", roff).replace("\\-", "-")


def man_sections(heading):
    """The parts of the man page below @heading, by their titles."""
    text = plain((DAEMON / "tendctl/tendctl.1").read_text())
    body = re.search(rf"^\.SH {heading}\n(.*?)(?=^\.SH )", text, re.S | re.M)[1]
    parts = re.split(r"^\.SS (.*)\n", body, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


class ManPage(Case):
    def test_has_every_verb_and_no_other(self):
        self.assertEqual([f"{name} {arguments}".rstrip() for name, arguments in verbs().items()],
                         list(man_sections("VERBS")))

    def test_has_every_option_and_no_other(self):
        described = man_sections("VERBS")
        for name, arguments in verbs().items():
            help_text = tendctl(name, "--help")
            options = set(re.findall(r"^  (?:-\w,|   ) --(\w+)", help_text, re.M)) - COMMON
            text = described[f"{name} {arguments}".rstrip()]
            tagged = set(re.findall(r"^\.TP\n\..*?--(\w+)", text, re.M))
            self.assertEqual(options, tagged, name)

    def test_has_the_letters_of_options(self):
        text = (DAEMON / "tendctl/tendctl.1").read_text()
        for name in verbs():
            for letter, option in re.findall(r"^  -(\w), --(\w+)", tendctl(name, "--help"), re.M):
                self.assertIn(f"\\-{letter} \", \" \\-\\-{option}", text)

    def test_has_the_exit_codes(self):
        text = (DAEMON / "tendctl/tendctl.1").read_text()
        codes = re.findall(r"^ +CTL_\w+ = (\d+)", (DAEMON / "tendctl/ctl.h").read_text(), re.M)
        self.assertGreaterEqual(len(codes), 7)
        for code in codes:
            self.assertRegex(text, rf"\b{code}\b")


class Help(Case):
    def test_examples_are_calls_of_their_verb(self):
        for name in verbs():
            examples = tendctl(name, "--help").split("Examples:\n")[1].splitlines()
            self.assertTrue(examples, name)
            for line in examples:
                self.assertTrue(line.startswith(f"  tendctl {name}"), line)

    def test_a_misspelt_verb_is_suggested(self):
        done = subprocess.run([TENDCTL, "statsu"], env=environment(), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("status", done.stderr)


class Description(Case):
    def setUp(self):
        super().setUp()
        self.text = (DAEMON / "control/io.tendd.Runner.varlink").read_text()

    def test_errors_are_those_of_the_sources(self):
        described = set(re.findall(r"^error (\w+)", self.text, re.M))
        used = set()
        for path in (DAEMON / "control").glob("*.c"):
            used |= set(re.findall(r'ERROR_RUNNER\("(\w+)"\)', path.read_text()))
        self.assertEqual(described, used)
        mapped = set(re.findall(r'INTERFACE "(\w+)"', (DAEMON / "tendctl/call.c").read_text()))
        self.assertEqual(described, mapped)

    def test_everything_has_a_comment(self):
        lines = self.text.splitlines()
        for number, line in enumerate(lines):
            if re.match(r"(method|type|error|interface) ", line):
                self.assertTrue(lines[number - 1].startswith("#"), line)

    def test_words_are_those_of_the_sources(self):
        """Words that stand for enumerations are listed in comments: all of the tables, and no others."""
        for path, table, key, type_name in (
                ("run/outcome.c", "error_kind", "kind: string", "Error"),
                ("run/outcome.c", "outcome", "outcome: string", "Outcome"),
                ("base/event_id.c", "event", "event: string", "Event"),
                ("control/problems.c", "problem", "kind: string", "Problem")):
            with self.subTest(table):
                body = re.search(rf"^type {type_name} \((.*?)^\)", self.text, re.S | re.M)[1]
                words = set(re.search(rf"((?:^ +#.*\n)+) +{re.escape(key)}", body, re.M)[1].replace("#", " ").split())
                source = (DAEMON / path).read_text()
                prefix = {"error_kind": "ERROR", "outcome": "OUTCOME", "event": "EVENT", "problem": "PROBLEM"}[table]
                names = set(re.findall(rf'\[{prefix}_\w+\] = (?:{{ )?"([\w-]+)"', source)) - {"none"}
                self.assertEqual(words, names)


class Answers(Case):
    """What a real daemon answers is what the description says."""

    CONFIG = """
[limit db]
permits = 1
rate = 100/s
[task holder]
manual = yes
command = sleep 60
limit = db
grace = 1s
[task waiter]
manual = yes
command = /bin/true
limit = db
[task fails]
manual = yes
shell = printf 'not \\377 UTF-8\\n'; exit 7
retries = 1
retry-delay = 10ms..10ms
[task slow]
manual = yes
command = sleep 60
timeout = 200ms
[task many]
manual = yes
for-each = list:a b c
shell = test "$TENDD_ITEM" != b
[task off]
enabled = no
every = 1min
command = /bin/true
[task tick]
description = nothing much
every = 1h
command = /bin/true
[task first]
manual = yes
command = /bin/true
[task second]
manual = yes
command = /bin/false
after = first
[group both]
manual = yes
members = first second
[task web]
restart = always
command = sleep 60
[task night]
calendar = 02:30
timezone = Europe/Berlin
jitter = 1min
splay = 1min
command = /bin/true
[task sluggish]
every = 10ms
command = sleep 60
stale-after = 1ms
[task talks]
manual = yes
shell = {TENDCTL} notify --status busy --progress 1/2; echo so far; sleep 60
[task broad]
manual = yes
for-each = list:a b
command = sleep 60
concurrency = 1
[task deaf]
manual = yes
restart = always
ready = notify
start-timeout = 100ms
restart-delay = 1h..1h
command = sleep 60
[task third]
manual = yes
command = /bin/true
[group fine]
manual = yes
members = third
[task long]
manual = yes
command = sleep 60
[group lasting]
manual = yes
members = long
[task blind]
watch = {LOOP}/none-*
command = /bin/true
"""

    def setUp(self):
        super().setUp()
        self.idl = Idl((DAEMON / "control/io.tendd.Runner.varlink").read_text())
        os.symlink("loop", self.path("loop"))
        self.tendd = self.daemon(self.CONFIG.replace("{TENDCTL}", TENDCTL).replace("{LOOP}", self.path("loop")))
        self.connection = self.tendd.connect()

    def ask(self, method, fds=(), **parameters):
        """All answers to a call, each checked."""
        self.connection.send(f"io.tendd.Runner.{method}", parameters, fds=fds, more=True)
        answers = []
        while True:
            message = self.connection.receive()
            self.assertIsNotNone(message, method)
            if "error" in message:
                name = message["error"].removeprefix("io.tendd.Runner.")
                self.assertEqual(self.idl.wrong_error(name, message["parameters"]), [])
                return answers + [name]
            answers.append(message["parameters"])
            self.assertEqual(self.idl.wrong_answer(method, message["parameters"]), [])
            if not message.get("continues"):
                return answers

    def test_every_method_answers_as_described(self):
        outcomes = {}
        for task in ("fails", "slow", "many", "both"):
            answers = self.ask("Start", tasks=[task], wait=True)
            outcomes[task] = answers[-1]["result"]
        self.assertEqual({task: result["outcome"] for task, result in outcomes.items()},
                         {"fails": "failed", "slow": "timeout", "many": "failed", "both": "failed"})
        self.assertEqual(outcomes["fails"]["attempts"], 2)
        self.assertEqual(outcomes["many"]["items"]["failed"], 1)
        self.assertEqual(len(outcomes["both"]["children"]), 2)
        self.ask("Start", tasks=["holder", "waiter"])
        asked = {
            "Status": [{}], "List": [{}, {"states": ["failing"]}], "Tree": [{}, {"runs": ["waiter#1"]}], "Pools": [{}],
            "Output": [{}, {"runs": ["web", "holder#1"]}],
            "Limits": [{}], "Next": [{}, {"tasks": ["tick", "off", "web"], "n": 3}],
            "History": [{}, {"tasks": ["fails"]}, {"run": "many#1"}, {"run": "both#1/second"}, {"run": "holder#1"}],
            "Show": [{"task": task} for task in ("holder", "waiter", "fails", "many", "both", "off", "web")],
            "Why": [{"name": name} for name in ("web", "holder", "waiter", "waiter#1", "fails", "tick", "both")],
        }
        for method, calls in asked.items():
            for parameters in calls:
                self.assertTrue(self.ask(method, **parameters), (method, parameters))
        self.assertEqual(self.ask("Start", tasks=["web"])[0]["up"], ["web#1"])
        self.assertEqual([bool(answer.get("result")) for answer in self.ask("Restart", runs=["web"], wait=True)],
                         [False, True])
        self.ask("Signal", runs=["web", "many"], signal="CONT", main=True)
        self.ask("Extend", runs=["holder", "many"], by_usec=1000000)
        self.ask("Stop", runs=["web"])
        self.ask("Why", name="web")
        self.ask("Stop", runs=["holder", "waiter"], reason="enough", force=True)
        self.assertEqual(self.ask("Wait", runs=["holder"])[0]["result"]["outcome"], "cancelled")
        self.assertEqual(self.ask("Wait", runs=["fails"], state="failing"), [{"reached": "fails"}])
        self.assertEqual(self.ask("Wait", runs=["fails"], state="ok", timeout_usec=1000), ["TimedOut"])
        self.ask("Pause", tasks=["tick"], reason="enough")
        self.ask("Pause", limits=["db"])
        self.ask("Limits")
        self.ask("Resume", limits=["db"])
        self.ask("List", states=["paused"])
        self.ask("Status")
        self.ask("Resume", tasks=["tick"])
        for parameters in ({"all": True}, {"limits": ["db"]}):
            self.ask("Pause", **parameters)
            self.ask("Limits")
            self.ask("Resume", **parameters)
        self.ask("SetLimit", limit="db", permits=2, rate="10/s")
        self.ask("SetPool", pool="default", threads=2)
        self.ask("Limits")
        self.ask("Pools")
        self.assertEqual(self.ask("Diff")[0]["counts"]["changed"], 0)
        self.assertTrue(self.ask("Reload")[0]["applied"])
        self.ask_rarer_things()
        self.ask_for_errors()
        self.ask_for_commands()
        called = {"Start", "Stop", "Restart", "Signal", "Extend", "Pause", "Resume", "Wait", "Events", "Diff", "Reload",
                  "RunCommand", "MapCommand", "Shutdown", "SetLimit", "SetPool", *asked}
        self.assertEqual(called, set(self.idl.methods))

        self.connection.send("io.tendd.Runner.Events", {})
        message = self.connection.receive()["parameters"]
        self.assertEqual(self.idl.wrong_answer("Events", message), [])
        self.assertIn("run-done", {event["event"] for event in message["events"]})
        self.ask("Start", tasks=["holder"])
        self.ask("Shutdown", when_idle=True)
        self.assertEqual(self.ask("Status")[0]["ending"]["waits_for"], ["holder#2"])
        self.check_all_is_seen()

    def check_all_is_seen(self):
        """What did not come up here is in a unit test, as a name or as the end of a path, or nobody knows whether it ever comes."""
        texts = "".join(path.read_text() for path in SOURCE.glob("tests/unit/test-*.c"))
        self.assertEqual([], [(owner, field) for owner, field in sorted(self.idl.unseen())
                              if not re.search(rf'["\\.]{field or owner[:-1]}\\?["\\.]', texts)])

    def ask_rarer_things(self):
        self.ask("Start", tasks=["talks", "broad"])
        self.until(lambda: self.ask("Status")[0]["said"] and self.ask("Output", runs=["talks"])[0]["output"],
                   "what a run says of itself")
        self.until(lambda: any(run.get("item") for run in self.ask("Tree", runs=["broad"])[0]["runs"]), "an item")
        self.ask("Why", name="talks")
        self.ask("Stop", runs=["talks", "broad"], force=True)
        self.until(lambda: self.ask("Show", task="sluggish")[0]["task"].get("skip_reason"), "an occurrence to be skipped")
        self.ask("Pause", tasks=["sluggish"])
        self.ask("Stop", runs=["sluggish"], force=True)
        self.until(lambda: "missed" in self.ask("History", tasks=["sluggish"])[0]["history"][0], "it to be remembered")
        for method, parameters in (("Show", {"task": "night"}), ("Next", {"tasks": ["night"]}), ("Why", {"name": "blind"}),
                                   ("List", {"tasks": ["sluggish", "blind"]}),
                                   ("Restart", {"runs": ["deaf"], "wait": True}), ("History", {"run": "talks#1"})):
            self.ask(method, **parameters)
        text = self.tendd.config_text()
        self.tendd.write_config(text.replace("permits = 1", "permits = 2").replace("description = nothing much\n", "")
                                + "[daemon]\nlog-target = stderr\n")
        self.assertEqual(self.ask("Diff")[0]["counts"]["changed"], 1)
        self.tendd.write_config(text.replace("permits = 1", "permits = none"))
        self.assertEqual(self.ask("Reload"), ["ConfigurationRefused"])
        self.tendd.write_config(text)

    def ask_for_commands(self):
        with open(self.path("out"), "wb") as out:
            started, ended = self.ask("RunCommand", fds=[out.fileno()], command=["sh", "-c", "echo said; exit 3"], stdout=0,
                                      env=["A=b"], timeout="5s", retries=0)
        self.assertEqual((started["run"], ended["result"]["exit_code"]), ("run#1", 3))
        self.assertEqual(self.read("out"), "said\n")
        self.assertEqual(self.ask("RunCommand", command=["true"], detach=True, name="aside"), [{"run": "aside#1"}])
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"0\n0\n1\n")
            ours.shutdown(socket.SHUT_WR)
            answers = self.ask("MapCommand", fds=[theirs.fileno()], items=0, concurrency=1,
                               command=["sh", "-c", "sleep 0.2; exit {}"])
        self.assertEqual(answers[0], {"run": "map#1"})
        self.assertEqual(answers[-1]["result"]["items"]["failed"], 1)
        self.assertTrue([answer for answer in answers if "items" in answer])
        for method, parameters, error in (
                ("RunCommand", {"command": ["true"], "timeout": "5x"}, "InvalidSetting"),
                ("RunCommand", {"command": ["true"], "name": "fails"}, "NameTaken"),
                ("RunCommand", {"command": ["true"], "limit": "x"}, "NoSuchLimit")):
            self.assertEqual(self.ask(method, **parameters)[-1], error)

    def ask_for_errors(self):
        self.ask("Start", tasks=["fine"], wait=True)
        self.ask("Start", tasks=["lasting"])
        self.ask("Restart", runs=["web"], wait=True)  # once it is ready, no start-timeout bounds it
        for method, parameters, error in (
                ("Show", {"task": "x"}, "NoSuchTask"), ("Stop", {"runs": ["waiter#9"]}, "NoSuchRun"),
                ("Stop", {"runs": ["waiter"]}, "NotRunning"), ("Start", {"tasks": ["off"]}, "Disabled"),
                ("Restart", {"runs": ["tick"]}, "NoService"), ("Extend", {"runs": ["web"], "by_usec": 5}, "NoBound"),
                ("Start", {"tasks": ["fails"], "resume": "fails#1"}, "NoGroup"),
                ("Start", {"tasks": ["both"], "resume": "fails#1"}, "NotItsRun"),
                ("Start", {"tasks": ["fine"], "resume": "fine#1"}, "AllOk"),
                ("Start", {"tasks": ["lasting"], "resume": "lasting#1"}, "StillRuns"),
                ("Limits", {"limits": ["x"]}, "NoSuchLimit"), ("Pools", {"pools": ["x"]}, "NoSuchPool"),
                ("SetLimit", {"limit": "db", "permits": 0}, "OutOfRange")):
            self.assertEqual(self.ask(method, **parameters)[-1], error)
        self.ask("Stop", runs=["lasting", "deaf"], force=True)
        self.ask("Wait", runs=["lasting"])

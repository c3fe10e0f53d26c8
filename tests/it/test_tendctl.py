# SPDX-License-Identifier: MIT
"""tendctl against a daemon that says what the test wants: codes, messages, terminals, and answers that are none."""
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import termios
import threading

from support.case import Case
from support.daemon import TENDCTL, environment

TASK = {"name": "t", "kind": "exec", "state": "idle", "running": 0, "failures": 0, "skipped": 0}


class FakeDaemon:
    """Answers the calls on one connection after another: each with the messages @answer returns for it, as bytes, or
    None: hangs up."""

    def __init__(self, path, answer):
        self.calls = []
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._talk(connection)

    def _talk(self, connection):
        data = b""
        while True:
            while b"\0" not in data:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            message, data = data.split(b"\0", 1)
            self.calls.append(json.loads(message))
            answer = self._answer(self.calls[-1])
            if answer is None:
                return
            try:
                connection.sendall(answer)
            except OSError:
                return

    def stop(self):
        self._listener.close()


def reply(**parameters):
    return json.dumps({"parameters": parameters}).encode() + b"\0"


def error(name, /, **parameters):
    return json.dumps({"error": name, "parameters": parameters}).encode() + b"\0"


class Tendctl(Case):
    def fake(self, answer, name="fake.sock"):
        path = self.path(name)
        fake = self.peer(FakeDaemon(path, answer if callable(answer) else lambda _call: answer))
        fake.path = path
        return fake

    def run_ctl(self, *args, **env):
        return subprocess.run([TENDCTL, *args], env=environment(**env), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=30 * self.SCALE, check=False)


class Codes(Tendctl):
    def test_errors_of_the_daemon_have_a_code_and_a_sentence(self):
        for name, parameters, code, text in (
                ("io.tendd.Runner.NoSuchTask", {"task": "x"}, 5, "no such task: x"),
                ("io.tendd.Runner.NotRunning", {"name": "x"}, 5, "nothing runs of: x"),
                ("io.tendd.Runner.Failed", {"message": "no space"}, 1, "no space"),
                ("io.tendd.Runner.ShuttingDown", {}, 1, "is ending"),
                ("org.varlink.service.PermissionDenied", {}, 4, "denied"),
                ("org.varlink.service.MethodNotFound", {"method": "m"}, 1, "does not know: m"),
                ("com.example.New", {}, 1, "com.example.New")):
            with self.subTest(name):
                fake = self.fake(error(name, **parameters), name)
                done = self.run_ctl("--socket", fake.path, "list")
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                self.assertIn(text, done.stderr)

    def test_what_is_no_daemon_is_3(self):
        for n, (answer, text) in enumerate(((None, "closed"), (b"HTTP/1.1 400 Bad Request\r\n\r\n\0", "Varlink"),
                                            (b"{}\0", "Varlink"), (b'{"parameters":[]}\0', "Varlink"),
                                            (b'{"parameters":{},"error":7}\0', "Varlink"))):
            with self.subTest(answer):
                fake = self.fake(answer, f"{n}.sock")
                done = self.run_ctl("--socket", fake.path, "status")
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(text, done.stderr)

    def test_an_answer_without_what_it_should_have_is_an_error(self):
        done = self.run_ctl("--socket", self.fake(reply(other=1)).path, "list")
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no tasks", done.stderr)

    def test_while_waiting_tendctls_own_failure_is_125(self):
        fake = self.fake(None)
        self.assertEqual(self.run_ctl("--socket", fake.path, "start", "--wait", "t").returncode, 125)
        self.assertEqual(self.run_ctl("--socket", self.path("none"), "start", "-w", "t").returncode, 125)
        self.assertEqual(self.run_ctl("--socket", self.path("none"), "start", "t").returncode, 3)

    def test_the_first_run_that_was_not_ok_decides(self):
        def result(code, more):
            return json.dumps({"parameters": {"result": {"task": "t", "run": "t#1", "outcome": "failed", "errors": [],
                                                         "exit_code": code}}, "continues": more}).encode() + b"\0"
        fake = self.fake(result(0, True) + result(9, True) + result(8, False))
        self.assertEqual(self.run_ctl("--socket", fake.path, "start", "--wait", "a", "b", "c").returncode, 9)
        self.assertEqual(self.run_ctl("--socket", fake.path, "wait", "a", "b", "c").returncode, 1)
        self.assertTrue(fake.calls[0]["more"])

    def test_status_quiet_tells_by_its_code(self):
        fine = self.run_ctl("--socket", self.fake(reply(problem_counts=[{"kind": "stopped", "n": 1, "wrong": 0}]), "a").path, "status", "-q")
        wrong = self.run_ctl("--socket", self.fake(reply(problem_counts=[{"kind": "failing", "n": 1, "wrong": 1}]), "b").path, "status", "--quiet")
        self.assertEqual((fine.returncode, fine.stdout), (0, ""))
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))


class Arguments(Tendctl):
    def test_wrong_usage_is_2(self):
        for args in (["nonsense"], ["show"], ["list", "--nothing"], ["list", "-z"], ["--socket"],
                     ["stop", "--reason"], ["stop", "--force=yes", "t"], ["events", "-n", "x"], ["events", "-n257"],
                     ["status", "word"], ["--failing", "list", "--nothing"], ["list", "--socket="], ["events", "-f-"]):
            with self.subTest(args):
                done = self.run_ctl("--socket", self.path("none"), *args) if args[0] != "--socket" else \
                    self.run_ctl(*args)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertTrue(done.stderr.startswith("tendctl: "))

    def test_options_may_stand_anywhere_and_be_written_in_all_ways(self):
        fake = self.fake(reply(stopped=[]))
        for args in (["--socket", fake.path, "stop", "--reason", "r", "x"], ["stop", f"--socket={fake.path}", "-rr", "x"],
                     ["stop", "x", "--reason=r", "--socket", fake.path], ["--json", "--socket", fake.path, "stop", "-r",
                                                                         "r", "--", "x"]):
            done = self.run_ctl(*args)
            self.assertEqual(done.returncode, 0, done.stderr)
        for call in fake.calls:
            self.assertEqual(call["parameters"], {"runs": ["x"], "reason": "r", "force": False})

    def test_letters_may_stand_together(self):
        fake = self.fake(reply(events=[]))
        for args in (["-fn10"], ["-fn", "10"], ["-f", "-n10"], ["-n", "10", "-f"]):
            self.assertEqual(self.run_ctl("--socket", fake.path, "events", *args).returncode, 0)
            self.assertEqual((fake.calls[-1]["more"], fake.calls[-1]["parameters"]["backlog"]), (True, 10), args)

    def test_help_is_on_stdout_and_0(self):
        for args in (["--help"], ["-h"], ["status", "--help"], ["--help", "list"], ["events", "-h"]):
            done = self.run_ctl(*args)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("tendctl", done.stdout)

    def test_the_socket_that_is_named_is_the_only_one(self):
        fake = self.fake(reply(tasks=[]))
        os.mkdir(self.path("tendd"))
        other = self.fake(reply(tasks=[TASK]), "tendd/control.sock")
        done = self.run_ctl("list", TENDD_SOCKET=fake.path, XDG_RUNTIME_DIR=self.directory)
        self.assertEqual((done.returncode, len(fake.calls), len(other.calls)), (0, 1, 0))
        done = self.run_ctl("list", XDG_RUNTIME_DIR=self.directory)
        self.assertEqual((done.returncode, len(other.calls)), (0, 1), done.stderr)
        done = self.run_ctl("--socket", self.path("none"), "list", TENDD_SOCKET=fake.path)
        self.assertEqual((done.returncode, len(fake.calls)), (3, 1))


class Output(Tendctl):
    def on_terminal(self, *args, columns=60, **env):
        """What tendctl writes to a terminal."""
        parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([TENDCTL, *args], stdin=child, stdout=child, stderr=child,
                                   env=environment(TERM="xterm", **env))
        os.close(child)
        data = b""
        while True:
            try:
                piece = os.read(parent, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            data += piece
        os.close(parent)
        self.assertEqual(process.wait(), 0, data)
        return data.decode()

    def test_tables_fit_the_terminal_and_have_colours_there_only(self):
        fake = self.fake(reply(tasks=[{**TASK, "state": "failing", "description": "é" * 300}]))
        shown = self.on_terminal("--socket", fake.path, "list", NO_COLOR="1")
        self.assertNotIn("\033", shown)
        for line in shown.splitlines():
            self.assertLessEqual(len(line), 60, line)
        self.assertIn("é", shown)
        self.assertIn("\033[", self.on_terminal("--socket", fake.path, "list"))
        piped = self.run_ctl("--socket", fake.path, "list")
        self.assertNotIn("\033", piped.stdout)
        self.assertIn("é" * 300, piped.stdout)

    def test_what_tasks_say_cannot_command_the_terminal(self):
        bad = "a\033]0;title\007\u009b31mb\r\x7f"
        last = {"run": "t#1", "outcome": "failed", "error": "exit", "detail": bad, "ended_usec": 1, "duration_usec": 1}
        outcome = {"task": "t", "run": "t#1", "outcome": "failed", "errors": [{"kind": "exit", "detail": bad, "run": bad}] * 2}
        answers = {
            "List": reply(tasks=[{**TASK, "last": last}]),
            "Show": reply(task={**TASK, "description": bad}, settings=[{"key": "k", "value": f"{bad}\n{bad}", "written": True}],
                          runs=[], last=outcome, output_tail=f"{bad}\nline"),
            "Why": reply(task={**TASK, "last": last}, runs=[], remnants=[], last=outcome),
            "Events": reply(events=[{"event": "command", "at_usec": 1, "text": bad}]),
            "Status": reply(phase="running", problems=[{"kind": "failing", "subject": "t", "text": bad, "command": "c"}],
                            problem_counts=[{"kind": "failing", "n": 1}]),
        }
        fake = self.fake(lambda call: answers[call["method"].rpartition(".")[2]])
        for verb in (["list"], ["show", "t"], ["why", "t"], ["events"], ["status"]):
            done = self.run_ctl("--socket", fake.path, *verb)
            self.assertEqual(done.returncode, 0, done.stderr)
            for character in "\033\007\r\x7f\u009b":
                self.assertNotIn(character, done.stdout, verb)
            self.assertIn("title", done.stdout)

    def test_answers_in_many_messages_are_joined(self):
        parts = [json.dumps({"parameters": {"tasks": [{**TASK, "name": f"t{n}"}]}, "continues": n < 99}).encode() + b"\0"
                 for n in range(100)]
        fake = self.fake(b"".join(parts))
        done = self.run_ctl("--socket", fake.path, "--json", "list")
        self.assertEqual([task["name"] for task in json.loads(done.stdout)["tasks"]], [f"t{n}" for n in range(100)])

    def test_a_full_disk_is_told(self):
        result = {"task": "t", "run": "t#1", "outcome": "ok", "errors": [], "exit_code": 0}
        answers = {"List": reply(tasks=[TASK]), "Start": reply(result=result)}
        fake = self.fake(lambda call: answers[call["method"].rpartition(".")[2]])
        for verb, code in ((["list"], 1), (["start", "--wait", "t"], 125)):
            with open("/dev/full", "w") as full:
                done = subprocess.run([TENDCTL, "--socket", fake.path, *verb], env=environment(), stdout=full,
                                      stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, code)
            self.assertIn("cannot write", done.stderr)

    def test_the_command_that_explains_is_shown_however_narrow(self):
        command = "tendctl show a-task"
        problem = {"kind": "failing", "subject": "a-task", "text": "long " * 40, "command": command}
        fake = self.fake(reply(phase="running", version="1", problems=[problem], problem_counts=[{"kind": "failing", "n": 1}]))
        for columns in (200, 80, 40):
            shown = self.on_terminal("--socket", fake.path, "status", columns=columns, NO_COLOR="1").splitlines()[1:]
            self.assertTrue(any(line.endswith(command) for line in shown), shown)
            self.assertEqual([line for line in shown if len(line) > columns], [])
        self.assertIn("long " * 40, self.run_ctl("--socket", fake.path, "status").stdout)

    def test_status_fits_one_screen_however_much_is_wrong(self):
        kinds = ("degraded", "dropped", "failing", "stale", "remnant", "slow", "restarting", "full", "waiting", "outdated",
                 "stopped", "paused")

        def status(name, of):
            problems = [{"kind": kind, "subject": f"{kind}-{n}" + "x" * (of[kind] % 20), "text": "why " * 20,
                         "command": f"tendctl why {kind}-{n}"} for kind in of for n in range(min(of[kind], 20))]
            counts = [{"kind": kind, "n": of[kind], "wrong": of[kind], "command": f"tendctl list --state {kind}"}
                      for kind in of]
            said = [{"run": f"batch#{n}", "status": "half way"} for n in range(10)]
            fake = self.fake(reply(phase="running", version="1", tasks=99999, problems=problems, problem_counts=counts,
                                   said=said, next=[{"task": "t" * 40, "at_usec": 1}] * 2), name)
            shown = self.on_terminal("--socket", fake.path, "status", columns=80, NO_COLOR="1").splitlines()
            self.assertLess(len(shown), 24, shown)
            self.assertEqual([line for line in shown if len(line) > 80], [])
            self.assertNotIn("all is well", "".join(shown))
            for kind in of:
                self.assertTrue(any(line.startswith(kind.upper()) for line in shown), (kind, shown))
            return "\n".join(shown)

        shown = status("a", {"degraded": 1, "failing": 500})
        self.assertRegex(shown, r"and 4\d\d more: tendctl list --state failing")
        self.assertGreater(shown.count("tendctl why failing-"), 10)
        self.assertIn("more runs say something: tendctl tree", shown)
        status("b", {kind: 500 for kind in kinds})
        status("c", {kind: 519 for kind in kinds})  # subjects so long that each problem takes two lines

    def test_status_says_in_a_word_that_all_is_well(self):
        for name, counts, well in (("a", [], True), ("b", [{"kind": "paused", "n": 1, "wrong": 0}], True),
                                   ("c", [{"kind": "failing", "n": 1, "wrong": 1}], False)):
            fake = self.fake(reply(phase="running", version="1", problem_counts=counts), name)
            self.assertEqual("all is well" in self.run_ctl("--socket", fake.path, "status").stdout, well)
        fake = self.fake(reply(phase="draining", version="1"), "d")
        self.assertNotIn("all is well", self.run_ctl("--socket", fake.path, "status").stdout)

    def test_stop_tells_of_which_names_nothing_runs(self):
        done = self.run_ctl("--socket", self.fake(reply(stopped=["a#1"], not_running=["b"])).path, "stop", "a", "b")
        self.assertEqual((done.returncode, done.stdout), (5, "stopping a#1\n"))
        self.assertIn("nothing runs of: b", done.stderr)

    def test_show_tells_what_the_last_run_used(self):
        def used(**usage):
            last = {"task": "t", "run": "t#1", "outcome": "ok", "errors": [], **usage}
            fake = self.fake(reply(task=TASK, settings=[], runs=[], last=last), "-".join(["fake", *usage]))
            return self.run_ctl("--socket", fake.path, "show", "t").stdout.split("last run:\n")[1].splitlines()[1:]
        self.assertEqual(used(), [])
        self.assertEqual(used(cpu_usec=310000), ["  used 0.31s CPU"])
        self.assertEqual(used(cpu_usec=310000, memory_peak=12 << 20), ["  used 0.31s CPU, 12M of memory at its peak"])

    def test_why_explains_what_cannot_be_ended_or_seen(self):
        process = {"pid": 7, "parent": 1, "name": "cp", "command": "cp /nfs/\033[31m .", "state": "D",
                   "wchan": "rpc_wait_bit_killable", "threads": 3, "memory": 12 << 20, "cpu_usec": 310000,
                   "started_usec": 1, "cpu_percent": 0}
        remnant = {"run": "t#1", "task": "t", "process": True, "since_usec": 1, "processes": [process],
                   "processes_hidden": 4}
        run = {"name": "t#2", "task": "t", "role": "job", "state": "running", "depth": 0, "trigger": "", "errors": [],
               "created_usec": 1, "attempts": 1, "cancelled": False, "slow": False, "processes": [],
               "processes_missing": "reading about them takes longer than 1s"}
        fake = self.fake(reply(task=TASK, runs=[run], remnants=[remnant]))
        shown = self.run_ctl("--socket", fake.path, "why", "t").stdout
        self.assertIn("  its processes are not known: reading about them takes longer than 1s\n", shown)
        self.assertIn("t#1 left a process that cannot be ended", shown)
        self.assertIn("  pid 7 in kernel (rpc_wait_bit_killable: for a file server (NFS)), 12M, 0.31s CPU, now 0%, "
                      "3 threads: cp /nfs/?[31m .\n    no signal reaches it, KILL neither", shown)
        self.assertIn("  and 4 more processes\n", shown)
        shown = self.run_ctl("--socket", self.fake(reply(runs=[run]), "tree").path, "tree").stdout
        self.assertRegex(shown, "(?m)^ +its processes are not known: reading about them takes longer than 1s$")

    def test_why_points_at_the_task_that_was_the_cause(self):
        for run, task in (("etl#8/load", "load"), ("a#1/b/c", "c"), ("a#1", "a"), ("a#1/item 7", "a"),
                          ("a#1/b/item 7", "b")):
            last = {"task": "a", "run": "a#1", "outcome": "failed", "errors": [{"kind": "exit", "detail": "d", "run": run}]}
            fake = self.fake(reply(task=TASK, runs=[], remnants=[], last=last), task + run.replace("/", "_"))
            for name in ("a", "a#1"):
                shown = self.run_ctl("--socket", fake.path, "why", name).stdout.splitlines()
                self.assertTrue(shown[-2].endswith(f"tendctl show {task}"), shown)
                self.assertEqual(shown[-1], f"to read its log: tendctl logs {name}")

# SPDX-License-Identifier: MIT
"""The real client of Varlink, varlinkctl of systemd, against the real daemon."""
import json
import subprocess

from support import varlinkctl
from support.case import Case
from support.daemon import environment
from support.idl import Description
from test_interface import DAEMON

CONFIG = """
[task quick]
manual = yes
command = /bin/true
[task fails]
manual = yes
shell = exit 3
"""
RUNNER = "io.tendd.Runner"


class Client(Case):
    def setUp(self):
        super().setUp()
        try:
            self.command = varlinkctl.command()
        except varlinkctl.Missing as missing:
            self.skipTest(str(missing))
        self.env = environment(SYSTEMD_PAGER="cat")

    def ctl(self, *args, code=0):
        done = subprocess.run([*self.command, *args], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60 * self.SCALE, check=False)
        self.assertEqual(done.returncode, code, (args, done.stdout, done.stderr))
        return done

    def test_descriptions_are_valid(self):
        for path in DAEMON.glob("control/*.varlink"):
            with self.subTest(path.name):
                self.ctl("validate-idl", str(path))

    def test_what_is_served_can_be_looked_at(self):
        socket = self.daemon(CONFIG).socket_path
        info = json.loads(self.ctl("--json=short", "info", socket).stdout)
        self.assertEqual(info["product"], "tendd")
        self.assertLessEqual({RUNNER, "org.varlink.service"}, set(info["interfaces"]))
        for interface in info["interfaces"]:
            shown = self.ctl("introspect", socket, interface).stdout
            ours = (DAEMON / f"control/{interface}.varlink").read_text()
            # It writes down what it has understood, in a form of its own.
            for what in ("name", "methods", "types", "errors"):
                self.assertEqual(getattr(Description(shown), what), getattr(Description(ours), what))
            self.assertEqual(shown.count("#") > 0, ours.count("#") > 0)

    def test_calls_are_answered(self):
        socket = self.daemon(CONFIG).socket_path

        def call(method, parameters, *flags, code=0):
            done = self.ctl("--json=short", *flags, "call", socket, f"{RUNNER}.{method}", json.dumps(parameters), code=code)
            return [json.loads(line.lstrip("\x1e")) for line in done.stdout.split("\n") if line], done.stderr

        status, = call("Status", {})[0]
        self.assertEqual(status["phase"], "running")
        first, second = call("Start", {"tasks": ["fails"], "wait": True}, "--more")[0]
        self.assertEqual(first, {"started": ["fails#1"]})
        self.assertEqual((second["result"]["outcome"], second["result"]["exit_code"]), ("failed", 3))
        tasks, = call("List", {}, "--collect")[0]
        self.assertEqual([task["name"] for task in tasks[0]["tasks"]], ["fails", "quick"])

        self.assertEqual(call("Pause", {"tasks": ["quick"]}, "--oneway")[0], [])
        self.until(lambda: call("List", {"states": ["paused"]})[0][0]["tasks"], "the task to be paused")

        told, complaint = call("Show", {"task": "nothing"}, code=1)
        self.assertEqual(told, [{"task": "nothing"}])
        self.assertIn(f"{RUNNER}.NoSuchTask", complaint)
        self.assertEqual(call("Show", {"task": "nothing"}, f"--graceful={RUNNER}.NoSuchTask")[0], told)
        self.assertIn("ExpectedMore", call("Start", {"tasks": ["quick"], "wait": True}, code=1)[1])
        self.assertIn("InvalidParameter", call("Show", {"tusk": "quick"}, code=1)[1])

    def test_events_are_followed(self):
        daemon = self.daemon(CONFIG)
        with subprocess.Popen([*self.command, "--json=short", "--more", "call", daemon.socket_path, f"{RUNNER}.Events",
                               '{"backlog":1}'], env=self.env, stdout=subprocess.PIPE, text=True) as client:
            try:
                self.assertIn('"phase"', client.stdout.readline())
                daemon.ctl("start", "quick")
                while '"run-done"' not in client.stdout.readline():
                    self.assertIsNone(client.poll())
            finally:
                client.terminate()

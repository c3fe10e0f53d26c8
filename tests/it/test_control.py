# SPDX-License-Identifier: MIT
"""The control socket: clients that misbehave, and what the verbs say about a real daemon."""
import json
import os
import signal
import socket
import subprocess

from support import processes
from support.case import Case

QUIET = "[task t]\nmanual = yes\ncommand = /bin/true\n"


class Hostile(Case):
    """An error or a cut-off for them; the others notice nothing."""

    def setUp(self):
        super().setUp()
        self.tendd = self.daemon(QUIET)
        self.other = self.tendd.connect()
        self.before = self.tendd.rss_kib()

    def assertUnharmed(self):
        self.assertEqual(self.tendd.ctl("status").returncode, 0)
        self.assertIn("parameters", self.other.call("org.varlink.service.GetInfo"))
        self.assertLess(self.tendd.rss_kib() - self.before, self.FLAT_KIB)

    def raw(self):
        return self.tendd.connect(timeout=60).socket

    def cut_off(self, connection):
        """Whether the daemon closes @connection; what it says before is read and dropped."""
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def test_garbage(self):
        for data in (b"\x00", b"hello\x00", b"{}\x00", b"[1,2]\x00", b"{\"method\": 7}\x00", bytes(range(1, 256)) + b"\0",
                     b"{" * 100000 + b"\x00", b"\xff\xfe\x00", b"{\"method\":\"a.b\",\"parameters\":[]}\x00"):
            with self.subTest(data[:20]):
                connection = self.raw()
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                self.assertTrue(self.cut_off(connection))
                connection.close()
        self.assertUnharmed()

    def test_a_hundred_megabytes_without_an_end(self):
        connection = self.raw()
        sent = 0
        try:
            while sent < 100 << 20:
                sent += connection.send(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.assertLess(sent, 8 << 20)
        self.assertUnharmed()

    def test_half_a_message_and_silence(self):
        connections = [self.raw() for _ in range(20)]
        for connection in connections:
            connection.sendall(b'{"method": "org.varlink.serv')
        self.assertUnharmed()
        for connection in connections:
            connection.close()
        self.assertUnharmed()

    def test_a_client_that_never_reads(self):
        connection = self.raw()
        connection.setblocking(False)
        call = b'{"method": "org.varlink.service.GetInterfaceDescription", ' \
               b'"parameters": {"interface": "io.tendd.Runner"}}\0'
        sent = 0
        try:
            while sent < 16 << 20:
                sent += connection.send(call * 100)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        self.assertUnharmed()
        connection.close()

    def test_a_stream_reader_that_never_reads(self):
        connection = self.tendd.connect()
        connection.send("io.tendd.Runner.Events", {}, more=True)
        for _ in range(30):
            self.assertEqual(self.tendd.ctl("start", "--wait", "t").returncode, 0)
        self.assertUnharmed()
        connection.close()

    def test_as_many_connections_as_they_let_us(self):
        self.need_descriptors(4096)
        connections = []
        try:
            for _ in range(4000):
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.setblocking(False)
                connection.connect(self.tendd.socket_path)
                connections.append(connection)
        except (BlockingIOError, ConnectionRefusedError):
            pass
        self.assertIn("parameters", self.other.call("org.varlink.service.GetInfo"))
        for connection in connections:
            connection.close()
        self.until(lambda: self.tendd.ctl("status").returncode == 0, "room for one more", 30)
        self.until(lambda: processes.n_fds(self.tendd.pid) < 100, "the connections to be closed")


class Protocol(Case):
    def test_introspection(self):
        connection = self.daemon(QUIET).connect()
        info = connection.call("org.varlink.service.GetInfo")["parameters"]
        self.assertEqual(info["product"], "tendd")
        self.assertIn("io.tendd.Runner", info["interfaces"])
        text = connection.call("org.varlink.service.GetInterfaceDescription",
                               {"interface": "io.tendd.Runner"})["parameters"]["description"]
        self.assertIn("interface io.tendd.Runner", text)

    def test_the_standard_errors(self):
        connection = self.daemon(QUIET).connect()
        for method, parameters, error in (
                ("no.such.interface.Method", {}, "InterfaceNotFound"),
                ("io.tendd.Runner.NoSuch", {}, "MethodNotFound"),
                ("org.varlink.service.GetInterfaceDescription", {}, "InvalidParameter"),
                ("org.varlink.service.GetInterfaceDescription", {"interface": 3}, "InvalidParameter")):
            reply = connection.call(method, parameters)
            self.assertEqual(reply.get("error"), f"org.varlink.service.{error}", (method, reply))

    def test_the_socket_is_private(self):
        daemon = self.daemon(QUIET)
        self.assertEqual(os.stat(daemon.socket_path).st_mode & 0o007, 0)


class Verbs(Case):
    CONFIG = """
[limit db]
permits = 1
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
shell = echo oh dear >&2; exit 7
[task slow]
manual = yes
command = sleep 60
timeout = 500ms
grace = 1s
"""

    def test_no_daemon_is_3_and_lists_what_was_tried(self):
        daemon = self.daemon(QUIET, start=False)
        done = daemon.ctl("status")
        self.assertEqual(done.returncode, 3)
        self.assertIn(daemon.socket_path, done.stderr)

    def test_usage_is_2_and_unknown_names_are_5(self):
        daemon = self.daemon(QUIET)
        self.assertEqual(daemon.ctl("frobnicate").returncode, 2)
        self.assertEqual(daemon.ctl("show", "nothing").returncode, 5)
        self.assertEqual(daemon.ctl("start", "nothing").returncode, 5)
        self.assertEqual(daemon.ctl("stop", "nothing").returncode, 5)
        self.assertEqual(daemon.ctl("why", "nothing").returncode, 5)

    def test_start_wait_passes_the_code_through(self):
        daemon = self.daemon(self.CONFIG)
        self.assertEqual(daemon.ctl("start", "--wait", "fails").returncode, 7)
        self.assertEqual(daemon.ctl("start", "--wait", "slow").returncode, 124)

    def test_why_names_the_holder(self):
        daemon = self.daemon(self.CONFIG)
        self.assertEqual(daemon.ctl("start", "holder").returncode, 0)
        self.assertEqual(daemon.ctl("start", "waiter").returncode, 0)
        # A run asks for its permits some turns after start was answered; on a busy machine it may be asked about before.
        self.until(lambda: "held by holder#1" in daemon.ctl("why", "waiter").stdout,
                   lambda: "the holder to be named: " + daemon.ctl("why", "waiter").stdout)
        self.assertIn("limit db", daemon.ctl("why", "waiter").stdout)
        limits = json.dumps(daemon.ctl_json("limits"))
        self.assertIn("holder#1", limits)
        self.assertIn("waiter#1", limits)
        self.assertEqual(daemon.ctl("stop", "holder").returncode, 0)
        self.assertEqual(daemon.ctl("wait", "waiter").returncode, 0)

    def test_tree_list_show_status_speak_and_are_json(self):
        daemon = self.daemon(self.CONFIG)
        daemon.ctl("start", "holder")
        for verb in (["status"], ["list"], ["tree"], ["show", "holder"], ["limits"], ["pools"]):
            with self.subTest(verb):
                plain = daemon.ctl(*verb)
                self.assertEqual(plain.returncode, 0, plain.stderr)
                self.assertTrue(plain.stdout.strip())
                daemon.ctl_json(*verb)
        self.assertIn("holder#1", daemon.ctl("tree").stdout)
        self.assertIn("tendd", daemon.ctl().stdout)

    def test_status_leads_with_what_fails(self):
        daemon = self.daemon(self.CONFIG)
        daemon.ctl("start", "--wait", "fails")
        self.assertRegex(daemon.ctl("status").stdout, "FAILING +fails")

    def test_stop_cancels_and_says_who(self):
        daemon = self.daemon(self.CONFIG)
        daemon.ctl("start", "holder")
        self.assertEqual(daemon.ctl("stop", "holder").returncode, 0)
        daemon.ctl("wait", "holder")
        daemon.log.wait("holder.*cancel")

    def test_events_stream_what_happens(self):
        daemon = self.daemon(self.CONFIG)
        connection = daemon.connect()
        connection.send("io.tendd.Runner.Events", {}, more=True)
        daemon.ctl("start", "--wait", "fails")
        while True:
            event = connection.receive()
            self.assertIsNotNone(event)
            text = json.dumps(event)
            if "fails#1" in text and "failed" in text:
                break
        connection.close()

    def test_who_waits_is_told_when_the_daemon_dies(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
            silent.bind(self.path("silent"))
            silent.listen()
            daemon = self.daemon(f"[task hangs]\nmanual = yes\nconnect = unix:{self.path('silent')}\nexpect = x\n")
            client = subprocess.Popen(daemon.ctl_command("start", "--wait", "hangs"), env=daemon.env,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.until(lambda: daemon.ctl_json("tree", "hangs")["runs"], "the run")
            daemon.kill(signal.SIGKILL)
            daemon.wait_exit()
            _, said = client.communicate(timeout=10 * self.SCALE)
            self.assertEqual((client.returncode, said), (125, "tendctl: the daemon closed the connection\n"))


class Many(Case):
    """A thousand clients of one user at once."""

    N = 1000

    def test_a_thousand_follow_and_call(self):
        self.need_descriptors(2 * self.N + 200)  # the daemon keeps half of them for its work
        daemon = self.daemon(QUIET)
        before = daemon.rss_kib()
        followers = [daemon.connect(timeout=60) for _ in range(self.N)]
        for follower in followers:
            follower.send("io.tendd.Runner.Events", {"tasks": ["t"]}, more=True)
        # What was asked before is served before: all follow now.
        self.assertEqual(daemon.ctl_json("status")["clients"], self.N + 1)
        self.assertLess(daemon.rss_kib() - before, self.FLAT_KIB)
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        callers = [daemon.connect(timeout=60) for _ in range(50)]
        for caller in callers:
            caller.send("io.tendd.Runner.Show", {"task": "t"})
        for caller in callers:
            self.assertEqual(caller.receive()["parameters"]["task"]["name"], "t")
        for follower in followers:
            seen = []
            while not seen or seen[-1] != "run-done":
                seen += [event["event"] for event in follower.receive()["parameters"]["events"]]
            self.assertEqual(seen, ["run-queued", "run-started", "run-done"])
        for connection in followers + callers:
            connection.close()
        self.until(lambda: processes.n_fds(daemon.pid) < 100, "the connections to be closed")

# SPDX-License-Identifier: MIT
"""Metrics and health over HTTP, as Prometheus, a probe and a hostile client meet them."""
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess

from support.case import Case
from support.wait import SCALE

SOURCE = pathlib.Path(os.environ.get("top_srcdir", "."))
OPENMETRICS = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


# All of 127/8 is this machine. Nobody else takes a port of this address between free_port() and the daemon.
HOST = "127." + ".".join(str(random.randint(1, 254)) for _ in range(3))


def free_port():
    """One that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def promtool(*args, text=None):
    done = subprocess.run(["promtool", *args], input=text, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


class Metrics(Case):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.listen = f"{HOST}:{self.port}"

    def ask(self, path, method="GET", at=None, **headers):
        """The answer and its body."""
        if isinstance(at, str):
            connection = UnixConnection(at, timeout=10 * SCALE)
        else:
            connection = http.client.HTTPConnection(HOST, at or self.port, timeout=10 * SCALE)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response, response.read().decode()
        finally:
            connection.close()

    def answers(self, **kwargs):
        try:
            return self.ask("/healthz", **kwargs)[0].status == 200
        except OSError:
            return False

    def reload(self, daemon, config, code=0):
        daemon.write_config(config)
        done = daemon.ctl("reload")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def degraded(self, daemon):
        return [problem["text"] for problem in daemon.ctl_json("status")["problems"]
                if (problem["kind"], problem["subject"]) == ("degraded", "metrics")]

    def test_a_scrape(self):
        daemon = self.daemon(f"[metrics]\nlisten = {self.listen}\nmax-tasks = 4\n"
                             "[limit db]\npermits = 2\n"
                             "[task fan]\nmanual = yes\nfor-each = list:a b c\ncommand = test {item} != b\nlimit = db\n"
                             "[task good]\nmanual = yes\ncommand = true\n"
                             "[task bad]\nmanual = yes\ncommand = false\nretries = 1\nretry-delay = 1ms..1ms\n"
                             "[task up]\nrestart = always\ncommand = sleep 1000\n"
                             "[task zz]\nmanual = yes\ncommand = true\n")
        self.until(self.answers, "the metrics")
        for task, code in (("fan", 1), ("good", 0), ("good", 0), ("bad", 1), ("zz", 0)):
            self.assertEqual(daemon.ctl("start", "--wait", task).returncode, code)
        response, text = self.ask("/metrics")
        self.assertEqual(response.getheader("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
        for line in ('tendd_task_runs_total{task="good",outcome="ok"} 2', 'tendd_task_runs_total{task="bad",outcome="failed"} 1',
                     'tendd_task_retries_total{task="bad"} 1', 'tendd_task_items_total{task="fan",outcome="failed"} 1',
                     'tendd_task_items_total{task="fan",outcome="ok"} 2', 'tendd_task_items_failing{task="fan"} 1',
                     'tendd_task_runs_total{task="(others)",outcome="ok"} 1', 'tendd_task_up{task="up"} 1',
                     'tendd_limit_granted_total{limit="db"} 3', 'tendd_task_run_duration_seconds_count{task="good"} 2',
                     'tendd_tasks 5', 'tendd_store_degraded 0', 'tendd_phase{tendd_phase="running"} 1'):
            self.assertIn("\n" + line + "\n", text)
        self.assertNotIn('"zz"', text)
        value = {name: float(number) for name, number in re.findall(r"^(\w+) ([0-9.]+)$", text, re.M)}
        # The connection of the scrape was one of them, and that of tendctl perhaps.
        self.assertAlmostEqual(value["process_open_fds"], len(os.listdir(f"/proc/{daemon.pid}/fd")), delta=2)
        for name in ("tendd_log_records_written_total", "tendd_control_calls_total", "tendd_store_records_written_total",
                     "tendd_http_requests_total", "tendd_loop_turns_total", "tendd_loop_turn_seconds_sum"):
            self.assertGreater(value[name], 0, name)
        self.compare_with_documents(text)
        self.check_formats(text)

    def compare_with_documents(self, text):
        """All that the dashboard asks for is there, and all that is there is in the man page."""
        there = set(re.findall(r"^# TYPE (\w+)", text, re.M))
        dashboard = json.loads((SOURCE / "contrib/grafana-dashboard.json").read_text())
        asked = {re.sub(r"_(bucket|count|sum)$", "", name)
                 for panel in dashboard["panels"] for target in panel.get("targets", ())
                 for name in re.findall(r"\b(?:tendd|process)_\w+", re.sub(r'"[^"]*"', "", target["expr"]))}
        self.assertGreater(len(asked), 30)
        self.assertLessEqual(asked, there)
        for variable in dashboard["templating"]["list"][1:]:
            self.assertIn(re.search(r"\((\w+)", variable["definition"])[1], there)
        panels = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(panels), len(set(panels)))
        page = (SOURCE / "daemon/metrics/tendd-metrics.7").read_text()
        listed = set(re.findall(r'^\.BR (\w+) " \(', page, re.M))
        self.assertEqual(listed, {re.sub(r"_(total|info)$", "", name) for name in there})

    def check_formats(self, text):
        """What Prometheus says of both."""
        if not shutil.which("promtool"):
            self.skipTest("no promtool (Debian: prometheus)")
        self.assertEqual(promtool("check", "metrics", text=text), (0, ""))
        response, text = self.ask("/metrics", Accept=OPENMETRICS)
        self.assertEqual(response.getheader("Content-Type"), "application/openmetrics-text; version=1.0.0; charset=utf-8")
        # Its reader of OpenMetrics wants instants.
        stamped = self.write("stamped", re.sub(r"(?m)^([^#].*)$", r"\1 1700000000", text))
        code, told = promtool("tsdb", "create-blocks-from", "openmetrics", stamped, self.path("blocks"))
        self.assertEqual(code, 0, told)
        series = sum(1 for line in text.splitlines() if not line.startswith("#"))
        self.assertRegex(told, rf"\b{series} +\d+ +{series}\b")
        rules = re.search(r"\.EX\n(groups:.*?)\.EE", (SOURCE / "daemon/metrics/tendd-metrics.7").read_text(), re.S)[1]
        rules = self.write("rules.yml", rules.replace("\\-", "-").replace("\\(aq", "'"))
        code, told = promtool("check", "rules", rules)
        self.assertEqual(code, 0, told)

    def test_methods_paths_and_probes(self):
        config = f"[metrics]\nlisten = {self.listen}\n[task t]\nmanual = yes\ncommand = true\n"
        daemon = self.daemon(config)
        self.until(self.answers, "the metrics")
        for method, path, status, body in (("GET", "/healthz", 200, "ok\n"), ("GET", "/readyz?x=y", 200, "ok\n"),
                                           ("HEAD", "/metrics", 200, ""), ("HEAD", "/readyz", 200, ""),
                                           ("GET", "/metrics/", 404, None), ("GET", "/", 200, None),
                                           ("POST", "/metrics", 405, None), ("DELETE", "/", 405, None)):
            with self.subTest(method=method, path=path):
                response, text = self.ask(path, method)
                self.assertEqual(response.status, status)
                if body is not None:
                    self.assertEqual(text, body)
                self.assertEqual(response.getheader("Connection"), "close")
                self.assertEqual(response.getheader("Allow"), "GET, HEAD" if status == 405 else None)

        self.reload(daemon, config + "x\n", 1)
        response, text = self.ask("/readyz")
        self.assertEqual(response.status, 503)
        self.assertIn("refused", text)
        self.assertEqual(self.ask("/healthz")[0].status, 200)
        self.assertIn("\ntendd_config_refused 1\n", self.ask("/metrics")[1])
        self.reload(daemon, config)
        self.assertEqual(self.ask("/readyz")[0].status, 200)

    def test_not_ready_while_it_ends(self):
        daemon = self.daemon(f"[metrics]\nlisten = {self.listen}\n[daemon]\ndrain-timeout = 1h\n"
                             "[task t]\nmanual = yes\non-shutdown = wait\ncommand = sleep 1000\n")
        self.until(self.answers, "the metrics")
        daemon.ctl("start", "t")
        daemon.log.wait("t#1 started")
        daemon.kill(15)
        self.until(lambda: self.ask("/readyz")[1] == "draining\n", "the daemon to drain")
        self.assertEqual(self.ask("/healthz")[0].status, 200)
        self.assertIn('\ntendd_phase{tendd_phase="draining"} 1\n', self.ask("/metrics")[1])
        self.assertEqual(daemon.ctl("stop", "t").returncode, 0)
        self.assertEqual(daemon.wait_exit(), 0)

    def test_addresses_come_and_go(self):
        task = "[task t]\nmanual = yes\ncommand = true\n"
        path = self.path("metrics.sock")
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        daemon = self.daemon(task)
        self.assertFalse(self.answers())
        self.reload(daemon, f"[metrics]\nlisten = {self.listen} unix:{path}\n" + task)
        self.until(lambda: self.answers() and self.answers(at=path), "both addresses")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o666)
        other = free_port()
        self.reload(daemon, f"[metrics]\nlisten = {HOST}:{other} unix:{path}\n" + task)
        self.until(lambda: self.answers(at=other), "the other address")
        self.assertFalse(self.answers())
        self.assertTrue(self.answers(at=path))
        os.unlink(path)
        self.reload(daemon, f"[metrics]\nlisten = {HOST}:{other} unix:{path}\n" + task)
        self.until(lambda: self.answers(at=path), "the socket that somebody removed")
        self.reload(daemon, f"[metrics]\nlisten = {HOST}:{other} unix:{path}\n" + task)
        self.assertTrue(self.answers(at=path))
        self.assertEqual(daemon.log.count(f"metrics are served at unix:{path}"), 2)
        self.reload(daemon, task)
        self.until(lambda: not os.path.exists(path), "the socket to go")
        self.assertFalse(self.answers(at=other))
        self.reload(daemon, f"[metrics]\nlisten = unix:{path}\n" + task)
        self.until(lambda: self.answers(at=path), "the socket again")
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_an_address_in_use(self):
        config = f"[metrics]\nlisten = {self.listen}\n[task t]\nmanual = yes\ncommand = true\n"
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind((HOST, self.port))
            other.listen()
            daemon = self.daemon(config)
            told = daemon.log.wait("err .*cannot listen at")
            self.assertIn(f"{self.listen}: Address already in use", told.string)
            self.assertEqual(self.degraded(daemon), [f"cannot listen at {self.listen}: Address already in use"])
            self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
            self.reload(daemon, config)
        self.reload(daemon, config)
        self.until(self.answers, "the address")
        self.assertEqual(self.degraded(daemon), [])
        self.assertEqual(daemon.log.count("cannot listen at"), 1)
        self.assertEqual(daemon.log.count("metrics are served at"), 1)

    def test_more_clients_than_there_may_be(self):
        self.daemon(f"[metrics]\nlisten = {self.listen}\n[task t]\nmanual = yes\ncommand = true\n")
        self.until(self.answers, "the metrics")
        clients = [socket.create_connection((HOST, self.port), 10 * SCALE) for _ in range(40)]
        for client in clients:
            client.sendall(b"GET /healthz HTTP/1.1\r\n\r")
        self.assertTrue(self.answers())  # who does not get on with it gives way
        self.assertEqual(clients[0].recv(4096), b"")
        clients[-1].sendall(b"\n")
        self.assertIn(b"200 OK", clients[-1].recv(4096))
        for client in clients:
            client.close()

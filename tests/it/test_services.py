# SPDX-License-Identifier: MIT
"""Services on a real daemon: what follows an attempt, what operators may ask, health, critical ones."""
import json
import os
import re
import signal
import socket

from support import processes
from support.case import Case
from support.daemon import TENDCTL

# A web server whose health is gone once it gets SIGUSR1.
WEB = """
import http.server, os, signal, sys
status = [200]
signal.signal(signal.SIGUSR1, lambda *_: status.__setitem__(0, 503))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(status[0])
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer.allow_reuse_address = True
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
with open(sys.argv[2], "a") as file:
    file.write(f"{os.getpid()}\\n")
server.serve_forever()
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServiceCase(Case):
    def task(self, daemon, name):
        return daemon.ctl_json("list", name)["tasks"][0]

    def state(self, daemon, name):
        return self.task(daemon, name)["state"]

    def until_state(self, daemon, name, state, timeout=10.0):
        self.until(lambda: self.state(daemon, name) == state,
                   lambda: f"{name} to be {state}: it is {self.state(daemon, name)}", timeout)

    def pids(self, name="pids"):
        """Of the attempts that wrote theirs, so far."""
        return [int(line) for line in self.read(name).split()]

    def sleeper(self, name="pids"):
        """A command that notes its pid and stays."""
        return f"sh -c 'echo $$ >>{self.path(name)}; exec sleep 1000'"

    def lines_from(self, daemon, first, last):
        """The log from the line that matches @first to the one after it that matches @last; it may come late."""
        daemon.log.wait(first)
        start = next(n for n, line in enumerate(daemon.log.lines) if re.search(first, line))
        daemon.log.wait(last, start=start)
        end = next(n for n, line in enumerate(daemon.log.lines) if n >= start and re.search(last, line))
        return daemon.log.lines[start:end + 1]

    def succeeds(self, daemon, *args):
        done = daemon.ctl(*args)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout


class Restarts(ServiceCase):
    def test_always_goes_on_after_success_and_failure(self):
        daemon = self.daemon(f"""
[task web]
restart = always
restart-delay = 10ms..10ms
restart-limit = 100/1min
shell = echo $TENDD_ATTEMPT >>{self.path('attempts')}; exit $((TENDD_ATTEMPT % 2))
""")
        self.until(lambda: len(self.read("attempts").split()) >= 4, "four attempts")
        daemon.log.wait(r"web#1 restarts in \d+ms.*, attempt 2: exit: shell: exit status 1")
        daemon.log.wait(r"web#1 restarts in \d+ms.*, attempt 3: it had ended")

    def test_on_failure_ends_with_success(self):
        daemon = self.daemon("""
[task web]
restart = on-failure
restart-delay = 10ms..10ms
shell = test $TENDD_ATTEMPT = 3
""")
        daemon.log.wait("web#1 ok after .*, 3 attempts")
        self.assertEqual(self.state(daemon, "web"), "idle")

    def test_too_many_fail_and_the_failure_goes_up_to_the_group(self):
        daemon = self.daemon(f"""
[group site]
policy = all
members = bad good
on-failure = note
[task bad]
restart = always
restart-delay = 1ms..1ms
restart-limit = 2/1min
command = false
[task good]
restart = always
command = {self.sleeper()}
[task note]
manual = yes
shell = echo $TENDD_FOR_EVENT $TENDD_FOR_ERROR >>{self.path('noted')}
""")
        daemon.log.wait("site#1 failed after .*exit")
        self.assertEqual(self.state(daemon, "bad"), "gave-up")
        result = json.loads(daemon.ctl("--json", "wait", "site").stdout)
        self.assertEqual({child["task"]: child["outcome"] for child in result["children"]},
                         {"bad": "failed", "good": "cancelled"})
        self.until(lambda: self.read("noted") == "failure exit\n", "the hook")
        for pid in self.pids():
            self.assertGone(pid)
        self.assertRegex(daemon.ctl("status").stdout, "FAILING +bad")

    def test_under_settle_the_others_stay_up(self):
        daemon = self.daemon(f"""
[group site]
policy = settle
members = bad good
[task bad]
restart = always
restart-delay = 1ms..1ms
restart-limit = 2/1min
command = false
[task good]
restart = always
command = {self.sleeper()}
""")
        self.until_state(daemon, "bad", "gave-up")
        self.until_state(daemon, "good", "up")
        self.assertEqual(self.state(daemon, "site"), "partly-up")

    def test_given_up_it_is_started_in_its_place(self):
        daemon = self.daemon(f"""
[group site]
policy = settle
members = bad good
[task bad]
restart = always
restart-delay = 1ms..1ms
restart-limit = 2/1min
shell = test -e {self.path('mended')} && exec sleep 1000
[task good]
restart = always
command = sleep 1000
""")
        self.until_state(daemon, "bad", "gave-up")
        self.assertRegex(self.succeeds(daemon, "start", "bad"), "site#1/bad")
        self.until_state(daemon, "bad", "gave-up")
        self.write("mended", "")
        self.assertRegex(self.succeeds(daemon, "restart", "bad"), "^site#1/bad ready")
        self.until_state(daemon, "site", "up")
        self.assertEqual([run["name"] for run in daemon.ctl_json("tree")["runs"]],
                         ["site#1", "site#1/bad", "site#1/good"])
        self.succeeds(daemon, "stop", "site")
        self.until_state(daemon, "bad", "idle")


class Order(ServiceCase):
    def test_members_start_after_readiness_and_stop_in_reverse(self):
        daemon = self.daemon("""
[group site]
policy = settle
members = front middle back
[task back]
restart = always
command = sleep 1000
[task middle]
restart = always
command = sleep 1000
after = back
[task front]
restart = always
command = sleep 1000
after = middle
""")
        self.until_state(daemon, "site", "up")
        told = self.lines_from(daemon, "site#1 started", "site#1/front ready")
        self.assertEqual([line.split("site#1/")[1] for line in told if "site#1/" in line],
                         [f"{task} {word}" for task in ("back", "middle", "front") for word in ("started", "ready")])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(re.findall(r"site#1/(\w+) cancelled", daemon.log.text()), ["front", "middle", "back"])

    def test_why_names_who_is_not_ready(self):
        daemon = self.daemon("""
[group site]
policy = settle
members = front back
[task back]
restart = always
restart-delay = 1h
shell = echo connecting; echo "ConnectionRefused: redis:6379" >&2; exit 1
ready = after:1h
start-timeout = 2h
[task front]
restart = always
command = sleep 1000
after = back
""")
        daemon.log.wait("site#1/back restarts in ")
        why = self.succeeds(daemon, "why", "front")
        self.assertRegex(why, "waits for site#1/back, which comes before it and is not ready: it restarts in .*, attempt 2: .*exit status 1")
        why = self.succeeds(daemon, "why", "back")
        self.assertRegex(why, "restarts in .*, attempt 2: .*exit status 1")
        self.assertIn("  its last output: ConnectionRefused: redis:6379\n", why)  # of the attempt before
        self.assertRegex(self.succeeds(daemon, "list", "back"), "restarting in ")
        self.assertRegex(self.succeeds(daemon, "status"), "RESTARTING +back +shell: exit status 1, attempt 2 +tendctl why back")


class Operators(ServiceCase):
    def pair(self):
        """a and b in a group, and web alone, all up."""
        daemon = self.daemon(f"""
[group both]
policy = settle
members = a b
[task a]
restart = always
command = {self.sleeper('a')}
[task b]
restart = always
command = {self.sleeper('b')}
[task web]
restart = always
every = 200ms
on-start = yes
command = {self.sleeper('web')}
[task job]
manual = yes
command = sleep 1000
timeout = 1h
grace = 1s
""")
        for name in ("a", "b", "web"):
            self.until(lambda: self.pids(name), name)
            self.until_state(daemon, name, "up")
        return daemon

    def test_stop_keeps_down_until_start(self):
        daemon = self.pair()
        self.assertIn("both#1/a", self.succeeds(daemon, "stop", "a", "--reason", "maintenance"))
        self.until_state(daemon, "a", "stopped")
        self.assertGone(self.pids("a")[0])
        self.assertRegex(self.succeeds(daemon, "list", "a"), r"stopped by uid \d+, pid \d+: maintenance")
        why = self.succeeds(daemon, "why", "a")
        self.assertRegex(why, "is stopped by uid .*until it is started")
        self.assertIn("to bring it back: tendctl start a\n", why)
        self.assertNotIn("to end it", why)
        self.assertRegex(self.succeeds(daemon, "status"), "STOPPED +a .*tendctl start a")
        self.assertEqual(daemon.ctl("status", "-q").returncode, 0)
        self.assertEqual(self.state(daemon, "b"), "up")
        self.assertEqual(self.succeeds(daemon, "start", "a"), "started both#1/a\n")
        self.until(lambda: len(self.pids("a")) == 2, "a to come back")
        self.assertEqual(self.succeeds(daemon, "start", "a"), "both#1/a is up already\n")

    def test_stop_outlives_the_daemon(self):
        daemon = self.pair()
        self.succeeds(daemon, "stop", "a", "web", "--reason", "maintenance")
        for crash in (False, True):
            if crash:
                daemon.kill(signal.SIGKILL)
                daemon.process.wait()
            else:
                self.assertEqual(daemon.stop(), 0)
            daemon.start()
            self.until_state(daemon, "b", "up")
            daemon.log.wait(r"a stays down: stopped by uid \d+, pid \d+: maintenance, until it is started")
            daemon.log.wait("web.*an operator has stopped it, until it is started")
            for name in ("a", "web"):
                self.until_state(daemon, name, "stopped")
                self.assertEqual(len(self.pids(name)), 1)
                self.assertRegex(self.succeeds(daemon, "list", name), r"stopped by uid \d+, pid \d+: maintenance")
                self.assertRegex(self.succeeds(daemon, "show", name), r"by uid \d+, pid \d+: maintenance, (now|.* ago)")
                why = self.succeeds(daemon, "why", name)
                self.assertRegex(why, r"stopped by uid \d+, pid \d+: maintenance, (now|.* ago), until it is started")
                self.assertIn(f"tendctl start {name}\n", why)
            self.assertRegex(self.succeeds(daemon, "status"), r"STOPPED +a +by uid .*maintenance, \d+s ago +tendctl start a")
        self.succeeds(daemon, "start", "a", "web")
        self.until(lambda: len(self.pids("a")) == 2 and len(self.pids("web")) == 2, "both to come back")
        self.assertEqual(daemon.stop(), 0)
        daemon.start()
        for name in ("a", "b", "web"):
            self.until_state(daemon, name, "up")

    def test_what_is_slow_to_stop_is_explained(self):
        daemon = self.daemon(f"""
[task web]
restart = always
shell = trap '' TERM; echo x >{self.path('up')}; while :; do sleep 0.1; done
grace = 1h
ready = after:100ms
start-timeout = 2h
""")
        self.until(lambda: self.read("up"), "web to be up")
        self.succeeds(daemon, "stop", "web")
        why = self.succeeds(daemon, "why", "web")
        self.assertRegex(why, r"(?m)^  stopped by uid \d+, pid \d+, until it is started$")
        self.assertRegex(why, r"(?m)^  grace of web#1 ends it in (1h|59min.*)$")
        self.assertNotIn("start-timeout", why)
        self.succeeds(daemon, "stop", "--force", "web")
        self.until_state(daemon, "web", "stopped")

    def test_triggers_do_not_start_what_was_stopped(self):
        daemon = self.pair()
        self.succeeds(daemon, "stop", "web")
        daemon.log.wait("web.*an operator has stopped it")
        self.until_state(daemon, "web", "stopped")
        self.assertEqual(len(self.pids("web")), 1)
        self.succeeds(daemon, "start", "web")
        self.until(lambda: len(self.pids("web")) == 2, "web to come back")

    def test_restart_waits_until_ready(self):
        daemon = self.pair()
        self.assertEqual(sorted(self.succeeds(daemon, "restart", "both").splitlines()),
                         ["both#1/a ready, attempt 2", "both#1/b ready, attempt 2"])
        self.assertEqual(self.state(daemon, "both"), "up")
        self.assertGone(self.pids("a")[0])
        self.assertEqual(self.succeeds(daemon, "restart", "--no-wait", "web"), "restarting web#1\n")
        self.until(lambda: len(self.pids("web")) == 2, "web to come back")
        self.assertEqual(daemon.ctl("restart", "job").returncode, 1)
        self.assertEqual(daemon.ctl("restart", "nothing").returncode, 5)

    def test_restart_fails_when_one_does_not_come_back(self):
        daemon = self.daemon(f"""
[task web]
restart = always
shell = test ! -e {self.path('broken')}; exec sleep 1000
ready = after:300ms
""")
        self.until_state(daemon, "web", "up")
        self.write("broken", "")
        done = daemon.ctl("restart", "web")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, "^web#1 not ready, attempt 2: restarts in .*exit status 1")

    def test_a_broken_version_takes_down_one_instance(self):
        daemon = self.daemon(f"""
[task web]
restart = always
instances = 3
restart-delay = 10ms
restart-limit = 1/1min
shell = test ! -e {self.path('broken')}; echo ready; exec sleep 1000
ready = line:ready
""")
        self.until_state(daemon, "web", "up")
        self.write("broken", "")
        done = daemon.ctl("restart", "web")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"^web#1/web@1 not ready, attempt 2: restarts in .*exit status 1\n"
                         r"web#1/web@2 not restarted, one before it is not ready\n"
                         r"web#1/web@3 not restarted, one before it is not ready\n$")
        self.until_state(daemon, "web@1", "gave-up")
        self.assertEqual([self.state(daemon, f"web@{n}") for n in (2, 3)], ["up", "up"])
        self.assertEqual(self.state(daemon, "web"), "partly-up")

    def test_signals_reach_the_tree_or_the_main_process(self):
        daemon = self.daemon(f"""
[task web]
restart = always
shell = trap 'echo main >>{self.path('got')}' USR1; (trap 'echo other >>{self.path('got')}' USR1; echo x >{self.path('up')}; while :; do sleep 0.05 || :; done) & while :; do wait || :; done
""")
        self.until(lambda: self.read("up"), "both to listen")
        self.until_state(daemon, "web", "up")
        self.succeeds(daemon, "signal", "--main", "web", "SIGUSR1")
        self.until(lambda: self.read("got") == "main\n", "the main process")
        self.succeeds(daemon, "signal", "web#1", str(int(signal.SIGUSR1)))
        self.until(lambda: sorted(self.read("got").split()) == ["main", "main", "other"], "both")
        wrong = daemon.ctl("signal", "web", "FOO")
        self.assertEqual((wrong.returncode, wrong.stderr), (2, "tendctl: FOO: no signal (such as HUP or 15)\n"))
        self.assertEqual(self.state(daemon, "web"), "up")

    def test_extend_gives_time(self):
        daemon = self.pair()
        self.succeeds(daemon, "start", "job")
        self.assertRegex(self.succeeds(daemon, "extend", "job", "2h"), r"^job#1 ends in (3h|2h 59min).*, by timeout\n$")
        until = self.succeeds(daemon, "extend", "--until", "20h", "job")
        self.assertRegex(until, r"^job#1 ends in (20h|19h 59min).*, by timeout\n$")
        self.assertIn("is left as it is", self.succeeds(daemon, "extend", "--until", "19h", "job"))
        clipped = daemon.ctl_json("extend", "job#1", "30d")["extended"][0]
        self.assertTrue(clipped["clipped"])
        self.assertEqual(clipped["deadline"]["bound"], "total-timeout")
        self.assertEqual(daemon.ctl("extend", "job", "--until", "yesterday").returncode, 2)
        self.assertEqual(daemon.ctl("extend", "job", "soon").returncode, 2)
        self.assertEqual(daemon.ctl("extend", "web", "1h").returncode, 1)  # nothing bounds it
        self.assertEqual(daemon.ctl("extend", "nothing", "1h").returncode, 5)

    def test_what_is_being_stopped_gets_no_more_time(self):
        daemon = self.daemon(f"""
[task deaf]
manual = yes
shell = trap '' TERM; echo x >{self.path('up')}; while :; do sleep 0.1; done
grace = 1h
""")
        self.succeeds(daemon, "start", "deaf")
        self.until(lambda: self.read("up"), "the task")
        self.succeeds(daemon, "stop", "deaf")
        done = daemon.ctl("extend", "deaf#1", "1h")
        self.assertEqual(done.returncode, 1)
        self.assertIn("it is being stopped", done.stderr)
        self.succeeds(daemon, "stop", "--force", "deaf")
        self.assertEqual(daemon.ctl("wait", "deaf").returncode, 1)

    def test_json_has_what_is_told(self):
        daemon = self.pair()
        self.succeeds(daemon, "stop", "a")
        self.until_state(daemon, "a", "stopped")
        service = self.task(daemon, "a")["service"]
        self.assertEqual((service["state"], service["ready"]), ("stopped", False))
        self.assertIn(f"uid {os.geteuid()}", service["stopped_by"])
        runs = {run["name"]: run for run in daemon.ctl_json("tree")["runs"]}
        self.assertEqual(runs["both#1"]["service"]["state"], "partly-up")
        self.assertTrue(runs["both#1/b"]["service"]["ready"])


class Health(ServiceCase):
    """Situation 7, with shorter times."""

    def test_a_health_check_that_restarts(self):
        port = free_port()
        every = int(1000 * self.SCALE)
        daemon = self.daemon(f"""
[task web]
command = /usr/bin/python3 {self.write('web.py', WEB)} {port} {self.path('pids')}
restart = always
restart-delay = 100ms
health = web-ping
[task web-ping]
url = http://127.0.0.1:{port}/healthz
every = {every}ms
timeout = 2s
failing-after = 3
""")
        daemon.log.wait("web-ping#.* ok after", 20)
        self.assertEqual(self.state(daemon, "web"), "up")
        before = self.pids()
        os.kill(before[-1], signal.SIGUSR1)
        daemon.log.wait(r"web#1 restarts in .*: health: web-ping failed 3 times in a row: http-status: .*503", 20)
        self.until(lambda: len(self.pids()) > len(before), "the next attempt", 20)
        self.assertGone(before[-1])
        self.lines_from(daemon, "web#1 restarts in .*: health", "web-ping#.* ok after")
        self.assertEqual(self.state(daemon, "web"), "up")
        self.succeeds(daemon, "stop", "web")
        self.until_state(daemon, "web", "stopped")
        self.assertNotIn("next_usec", self.task(daemon, "web-ping"))


    def test_each_instance_has_its_own(self):
        daemon = self.daemon(f"""
[task web]
command = {self.sleeper('pids-{n}')}
instances = 2
restart = always
restart-delay = 10ms..10ms
health = web-ping
[task web-ping]
command = test ! -e {self.path('sick-{n}')}
every = 50ms
failing-after = 2
""")
        self.until_state(daemon, "web", "up")
        self.write("sick-1", "")
        daemon.log.wait("web#1/web@1 restarts in .*: health: web-ping@1 failed 2 times in a row: exit: .*status 1")
        os.unlink(self.path("sick-1"))
        self.until(lambda: len(self.pids("pids-1")) > 1, "the next attempt")
        self.until_state(daemon, "web", "up")
        self.until(lambda: self.pids("pids-2"), "the other instance")
        self.assertEqual(len(self.pids("pids-2")), 1)


class Situation3(ServiceCase):
    """A supervisord replaced, as it is written; the commands are stand-ins."""

    def site(self):
        app = self.path("app")
        os.mkdir(app)
        gunicorn = self.write("app/gunicorn", f"""#!/usr/bin/python3
import os, socket, sys, time
with open("{self.path('pids')}", "a") as file:
    file.write(f"{{os.getpid()}}\\n")
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.connect(os.environ["NOTIFY_SOCKET"])
    notify.send(f"READY=1\\nSTATUS=serving {{sys.argv[-1]}}\\nX_TENDD_PROGRESS=520/1000".encode())
time.sleep(1000)
""", 0o755)
        return self.daemon(f"""
[defaults app]
user = root
directory = {app}
restart = always
[group site]
policy = settle
members = web worker-* beat
[task web]
use = app
command = {gunicorn} app:app -b unix:/run/app/{{n}}.sock
instances = 4
ready = notify
[task worker-mail]
use = app
command = {self.sleeper('mail')}
after = web
[task beat]
use = app
command = {self.sleeper('beat')}
""")

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("needs root, for user =")

    def test_is_up_in_order(self):
        daemon = self.site()
        self.until_state(daemon, "site", "up")
        told = "\n".join(self.lines_from(daemon, "site#1 started", "site#1/worker-mail started"))
        self.assertEqual(sorted(re.findall(r"site#1/web/(web@\d) ready", told)), [f"web@{n}" for n in range(1, 5)])
        tree = self.succeeds(daemon, "tree")
        self.assertRegex(tree, r"web@3 +up +.*\[#####     \] 52% 520/1000 serving unix:/run/app/3.sock")

    def test_restart_signal_stop_and_start_of_instances(self):
        daemon = self.site()
        self.until_state(daemon, "site", "up")
        self.assertEqual(self.succeeds(daemon, "restart", "web@2"), "site#1/web/web@2 ready, attempt 2\n")
        self.assertEqual(len(self.succeeds(daemon, "restart", "web").splitlines()), 4)
        told = "\n".join(self.lines_from(daemon, r'Restart by .*"web"\]', "web@4 ready"))
        self.assertEqual(re.findall(r"web/(web@\d \w+)", told),
                         [f"web@{n} {word}" for n in range(1, 5) for word in ("restarts", "ready")])
        self.succeeds(daemon, "stop", "web")
        self.until_state(daemon, "web", "stopped")
        self.assertEqual(self.state(daemon, "worker-mail"), "up")
        self.assertEqual(self.state(daemon, "site"), "partly-up")
        self.assertEqual(daemon.ctl("status").stdout.count("STOPPED"), 1)
        self.succeeds(daemon, "start", "web@3")
        self.until_state(daemon, "web@3", "up")
        self.assertEqual(self.state(daemon, "web"), "partly-up")
        self.succeeds(daemon, "start", "web")
        self.until_state(daemon, "site", "up")
        before = len(self.pids())
        self.succeeds(daemon, "signal", "web", "KILL")
        self.until(lambda: len(self.pids()) == before + 4, "four new attempts")


class Critical(ServiceCase):
    CONFIG = """
[task web]
restart = on-failure
restart-delay = 1ms..1ms
restart-limit = 1/1min
critical = yes
shell = {command}
[task other]
restart = always
command = {other}
"""

    def test_its_final_failure_ends_the_daemon_with_its_code(self):
        for command, code in (("exit 42", 42), ("kill -9 $$", 137)):
            with self.subTest(command):
                daemon = self.daemon(self.CONFIG.format(command=command, other=self.sleeper()), start=False)
                daemon.start(wait=False)
                self.assertEqual(daemon.wait_exit(), code)
                self.assertIn(f"ending with exit code {code}: critical service web has failed", daemon.log.text())
        for pid in self.pids():
            self.assertFalse(processes.alive(pid))

    def test_the_service_manager_is_told_why(self):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.addCleanup(manager.close)
        manager.bind(self.path("notify"))
        daemon = self.daemon(self.CONFIG.format(command="exit 3", other=self.sleeper()), start=False,
                             env={"NOTIFY_SOCKET": self.path("notify")})
        daemon.start(wait=False)
        self.assertEqual(daemon.wait_exit(), 3)
        said = []
        try:
            while True:
                said += manager.recv(4096).decode().splitlines()
        except BlockingIOError:
            pass
        if not said:
            self.skipTest("built without libsystemd")
        self.assertIn("STOPPING=1", said)
        self.assertRegex([line for line in said if line.startswith("STATUS=")][-1],
                         "^STATUS=ending with exit code 3: critical service web has failed: ")

    def test_as_a_member(self):
        daemon = self.daemon(self.CONFIG.format(command="exit 3", other=self.sleeper()) + "[group both]\n"
                             "policy = settle\nmembers = web other\n", start=False)
        daemon.start(wait=False)
        self.assertEqual(daemon.wait_exit(), 3)

    def test_a_stop_is_no_failure(self):
        daemon = self.daemon(self.CONFIG.format(command="exec sleep 1000", other=self.sleeper()))
        self.until_state(daemon, "web", "up")
        self.succeeds(daemon, "stop", "web")
        self.until_state(daemon, "web", "stopped")
        self.until_state(daemon, "other", "up")
        self.assertEqual(daemon.stop(), 0)


class Outcomes(ServiceCase):
    def test_slow_after_is_told_and_the_run_goes_on(self):
        daemon = self.daemon(f"""
[task backfill]
manual = yes
command = sleep 1000
slow-after = 200ms
on-slow = alert
[task alert]
manual = yes
shell = cat >{self.path('json')}; echo $TENDD_FOR_EVENT $TENDD_FOR_OUTCOME $TENDD_FOR_RUN >{self.path('alert')}
""")
        self.succeeds(daemon, "start", "backfill")
        self.until(lambda: self.read("alert") == "slow running backfill#1\n", "the hook")
        told = json.loads(self.read("json"))
        self.assertEqual((told["event"], told["outcome"], told["run"]), ("slow", "running", "backfill#1"))
        daemon.log.wait("slow: at work for 200ms")
        self.assertTrue(self.task(daemon, "backfill")["slow"])
        self.assertRegex(self.succeeds(daemon, "list", "backfill"), "running, slow")
        self.assertRegex(self.succeeds(daemon, "why", "backfill"), "longer than slow-after")
        self.assertRegex(self.succeeds(daemon, "status"), "SLOW +backfill")

    def test_failing_after_so_many_fires_once_and_so_does_recovery(self):
        daemon = self.daemon(f"""
[task check]
manual = yes
shell = test -e {self.path('well')}
failing-after = 3
on-failing = note
on-recover = note
[task note]
manual = yes
shell = echo $TENDD_FOR_EVENT $TENDD_FOR_OUTCOME >>{self.path('noted')}
""")
        for number in range(1, 6):
            self.assertEqual(daemon.ctl("start", "--wait", "check").returncode, 1)
            self.assertEqual(self.task(daemon, "check")["failing"], number >= 3)
        self.until(lambda: self.read("noted") == "failing failed\n", "the hook")
        self.write("well", "")
        for _ in range(2):
            self.succeeds(daemon, "start", "--wait", "check")
        self.until(lambda: self.read("noted") == "failing failed\nrecovered ok\n", "the other hook")
        self.assertEqual(self.state(daemon, "check"), "idle")

    def test_a_service_recovers_when_it_is_ready(self):
        daemon = self.daemon(f"""
[task web]
restart = on-failure
restart-delay = 1ms..1ms
restart-limit = 1/1min
shell = test -e {self.path('well')}; exec sleep 1000
on-failing = note
on-recover = note
[task note]
manual = yes
shell = echo $TENDD_FOR_EVENT >>{self.path('noted')}
""")
        self.until(lambda: self.read("noted") == "failing\n", "the hook")
        self.write("well", "")
        self.succeeds(daemon, "start", "web")
        self.until(lambda: self.read("noted") == "failing\nrecovered\n", "the other hook")
        self.until_state(daemon, "web", "up")

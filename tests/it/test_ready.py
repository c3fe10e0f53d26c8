# SPDX-License-Identifier: MIT
"""What services and jobs say of themselves on a real daemon: readiness, watchdog, status, progress, more time; and who
may not speak for them."""
import array
import os
import shutil
import signal
import socket
import subprocess
import time

from support import processes
from support.daemon import BUILD, TENDCTL, environment
from test_services import ServiceCase

# What sd_notify(3) does.
SAY = """
import os, socket, sys
address = os.environ["NOTIFY_SOCKET"]
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
    out.sendto("\\n".join(sys.argv[1:]).encode(), address)
"""

# Takes connections at a path, from the moment at which there is a file "go".
SERVE = """
import os, socket, sys, time
path = sys.argv[1]
while not os.path.exists(path + ".go"):
    time.sleep(0.02)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(4)
while True:
    listener.accept()[0].close()
"""


class ReadyCase(ServiceCase):
    CGROUP = "auto"

    def setUp(self):
        super().setUp()
        os.chmod(self.directory, 0o755)  # services of other users pass through
        self.say = f"/usr/bin/python3 {self.write('say.py', SAY)}"

    def start(self, config, **kwargs):
        """A daemon whose children find tendctl."""
        env = {"PATH": f"{BUILD}:{environment()['PATH']}"}
        return self.daemon(f"[daemon]\ncgroup = {self.CGROUP}\n{config}", env=env, **kwargs)

    def go(self, name):
        self.write(name, "")

    def until_gone_on(self, name):
        """A line of shell that waits for go()."""
        return f"until test -e {self.path(name)}; do sleep 0.02; done"

    def run_of(self, daemon, name):
        runs = [run for run in daemon.ctl_json("tree")["runs"] if run["task"] == name]
        self.assertLessEqual(len(runs), 1)
        return runs[0] if runs else {}

    def until_run(self, daemon, name, what, condition):
        """The run of @name once @condition holds for it."""
        seen = [{}]

        def holds():
            seen[0] = self.run_of(daemon, name)
            return seen[0] and condition(seen[0])
        self.until(holds, lambda: f"{name} to be {what}: {seen[0]}")
        return seen[0]

    def barrier(self, address, timeout=30.0):
        """Returns when all has been read that was said at @address before."""
        mine, passed = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [passed]))
            out.sendmsg([b"BARRIER=1"], [rights], 0, address)
        os.close(passed)
        self.addCleanup(os.close, mine)
        os.set_blocking(mine, False)

        def is_closed():
            try:
                return os.read(mine, 1) == b""
            except BlockingIOError:
                return False
        self.until(is_closed, "the notify socket to be read", timeout)


class Sorts(ReadyCase):
    def test_each_is_waited_for(self):
        """Five services, each after the one before, and each ready in another way."""
        daemon = self.start(f"""
[group chain]
policy = settle
members = runs prints listens speaks lasts
[defaults one]
restart = always
[task runs]
use = one
command = sleep 1000
[task prints]
use = one
after = runs
ready = line:^serving on port [0-9]+$
shell = echo starting; {self.until_gone_on('prints.go')}; echo '<6>serving on port 80'; exec sleep 1000
[task listens]
use = one
after = prints
ready = connect:unix:{self.path('listens')}
command = python3 {self.write('serve.py', SERVE)} {self.path('listens')}
[task speaks]
use = one
after = listens
ready = notify
shell = {self.until_gone_on('speaks.go')}; tendctl notify --ready; exec sleep 1000
[task lasts]
use = one
after = speaks
ready = after:50ms
command = sleep 1000
""")
        names = ["runs", "prints", "listens", "speaks", "lasts"]
        for name, later in zip(names[1:4], names[2:]):
            self.until_state(daemon, name, "starting")
            self.assertEqual(self.run_of(daemon, later)["state"], "queued")
            self.go(f"{name}.go")
            self.until_state(daemon, name, "up")
        self.until_state(daemon, "chain", "up")
        daemon.log.wait("chain#1/lasts ready")
        lines = daemon.log.text()
        places = [lines.index(f"chain#1/{name} {what}") for name in names for what in ("started", "ready")]
        self.assertEqual(places, sorted(places))

    def test_what_an_address_says_is_shown_until_it_answers(self):
        daemon = self.start(f"""
[task listens]
restart = always
ready = connect:unix:{self.path('listens')}
command = python3 {self.write('serve.py', SERVE)} {self.path('listens')}
""")
        expected = f"not ready: unix:{self.path('listens')}: No such file or directory"
        self.until_run(daemon, "listens", "waited for", lambda run: run.get("status") == expected)
        self.go("listens.go")
        self.until_state(daemon, "listens", "up")
        self.assertNotIn("status", self.run_of(daemon, "listens"))

    def test_systemd_notify_is_understood(self):
        if not shutil.which("systemd-notify"):
            self.skipTest("no systemd-notify (Debian: systemd)")
        daemon = self.start("""
[task speaks]
restart = always
ready = notify
shell = systemd-notify --ready --status='serving all'; exec sleep 1000
""")
        self.until_state(daemon, "speaks", "up")
        self.assertEqual(self.run_of(daemon, "speaks")["status"], "serving all")

    def test_one_that_is_never_ready_is_started_again(self):
        daemon = self.start(f"""
[task mute]
restart = always
restart-delay = 1ms..1ms
start-timeout = 100ms
ready = notify
command = {self.sleeper()}
""")
        daemon.log.wait(r"mute#1 restarts .*, attempt 3: timeout: start-timeout of 100ms reached", timeout=20)
        for pid in self.pids()[:1]:
            self.assertGone(pid)

    def test_an_end_before_is_a_failure_though_the_code_is_good(self):
        daemon = self.start("""
[task hasty]
restart = on-failure
restart-delay = 1ms..1ms
restart-limit = 1/1min
ready = line:^ready
command = echo nearly ready
""")
        daemon.log.wait(r"hasty#1 failed .*ready: echo: ended before it was ready")

    def test_a_line_before_the_end_makes_it_a_good_one(self):
        daemon = self.start("""
[task brief]
restart = on-failure
ready = line:^ready
command = echo ready
""")
        for _ in range(20):
            self.assertEqual(daemon.ctl("start", "--wait", "brief").returncode, 0)


class Life(ReadyCase):
    def test_one_that_falls_silent_is_started_again(self):
        daemon = self.start(f"""
[task web]
restart = always
restart-delay = 1ms..1ms
ready = notify
watchdog = 200ms
shell = echo $$ $WATCHDOG_USEC >>{self.path('attempts')}; tendctl notify --ready --watchdog; exec sleep 1000
""")
        daemon.log.wait(r"web#1 restarts .*, attempt 2: watchdog: no WATCHDOG=1 for 200ms")
        pid, usec = self.read("attempts").split()[:2]
        self.assertEqual(usec, "200000")
        self.assertGone(int(pid))

    def test_one_that_knows_to_have_failed_is_started_again(self):
        daemon = self.start(f"""
[task web]
restart = always
restart-delay = 1ms..1ms
ready = notify
watchdog = 1h
shell = {self.say} READY=1; {self.say} WATCHDOG=1 WATCHDOG=trigger; exec sleep 1000
""")
        daemon.log.wait(r"web#1 restarts .*, attempt 2: watchdog: it said WATCHDOG=trigger")

    def test_one_that_leaves_is_not_ready(self):
        daemon = self.start(f"""
[task web]
restart = on-failure
ready = notify
watchdog = 1h
shell = tendctl notify --ready; {self.until_gone_on('leave')}; tendctl notify --stopping --status saving
        {self.until_gone_on('end')}
""")
        self.until_state(daemon, "web", "up")
        self.go("leave")
        self.until_run(daemon, "web", "leaving", lambda run: run.get("status") == "saving")
        self.assertFalse(self.run_of(daemon, "web")["service"]["ready"])
        self.go("end")
        daemon.log.wait("web#1 ok")

    def test_a_status_is_shown_while_it_is_stopped(self):
        daemon = self.start(f"""
[task web]
restart = always
ready = notify
grace = 1h
shell = trap 'tendctl notify --status "saving 12 carts"; {self.until_gone_on('end')}; exit 0' TERM
        tendctl notify --ready --status serving
        while :; do sleep 0.02; done
""")
        self.until_state(daemon, "web", "up")
        self.succeeds(daemon, "stop", "web")
        run = self.until_run(daemon, "web", "saving", lambda run: run.get("status") == "saving 12 carts")
        self.assertEqual(run["state"], "stopping")
        self.assertIn("saving 12 carts", daemon.ctl("tree").stdout)
        self.go("end")
        daemon.log.wait("web#1 cancelled")


class Jobs(ReadyCase):
    def test_progress_is_shown(self):
        daemon = self.start(f"""
[task load]
manual = yes
shell = tendctl notify --status 'copying users' --progress 3/12; {self.until_gone_on('more')}
        {self.say} X_TENDD_PROGRESS=12/12 STATUS=; exec sleep 1000
""")
        self.succeeds(daemon, "start", "load")
        run = self.until_run(daemon, "load", "under way", lambda run: "progress" in run)
        self.assertEqual((run["status"], run["progress"]["done"], run["progress"]["total"]), ("copying users", 3, 12))
        self.assertRegex(daemon.ctl("status").stdout, r"says +load#1 +\[[# ]+\] 25% 3/12 copying users")
        self.assertRegex(daemon.ctl("tree").stdout, r"load#1 .*3/12.* copying users")
        self.go("more")
        self.until_run(daemon, "load", "done", lambda run: run["progress"]["done"] == 12 and "status" not in run)

    def test_what_is_no_text_harms_nobody(self):
        raw = "import os, socket\n" \
              "out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n" \
              "out.sendto(b'STATUS=\\x1b[2J\\xff\\x00' + b'\\xc3\\xa4' * 1000, os.environ['NOTIFY_SOCKET'])\n"
        daemon = self.start(f"""
[task load]
manual = yes
shell = /usr/bin/python3 {self.write('raw.py', raw)}; exec sleep 1000
""")
        self.succeeds(daemon, "start", "load")
        run = self.until_run(daemon, "load", "heard", lambda run: "status" in run)
        self.assertIn("ä" * 100, run["status"])
        self.assertNotIn("\x1b", daemon.ctl("tree").stdout)

    def bound_of(self, run):
        return run["deadline"]["bound"], run["deadline"]["at_usec"] / 10**6 - time.time()

    def test_more_time_is_given_as_far_as_the_run_may_take(self):
        daemon = self.start(f"""
[task load]
manual = yes
timeout = 30min
total-timeout = 3h
shell = {self.until_gone_on('more')}; tendctl notify --extend 2h --status more; {self.until_gone_on('most')}
        tendctl notify --extend 10d --status most; exec sleep 1000
""")
        self.succeeds(daemon, "start", "load")
        run = self.until_run(daemon, "load", "running", lambda run: run["state"] == "running")
        self.assertEqual(self.bound_of(run)[0], "timeout")
        self.assertLessEqual(self.bound_of(run)[1], 1800)
        self.go("more")
        bound, left = self.bound_of(self.until_run(daemon, "load", "extended", lambda run: run.get("status") == "more"))
        self.assertEqual(bound, "timeout")
        self.assertGreater(left, 5400)
        self.go("most")
        bound, left = self.bound_of(self.until_run(daemon, "load", "clipped", lambda run: run.get("status") == "most"))
        self.assertEqual(bound, "total-timeout")
        self.assertLessEqual(left, 3 * 3600)

    def test_more_time_before_it_is_ready_is_for_the_start(self):
        daemon = self.start(f"""
[task web]
restart = always
ready = notify
start-timeout = 30min
shell = tendctl notify --extend 2h --status more; {self.until_gone_on('ready')}; tendctl notify --ready
        exec sleep 1000
""")
        bound, left = self.bound_of(self.until_run(daemon, "web", "extended", lambda run: run.get("status") == "more"))
        self.assertEqual(bound, "start-timeout")
        self.assertGreater(left, 5400)
        self.go("ready")
        self.until_state(daemon, "web", "up")
        self.assertNotIn("deadline", self.run_of(daemon, "web"))

    def test_a_long_batch_is_watched_and_extended(self):
        """Situation 8."""
        daemon = self.start(f"""
[task backfill]
manual = yes
shell = for i in 1 2 3 4; do tendctl notify --progress "$i/4"; until test -e {self.path('step')}$i
        do sleep 0.02
        done; done
timeout = 6h
total-timeout = 12h
slow-after = 100ms
on-slow = alert
[task alert]
manual = yes
shell = echo $TENDD_FOR_TASK $TENDD_FOR_EVENT >>{self.path('alerts')}
""")
        self.succeeds(daemon, "start", "backfill")
        for i in range(1, 4):
            self.until_run(daemon, "backfill", f"at {i}", lambda run, i=i: run.get("progress", {}).get("done") == i)
            self.assertRegex(daemon.ctl("tree", "backfill").stdout, rf"backfill#1 .*{i}/4")
            self.go(f"step{i}")
        self.until(lambda: self.read("alerts") == "backfill slow\n", "the alert")
        before = self.bound_of(self.run_of(daemon, "backfill"))
        self.assertEqual(before[0], "timeout")
        self.succeeds(daemon, "extend", "backfill", "2h")
        after = self.bound_of(self.run_of(daemon, "backfill"))
        self.assertEqual(after[0], "timeout")
        self.assertAlmostEqual(after[1] - before[1], 2 * 3600, delta=60 * self.SCALE)
        self.go("step4")
        daemon.log.wait("backfill#1 ok")


class Speakers(ReadyCase):
    """Who may speak for a run, told by its cgroup."""

    def mute(self, user="", say="true", name="mute"):
        """A service that says where its socket is, and nothing else by itself; @say: what it runs when told to go."""
        return f"""
[task {name}]
restart = always
ready = notify
{user}
shell = echo $NOTIFY_SOCKET >{self.path(name)}.tmp; mv {self.path(name)}.tmp {self.path(name)}
        {self.until_gone_on('go')}; {say}; echo >{self.path('said')}; exec sleep 1000
"""

    def address(self, name="mute"):
        self.until(lambda: self.read(name), f"the socket of {name}")
        return self.read(name).strip()

    def said_while_stopped(self, daemon, say):
        """Nobody reads while @say() has somebody speak and end."""
        daemon.kill(signal.SIGSTOP)
        try:
            self.until(lambda: processes.status(daemon.pid)["State"].startswith("T"), "the daemon to stop")
            say()
        finally:
            daemon.kill(signal.SIGCONT)

    def test_one_that_has_ended_is_heard(self):
        daemon = self.start(self.mute(say=f"{self.say} READY=1"))
        self.address()

        def say():
            self.go("go")
            self.until(lambda: os.path.exists(self.path("said")), "the speaker to end")
        self.said_while_stopped(daemon, say)
        self.until_state(daemon, "mute", "up")

    def test_one_below_is_heard(self):
        daemon = self.start(self.mute(say="sh -c 'sh -c \"tendctl notify --ready\" & wait'"))
        self.address()
        self.go("go")
        self.until_state(daemon, "mute", "up")

    def test_one_of_another_run_is_not(self):
        daemon = self.start(self.mute() + f"""
[task thief]
manual = yes
shell = NOTIFY_SOCKET=$(cat {self.path('mute')}) tendctl notify --ready --status stolen
""")
        self.address()
        # It returns when it was read, and lives until then.
        self.assertEqual(daemon.ctl("start", "--wait", "thief").returncode, 0)
        self.assertEqual(self.state(daemon, "mute"), "starting")
        self.assertNotIn("status", self.run_of(daemon, "mute"))

    def test_one_of_no_run_is_not(self):
        daemon = self.start(self.mute())
        done = subprocess.run([TENDCTL, "notify", "--ready"], env=environment(NOTIFY_SOCKET=self.address()),
                              check=False, timeout=30 * self.SCALE)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.state(daemon, "mute"), "starting")

    def need_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to be another user")

    def test_another_user_that_has_ended_is_not(self):
        self.need_root()
        daemon = self.start(self.mute())
        address = self.address()

        def say():
            subprocess.run(["/usr/bin/python3", self.path("say.py"), "READY=1"], user=65534, group=65534,
                           extra_groups=[], env=environment(NOTIFY_SOCKET=address), check=True,
                           timeout=30 * self.SCALE)
        self.said_while_stopped(daemon, say)
        self.barrier(address)
        self.assertEqual(self.state(daemon, "mute"), "starting")

    def test_a_service_of_another_user_is_heard(self):
        self.need_root()
        shutil.copy(TENDCTL, self.path("tendctl"))
        os.mkdir(self.path("open"))
        os.chmod(self.path("open"), 0o777)
        daemon = self.start(f"""
[task web]
user = nobody
restart = always
ready = notify
shell = id -un >{self.path('open/user')}; {self.path('tendctl')} notify --status hello
        exec /usr/bin/python3 -c 'import os, sys, time; sys.argv[1:] = ["READY=1"]
        exec(open("{self.path('say.py')}").read()); time.sleep(1000)'
""")
        self.until_state(daemon, "web", "up")
        self.assertEqual(self.run_of(daemon, "web")["status"], "hello")
        self.assertEqual(self.read("open/user"), "nobody\n")

    def test_a_socket_is_not_listed_by_others(self):
        self.need_root()
        daemon = self.start(self.mute())
        directory = os.path.dirname(self.address())
        self.assertTrue(directory.startswith(daemon.runtime_dir))
        done = subprocess.run(["ls", directory], user=65534, group=65534, extra_groups=[], env=environment(),
                              capture_output=True, check=False, timeout=30 * self.SCALE)
        self.assertNotEqual(done.returncode, 0)


class SpeakersWithoutGroups(Speakers):
    """Told by who is whose child."""

    CGROUP = "no"


class Surroundings(ReadyCase):
    def test_without_room_for_a_socket_runs_go_on(self):
        daemon = self.start(f"""
[task job]
manual = yes
shell = echo "${{NOTIFY_SOCKET-none}}" >{self.path('seen')}; tendctl notify --status x || test $? = 3
[task web]
restart = always
ready = notify
command = sleep 1000
""", start=False)
        # The control socket's name is just short enough.
        room = 107 - len(daemon.directory) - len("//control.sock")
        daemon.runtime_dir = os.path.join(daemon.directory, "r" * room)
        daemon.socket_path = os.path.join(daemon.runtime_dir, "control.sock")
        daemon.start()
        daemon.log.wait("runs get no notify sockets: .*: File name too long")
        daemon.log.wait(r"\[task web\] has ready = notify, and will fail without a notify socket")
        self.assertEqual(daemon.ctl("start", "--wait", "job").returncode, 0)
        self.assertEqual(self.read("seen"), "none\n")

    def test_the_daemons_own_socket_is_not_theirs(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.bind(self.path("own"))
            daemon = self.daemon(f"""
[task job]
manual = yes
shell = echo $NOTIFY_SOCKET >{self.path('seen')}
""", env={"NOTIFY_SOCKET": self.path("own")})
            self.assertEqual(daemon.ctl("start", "--wait", "job").returncode, 0)
            self.assertRegex(self.read("seen"), rf"^{daemon.runtime_dir}/notify/[0-9a-f]{{16}}\n$")
            self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.exists(os.path.join(daemon.runtime_dir, "notify")))

    def test_a_run_once_has_one_too(self):
        done = self.run_once(f"""
[task job]
manual = yes
shell = tendctl notify --status x && echo heard >{self.path('seen')}
""".replace("tendctl", TENDCTL), "job")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.read("seen"), "heard\n")

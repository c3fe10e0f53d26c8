# SPDX-License-Identifier: MIT
"""contrib/supervisord2tendd: what it makes of supervisord's configurations is accepted, and runs."""
import os
import re
import shutil
import subprocess

from support.case import Case
from support.daemon import environment

SCRIPT = os.path.join(os.environ.get("top_srcdir", "."), "contrib", "supervisord2tendd")
ROOT = os.geteuid() == 0

TYPICAL = """
; a comment
[supervisord]
loglevel=warn
environment=COMMON="yes",LAYER="daemon"

[group:site]
programs=web,worker,importer

[program:web]
command=/bin/sh -c 'echo "web %(process_num)s $COMMON $LAYER $WORDS"; exec sleep 1000' ; inline
process_name=%(program_name)s_%(process_num)02d
numprocs=3
numprocs_start=1
environment=LAYER="program",WORDS="two words, one comma"
stopsignal=INT
stopwaitsecs=5
priority=1

[program:worker]
command=/bin/sh -c "echo worker in $(pwd); exec sleep 1000"
directory=%(here)s
autorestart=true
priority=2
startsecs=0
stdout_logfile=%(here)s/worker-%(host_node_name)s.log

[program:importer]
command=/bin/sh -c "echo import; exec sleep 1000"
autostart=false

[program:once]
command=/bin/sh -c "echo %(ENV_GREETING)s 100%%"
autorestart=false

[program:numbered]
command=/bin/sh -c "echo part %(process_num)02d of %(numprocs)d; exec sleep 1000"
process_name=%(program_name)s_%(process_num)02d
numprocs=2
exitcodes=0,2
"""

HOSTILE = """
[program:bad name!]
command=/bin/sleep 1000
numprocs=many
colour=blue

[program:bad name?]
command='/bin/sleep
environment=A=b c

[program:0123456789012345678901234567890123456789012345]
command: /bin/sleep
  1000
startretries=0
startsecs=0

[fcgi-program:fcgi]
command=/bin/sleep 1000
socket=unix:///run/%(program_name)s.sock

[eventlistener:mails]
command=/bin/mailer
events=PROCESS_STATE

[inet_http_server]
port=*:9001

[unix_http_server]
file=/run/supervisor.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:twiddler]
supervisor.rpcinterface_factory = twiddler:make

[group:ghosts]
programs=nobody
priority=5

[xyzzy]
"""


class Convert(Case):
    def convert(self, text, name="supervisord.conf"):
        """The configuration, and what was told."""
        return self.run_script(self.write(name, text))

    def run_script(self, path):
        done = subprocess.run([SCRIPT, *([] if ROOT else ["--no-user"]), path], env=environment(GREETING="good day"),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def check(self, config, *args):
        done = self.daemon(config, start=False, env={"GREETING": "good day"}).run("--check", *args)
        self.assertEqual(done.returncode, 0, done.stderr + "\n" + config)
        return done.stderr

    def sample(self):
        program = shutil.which("echo_supervisord_conf")
        if not program:
            self.skipTest("no echo_supervisord_conf (Debian: supervisor)")
        return subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout

    def test_the_sample_is_converted(self):
        config, told = self.convert(self.sample())
        self.assertIn("[daemon]\n", config)
        self.assertNotIn("[task", config)
        self.assertRegex(told, r"supervisord\.conf:\d+: unix_http_server: ")
        self.check(config)

    def test_the_sample_with_all_that_it_shows_is_converted(self):
        """All that is commented out in it taken in: every key that supervisord has."""
        text = re.sub(r"(?m)^;(?=[a-z\[])", "", self.sample())
        config, told = self.convert(text)
        self.check(config, "--portable")
        for key in ("stdout_capture_maxbytes", "stderr_capture_maxbytes", "priority",
                    "eventlistener:theeventlistenername", "inet_http_server", "programs", "include"):
            self.assertRegex(told, rf"(?m)^.*supervisord\.conf:\d+: {key}: ")
        self.assertNotIn("is not known", told)
        for line in told.splitlines():
            self.assertIn(f"# {line}\n", config + "\n")

    def test_lines_are_those_of_the_file(self):
        text = "[program:a]\n; no\ncommand=/bin/true\n\ncolour = blue\n[eventlistener:b]\ncommand=x\n"
        path = self.path("supervisord.conf")
        _, told = self.convert(text)
        self.assertEqual(told.splitlines(), [
            f"{path}:6: eventlistener:b: hooks (on-failure and others) and tendctl events do this",
            f"{path}:5: colour: is not known"])

    def test_what_cannot_be_converted_is_told_and_nothing_is_refused(self):
        config, told = self.convert(HOSTILE)
        self.check(config, "--portable")
        for expected in ("bad name!: becomes bad-name-: ", "bad name?: becomes bad-name--2: ",
                         "numprocs: is no number", "colour: is not known", "command: is missing, or has a quote",
                         "environment: is not understood",
                         "becomes 0123456789012345678901234567890123456789: ", "startretries: becomes",
                         "fcgi-program:fcgi: ", "eventlistener:mails: ", "inet_http_server: ",
                         "programs: there is no program nobody", "rpcinterface:twiddler: ", "xyzzy: is not known",
                         "group:ghosts: has no member"):
            self.assertIn(expected, told)
        self.assertNotIn("rpcinterface:supervisor:", told)
        self.assertIn("command = /bin/sleep 1000\n", config)
        self.assertIn("enabled = no", config)

    def test_included_files_are_read(self):
        os.mkdir(self.path("conf.d"))
        self.write("conf.d/b.conf", "[program:b]\ncommand=%(here)s/run\n")
        self.write("conf.d/a.conf", "[program:a]\ncommand=/bin/true\nevents=x\n")
        config, told = self.convert("[include]\nfiles = conf.d/*.conf none/*.conf\n")
        self.assertIn(f"command = {self.path('conf.d')}/run\n", config)
        self.assertIn(f"{self.path('conf.d')}/a.conf:3: events: is not known", told)
        self.assertIn("include: no file matches", told)
        self.assertLess(config.index("[task a]"), config.index("[task b]"))

    def test_descriptors_are_those_that_programs_had(self):
        program = "[program:a]\ncommand=/bin/true\n"
        config, _ = self.convert("[supervisord]\nminfds=65536\n" + program)
        self.assertIn("nofile = 65536\n", config)
        self.check(config, "--portable")
        for main in ("", "[supervisord]\nminfds=1024 ; the default\n"):
            self.assertNotIn("nofile", self.convert(main + program)[0])
        self.assertIn("minfds: is no number", self.convert("[supervisord]\nminfds=many\n" + program)[1])

    def test_restarts_are_bounded_as_they_were(self):
        config, _ = self.convert("[program:a]\ncommand=/bin/a\nstartretries=5\nstartsecs=3\nautorestart=true\n"
                                 "[program:b]\ncommand=/bin/b\nautorestart=unexpected\nstartsecs=0\nexitcodes=0,7\n"
                                 "[program:c]\ncommand=/bin/c\nstartsecs=200\n")
        a, b, c = re.split(r"\n\[task [bc]\]\n", config)
        for line in ("restart = always", "ready = after:3s", "restart-delay = 1s..5s", "restart-limit = 5/37s"):
            self.assertIn(line + "\n", a)
        for line in ("restart = on-failure", "ready = exec", "success-exit = 0 7"):
            self.assertIn(line + "\n", b)
        self.assertIn("start-timeout = 230s\n", c)
        self.assertNotIn("restart-limit", self.check(config, "--portable"))

    def test_priorities_in_a_group_become_an_order(self):
        config, told = self.convert("[group:g]\nprograms=c,b,a,e\n"
                                    "[program:a]\ncommand=/bin/true\npriority=1\nnumprocs=2\nnumprocs_start=1\n"
                                    "[program:b]\ncommand=/bin/true\npriority=2\n[program:c]\ncommand=/bin/true\n"
                                    "[program:d]\ncommand=/bin/true\npriority=3\n"
                                    "[program:e]\ncommand=/bin/true\npriority=1\nautostart=no\n")
        parts = dict(re.findall(r"(?ms)^\[(?:task|group) (\w+)\]\n(.*?)(?=^\[|\Z)", config))
        self.assertNotIn("\nafter =", parts["a"] + parts["d"])
        self.assertIn("instances = 2\n", parts["a"])
        self.assertIn("after = a\n", parts["b"])
        self.assertIn("after = b\n", parts["c"])
        self.assertIn("members = c b a\n", parts["g"])
        self.assertEqual(told.count("priority:"), 2)
        self.check(config)

    def test_what_was_converted_runs(self):
        config, told = self.convert(TYPICAL)
        self.assertRegex(told, r":\d+: autostart: is left out of group site")
        self.assertRegex(told, r":4: loglevel: stays info")
        daemon = self.daemon(config, env={"GREETING": "good day"})
        for line in (r"web 1 yes program two words, one comma", r"web 2 yes program", r"web 3 yes program",
                     r"good day 100%", r"part 00 of 2", r"part 01 of 2"):
            daemon.log.wait(line)
        log = self.path(f"worker-{os.uname().nodename}.log")
        self.until(lambda: f"worker in {self.directory}" in self.read(log), "the worker's output")
        # By their priorities: the worker when all of web are ready, after the second that startsecs is by default.
        daemon.log.wait("site#1/worker started")
        lines = daemon.log.text()
        started = lines.index("site#1/worker started")
        for n in (1, 2, 3):
            self.assertLess(lines.index(f"site#1/web/web@{n} ready"), started)
        shown = daemon.ctl("list").stdout
        for name in ("web@3", "site", "worker", "importer", "numbered", "numbered_00", "numbered_01", "once"):
            self.assertRegex(shown, rf"(?m)^{re.escape(name)}\s")
        self.assertNotIn("import\n", daemon.log.text())
        self.assertEqual(daemon.stop(), 0)

    def test_a_file_that_cannot_be_read_is_told(self):
        done = subprocess.run([SCRIPT, self.path("missing.conf")], capture_output=True, text=True, check=False,
                              timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("missing.conf", done.stderr)
        done = subprocess.run([SCRIPT], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 2)

# SPDX-License-Identifier: MIT
"""tendctl top in a real terminal, with a real daemon."""
import os
import re
import signal
import subprocess

from support import processes
from support.case import Case
from support.daemon import TENDCTL, environment
from support.terminal import Terminal

WORK = """
[defaults]
user = root
[limit db]
permits = 1
[task backup]
description = nightly dump
shell = sleep 1000
timeout = 2h
limit = db
on-start = yes
[task fails]
shell = echo last words; exit 7
manual = yes
[task web]
shell = exec sleep 1000
restart = always
[task later]
description = twice a day
command = /bin/true
every = 12h
"""

MANY = 10000


class Top(Case):
    def setUp(self):
        super().setUp()
        if not Terminal.program():
            self.skipTest("no tmux (Debian: tmux)")

    def top(self, daemon, *args, before="", after="", env=""):
        """The console in a terminal; sh says how it ended, @before and @after are lines for it, and @env is for the console."""
        command = " ".join(["env", env, TENDCTL, "--socket", daemon.socket_path, "top", *args])
        directory = self.path(f"terminal{len(self._peers)}")
        os.mkdir(directory)
        return self.peer(Terminal(directory, ["sh", "-c", f"{before} {command}; echo ended $?; {after} exec cat"],
                                  environment()))

    def wait(self, term, pattern):
        """The screen, once it has @pattern."""
        return term.wait(pattern).string

    def row(self, screen, name):
        return re.search(rf"(?m)^{re.escape(name)} .*", screen)[0]


class Looks(Top):
    def test_overview_order_filter_views_and_size(self):
        daemon = self.daemon(WORK)
        daemon.ctl("start", "fails", "--wait")
        term = self.top(daemon)
        screen = self.wait(term, r"^web +up ")
        self.assertRegex(screen, r"\Atendd \S+ running \d+m?s, 4 tasks, 2 running, 0 queued  1 failing")
        self.assertIn("FAILING    fails: ", screen)
        self.assertRegex(self.row(screen, "backup"), r"running +\d+m?s +")
        self.assertRegex(self.row(screen, "fails"), r"failing +failed/exit +\d+m?s +1")
        self.assertRegex(self.row(screen, "later"), r"idle +11h")
        self.assertEqual(len(screen.splitlines()), 24)
        self.assertIn("\x1b[31m", term.painted())  # red

        def names(text):
            return re.findall(r"(?m)^(backup|fails|later|web) ", text)

        self.assertEqual(names(screen), ["backup", "fails", "later", "web"])
        term.press("o")  # by state: what fails comes first
        self.assertEqual(names(self.wait(term, r"by STATE$")), ["fails", "backup", "web", "later"])
        term.press("O")
        self.assertEqual(names(self.wait(term, r"by STATE reversed$")), ["later", "web", "backup", "fails"])
        term.write("/ack")
        self.assertEqual(names(self.wait(term, "1 of 4")), ["backup"])
        term.press("Escape")
        term.wait("4 of 4")
        term.write("f")
        self.assertEqual(names(self.wait(term, "failing  1 of 4")), ["fails"])
        term.write("f2")
        term.wait(r"backup#1 +running +\d+m?s .*timeout in 1h 59min")
        term.press("3")
        term.wait(r"db +█+ 1/1 .*holds: backup#1")
        term.press("Tab")
        term.wait(r"default +ok +░+ 0/4")
        term.press("Tab")
        term.wait(r"11h later +every 12h")
        term.press("1")
        term.wait("^later")
        term.resize(120, 40)
        screen = self.wait(term, "nightly dump")
        self.assertEqual(len(screen.splitlines()), 40)
        self.assertRegex(screen.splitlines()[0], r" \d\d:\d\d:\d\d$")
        term.resize(60, 12)
        self.assertEqual(len(self.wait(term, r"(?s)\A(?!.*nightly).*^backup").splitlines()), 12)

    def test_terminals_without_colours_and_utf8(self):
        daemon = self.daemon(WORK)
        daemon.ctl("start", "fails", "--wait")
        term = self.top(daemon, "--view", "limits", env="TERM=vt100 LC_ALL=C")
        term.wait(r"db +#+ 1/1")
        self.assertNotRegex(term.painted(), r"\x1b\[3[0-7]m")
        term = self.top(daemon, env="NO_COLOR=1")
        term.wait("failed/exit")
        self.assertNotIn("\x1b[31m", term.painted())

    def test_one_screen_and_json(self):
        daemon = self.daemon(WORK)
        for view, text in (("tasks", "twice a day"), ("runs", "backup#1"), ("limits", "1/1"), ("pools", "default"),
                           ("next", "every 12h")):
            done = subprocess.run(daemon.ctl_command("top", "--once", "--view", view), capture_output=True, text=True,
                                  env=environment(COLUMNS="120", LINES="30"), stdin=subprocess.DEVNULL, check=True)
            self.assertIn(text, done.stdout)
            self.assertEqual(len(done.stdout.splitlines()), 30)
        everything = daemon.ctl_json("top")
        self.assertEqual(set(everything), {"status", "runs", "tasks", "limits", "pools", "next"})
        self.assertEqual([task["name"] for task in everything["tasks"]], ["backup", "fails", "later", "web"])
        self.assertEqual(daemon.ctl("top").returncode, 2)
        self.assertIn("needs a terminal", daemon.ctl("top").stderr)
        for args in (["--interval", "1ms"], ["--interval=x"], ["--view", "nothing"], ["word"]):
            self.assertEqual(daemon.ctl("top", "--once", *args).returncode, 2, args)

    def test_ten_thousand_tasks(self):
        daemon = self.daemon("[defaults]\nuser = root\nmanual = yes\ncommand = /bin/true\n" +
                             "".join(f"[task job-{n:05}]\n" for n in range(MANY)))
        term = self.top(daemon)
        term.wait("^job-00000")
        term.press("End")
        term.wait("^job-09999")
        term.press("PageUp", "PageUp")
        term.wait("^job-09963")
        term.write("/0777")
        self.assertIn("\njob-07779 ", self.wait(term, "11 of 10000"))
        term.press("Enter", "G")
        term.write("sy")
        term.wait("^started job-07779#1")
        term.wait("^job-07779 +idle +ok")  # what is on the screen is told anew each interval


class Acts(Top):
    def test_stop_pause_extend_and_reading(self):
        daemon = self.daemon(WORK)
        term = self.top(daemon)
        term.wait("^backup")
        term.write("x")
        term.wait(r"^stop backup\? y/n  what runs of it is asked to end, and forced after its grace")
        term.write("n")
        term.wait("^nothing was changed")
        self.assertEqual(len(daemon.ctl_json("tree", "backup")["runs"]), 1)
        term.write("e3h")
        term.press("Enter")
        term.wait("^backup#1 ends in 4h 59min")
        term.write("w")
        self.assertIn("timeout of backup#1 ends it in 4h 59min", self.wait(term, "^to end it: tendctl stop backup"))
        term.write("q")
        term.press("Enter")
        term.wait("shell = sleep 1000")
        term.write("qpy")
        term.wait("^paused backup")
        self.assertIn("uid", daemon.ctl_json("list", "backup")["tasks"][0]["paused_by"])
        term.write("p")
        term.wait(r"^resume backup\?")
        term.write("y")
        term.wait("^resumed backup")
        term.write("xy")
        term.wait("^stopping backup#1")
        term.wait("^backup +idle +cancelled")
        term.write("Gry")
        term.wait("^restarting web#1")
        term.write("/no such")
        term.press("Enter")
        term.wait("none that the filter lets through")

    def test_a_daemon_that_goes_and_comes_back(self):
        daemon = self.daemon(WORK)
        term = self.top(daemon)
        term.wait("^later")
        daemon.kill(signal.SIGSTOP)
        term.wait("^NO ANSWER +the daemon does not answer, since")
        term.write("?")  # keys are followed all the same
        term.wait("Shift-Tab")
        term.write("q")
        daemon.kill(signal.SIGCONT)
        term.wait(r"(?s)\A(?!.*NO ANSWER).*later")
        daemon.stop()
        term.wait("(?s)NO ANSWER.*^later")  # what was known
        daemon.write_config(WORK + "[task another]\nmanual = yes\ncommand = /bin/true\n")
        daemon.start()
        term.wait(r"(?s)\A(?!.*NO ANSWER).*^another")


class Terminals(Top):
    def test_the_terminal_is_given_back(self):
        daemon = self.daemon(WORK)
        for how in ("q", "C-c", "TERM", "HUP"):
            with self.subTest(how):
                before, after = self.path("before"), self.path("after")
                term = self.top(daemon, before=f"trap : INT; echo what was there; stty -a >{before};", after=f"stty -a >{after};")
                self.assertNotIn("what was there", self.wait(term, "^backup"))
                term.scribble("a message to all users")
                term.wait("a message to all users")
                term.press("C-l")
                term.wait(r"(?s)\A(?!.*a message).*^backup")
                if how.isupper():
                    pid = next(pid for pid in processes.descendants(os.getpid())
                               if processes.command(pid).startswith(TENDCTL))
                    os.kill(pid, getattr(signal, f"SIG{how}"))
                else:
                    term.press(how)
                screen = self.wait(term, "^ended 0")
                self.assertTrue(screen.startswith("what was there\nended 0\n"), screen)
                self.until(lambda: self.read("after"), "stty")
                self.assertEqual(self.read("before"), self.read("after"))
                term.write("typed")  # it is echoed again
                term.wait("^typed")
                os.unlink(after)

    def test_who_may_not_look_is_told(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be another user")
        os.chmod(self.directory, 0o755)
        daemon = self.daemon("[access]\noperate = user:daemon\n" + WORK)
        os.chmod(daemon.runtime_dir, 0o755)
        os.chmod(daemon.socket_path, 0o666)
        user = "setpriv --reuid=nobody --regid=nogroup --clear-groups"
        self.assertIn("NO ANSWER  denied: your user has not the role", self.wait(self.top(daemon, env=user), "^NO ANSWER"))
        term = self.top(daemon, env="setpriv --reuid=daemon --regid=daemon --clear-groups")
        term.wait("^web +up")
        term.write("/backup")
        term.press("Enter")
        term.write("xy")
        term.wait("^stopping backup#1")

    def test_where_it_cannot_begin(self):
        daemon = self.daemon(WORK, start=False)
        term = self.top(daemon)
        self.assertIn("no daemon; tried:", self.wait(term, "^ended 3"))
        daemon.start()
        for name in ("nonsense", "dumb"):
            term = self.top(daemon, env=f"TERM={name}")
            self.assertIn(f"the terminal {name} is not known here", self.wait(term, "^ended 1"))

# SPDX-License-Identifier: MIT
"""Completion: what tendctl says may stand at the cursor, and how bash and zsh, in a real terminal, put it there."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from support.case import Case
from support.daemon import BUILD, TENDCTL, environment
from support.terminal import Terminal

COMPLETION = pathlib.Path(os.environ.get("top_srcdir", ".")).resolve() / "contrib/completion"

CONFIG = """
[limit db]
permits = 2
[task alpha]
description = the first
manual = yes
command = sleep 60
[task alphabet]
manual = yes
command = true
[task web]
restart = always
instances = 2
command = sleep 60
[task odd]
manual = yes
for-each = list:a*b c
shell = sleep 60
"""


class Candidates(Case):
    def complete(self, *words, daemon=None):
        socket = daemon.socket_path if daemon else self.path("none")
        done = subprocess.run([TENDCTL, "--socket", socket, "complete", "--", *words], env=environment(), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=30 * self.SCALE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return [line.split("\t")[0] or line for line in done.stdout.splitlines()]

    def test_words_of_the_table(self):
        for words, expected in (
                (["sta"], ["status", "start"]), (["comp"], []), (["nonsense", ""], []),
                (["stop", "--r"], ["--reason"]), (["stop", "x", "-"], ["--force", "--reason", "--json", "--socket", "--help"]),
                (["stop", "--", "-"], []), (["--j"], ["--json"]), (["--json", "sho"], ["show"]),
                (["list", "--state", "s"], ["stale", "slow", "stopped"]),
                (["list", "--state=pau"], ["--state=paused"]), (["list", "-s", "slow,pa"], ["slow,paused"]),
                (["list", "-fs", "re"], ["remnant", "restarting"]), (["stop", "-r", ""], []),
                (["signal", "x", "HU"], ["HUP"]), (["--socket", ""], ["\tfiles"]), (["--socket="], ["\tfiles"]),
                (["calendar", "--zone", "Europe/Berl"], ["Europe/Berlin"]), (["history", "-s", "yes"], ["yesterday"])):
            with self.subTest(words):
                self.assertEqual(self.complete(*words), expected)

    def test_names_are_those_of_the_daemon(self):
        daemon = self.daemon(CONFIG)
        daemon.ctl("start", "alpha", "odd")
        self.until(lambda: daemon.ctl_json("status")["running"] >= 4, "the runs")
        for words, expected in (
                (["show", "al"], ["alpha", "alphabet"]), (["show", ""], ["alpha", "alphabet", "odd", "web", "web@1", "web@2"]),
                (["calendar", "daily", ""], []), (["stop", "alpha", "web@"], ["web@1", "web@2"]), (["show", "a*"], []),
                (["stop", "alpha#"], ["alpha#1"]), (["why", "web#1/"], ["web#1/web@1", "web#1/web@2"]),
                (["stop", "odd#1/"], ["odd#1/item 1", "odd#1/item 2"]), (["start", "alphabet#"], []),
                (["limits", "d"], ["db"]), (["pools", "def"], ["default"]), (["logs", "-fn", "10", "od"], ["odd"])):
            with self.subTest(words):
                self.assertEqual(self.complete(*words, daemon=daemon), expected)
        # Of what has ended the history knows the names.
        self.assertEqual(daemon.ctl("start", "--wait", "alphabet").returncode, 0)
        self.assertEqual(self.complete("history", "alphabet#", daemon=daemon), ["alphabet#1"])
        self.assertEqual(self.complete("start", "alphabet", "--resume", "alphabet#", daemon=daemon), ["alphabet#1"])

        # One that does not answer holds nobody up.
        daemon.kill(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            self.assertEqual(self.complete("show", "", daemon=daemon), [])
            self.assertLess(time.monotonic() - begun, 10 * self.SCALE)
        finally:
            daemon.kill(signal.SIGCONT)

    def test_every_word_of_the_table_is_known(self):
        """Fails for a verb or an option whose argument `tendctl complete` does not know: see its table of completers."""
        usage = subprocess.run([TENDCTL, "--help"], env=environment(), capture_output=True, text=True, check=True).stdout
        names = re.findall(r"^  ([a-z]+) ", usage.split("Verbs:\n")[1].split("\n\n")[0], re.M)
        self.assertEqual(names, self.complete(""))
        for name in names:
            self.complete(name, "")
            self.complete(name, "x", "")
            text = subprocess.run([TENDCTL, name, "--help"], env=environment(), capture_output=True, text=True,
                                  check=True).stdout
            options = re.findall(r"^  (?:-\w,|   ) (--[\w-]+)", text, re.M)
            self.assertEqual(set(self.complete(name, "--")), set(options), name)
            for option in options:
                self.complete(name, option, "")


class Shells(Case):
    """What is typed and completed in a shell, which starts with the daemon's socket in its environment."""

    def shell(self, name, *argv, **env):
        for program in (name, "tmux"):
            if not shutil.which(program):
                self.skipTest(f"no {program} (Debian: {program})")
        daemon = self.daemon(CONFIG)
        daemon.ctl("start", "odd", "alpha")
        self.until(lambda: daemon.ctl_json("status")["running"] >= 4, "the runs")
        self.write("a file.ini", "")
        path = f"{BUILD}:{environment()['PATH']}"
        terminal = self.peer(Terminal(self.directory, argv, environment(
            PATH=path, TENDD_SOCKET=daemon.socket_path, HOME=self.directory, **env)))
        terminal.wait(r"^\$")
        return terminal

    def expect(self, terminal, typed, pattern, keys=("Tab",)):
        """@typed, and the keys behind it, make the line one that matches @pattern."""
        with self.subTest(typed):
            terminal.press("C-u", "C-l")
            terminal.wait(r"\A\$\s*\Z")
            terminal.write(typed)
            terminal.press(*keys)
            terminal.wait(pattern)

    # What is typed, and the line that it becomes; \\$ because the screen has no spaces at the ends of lines.
    LINES = (("tendctl stat", r"^\$ tendctl status"), ("tendctl pau", r"^\$ tendctl pause"),
             ("tendctl show alphab", r"^\$ tendctl show alphabet$"), ("tendctl show al", r"^\$ tendctl show alpha$"),
             ("tendctl list --state=fai", r"^\$ tendctl list --state=failing$"),
             ("tendctl list --state slow,fai", r"^\$ tendctl list --state slow,failing$"),
             ("tendctl signal --main we", r"^\$ tendctl signal --main web"),
             ("tendctl show 'alphab", r"^\$ tendctl show 'alphabet'$"),
             ("tendctl stop alpha#", r"^\$ tendctl stop alpha\\?#1$"), ("tendctl stop odd#1/it", r"^\$ tendctl stop odd\\?#1/item\\$"),
             ("tendctl --socket ~/a\\ f", r"^\$ tendctl --socket ~/a\\ file.ini$"),
             ("tendctl why web#1/w", r"^\$ tendctl why web\\?#1/web@$"),
             ("tendctl run --limit d", r"^\$ tendctl run --limit db"),
             ("tendctl run --limit db -- slee", r"^\$ tendctl run --limit db -- sleep"),
             ("tendd --run", r"^\$ tendd --runtime-dir"), ("tendd --log-target jou", r"^\$ tendd --log-target journal"),
             ("tendd --config ~/a\\ f", r"^\$ tendd --config ~/a\\ file.ini$"))

    def test_bash(self):
        library = "/usr/share/bash-completion/bash_completion"
        if not os.path.exists(library):
            self.skipTest("no bash-completion (Debian: bash-completion)")
        # As an installed one is found: by the name of the command.
        os.makedirs(self.path("user/completions"))
        for name in ("tendctl", "tendd"):
            os.symlink(COMPLETION / "bash" / name, self.path("user/completions", name))
        startup = self.write("bashrc", f"PS1='$ '\n. {library}\n")
        terminal = self.shell("bash", "bash", "--noprofile", "--rcfile", startup, "-i",
                              BASH_COMPLETION_USER_DIR=self.path("user"))
        for typed, pattern in self.LINES:
            self.expect(terminal, typed, pattern)
        self.expect(terminal, "tendctl stop web@", r"^web@1 +web@2$|^1 +2$", ("Tab", "Tab"))
        self.expect(terminal, "tendctl stop odd#1/", r"^odd#1/item\\? 1 +odd#1/item\\? 2$", ("Tab", "Tab", "Tab"))

    def test_zsh(self):
        self.write(".zshrc", f"PS1='$ '\nfpath=({COMPLETION}/zsh $fpath)\nautoload -Uz compinit\ncompinit -u -d ~/.dump\n"
                   "unsetopt zle_bracketed_paste prompt_sp\nbindkey '^U' kill-whole-line\n")
        terminal = self.shell("zsh", "zsh", "-d", "-i", ZDOTDIR=self.directory)
        for typed, pattern in self.LINES:
            self.expect(terminal, typed, pattern)
        self.expect(terminal, "tendctl show al", r"^alpha +-- the first$", ("Tab", "Tab"))
        self.expect(terminal, "tendctl stop odd#1/", r"odd#1/item 1 .*-- running$", ("Tab", "Tab"))

# SPDX-License-Identifier: MIT
"""tendctl map: a command for each line, how it is told what became of them, and how much of them there is at once."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

from support import processes
from support.case import Case


class Map(Case):
    def map(self, daemon, lines, *args, **kwargs):
        """To its end; @lines is its input."""
        return subprocess.run(daemon.ctl_command("map", *args), env=daemon.env, input=lines, capture_output=True, text=True,
                              timeout=120 * self.SCALE, check=False, **kwargs)

    def test_ten_thousand_items_are_all_run(self):
        daemon = self.daemon("")
        before = processes.rss_kib(daemon.pid)
        n = 2000 if self.SCALE > 1 else 10000
        done = self.map(daemon, "".join(f"{i}\n" for i in range(n)), "-c", "20", "/bin/true")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertRegex(done.stderr, rf"^map#1: {n} items: {n} ok, in .*/s\n  an item took min .* max \S+\n$")
        self.assertLess(processes.rss_kib(daemon.pid) - before, self.FLAT_KIB)

    def test_an_item_stands_where_it_is_wanted(self):
        daemon = self.daemon("")
        lines = "# no item\n\n  one two  \n$(exit 3)\nlast"
        done = self.map(daemon, lines, "-c", "1", "echo", "<{}>", "{}{}", "{item}")
        self.assertEqual(done.stdout, "<one two> one twoone two {item}\n<$(exit 3)> $(exit 3)$(exit 3) {item}\n"
                                      "<last> lastlast {item}\n")
        done = self.map(daemon, "a\nb\n", "-c", "1", "sh", "-c", 'cat; echo "$TENDD_ITEM $1"; echo error >&2', "-")
        self.assertEqual(done.stdout, "a a\nb b\n")
        self.assertEqual(done.stderr.count("error\n"), 2)
        self.assertEqual(self.map(daemon, "", "echo").returncode, 0)

    def test_what_failed_is_told_by_kind(self):
        daemon = self.daemon("")
        script = 'case $1 in slow) sleep 60;; dead) kill -9 $$;; bad*) exit 3;; esac'
        lines = "fine\nslow\ndead\nbad 1\nbad 2\n"
        done = self.map(daemon, lines, "-c", "5", "-t", "500ms", "sh", "-c", script, "-")
        self.assertEqual(done.returncode, 1)
        self.assertIn("map#1: 5 items: 1 ok, 4 failed (exit 2, signal 1, timeout 1), in ", done.stderr)
        self.assertIn("map#1/item 4: exit: sh (bad 1): exit status 3\n", done.stderr)
        self.assertIn("map#1/item 2: timeout: timeout of 500ms reached\n", done.stderr)
        done = self.map(daemon, lines, "--json", "--items-may-fail", "80%", "-t", "500ms", "sh", "-c", script, "-")
        self.assertEqual(done.returncode, 0)
        items = json.loads(done.stdout)["items"]
        self.assertEqual(items["by_kind"], {"exit": 2, "signal": 1, "timeout": 1})
        done = self.map(daemon, "bad\nfine\nfine\n", "-c", "1", "--on-item-failure", "cancel", "sh", "-c", script, "-")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.splitlines()[0].split(" in ")[0], "map#3: 1 items: 0 ok, 1 failed (exit 1),")
        # Many are counted, and the first are listed.
        done = self.map(daemon, "".join(f"{n}\n" for n in range(30)), "false")
        self.assertEqual(len(re.findall(r"^  map#4/item \d+: exit: false \(\d+\): exit status 1$", done.stderr, re.M)), 20)
        self.assertIn("  and 10 more\n", done.stderr)
        done = self.map(daemon, "1\n", "--retries", "2", "--retry-delay", "10ms", "sh", "-c", 'test $TENDD_ATTEMPT = 3')
        self.assertEqual(done.returncode, 0)
        # None of this makes a task of it that fails.
        self.assertEqual(daemon.ctl("status", "-q").returncode, 0)

    def test_no_more_are_at_work_than_was_said(self):
        daemon = self.daemon("[limit two]\npermits = 2\n")
        os.mkdir(self.path("now"))
        script = f'touch {self.path("now")}/$1; ls {self.path("now")} | wc -l; sleep 0.05; rm {self.path("now")}/$1'
        lines = "".join(f"{n}\n" for n in range(20))
        for args, most in ((["-c", "3"], 3), (["-c", "8", "--limit", "two"], 2)):
            done = self.map(daemon, lines, *args, "sh", "-c", script, "-")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(max(int(word) for word in done.stdout.split()), most)

    def test_the_input_is_read_as_it_is_needed(self):
        daemon = self.daemon("")
        mapping = subprocess.Popen(daemon.ctl_command("map", "-c", "2", "sleep"), env=daemon.env,
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.set_blocking(mapping.stdin.fileno(), False)
        sent = [0]

        def is_full():
            try:
                sent[0] += os.write(mapping.stdin.fileno(), b"60\n" * 1000)
            except BlockingIOError:
                return "sleep" in processes.command(processes.children(daemon.pid)[-1])
            return False
        self.until(is_full, "it to read no more")
        self.assertLess(sent[0], 2 << 20)
        tree = daemon.ctl_json("tree", "--no-processes")["runs"]
        self.assertEqual(len([run for run in tree if run.get("item")]), 2)
        mapping.send_signal(signal.SIGINT)
        mapping.stdin = None
        _, err = mapping.communicate(timeout=60 * self.SCALE)
        self.assertEqual(mapping.returncode, 130)
        self.assertIn("map#1: 2 items: 0 ok, 2 not done", err)
        self.assertIn("map#1: cancelled", err)
        self.until(lambda: not processes.children(daemon.pid), "nobody to be left")

    def on_terminal(self, daemon, columns, n):
        """What a terminal is sent by a map of @n items, each of which prints a line."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.write("items", "".join(f"{i}\n" for i in range(1, n + 1)))
        with open(self.path("items"), "rb") as items:
            mapping = subprocess.Popen(daemon.ctl_command("map", "-c", "1", "sh", "-c", 'echo "item $1 said"; sleep 0.3', "-"),
                                       env=daemon.env, stdin=items, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # nobody has the other end any more
                break
            if not data:
                break
            shown += data
        os.close(ours)
        self.assertEqual(mapping.wait(60 * self.SCALE), 0)
        return shown.decode()

    def test_a_bar_shows_how_far_it_is_and_garbles_nothing(self):
        daemon = self.daemon("")
        text = self.on_terminal(daemon, 80, 8)
        bars = re.findall(r"\[(#*) *\] +(\d+)% (\d+)/8", text)
        self.assertGreaterEqual(len(bars), 3, text)
        for full, percent, done in bars:
            self.assertEqual((len(full), int(percent)), (int(done) * 30 // 8, int(done) * 100 // 8))
        # With what a terminal would take away taken away, every line is whole.
        lines = [line.split("\r\x1b[K")[-1] for line in text.split("\r\n")]
        self.assertEqual(lines[:8], [f"item {n} said" for n in range(1, 9)])
        self.assertIn("map#1: 8 items: 8 ok", lines[8])
        # The bar makes room for the numbers, and at last goes.
        for columns, bar in ((36, r"\[#* *\]"), (20, "")):
            drawn = re.split(r"\r\n|\r\x1b\[K", self.on_terminal(daemon, columns, 3))
            drawn = [line for line in drawn if "/3" in line]
            self.assertGreaterEqual(len(drawn), 2)
            for line in drawn:
                self.assertRegex(line, rf"^{bar} *\d+% \d/3, [\d.]+/s$")
                self.assertLess(len(line), columns)

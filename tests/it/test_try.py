# SPDX-License-Identifier: MIT
"""contrib/try, as a newcomer meets it: on a terminal, asked from another one, ended with Ctrl-C."""
import json
import os
import pty
import re
import subprocess
import threading

from support import daemon, processes
from support.case import Case

SOURCE = os.environ.get("top_srcdir", ".")


class Terminal:
    """A program on a pseudo-terminal of its own, and what it writes there."""

    def __init__(self, argv, env):
        self.text = ""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.text += data.decode(errors="replace")

    def press(self, key):
        os.write(self._fd, key)

    def ended(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return pid and (os.waitstatus_to_exitcode(status),)


class Try(Case):
    def setUp(self):
        super().setUp()
        if not os.path.exists(daemon.TENDD) or not os.path.exists(daemon.TENDCTL):
            self.skipTest("tendd is not built")
        # A copy of the script's build directory would be built anew; this one is built already.
        self.env = daemon.environment(TENDD_TRY_DIR=daemon.BUILD, TMPDIR=self.directory, TERM="dumb")
        os.chmod(self.directory, 0o755)

    def ask(self, *args):
        done = subprocess.run([f"{SOURCE}/contrib/try", *args], env=self.env, stdin=subprocess.DEVNULL, check=False,
                              capture_output=True, text=True, timeout=60 * self.SCALE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_demo_runs_answers_and_leaves_nothing(self):
        terminal = Terminal([f"{SOURCE}/contrib/try"], self.env)
        try:
            self.until(lambda: re.search(r"that is: +(\S+) --socket (\S+)", terminal.text),
                       lambda: "the demo to say its socket:\n" + terminal.text[-3000:], 60)
            path = re.search(r"--socket (\S+)", terminal.text)[1]
            self.until(lambda: os.path.exists(path), lambda: "the socket:\n" + terminal.text[-3000:], 30)
            for verb in ("status", "list", "tree"):
                self.assertTrue(self.ask(verb).strip(), verb)
            # A thousand requests, of which three fail; a group whose member fails; a task that is cut off.
            self.until(lambda: "1200" in self.ask("show", "url-check"), "the fan-out to end", 60)
            self.until(lambda: re.search(r"hangs#\d+.*timeout", terminal.text), "the task that hangs", 60)
            self.until(lambda: re.search(r"release#\d+.*failed", terminal.text), "the group that fails", 60)
            self.assertIn("reports-", json.dumps(json.loads(self.ask("--json", "limits"))))
        finally:
            terminal.press(b"\x03")
            code = self.until(terminal.ended, lambda: "the demo to end:\n" + terminal.text[-3000:], 30)
        self.assertEqual(code[0], 0, terminal.text[-3000:])
        self.assertEqual(os.listdir(self.directory), [])
        left = [pid for pid in processes.descendants(os.getpid()) if processes.alive(pid)]
        self.assertEqual([processes.command(pid) for pid in left], [])

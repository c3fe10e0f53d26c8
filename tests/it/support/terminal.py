# SPDX-License-Identifier: MIT
"""A real terminal: a program in a pane of tmux, the keys that are pressed there, and what is on the screen."""
import contextlib
import os
import re
import shutil
import signal
import subprocess

from support import processes
from support.wait import until


def gone(pid):
    """Whether @pid, which this process may have adopted, has ended; reaps it."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not os.path.exists(f"/proc/{pid}")


class Terminal:
    """@argv in a pane of its own. The server of tmux ends with stop()."""

    def __init__(self, directory, argv, env, columns=80, lines=24):
        self._socket = os.path.join(directory, "tmux.sock")
        self._env = {**env, "TERM": "xterm-256color"}
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), *argv)
        self._pids = [int(pid) for pid in self._tmux("display-message", "-p", "#{pid} #{pane_pid}").split()]

    @staticmethod
    def program():
        return shutil.which("tmux")

    def _tmux(self, *args):
        done = subprocess.run(["tmux", "-S", self._socket, *args], env=self._env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise AssertionError(f"tmux {' '.join(args)}: {done.stderr}")
        return done.stdout

    def write(self, text):
        """Types @text."""
        self._tmux("send-keys", "-l", text)

    def press(self, *keys):
        """Presses keys as tmux(1) calls them: Tab, Enter, C-u, Up."""
        self._tmux("send-keys", *keys)

    def scribble(self, text):
        """Writes @text into the sixth line of the screen, behind the back of what runs there."""
        with open(self._tmux("display-message", "-p", "#{pane_tty}").strip(), "w", encoding="utf-8") as tty:
            tty.write(f"\x1b7\x1b[6;1H{text}\x1b8")

    def screen(self):
        """The lines of the screen, without spaces at their ends."""
        return self._tmux("capture-pane", "-p")

    def painted(self):
        """The same with the escape sequences of colours."""
        return self._tmux("capture-pane", "-p", "-e")

    def resize(self, columns, lines):
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def wait(self, pattern, timeout=15.0):
        """The match of @pattern on the screen, waiting for it; ^ and $ match at lines."""
        screen = ""

        def there():
            nonlocal screen
            screen = self.screen()
            return re.search(pattern, screen, re.M)
        return until(there, lambda: f"{pattern!r} on the screen:\n{screen}", timeout)

    def stop(self):
        pids = self._pids + [pid for pid in processes.descendants(self._pids[1]) if pid not in self._pids]
        # A terminal that hangs up sends SIGCONT too. That undoes the SIGSTOP by which LeakSanitizer stops a process as it ends,
        # and it would wait for that for ever. So what runs below the shell ends before.
        for pid in pids[2:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            until(lambda pid=pid: gone(pid), f"{pid} to end")
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], env=self._env, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=30, check=False)
        for pid in pids:
            until(lambda pid=pid: gone(pid), f"{pid} to end")

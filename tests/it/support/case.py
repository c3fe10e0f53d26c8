# SPDX-License-Identifier: MIT
"""The base of all integration tests: a directory, daemons and peers that end with the test, and a check for leaks."""
import os
import resource
import shutil
import tempfile
import unittest

from support import processes, servers
from support.daemon import TENDCTL, TENDD, Daemon
from support.wait import SANITIZERS, SCALE, until


class Case(unittest.TestCase):
    """Each test method runs in a process of its own. What it starts through these methods is stopped afterwards;
    a process that is left then, a sanitizer's report or a crash of the daemon fails the test."""

    maxDiff = None
    until = staticmethod(until)
    SCALE = SCALE
    # What a daemon may grow by while gigabytes pass: buffers, and under ASan also what was freed lately.
    FLAT_KIB = (64 if "address" in SANITIZERS else 16) * 1024

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="tendd-it-")
        self._daemons = []
        self._peers = []
        processes.adopt_orphans()

    def daemon(self, config, start=True, args=(), env=None):
        """A daemon on @config (the text of its tendd.ini), started and serving unless told otherwise."""
        for program in (TENDD, TENDCTL):
            if not os.path.exists(program):
                self.skipTest(f"{program} is not built")
        directory = os.path.join(self.directory, f"d{len(self._daemons)}")
        os.mkdir(directory, 0o755)
        daemon = Daemon(directory, config, args=args, env=env)
        self._daemons.append(daemon)
        return daemon.start() if start else daemon

    def need_descriptors(self, n):
        """For this process, which is one of this test alone."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < n:
            self.skipTest(f"{n} descriptors are needed, and {hard} may be had")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n), hard))

    def peer(self, peer):
        """Stops @peer after the daemons, and before the test's directory goes."""
        self._peers.append(peer)
        return peer

    def hostile(self, behaviour):
        return self.peer(servers.Hostile(behaviour))

    def nginx(self, **kwargs):
        if not servers.Nginx.program():
            self.skipTest("no nginx (Debian: nginx-light)")
        return self.peer(servers.Nginx(self.directory, **kwargs))

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def read(self, name):
        """The file's text, empty while there is none."""
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def run_once(self, config, task, *args):
        """`tendd --once TASK` on @config; the finished process."""
        return self.daemon(config, start=False).run("--once", task, *args)

    def assertGone(self, pid, timeout=10.0):
        until(lambda: not processes.alive(pid), f"process {pid} ({processes.command(pid)}) to be gone", timeout)

    def logs(self):
        return "".join(f"--- log of daemon {n} ---\n" + "\n".join(daemon.log.lines[-60:]) + "\n"
                       for n, daemon in enumerate(self._daemons) if daemon.log)

    def tearDown(self):
        wrong = [daemon.end() for daemon in self._daemons]
        for peer in self._peers:
            peer.stop()
        wrong += [f"left behind: {text}" for text in processes.reap_leftovers()]
        shutil.rmtree(self.directory, ignore_errors=True)
        wrong = [text for text in wrong if text]
        if wrong:
            self.fail("; ".join(wrong))

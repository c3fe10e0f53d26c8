# SPDX-License-Identifier: MIT
"""Names whose server never answers: the run ends in time, and neither the loop nor other runs notice."""
import ctypes
import errno
import fcntl
import os
import socket
import struct

from support.case import Case
from support.servers import measure

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 1 << 18, 0x1000
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40

CONFIG = """
[task t]
manual = yes
url = http://stalled.example.com/
timeout = 1s
[task slow]
manual = yes
url = http://slow.example.com/
timeout = 1min
[task fine]
manual = yes
command = /bin/true
[task name]
manual = yes
resolve = other.example.com
timeout = 500ms
"""


class Stalled(Case):
    def setUp(self):
        super().setUp()
        self.silent_name_server()

    def silent_name_server(self):
        """Gives this process, which is the test's own, a network and an /etc/resolv.conf of its own."""
        if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            if error == errno.EPERM:
                self.skipTest("needs root, for a name server of its own")
            raise OSError(error, os.strerror(error))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions timeout:10 attempts:3\n"),
                           ("nsswitch.conf", "hosts: files dns\n")):
            path = self.write(name, text)
            target = os.path.realpath(f"/etc/{name}")
            if os.path.exists(target) and libc.mount(path.encode(), target.encode(), None, MS_BIND, None) != 0:
                raise OSError(ctypes.get_errno(), f"mount over {target}")
            if os.path.exists(target):
                self.addCleanup(libc.umount2, target.encode(), 2)
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 53))
        self.addCleanup(self.server.close)

    def asked(self):
        """Waits for a question at the name server: the lookup is under way."""
        self.server.settimeout(10 * self.SCALE)
        return self.server.recv(512)

    def test_a_timeout_ends_it_and_the_loop_goes_on(self):
        # Threads that wait for a name server are joined by nobody, and a search for leaks would wait for them.
        daemon = self.daemon(CONFIG, env={"ASAN_OPTIONS": "detect_leaks=0"})
        seconds, done = measure(lambda: daemon.ctl("start", "--wait", "t"))
        self.assertEqual(done.returncode, 124, done.stderr)
        self.assertLess(seconds, 3 * self.SCALE)
        self.assertIn(b"stalled", self.asked())
        self.assertEqual(daemon.ctl("start", "--wait", "name").returncode, 124)
        self.assertEqual(daemon.ctl("start", "--wait", "fine").returncode, 0)
        seconds, code = measure(daemon.stop)
        self.assertEqual(code, 0)
        self.assertLess(seconds, 5 * self.SCALE)

    def test_cancelling_does_not_wait_for_the_lookup(self):
        daemon = self.daemon(CONFIG, env={"ASAN_OPTIONS": "detect_leaks=0"})
        daemon.ctl("start", "slow")
        self.asked()
        seconds, done = measure(lambda: (daemon.ctl("stop", "slow"), daemon.ctl("wait", "slow"))[0])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(seconds, 2 * self.SCALE)
        daemon.log.wait("slow#1 cancelled")
        # No callback may have taken as long as removing a transfer from libcurl's own resolver would.
        slow = [line for line in daemon.log.lines if "the loop was held" in line]
        self.assertEqual(slow, [])

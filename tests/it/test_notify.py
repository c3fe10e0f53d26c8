# SPDX-License-Identifier: MIT
"""tendctl notify, to a socket of the test's: what it sends, that it waits until that was read, and its exit codes."""
import array
import os
import socket
import subprocess
import threading

from support.case import Case
from support.daemon import TENDCTL, environment


class Listener:
    """Reads messages, and closes what comes with them: by a thread, unless it is to be @deaf."""

    def __init__(self, address, deaf=False):
        self.heard = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._thread = None if deaf else threading.Thread(target=self._read)
        if self._thread:
            self._thread.start()

    def _read(self):
        while True:
            message, control, _, _ = self._socket.recvmsg(8192, socket.CMSG_SPACE(16))
            if message == b"end":
                return
            self.heard.append(message.decode())
            for _, kind, data in control:
                if kind == socket.SCM_RIGHTS:
                    for fd in array.array("i", data):
                        os.close(fd)

    def stop(self):
        if self._thread:
            address = self._socket.getsockname()
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", address)
            self._thread.join()
        self._socket.close()


class Notify(Case):
    def notify(self, *args, address=None):
        env = environment(**({} if address is None else {"NOTIFY_SOCKET": address}))
        return subprocess.run([TENDCTL, "notify", *args], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=30 * self.SCALE, check=False)

    def listen(self, address=None, deaf=False):
        address = address or self.path("notify")
        return address, self.peer(Listener(address, deaf))

    def test_says_what_options_say_and_returns_when_it_was_read(self):
        address, listener = self.listen()
        cases = [
            (["--ready"], ["READY=1"]),
            (["--stopping"], ["STOPPING=1"]),
            (["--watchdog"], ["WATCHDOG=1"]),
            (["--status", "half way, ünd on"], ["STATUS=half way, ünd on"]),
            (["--status="], ["STATUS="]),
            (["--progress", "3/10"], ["X_TENDD_PROGRESS=3/10"]),
            (["--extend", "1min 30s"], ["EXTEND_TIMEOUT_USEC=90000000"]),
            (["--extend=5", "--progress=0/0", "--status", "x", "--ready", "--watchdog", "--stopping"],
             ["READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=x", "X_TENDD_PROGRESS=0/0",
              "EXTEND_TIMEOUT_USEC=5000000"]),
        ]
        for args, lines in cases:
            done = self.notify(*args, address=address)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), args)
            self.assertEqual(listener.heard, ["\n".join(lines) + "\n", "BARRIER=1"])
            listener.heard.clear()

    def test_speaks_to_an_abstract_socket(self):
        address, listener = self.listen(f"@tendd-test-{os.getpid()}")
        self.assertEqual(self.notify("--ready", address=address).returncode, 0)
        self.assertEqual(listener.heard, ["READY=1\n", "BARRIER=1"])

    def test_what_is_not_understood_is_not_sent(self):
        address, listener = self.listen()
        for args in ([], ["word"], ["--progress", "3"], ["--progress", "/"], ["--progress", "3/x"],
                     ["--progress", "-1/2"], ["--extend", "soon"], ["--extend", "0"], ["--extend", "infinity"],
                     ["--status", "a\nREADY=1"], ["--status", "x" * 5000], ["--status"], ["--ready=1"], ["--fast"]):
            done = self.notify(*args, address=address)
            self.assertEqual(done.returncode, 2, args)
            self.assertRegex(done.stderr, "^tendctl: ")
        self.assertEqual(listener.heard, [])

    def test_nobody_who_listens_is_told(self):
        self.write("file", "")
        gone = self.path("gone")
        Listener(gone, deaf=True).stop()
        for address in (None, "", self.path("none"), self.path("file"), gone, "@tendd-none", "@", "vsock:2:1",
                        "relative", "/" + "x" * 200):
            done = self.notify("--ready", address=address)
            self.assertEqual(done.returncode, 3, (address, done.stderr))
            self.assertIn("NOTIFY_SOCKET", done.stderr)

    def test_what_nobody_reads_is_told(self):
        address, _ = self.listen(deaf=True)
        done = self.notify("--ready", address=address)
        self.assertEqual(done.returncode, 1)
        self.assertIn("was sent, but not read within 5s", done.stderr)

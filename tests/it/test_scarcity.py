# SPDX-License-Identifier: MIT
"""When descriptors, processes and threads run out, or a path hangs: the run fails with its reason, the rest goes on."""
import ctypes
import errno
import hashlib
import json
import os
import resource
import shutil

from support import processes
from support.case import Case

libc = ctypes.CDLL(None, use_errno=True)
MNT_DETACH = 2


class HangingMount:
    """A FUSE mount whose server never answers: whatever touches it hangs until the mount goes."""

    def __init__(self, path):
        self.path = path
        os.mkdir(path)
        self._fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self._fd},rootmode=40000,user_id=0,group_id=0,allow_other"
        if libc.mount(b"hang", path.encode(), b"fuse", 0, options.encode()) != 0:
            error = ctypes.get_errno()
            os.close(self._fd)
            raise OSError(error, os.strerror(error), path)

    def stop(self):
        libc.umount2(self.path.encode(), MNT_DETACH)
        os.close(self._fd)


class Paths(Case):
    def hanging_mount(self):
        try:
            mount = HangingMount(self.path("hang"))
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES, errno.ENOENT, errno.ENODEV, errno.ENXIO):
                self.skipTest(f"cannot mount FUSE: {error}")
            raise
        return self.peer(mount)

    def test_ten_checks_of_a_dead_path_degrade_the_pool_and_nothing_else(self):
        mount = self.hanging_mount()
        dead = "".join(f"[task dead-{n}]\nmanual = yes\npath = {mount.path}/file\ntimeout = 300ms\n"
                       for n in range(10))
        # The search for leaks stops every thread, and would wait for those that hang.
        env = {"ASAN_OPTIONS": "detect_leaks=0"}
        daemon = self.daemon("[pool default]\nthreads = 2\nspare-threads = 3\n[pool spare]\nthreads = 2\n" + dead +
                             "[task alive]\nmanual = yes\ncommand = /bin/true\n"
                             "[task fine]\nmanual = yes\npath = /etc/passwd\npool = spare\n", env=env)
        for n in range(10):
            done = daemon.ctl("--json", "start", "--wait", f"dead-{n}")
            tree = json.loads(done.stdout)
            self.assertIn(tree["outcome"], ("timeout",), tree)
        self.assertIn("degraded", json.dumps(daemon.ctl_json("pools")).lower())
        for name in ("alive", "fine"):
            self.assertEqual(daemon.ctl("start", "--wait", name).returncode, 0)
        self.assertEqual(daemon.ctl("status").returncode, 0)
        self.assertEqual(daemon.stop(), 0)

    def test_a_fifo_is_no_trap(self):
        os.mkfifo(self.path("fifo"))
        daemon = self.daemon(f"[task t]\nmanual = yes\npath = {self.path('fifo')}\nsha256 = {'0' * 64}\ntimeout = 1s\n",
                             start=False)
        tree = json.loads(daemon.run("--once", "t", "--json", timeout=20).stdout)
        self.assertIn(tree["outcome"], ("failed", "timeout"), tree)

    def test_what_a_file_check_finds(self):
        self.write("file", "x" * 1000)
        digest = hashlib.sha256(b"x" * 1000).hexdigest()
        cases = {"min-size = 1000": "ok", "min-size = 1001": "mismatch", "max-age = 1h": "ok",
                 f"sha256 = {digest}": "ok", f"sha256 = {'0' * 64}": "mismatch", "min-free = 1K": "ok",
                 "min-free = 1000000G": "mismatch"}
        for text, expected in cases.items():
            with self.subTest(text):
                done = self.run_once(f"[task t]\nmanual = yes\npath = {self.path('file')}\n{text}\n", "t", "--json")
                tree = json.loads(done.stdout)
                self.assertEqual(tree["errors"][0]["kind"] if tree["errors"] else tree["outcome"], expected, tree)
        done = self.run_once(f"[task t]\nmanual = yes\npath = {self.path('none')}\n", "t", "--json")
        self.assertEqual(json.loads(done.stdout)["errors"][0]["kind"], "io")


class Resources(Case):
    def test_descriptors_used_up_fail_the_run_and_it_recovers(self):
        daemon = self.daemon("[task many]\nmanual = yes\nfor-each = list:" + " ".join(str(n) for n in range(60)) +
                             "\nconcurrency = 60\nshell = echo $TENDD_ITEM; sleep 1\n"
                             "[task one]\nmanual = yes\ncommand = /bin/true\n")
        # Room for a few children beyond what is open now, not for sixty.
        used = processes.n_fds(daemon.pid)
        kept = processes.n_fds_but_sockets(daemon.pid)
        hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (used + 40, hard))
        tree = json.loads(daemon.ctl("--json", "start", "--wait", "many").stdout)
        self.assertEqual(tree["outcome"], "failed", tree)
        self.assertGreater(tree["items"]["failed"], 0)
        self.assertGreater(tree["items"]["ok"], 0)
        self.assertEqual(set(tree["items"]["by_kind"]), {"spawn"}, tree["items"])
        self.assertRegex(tree["errors"][0]["detail"], "(?i)too many open files")
        self.assertEqual(daemon.ctl("start", "--wait", "one").returncode, 0)
        # Sockets that children notify are kept for the next ones.
        self.until(lambda: processes.n_fds_but_sockets(daemon.pid) <= kept + 8, "the descriptors to be closed")

    def test_fork_failing_fails_the_run_and_it_recovers(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to be a user that nobody else is")
        uid = 61000 + os.getpid() % 4000
        daemon = self.daemon("[defaults]\n[task many]\nmanual = yes\nfor-each = list:" +
                             " ".join(str(n) for n in range(40)) + "\nconcurrency = 40\ncommand = sleep 1\n"
                             "[task one]\nmanual = yes\ncommand = /bin/true\n", start=False)
        os.chmod(self.directory, 0o755)
        for path in (daemon.directory, daemon.config_path):
            os.chown(path, uid, uid)
        # The build directory may be closed to others: that of root in its home is.
        daemon.program = shutil.copy(daemon.program, self.directory)
        # Room for the daemon's own threads, which come as they are needed, and some children.
        daemon.start(user=uid, limits={resource.RLIMIT_NPROC: 30})
        tree = json.loads(daemon.ctl("--json", "start", "--wait", "many").stdout)
        self.assertEqual(tree["outcome"], "failed", tree)
        self.assertGreater(tree["items"]["ok"], 0, tree["items"])
        self.assertEqual(set(tree["items"]["by_kind"]), {"spawn"}, tree["items"])
        self.assertRegex(tree["errors"][0]["detail"], "(?i)resource temporarily unavailable")
        self.assertEqual(daemon.ctl("start", "--wait", "one").returncode, 0)


class Volume(Case):
    def test_a_million_lines_leave_memory_flat(self):
        nginx = self.nginx()
        with open(self.path("lines"), "w", encoding="ascii") as file:
            for n in range(0, 1000000, 1000):
                file.write("".join(f"{nginx.url}/item/{k}\n" for k in range(n, n + 1000)))
        daemon = self.daemon(f"[task t]\nmanual = yes\nfor-each = lines:{self.path('lines')}\nurl = {{item}}\n"
                             "timeout = 10s\n")
        self.assertEqual(daemon.ctl("start", "t").returncode, 0)
        self.until(lambda: len(nginx.requests()) > 1000, "the first thousand requests", 30)
        before = daemon.rss_kib()
        self.until(lambda: len(nginx.requests()) > 9000, "nine thousand requests", 60)
        self.assertLess(daemon.rss_kib() - before, self.FLAT_KIB)
        self.assertEqual(daemon.ctl("stop", "t").returncode, 0)

    def test_a_line_of_a_megabyte_fails_alone(self):
        nginx = self.nginx()
        self.write("lines", f"{nginx.url}/item/1\n{'x' * (1 << 20)}\n{nginx.url}/item/2\n")
        done = self.run_once(f"[task t]\nmanual = yes\nfor-each = lines:{self.path('lines')}\nurl = {{item}}\n",
                             "t", "--json")
        items = json.loads(done.stdout)["items"]
        self.assertEqual((items["total"], items["ok"], items["failed"]), (3, 2, 1), items)
        self.assertEqual(len(nginx.requests()), 2)

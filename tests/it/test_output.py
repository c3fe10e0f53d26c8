# SPDX-License-Identifier: MIT
"""Where output goes: files that are rotated, shared, full, slow or not there; the end of it in show; idle-timeout."""
import os
import signal
import stat
import unittest

from support.case import Case


class Output(Case):
    def task(self, body, name="t", **keys):
        lines = "".join(f"{key.replace('_', '-')} = {value}\n" for key, value in keys.items())
        return f"[task {name}]\nshell = {body}\n{lines}" + ("" if keys.keys() & {"on_start", "restart"} else "manual = yes\n")

    def bytes_of(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()


class Files(Output):
    def test_all_bytes_are_in_the_file_once_the_run_is_done(self):
        # Lines of a megabyte, bytes that are no UTF-8, none that ends.
        data = os.urandom(3 << 20) + b"\xff\n" + b"x" * (1 << 20) + b"\n\xc3\x28\0end"
        with open(self.path("data"), "wb") as file:
            file.write(data)
        daemon = self.daemon(self.task(f"cat {self.path('data')}; echo err >&2",
                                       output=f"file:{self.path('out')}", on_success="next") +
                             self.task(f"cp {self.path('out')} {self.path('seen')}", "next"))
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        self.assertEqual(self.bytes_of("out"), data + b"err\n")
        # Who comes after it has it, too.
        self.until(lambda: os.path.exists(self.path("seen")) and len(self.bytes_of("seen")) == len(data) + 4, "the hook")
        self.assertEqual(stat.S_IMODE(os.stat(self.path("out")).st_mode) & ~0o040, 0o600)
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        self.assertEqual(self.bytes_of("out"), 2 * (data + b"err\n"))

    def test_the_end_of_output_is_shown(self):
        daemon = self.daemon(self.task("seq 100000; echo finally; exit 3", output=f"file:{self.path('out')}"))
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 3)
        tail = daemon.ctl_json("show", "t")["output_tail"]
        self.assertEqual(len(tail), 4096)
        self.assertTrue(tail.endswith("99999\n100000\nfinally\n"), tail[-40:])
        self.assertIn("finally", daemon.ctl("show", "t").stdout)
        self.assertNotIn("finally", daemon.log.text())

    def test_once_has_flushed_when_it_exits(self):
        done = self.run_once(self.task("seq 300000", output=f"file:{self.path('out')}"), "t")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.read("out"), "".join(f"{n}\n" for n in range(1, 300001)))

    def test_what_is_printed_while_stopping_is_there_after_the_exit(self):
        body = f"trap 'seq 300000; exit 0' TERM; echo $$ > {self.path('begun')}; while :; do sleep 0.05; done"
        daemon = self.daemon(self.task(body, on_start="yes", output=f"file:{self.path('out')}"))
        self.until(lambda: self.read("begun"), "the start")
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(self.read("out").endswith("299999\n300000\n"))

    def test_items_and_instances_have_files_of_their_own(self):
        daemon = self.daemon(
            self.task("echo this is $TENDD_ITEM", "items", for_each="list:a ../b", output=f"file:{self.path('{n}-{item}')}") +
            self.task("echo $TENDD_INSTANCE; exec sleep 60", "web", restart="always", instances=2,
                      output=f"file:{self.path('web.{n}')}"))
        self.assertEqual(daemon.ctl("start", "--wait", "items").returncode, 0)
        self.assertEqual(self.read("1-a"), "this is a\n")
        self.assertEqual(self.read("2-.._b"), "this is ../b\n")
        for n in "12":
            self.until(lambda n=n: self.read(f"web.{n}") == f"{n}\n", f"the output of web@{n}")

    def test_two_services_write_whole_lines_to_one_file(self):
        # In pieces, so that they would meet in the middle of a line.
        body = 'for i in $(seq 2000); do printf "$TENDD_TASK begins "; printf "and ends\\n"; done; exec sleep 60'
        daemon = self.daemon("".join(self.task(body, name, restart="always", output=f"file:{self.path('out')}")
                                     for name in ("one", "two")))
        self.until(lambda: self.read("out").count("\n") == 4000, "4000 lines", 30)
        lines = self.read("out").splitlines()
        self.assertEqual(sorted(set(lines)), ["one begins and ends", "two begins and ends"])
        self.assertEqual(lines.count("one begins and ends"), 2000)
        files = [os.readlink(f"/proc/{daemon.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{daemon.pid}/fd")]
        self.assertEqual(files.count(self.path("out")), 1)

    def test_a_line_makes_it_ready_wherever_output_goes(self):
        for output in (f"file:{self.path('out')}", "null"):
            with self.subTest(output):
                daemon = self.daemon(self.task("echo up and about; exec sleep 60", restart="always", output=output,
                                               ready="line:^up"))
                daemon.log.wait("t#1 ready")
        self.assertEqual(self.read("out"), "up and about\n")


class Rotation(Output):
    def test_nothing_is_lost_or_doubled_by_rename_and_sighup(self):
        body = f"i=0; while [ ! -e {self.path('enough')} ]; do i=$((i + 1)); echo $i; done"
        daemon = self.daemon(self.task(body, output=f"file:{self.path('log')}"))
        self.assertEqual(daemon.ctl("start", "t").returncode, 0)
        for n in range(10):
            self.until(lambda: os.path.exists(self.path("log")) and self.bytes_of("log"), "output", 20)
            os.rename(self.path("log"), self.path(f"log.{n}"))
            daemon.kill(signal.SIGHUP)
        self.write("enough", "")
        self.assertEqual(daemon.ctl("wait", "t").returncode, 0)
        numbers = "".join([self.read(f"log.{n}") for n in range(10)] + [self.read("log")]).split()
        self.assertEqual(numbers, [str(n) for n in range(1, len(numbers) + 1)])
        daemon.log.wait("SIGHUP: reloading the configuration, and opening output files anew")

    def test_short_runs_follow_a_rename_without_a_signal(self):
        daemon = self.daemon(self.task("echo $TENDD_RUN", output=f"file:{self.path('log')}"))
        for n in (1, 2):
            self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
            self.assertEqual(self.read("log"), f"t#{n}\n")
            # It is closed a moment after the run: by a thread, of which nothing is told.
            self.until(lambda: not any(os.path.realpath(f"/proc/{daemon.pid}/fd/{fd}") == self.path("log")
                                       for fd in os.listdir(f"/proc/{daemon.pid}/fd")), "the file to be closed")
            os.rename(self.path("log"), self.path(f"log.{n}"))


class Trouble(Output):
    def test_a_file_that_cannot_be_opened_fails_the_spawn(self):
        daemon = self.daemon(self.task("true", output=f"file:{self.path('none/out')}"))
        done = daemon.ctl("start", "--wait", "t")
        self.assertEqual(done.returncode, 126)
        error = daemon.ctl_json("show", "t")["last"]["errors"][0]
        self.assertEqual(error["kind"], "spawn")
        self.assertEqual(error["detail"], f"{self.path('none/out')}: output: No such file or directory (errno 2)")

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_a_file_is_opened_with_the_rights_of_the_user(self):
        os.chmod(self.directory, 0o1777)
        secret = self.write("secret", "root's\n", 0o600)
        os.symlink(secret, self.path("link"))
        os.lchown(self.path("link"), 65534, 65534)
        daemon = self.daemon(self.task("echo mine", user="nobody", output=f"file:{self.path('out')}") +
                             self.task("echo got in", "evil", user="nobody", output=f"file:{self.path('link')}"))
        self.assertEqual(daemon.ctl("start", "--wait", "evil").returncode, 126)
        self.assertIn("output: Permission denied", daemon.ctl_json("show", "evil")["last"]["errors"][0]["detail"])
        self.assertEqual(self.read("secret"), "root's\n")
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        self.assertEqual(self.read("out"), "mine\n")
        self.assertEqual(os.stat(self.path("out")).st_uid, 65534)

    def test_a_full_disk_is_told_once_and_the_run_goes_on(self):
        daemon = self.daemon(self.task(f"for i in 1 2 3 4 5; do echo $i; sleep 0.1; done; echo whole > {self.path('end')}",
                                       output="file:/dev/full"))
        self.assertEqual(daemon.ctl("start", "--wait", "t").returncode, 0)
        self.assertEqual(self.read("end"), "whole\n")
        daemon.log.wait("output file /dev/full: 10 bytes were lost")
        self.assertEqual(daemon.log.count("/dev/full: cannot be written, output is lost: No space left on device"), 1)

    def test_a_fifo_is_written_as_fast_as_it_is_read(self):
        os.mkfifo(self.path("fifo"))
        daemon = self.daemon(self.task("seq 200000", output=f"file:{self.path('fifo')}"))
        done = daemon.ctl("start", "--wait", "t")
        self.assertEqual(done.returncode, 126)
        self.assertIn("(errno 6)", daemon.ctl_json("show", "t")["last"]["errors"][0]["detail"])

        fd = os.open(self.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(fd, True)
        self.assertEqual(daemon.ctl("start", "t").returncode, 0)
        data = b""
        while len(data) < 1288895:
            data += os.read(fd, 65536)
        os.close(fd)
        self.assertEqual(data, b"".join(b"%d\n" % n for n in range(1, 200001)))
        self.assertEqual(daemon.ctl("wait", "t").returncode, 0)

    def test_a_flood_costs_its_child_and_not_the_daemon(self):
        os.mkfifo(self.path("fifo"))
        fd = os.open(self.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, fd)
        daemon = self.daemon(
            self.task("exec head -c 3000000000 /dev/zero", "fast", output="file:/dev/null") +
            self.task("exec cat /dev/zero", "stuck", output=f"file:{self.path('fifo')}") +
            self.task("echo $TENDD_RUN", "other", output=f"file:{self.path('out')}"))
        before = daemon.rss_kib()
        self.assertEqual(daemon.ctl("start", "fast", "stuck").returncode, 0)
        for _ in range(5):
            self.assertEqual(daemon.ctl("start", "--wait", "other").returncode, 0)
        self.assertEqual(daemon.ctl("wait", "fast", timeout=120).returncode, 0)
        self.assertLess(daemon.rss_kib() - before, self.FLAT_KIB)
        self.assertEqual(self.read("out").count("\n"), 5)
        self.assertEqual(daemon.ctl_json("show", "stuck")["task"]["state"], "running")
        self.assertEqual(daemon.ctl("stop", "stuck").returncode, 0)


class Silence(Output):
    def test_idle_timeout_bounds_silence_wherever_output_goes(self):
        outputs = {"log": "log", "null": "null", "file": f"file:{self.path('out')}"}
        daemon = self.daemon("".join(
            self.task("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done", f"{name}-talks", output=output,
                      idle_timeout="3s") +
            self.task("echo once; exec sleep 60", f"{name}-quiet", output=output, idle_timeout="1s", grace="1s")
            for name, output in outputs.items()))
        for name in outputs:
            self.assertEqual(daemon.ctl("start", f"{name}-talks", f"{name}-quiet").returncode, 0)
        for name in outputs:
            with self.subTest(name):
                daemon.ctl("wait", f"{name}-quiet", f"{name}-talks")
                shown = daemon.ctl_json("show", f"{name}-quiet")
                last = shown["last"]
                self.assertEqual((last["outcome"], last["errors"][0]["detail"]),
                                 ("timeout", "idle-timeout of 1s reached"))
                self.assertEqual(daemon.ctl_json("show", f"{name}-talks")["last"]["outcome"], "ok")
                self.assertEqual(shown.get("output_tail"), None if name == "null" else "once\n")

    def test_a_command_that_waits_for_its_file_is_not_silent(self):
        os.mkfifo(self.path("fifo"))
        fd = os.open(self.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
        daemon = self.daemon(self.task("exec cat /dev/zero", output=f"file:{self.path('fifo')}", idle_timeout="500ms") +
                             self.task("exec sleep 60", "quiet", idle_timeout="2s"))
        self.assertEqual(daemon.ctl("start", "t", "quiet").returncode, 0)
        daemon.ctl("wait", "quiet")  # several idle-timeouts of the other
        self.assertEqual(daemon.ctl_json("show", "t")["task"]["state"], "running")
        self.assertEqual(daemon.ctl("stop", "t").returncode, 0)
        os.close(fd)


if __name__ == "__main__":
    unittest.main()

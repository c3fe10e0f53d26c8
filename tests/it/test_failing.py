# SPDX-License-Identifier: MIT
"""What fails, recovers and goes stale from run to run, and what hooks are told of it."""
import json
import os
import signal

from support import servers
from support.case import Case


class Hooked(Case):
    """Hooks append what they read to files, a line each."""

    def hook(self, name):
        return (f"[task {name}]\nmanual = yes\noverlap = allow:100\n"
                f"shell = cat >> {self.path(name)}; echo >> {self.path(name)}\n")

    def told(self, name):
        return [json.loads(line) for line in self.read(name).splitlines() if line.endswith("}")]

    def wait_told(self, name, n):
        """The last of what the hook was told, once there were @n."""
        self.until(lambda: len(self.told(name)) >= n, f"{n} runs of {name}", 20)
        told = self.told(name)
        self.assertEqual(len(told), n, told)
        return told[-1]


class UrlCheck(Hooked):
    """Situation 2: many URLs, told of is only what newly fails, and when it recovers."""

    N = 500

    def setUp(self):
        super().setUp()
        self.server = self.nginx()
        self.www = self.server.www
        for n in range(self.N):
            self.put(n)
        self.urls(range(self.N))
        self.tendd = self.daemon(
            f"[task url-check]\nfor-each = lines:{self.path('urls')}\nurl = {{item}}\nevery = 1h\ntimeout = 20s\n"
            f"failing-after = 2\non-failing = failing\non-recover = recover\n" +
            self.hook("failing") + self.hook("recover"))

    def put(self, n):
        with open(os.path.join(self.www, f"u{n}"), "w", encoding="utf-8") as file:
            file.write("here\n")

    def take(self, *numbers):
        for n in numbers:
            os.unlink(os.path.join(self.www, f"u{n}"))

    def url(self, n):
        return f"{self.server.url}/u{n}"

    def urls(self, numbers):
        self.write("urls", "".join(f"{self.url(n)}\n" for n in numbers))

    def die(self):
        """What tendctl was told has happened is known to who comes after."""
        self.tendd.kill(signal.SIGKILL)
        self.tendd.wait_exit()
        self.tendd.start()

    def run_all(self):
        return self.tendd.ctl("start", "--wait", "url-check", timeout=60).returncode

    def test_only_what_is_new_is_told(self):
        self.assertEqual(self.run_all(), 0)
        self.take(3, 7, 400)
        self.assertEqual(self.run_all(), 1)
        self.assertEqual(self.run_all(), 1)
        told = self.wait_told("failing", 1)
        self.assertEqual(told["newly_failing"], sorted(self.url(n) for n in (3, 7, 400)))
        self.assertEqual((told["recovered"], told["failing"], told["event"]), ([], 3, "failing"))
        self.assertEqual(told["detail"], "3 items newly failing: " + ", ".join(told["newly_failing"]))
        self.assertEqual(told["items"]["total"], self.N)

        # Another one fails, one recovers, and it takes two runs to fail but one to recover.
        self.take(8)
        self.put(7)
        self.assertEqual(self.run_all(), 1)
        told = self.wait_told("recover", 1)
        self.assertEqual((told["recovered"], told["failing"]), ([self.url(7)], 2))
        self.assertEqual(self.run_all(), 1)
        told = self.wait_told("failing", 2)
        self.assertEqual((told["newly_failing"], told["failing"]), ([self.url(8)], 3))

        # What is deleted from the list is forgotten, and nobody is told that it had recovered.
        self.put(3)
        self.put(8)
        self.urls(n for n in range(self.N) if n != 400)
        self.assertEqual(self.run_all(), 0)
        told = self.wait_told("recover", 2)
        self.assertEqual((told["recovered"], told["failing"]), (sorted([self.url(3), self.url(8)]), 0))
        self.assertEqual(len(self.told("failing")), 2)

    def test_a_list_that_is_gone_makes_the_task_failing(self):
        self.assertEqual(self.run_all(), 0)
        os.unlink(self.path("urls"))
        self.run_all()
        self.run_all()
        told = self.wait_told("failing", 1)
        self.assertNotIn("newly_failing", told)
        self.assertEqual(told["errors"][0]["kind"], "io")
        self.urls(range(self.N))
        self.assertEqual(self.run_all(), 0)
        self.wait_told("recover", 1)


    def test_what_was_failing_is_known_to_the_next_daemon(self):
        self.take(3, 7)
        self.run_all()
        self.run_all()
        self.wait_told("failing", 1)
        self.die()

        self.take(8)
        self.put(7)
        self.assertEqual(self.run_all(), 1)
        told = self.wait_told("recover", 1)
        self.assertEqual((told["recovered"], told["failing"]), ([self.url(7)], 1))
        # Of the new one it is known that it has failed once.
        self.die()
        self.assertEqual(self.run_all(), 1)
        told = self.wait_told("failing", 2)
        self.assertEqual((told["newly_failing"], told["failing"]), ([self.url(8)], 2))


class Messages(Hooked):
    def test_the_detail_of_items_reaches_the_body_of_a_request(self):
        seen = []

        def take(connection, server):
            data = b""
            while b"\r\n\r\n" not in data or not data.endswith(b"}"):
                more = connection.recv(65536)
                if not more:
                    return
                data += more
            seen.append(data.split(b"\r\n\r\n", 1)[1].decode())
            connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        alert = self.hostile(take)
        daemon = self.daemon(
            "[task check]\nmanual = yes\nfor-each = list:a b c\nshell = test $TENDD_ITEM = b\non-failing = alert\n"
            f"[task alert]\nmanual = yes\nurl = {alert.url}/ops\nmethod = POST\n"
            "header = Content-Type: application/json\n"
            'body = {"text": "{task} {outcome}: {detail}"}\n')
        daemon.ctl("start", "--wait", "check")
        self.until(lambda: seen, "the message")
        self.assertEqual(json.loads(seen[0]), {"text": "check failed: 2 items newly failing: a, c"})


class Stale(Hooked):
    def test_no_ok_for_too_long_is_told_once_until_the_next(self):
        daemon = self.daemon("[task work]\nmanual = yes\nshell = exit $(cat " + self.write("exit", "0") + ")\n"
                             "failing-after = 9\nstale-after = 300ms\non-stale = stale\n" + self.hook("stale"))
        told = self.wait_told("stale", 1)
        self.assertEqual((told["task"], told["event"], told["outcome"]), ("work", "stale", "never-started"))
        self.assertRegex(told["detail"], "^no ok for 300ms, nor any since it was first seen ")

        # A failure is no ok; the next ok begins anew.
        self.write("exit", "3")
        self.assertEqual(daemon.ctl("start", "--wait", "work").returncode, 3)
        self.write("exit", "0")
        self.assertEqual(daemon.ctl("start", "--wait", "work").returncode, 0)
        daemon.log.wait("ok again, and no longer stale")
        told = self.wait_told("stale", 2)
        self.assertEqual(told["outcome"], "ok")
        self.assertRegex(told["detail"], "^no ok for 300ms, the last ")
        self.assertEqual(daemon.log.count("stale: no ok"), 2)

    def test_a_new_daemon_goes_on_counting_and_tells_nothing_twice(self):
        config = ("[task work]\nmanual = yes\nshell = true\nstale-after = 1h\non-stale = stale\n"
                  "[task other]\nmanual = yes\nshell = true\n" + self.hook("stale"))
        daemon = self.daemon(config)
        self.assertEqual(daemon.ctl("start", "--wait", "work").returncode, 0)
        daemon.stop()

        # What was ok before is too long ago for what is written now.
        daemon.write_config(config.replace("stale-after = 1h", "stale-after = 1ms"))
        daemon.start()
        told = self.wait_told("stale", 1)
        self.assertEqual((told["task"], told["outcome"]), ("work", "ok"))
        self.assertRegex(told["detail"], "^no ok for 1ms, the last ")
        daemon.stop()

        daemon.start()
        self.assertEqual(daemon.ctl("start", "--wait", "other").returncode, 0)
        self.assertEqual(len(self.told("stale")), 1)

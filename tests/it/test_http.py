# SPDX-License-Identifier: MIT
"""http and tcp against a real nginx and against peers that misbehave, each in its own way."""
import json
import os

from support import servers
from support.case import Case
from support.servers import measure


class Base(Case):
    def once(self, text):
        done = self.daemon(f"[task t]\nmanual = yes\n{text}\n", start=False).run("--once", "t", "--json")
        return json.loads(done.stdout)

    def assertFails(self, tree, kind, detail="."):
        self.assertEqual((tree["outcome"], tree["errors"][0]["kind"]), ("failed", kind), tree)
        self.assertRegex(tree["errors"][0]["detail"], detail)


class Misbehaving(Base):
    """Each ends in time, and its outcome tells it apart."""

    def test_silence_times_out(self):
        seconds, tree = measure(lambda: self.once(
            f"url = {self.hostile(servers.silence).url}\ntimeout = 1s"))
        self.assertEqual(tree["outcome"], "timeout", tree)
        self.assertEqual(tree["bound"]["key"], "timeout")
        self.assertLess(seconds, 3 * self.SCALE)

    def test_a_byte_a_second_times_out(self):
        seconds, tree = measure(lambda: self.once(
            f"url = {self.hostile(servers.trickle).url}\ntimeout = 2500ms"))
        self.assertEqual(tree["outcome"], "timeout", tree)
        self.assertLess(seconds, 4.5 * self.SCALE)

    def test_endless_headers_are_too_big(self):
        tree = self.once(f"url = {self.hostile(servers.endless_headers).url}\ntimeout = 20s")
        self.assertFails(tree, "too-big")

    def test_a_reset_is_an_io_error(self):
        self.assertFails(self.once(f"url = {self.hostile(servers.reset).url}\ntimeout = 20s"), "io")

    def test_garbage_is_a_protocol_error(self):
        self.assertFails(self.once(f"url = {self.hostile(servers.garbage).url}\ntimeout = 20s"), "protocol")

    def test_an_answer_without_a_byte_is_told_from_a_reset(self):
        tree = self.once(f"url = {self.hostile(servers.close_at_once).url}\ntimeout = 20s")
        self.assertEqual(tree["outcome"], "failed", tree)
        self.assertIn(tree["errors"][0]["kind"], ("protocol", "io"))

    def test_nobody_listens(self):
        listener = servers.listening_socket()
        port = listener.getsockname()[1]
        listener.close()
        self.assertFails(self.once(f"url = http://127.0.0.1:{port}/\ntimeout = 20s"), "connect", "refused")

    def test_a_name_that_does_not_exist(self):
        tree = self.once("url = http://no-such-host.invalid/\ntimeout = 20s")
        self.assertFails(tree, "resolve", "no-such-host.invalid")

    def test_ten_gigabytes_are_cut_off_and_leave_memory_flat(self):
        server = self.hostile(servers.ten_gigabytes)
        daemon = self.daemon(f"[task t]\nmanual = yes\nurl = {server.url}\ntimeout = 20s\n"
                             f"[task long]\nmanual = yes\nurl = {server.url}\ntimeout = 3s\nmax-body = 20G\n"
                             f"save-to = {self.path('body')}\n")
        before = daemon.rss_kib()
        tree = json.loads(daemon.ctl("--json", "start", "--wait", "t").stdout)
        self.assertFails(tree, "too-big")
        tree = json.loads(daemon.ctl("--json", "start", "--wait", "long").stdout)
        self.assertEqual(tree["outcome"], "timeout", tree)
        self.assertLess(daemon.rss_kib() - before, self.FLAT_KIB)
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith("body")], [])


class Nginx(Base):
    def test_statuses(self):
        nginx = self.nginx()
        self.assertEqual(self.once(f"url = {nginx.url}/ok")["outcome"], "ok")
        self.assertFails(self.once(f"url = {nginx.url}/status/404"), "http-status", "404")
        self.assertEqual(self.once(f"url = {nginx.url}/status/404\nexpect-status = 404")["outcome"], "ok")
        self.assertFails(self.once(f"url = {nginx.url}/redirect"), "http-status", "302")
        self.assertEqual(self.once(f"url = {nginx.url}/redirect\nfollow-redirects = yes")["outcome"], "ok")

    def test_a_redirect_in_a_circle_ends(self):
        tree = self.once(f"url = {self.nginx().url}/loop\nfollow-redirects = yes\ntimeout = 20s")
        self.assertEqual(tree["outcome"], "failed", tree)
        self.assertRegex(tree["errors"][0]["detail"], "redirect")

    def test_the_body(self):
        nginx = self.nginx()
        self.assertEqual(self.once(f"url = {nginx.url}/ok\nexpect-body = is well")["outcome"], "ok")
        self.assertFails(self.once(f"url = {nginx.url}/ok\nexpect-body = is ill"), "mismatch")

    def test_save_to_appears_whole_or_not_at_all(self):
        nginx = self.nginx()
        text = "0123456789" * 50000
        with open(os.path.join(nginx.www, "file"), "w", encoding="ascii") as file:
            file.write(text)
        target = self.path("saved")
        self.assertEqual(self.once(f"url = {nginx.url}/file\nsave-to = {target}")["outcome"], "ok")
        self.assertEqual(self.read("saved"), text)
        self.assertFails(self.once(f"url = {nginx.url}/file\nmax-body = 1K\nsave-to = {target}"), "too-big")
        self.assertEqual(self.read("saved"), text)
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith((".saved", "saved."))], [])

    def test_tls_is_verified(self):
        nginx = self.nginx(tls=True)
        for host in servers.loopback_hosts():
            with self.subTest(host):
                url = f"https://{host}:{nginx.tls_port}/ok"
                self.assertFails(self.once(f"url = {url}"), "tls")
                self.assertEqual(self.once(f"url = {url}\nca-file = {nginx.certificate}")["outcome"], "ok")
                self.assertEqual(self.once(f"url = {url}\nverify-tls = no")["outcome"], "ok")

    def test_a_connection_is_not_shared_with_who_trusts_others(self):
        nginx = self.nginx(tls=True)
        daemon = self.daemon("".join(f"[task {name}]\nmanual = yes\nurl = https://127.0.0.1:{nginx.tls_port}/ok\n{more}\n"
                                     for name, more in (("trusts", f"ca-file = {nginx.certificate}"), ("not", ""),
                                                        ("careless", "verify-tls = no"))))
        codes = [daemon.ctl("start", "--wait", name).returncode for name in ("careless", "trusts", "not", "trusts")]
        self.assertEqual(codes, [0, 0, 1, 0])
        self.assertNotIn("the loop was held", daemon.log.text())

    def test_a_fan_out_of_a_thousand_reuses_connections(self):
        nginx = self.nginx(locations="location = /n { return 200 \"$connection\\n\"; }")
        self.write("urls", "# a comment\n\n" + "".join(f"{nginx.url}/item/{n}\n" for n in range(997)) +
                   f"{nginx.url}/status/404\n" * 3)
        tree = self.once(f"for-each = lines:{self.path('urls')}\nurl = {{item}}\nconcurrency = 20\ntimeout = 30s\n"
                         "items-may-fail = 3")
        self.assertEqual(tree["outcome"], "ok", tree)
        items = tree["items"]
        self.assertEqual((items["total"], items["ok"], items["failed"]), (1000, 997, 3), items)
        self.assertEqual(items["by_kind"], {"http-status": 3})
        self.assertLessEqual(items["latency_usec"]["min"], items["latency_usec"]["p50"])
        self.assertLessEqual(items["latency_usec"]["p99"], items["latency_usec"]["max"])
        self.assertEqual(len(nginx.requests()), 1000)

    def test_one_item_too_many_fails(self):
        nginx = self.nginx()
        tree = self.once(f"for-each = list:ok status/404 status/500\nurl = {nginx.url}/{{item}}\nitems-may-fail = 1")
        self.assertEqual(tree["outcome"], "failed", tree)
        self.assertEqual(tree["items"]["failed"], 2)

    def test_post_with_a_body(self):
        nginx = self.nginx(locations="location = /post { if ($request_method = POST) { return 201; } return 405; }")
        self.assertEqual(self.once(f"url = {nginx.url}/post\nbody = hello\nexpect-status = 201")["outcome"], "ok")


class Tcp(Base):
    def test_connect_and_expect(self):
        server = self.hostile(servers.echo_once)
        self.assertEqual(self.once(f"connect = {server.address}")["outcome"], "ok")
        self.assertEqual(self.once(f"connect = {server.address}\nsend = PING\\r\\n\nexpect = PING")["outcome"], "ok")
        tree = self.once(f"connect = {server.address}\nsend = PING\\r\\n\nexpect = PONG\ntimeout = 1s")
        self.assertIn(tree["outcome"], ("failed", "timeout"), tree)

    def test_what_goes_wrong_is_told_apart(self):
        listener = servers.listening_socket()
        port = listener.getsockname()[1]
        listener.close()
        self.assertFails(self.once(f"connect = 127.0.0.1:{port}"), "connect", "refused")
        tree = self.once(f"connect = {self.hostile(servers.silence).address}\nexpect = hello\ntimeout = 1s")
        self.assertEqual(tree["outcome"], "timeout", tree)
        tree = self.once(f"connect = {self.hostile(servers.close_at_once).address}\nexpect = hello\ntimeout = 10s")
        self.assertEqual(tree["outcome"], "failed", tree)
        self.assertIn(tree["errors"][0]["kind"], ("mismatch", "io"))
        tree = self.once(f"connect = {self.hostile(servers.garbage).address}\nsend = x\nexpect = hello\n"
                         "timeout = 10s")
        self.assertNotEqual(tree["outcome"], "ok", tree)

    def test_tls(self):
        nginx = self.nginx(tls=True)
        for host in servers.loopback_hosts():
            with self.subTest(host):
                task = f"connect = {host}:{nginx.tls_port}\ntls = yes"
                self.assertFails(self.once(task), "tls")
                self.assertEqual(self.once(f"{task}\nca-file = {nginx.certificate}")["outcome"], "ok")
        self.assertFails(self.once(f"connect = {self.hostile(servers.garbage).address}\ntls = yes\ntimeout = 10s"),
                         "tls")

# SPDX-License-Identifier: MIT
"""The peers of the other tests are what they claim to be."""
import socket
import ssl
import urllib.request

from support import servers
from support.case import Case


class Peers(Case):
    def ask(self, server, size=65536):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            connection.settimeout(0.5)
            return connection.recv(size)

    def test_nginx_serves_and_counts(self):
        nginx = self.nginx(tls=True)
        with urllib.request.urlopen(nginx.url + "/ok", timeout=10) as answer:
            self.assertEqual(answer.read(), b"all is well\n")
        context = ssl.create_default_context(cafile=nginx.certificate)
        url = f"https://127.0.0.1:{nginx.tls_port}/item/7"
        with urllib.request.urlopen(url, context=context, timeout=10) as answer:
            self.assertEqual(answer.read(), b"item\n")
        self.until(lambda: len(nginx.requests()) == 2, "two lines in the access log")

    def test_silence_reads_and_says_nothing(self):
        with self.assertRaises(TimeoutError):
            self.ask(self.hostile(servers.silence))

    def test_trickle_sends_one_byte(self):
        self.assertEqual(self.ask(self.hostile(servers.trickle)), b"H")

    def test_reset_resets(self):
        with self.assertRaises(ConnectionResetError):
            self.ask(self.hostile(servers.reset))

    def test_close_at_once_is_an_end_of_file(self):
        with socket.create_connection(("127.0.0.1", self.hostile(servers.close_at_once).port), timeout=10) as peer:
            self.assertEqual(peer.recv(10), b"")

    def test_endless_headers_never_end(self):
        server = self.hostile(servers.endless_headers)
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            data = b""
            while len(data) < 1 << 20:
                data += connection.recv(65536)
        self.assertNotIn(b"\r\n\r\n", data)

# SPDX-License-Identifier: MIT
"""Peers: a real nginx, and servers that misbehave in one way each. All on loopback, on ports the kernel chose."""
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

from support.wait import until


def listening_socket():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    return listener


def loopback_hosts():
    """127.0.0.1, and localhost where it has an address: a bare container may have no /etc/hosts."""
    try:
        socket.getaddrinfo("localhost", None)
    except socket.gaierror:
        return ["127.0.0.1"]
    return ["127.0.0.1", "localhost"]


class Hostile:
    """A TCP server that treats every connection with @behaviour(connection, server), in a thread of its own."""

    def __init__(self, behaviour):
        self._behaviour = behaviour
        self._listener = listening_socket()
        self._connections = []
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.address = f"127.0.0.1:{self.port}"
        self.stopping = threading.Event()
        self.n_connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.n_connections += 1
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self._behaviour(connection, self)
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self):
        self.stopping.set()
        self._listener.close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def silence(connection, server):
    """Accepts, reads, and never answers."""
    while connection.recv(65536) and not server.stopping.is_set():
        pass


def trickle(connection, server):
    """A good answer, a byte at a time."""
    connection.recv(65536)
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000:
        connection.sendall(bytes([byte]))
        if server.stopping.wait(1.0):
            return


def endless_headers(connection, server):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    block = b"X-Filler: " + b"y" * 1000 + b"\r\n"
    while not server.stopping.is_set():
        connection.sendall(block)


def reset(connection, _server):
    """Reads the request, then RST instead of FIN."""
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def ten_gigabytes(connection, server):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n")
    block = bytes(1 << 20)
    for _ in range(10 * 1024):
        if server.stopping.is_set():
            return
        connection.sendall(block)


def garbage(connection, _server):
    connection.recv(65536)
    connection.sendall(bytes(range(256)) * 16)


def close_at_once(_connection, _server):
    """FIN without a byte."""


def echo_once(connection, server):
    """Answers what it got, then waits to be left."""
    data = connection.recv(65536)
    connection.sendall(data)
    while connection.recv(65536) and not server.stopping.is_set():
        pass


class Nginx:
    """nginx on a random port, with an access log. It inherits its listening sockets, so no port can be lost to others
    between choosing and binding."""

    CONFIG = """
daemon off;
{user}
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 2048; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    keepalive_requests 100000;
    types {{ }}
    default_type text/plain;
    server {{
        listen 127.0.0.1:{port};
        {tls}
        root {dir}/www;
        location = /status/404 {{ return 404 "no such thing\\n"; }}
        location = /status/500 {{ return 500 "broken\\n"; }}
        location = /redirect {{ return 302 /ok; }}
        location = /loop {{ return 302 /loop; }}
        location = /ok {{ return 200 "all is well\\n"; }}
        location /item/ {{ return 200 "item\\n"; }}
        {locations}
    }}
}}
"""

    def __init__(self, directory, locations="", tls=False):
        self.directory = os.path.join(directory, "nginx")
        self.www = os.path.join(self.directory, "www")
        os.makedirs(self.www)
        os.chmod(directory, 0o755)
        listeners = [listening_socket()]
        self.port = listeners[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        tls_lines = ""
        if tls:
            self.make_certificate()
            listeners.append(listening_socket())
            self.tls_port = listeners[1].getsockname()[1]
            tls_lines = (f"listen 127.0.0.1:{self.tls_port} ssl; ssl_certificate {self.directory}/cert.pem; "
                         f"ssl_certificate_key {self.directory}/key.pem;")
        config = os.path.join(self.directory, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(self.CONFIG.format(dir=self.directory, port=self.port, tls=tls_lines, locations=locations,
                                          user="user root;" if os.geteuid() == 0 else ""))
        inherited = "".join(f"{listener.fileno()};" for listener in listeners)
        self.process = subprocess.Popen(
            [self.program(), "-c", config, "-p", self.directory, "-e", os.path.join(self.directory, "error.log")],
            env={"NGINX": inherited, "PATH": "/usr/sbin:/usr/bin"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[l.fileno() for l in listeners])
        for listener in listeners:
            listener.close()
        until(self._serves, "nginx to serve")

    @staticmethod
    def program():
        return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")

    def make_certificate(self):
        """A certificate for localhost that signs itself: cert.pem is its own trust anchor."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", f"{self.directory}/key.pem", "-out", f"{self.directory}/cert.pem"],
                       check=True, capture_output=True)
        self.certificate = f"{self.directory}/cert.pem"

    def _serves(self):
        if self.process.poll() is not None:
            raise AssertionError("nginx: " + self.process.stderr.read().decode(errors="replace"))
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"GET /ok HTTP/1.0\r\n\r\n")
                return connection.recv(100).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def requests(self):
        """The lines of the access log, without the one of the start."""
        with open(os.path.join(self.directory, "access.log"), encoding="utf-8") as file:
            return [line for line in file if "HTTP/1.0" not in line]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()


def measure(function):
    """Seconds that a call takes, and its value."""
    start = time.monotonic()
    value = function()
    return time.monotonic() - start, value

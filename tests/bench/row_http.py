# SPDX-License-Identifier: MIT
"""10,000 URLs on a local nginx, 50 in flight, each with a timeout.

What is compared is the time of the requests; starting up is left out. tendd and the peers written for this bench tell
it themselves; of curl, whose own clock cannot be read, it is the time of the process less that for one URL.
"""
import os
import re
import socket
import statistics
import subprocess
import time

import common
import daemon
from common import Contestant

URLS = 500 if common.QUICK else 10000
IN_FLIGHT = 50

NGINX = """
{user}daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
        access_log off;
        sendfile on;
        tcp_nodelay on;
        keepalive_timeout 600s;
        keepalive_requests 100000000;
        open_file_cache max=16;
        client_body_temp_path {dir}/body;
        proxy_temp_path {dir}/proxy;
        fastcgi_temp_path {dir}/fastcgi;
        uwsgi_temp_path {dir}/uwsgi;
        scgi_temp_path {dir}/scgi;
        server {{
                listen 127.0.0.1:{port} backlog=4096;
                root {dir}/html;
        }}
}}
"""

FANOUT = """
[task fanout]
manual = yes
for-each = lines:{urls}
url = {{item}}
concurrency = {in_flight}
timeout = 2s
"""


class Nginx:
    """A web server of our own; a context manager."""

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        nginx = common.tool("nginx", "nginx-light")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        os.makedirs(os.path.join(self.directory, "html"))
        with open(os.path.join(self.directory, "html", "1k"), "w") as f:
            f.write("x" * 1023 + "\n")
        user = "user root;\n" if os.geteuid() == 0 else ""
        text = NGINX.format(dir=self.directory, port=self.port, user=user)
        path = daemon.config(self.directory, text, "nginx.conf")
        self.process = subprocess.Popen([nginx, "-e", "stderr", "-c", path], start_new_session=True)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.01)
        self.__exit__()
        raise common.Broken("nginx does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def url(self, n):
        return f"http://127.0.0.1:{self.port}/1k?n={n}"


def curl_config(directory, urls):
    text = "silent\nfail\nmax-time = 2\n" + "".join(f'url = "{url}"\n' for url in urls)
    return daemon.config(directory, text, f"curl-{len(urls)}")


def curl_rate(curl, many, one):
    argv = [curl, "-q", "-Z", "--parallel-max", str(IN_FLIGHT), "-K"]
    start_up = statistics.median(common.wall([*argv, one]) for _ in range(3))
    return URLS / (common.wall([*argv, many]) - start_up)


def wrk_rate(url):
    argv = [common.tool("wrk", "wrk"), "-t1", f"-c{IN_FLIGHT}", "-d1s", url]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=common.TIMEOUT, start_new_session=True)
    found = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    if not found:
        raise common.Broken(f"wrk: {done.stdout}{done.stderr}")
    return float(found.group(1))


def contestants(directory, nginx):
    urls = [nginx.url(n) for n in range(URLS)]
    url_file = daemon.config(directory, "".join(f"{url}\n" for url in urls), "urls")
    ini = daemon.config(directory, FANOUT.format(urls=url_file, in_flight=IN_FLIGHT))
    many, one = curl_config(directory, urls), curl_config(directory, urls[:1])
    args = [url_file, str(IN_FLIGHT)]

    def httpx():
        return common.rate(common.python_peer("peer_httpx.py", "httpx", "python3-httpx") + args, URLS)

    def aiohttp():
        return common.rate(common.python_peer("peer_aiohttp.py", "aiohttp", "python3-aiohttp") + args, URLS)

    return [
        Contestant("bare libcurl+libevent", lambda: common.rate([common.program("bare-http"), *args], URLS)),
        Contestant("tendd", lambda: daemon.once(directory, ini, "fanout", URLS), more=("tendd, whole process",)),
        Contestant("curl -Z", lambda: curl_rate(common.tool("curl", "curl"), many, one)),
        Contestant("wrk (ceiling)", lambda: wrk_rate(nginx.url(0)), slow=True),
        Contestant("aiohttp", aiohttp, slow=True),
        Contestant("httpx", httpx, slow=True),
    ]


def measure():
    row = common.Row("http", f"http: {URLS:,} URLs, {IN_FLIGHT} in flight, timeout 2s each, nginx on loopback, 1 KB")
    with common.scratch() as directory, Nginx(directory) as nginx:
        row.compare(contestants(directory, nginx))
    row.bar_ratio("tendd", "bare libcurl+libevent", 0.9)
    row.bar_ratio("tendd", "httpx", 30)
    row.bar_ratio("tendd", "aiohttp", 8)
    row.bar_ratio("tendd", "curl -Z", 1.4)
    return row

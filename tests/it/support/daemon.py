# SPDX-License-Identifier: MIT
"""The real daemon on a directory of its own, and its client."""
import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time

from support import processes
from support.wait import SANITIZERS, SCALE, until

BUILD = os.environ.get("top_builddir", os.getcwd())
TENDD = os.path.join(BUILD, "tendd")
TENDCTL = os.path.join(BUILD, "tendctl")

SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: ")


def environment(**more):
    """What a program under test sees: nothing of the developer's own session."""
    env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    if "address" in SANITIZERS:
        # A small quarantine, so that flat memory can be told from a leak.
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16"
    env.update(more)
    return env


class Log:
    """The lines a process writes, kept by a thread as they come."""

    def __init__(self, stream):
        self.lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in iter(stream.readline, b""):
            with self._changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        stream.close()

    def text(self):
        return "\n".join(self.lines)

    def count(self, pattern):
        return sum(1 for line in list(self.lines) if re.search(pattern, line))

    def wait(self, pattern, timeout=10.0, start=0):
        """The match of @pattern in the first line from number @start on, waiting for it."""
        deadline = time.monotonic() + timeout * SCALE
        with self._changed:
            while True:
                while start < len(self.lines):
                    match = re.search(pattern, self.lines[start])
                    if match:
                        return match
                    start += 1
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the log ended" if self._ended else f"{timeout * SCALE:.0f} s passed"
                    raise AssertionError(f"no log line matches {pattern!r} ({why})")
                self._changed.wait(left)

    def join(self):
        self._thread.join(10 * SCALE)


class Varlink:
    """A control connection by hand, for what tendctl never does."""

    def __init__(self, path, timeout=10.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout * SCALE)
        self.socket.connect(path)
        self._buffer = b""

    def send(self, method, parameters=None, fds=(), **flags):
        """A call, with the descriptors @fds, each of which stays the caller's."""
        message = json.dumps({"method": method, "parameters": parameters or {}, **flags}).encode() + b"\0"
        if fds:
            sent = socket.send_fds(self.socket, [message], list(fds))
            message = message[sent:]
        self.socket.sendall(message)

    def receive(self):
        """The next reply, or None when the daemon closed the connection."""
        while b"\0" not in self._buffer:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, parameters=None, **flags):
        self.send(method, parameters, **flags)
        return self.receive()

    def close(self):
        self.socket.close()


class Daemon:
    """tendd with its configuration, state and sockets below @directory."""

    def __init__(self, directory, config, args=(), env=None):
        self.directory = directory
        self.config_path = os.path.join(directory, "tendd.ini")
        self.runtime_dir = os.path.join(directory, "run")
        self.state_dir = os.path.join(directory, "state")
        self.socket_path = os.path.join(self.runtime_dir, "control.sock")
        self.program = TENDD
        self.args = list(args)
        self.env = environment(**(env or {}))
        self.process = None
        self.log = None
        self.write_config(config)

    def write_config(self, text, name="tendd.ini"):
        """Writes a configuration file; root needs to say as whom commands run."""
        if name == "tendd.ini" and os.geteuid() == 0 and "[defaults]" not in text:
            text = "[defaults]\nuser = root\n" + text
        path = os.path.join(self.directory, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def config_text(self):
        with open(self.config_path, encoding="utf-8") as file:
            return file.read()

    def command(self, *args):
        return [self.program, "--config", self.config_path, "--state-dir", self.state_dir,
                "--runtime-dir", self.runtime_dir, "--log-target", "stderr", *self.args, *args]

    def run(self, *args, timeout=60.0):
        """Runs tendd with @args to its end: --check, --once, a second daemon."""
        return subprocess.run(self.command(*args), env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=timeout * SCALE, check=False)

    def start(self, *args, wait=True, user=None, limits=None):
        """Starts it, as the uid @user and with @limits on resources if given, and waits until it serves."""
        def limit():
            for which, value in (limits or {}).items():
                resource.setrlimit(which, (value, value))

        self.process = subprocess.Popen(self.command(*args), env=self.env, stdin=subprocess.DEVNULL, user=user,
                                        group=user, extra_groups=None if user is None else [], preexec_fn=limit,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.log = Log(self.process.stderr)
        if wait:
            self.wait_ready()
        return self

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait_ready(self):
        def answers():
            if not self.running():
                raise AssertionError(f"tendd ended with {self.process.returncode} instead of serving")
            try:
                connection = Varlink(self.socket_path)
                reply = connection.call("org.varlink.service.GetInfo")
            except (FileNotFoundError, ConnectionError):  # or the socket of one that was killed, for a moment
                return False
            connection.close()
            return reply is not None
        until(answers, "the control socket")

    def ctl_command(self, *args):
        return [TENDCTL, "--socket", self.socket_path, *args]

    def ctl(self, *args, timeout=30.0, **kwargs):
        """tendctl with @args, to its end."""
        return subprocess.run(self.ctl_command(*args), env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                              timeout=timeout * SCALE, check=False, **kwargs)

    def ctl_json(self, *args, timeout=30.0):
        """What `tendctl --json` prints, parsed; the verb must succeed."""
        done = self.ctl("--json", *args, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"tendctl --json {' '.join(args)}: exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def connect(self, timeout=10.0):
        return Varlink(self.socket_path, timeout)

    def kill(self, signo):
        os.kill(self.pid, signo)

    def wait_exit(self, timeout=40.0):
        """The exit code, negative for a signal."""
        try:
            code = self.process.wait(timeout * SCALE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"tendd did not end within {timeout * SCALE:.0f} s") from None
        self.log.join()
        return code

    def stop(self, timeout=40.0):
        """SIGTERM and the exit code."""
        self.kill(signal.SIGTERM)
        return self.wait_exit(timeout)

    def end(self):
        """For the clean-up: stops it by all means, and returns what was wrong with how it ended."""
        if self.process is None:
            return None
        wrong = None
        if self.running():
            self.kill(signal.SIGTERM)
            try:
                self.wait_exit(40)
            except AssertionError as error:
                wrong = str(error)
                self.process.kill()
                self.process.wait()
        self.log.join()
        report = SANITIZER_REPORT.search(self.log.text())
        if report:
            wrong = f"the daemon's log has a report: {report[0]}"
        elif self.process.returncode in (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL):
            wrong = f"tendd crashed: {signal.Signals(-self.process.returncode).name}"
        return wrong

    def rss_kib(self):
        return processes.rss_kib(self.pid)

# SPDX-License-Identifier: MIT
"""The daemon under measurement: started on a configuration of the row's, asked over its socket, looked at in /proc."""
import glob
import json
import os
import socket
import subprocess
import tempfile
import time

import common

TENDD = os.environ.get("TENDD") or os.path.join(common.BUILD, "tendd")
TENDCTL = os.environ.get("TENDCTL") or os.path.join(common.BUILD, "tendctl")
START_TIMEOUT = 120  # seconds until the control socket must answer; sanitized builds are slow

# A daemon that is root runs commands only as a user that was named.
USER = "user = root\n" if os.geteuid() == 0 else ""


def config(directory, text, name="tendd.ini"):
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o644)
    return path


# What /run is: a file system in memory. A socket is made there for each run.
_run = tempfile.TemporaryDirectory(prefix="tendd-bench-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
os.chmod(_run.name, 0o755)


def _runtime_dir(directory):
    """That of a daemon whose other files are in @directory, where it is found by a link."""
    link = os.path.join(directory, "run")
    if not os.path.islink(link):
        os.symlink(tempfile.mkdtemp(dir=_run.name), link)
    os.chmod(os.path.realpath(link), 0o755)
    return os.path.realpath(link)


def _argv(directory, path):
    dirs = ["--runtime-dir", _runtime_dir(directory), "--state-dir", os.path.join(directory, "state")]
    for d in dirs[1::2]:
        os.makedirs(d, exist_ok=True)
    return [TENDD, "--config", path, *dirs, "--log-target", "stderr"]


def _fail(what, log_path):
    with open(log_path, errors="replace") as f:
        raise common.Broken(f"{what}: {f.read()[-2000:]}")


def once(directory, path, task, n):
    """Runs a fan-out of @n items; returns its rate by its own clock, and that of the whole process."""
    log_path = os.path.join(directory, "once.log")
    start = time.monotonic()
    with open(log_path, "w") as log:
        done = subprocess.run([*_argv(directory, path), "--once", task, "--json"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=log, timeout=common.TIMEOUT, start_new_session=True)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        _fail(f"tendd --once {task}: exit {done.returncode}", log_path)
    tree = json.loads(done.stdout)
    if tree["items"]["ok"] != n:
        raise common.Broken(f"tendd --once {task}: {tree['items']} instead of {n} ok")
    return n / (tree["duration_usec"] / 1e6), n / seconds


def once_had_cgroups(directory):
    """Whether the runs of the last once() had control groups."""
    with open(os.path.join(directory, "once.log"), errors="replace") as f:
        return any("runs get control groups below" in line for line in f)


class Daemon:
    """A running daemon; a context manager. Its log is in the directory it was given."""

    def __init__(self, directory, path, name="daemon"):
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory, exist_ok=True)
        self.path = path
        self.log_path = os.path.join(self.directory, "log")
        self.socket_path = os.path.join(self.directory, "run", "control.sock")
        self.database = os.path.join(self.directory, "state", "state.db")

    def __enter__(self):
        start = time.monotonic()
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(_argv(self.directory, self.path), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        self.pid = self.process.pid
        try:
            self._wait_until_it_answers(start + START_TIMEOUT)
        except BaseException:
            self.__exit__()
            raise
        self.start_seconds = time.monotonic() - start
        return self

    def _wait_until_it_answers(self, deadline):
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                _fail(f"tendd: exit {self.process.returncode}", self.log_path)
            try:
                self.call("io.tendd.Runner.Status")
                return
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.001)
        raise common.Broken("tendd: its socket does not answer")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def call(self, method, **parameters):
        """One Varlink call."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.socket_path)
            s.sendall(json.dumps({"method": method, "parameters": parameters}).encode() + b"\0")
            answer = b""
            while not answer.endswith(b"\0"):
                data = s.recv(1 << 20)
                if not data:
                    raise common.Broken(f"{method}: connection closed")
                answer += data
        message = json.loads(answer[:-1])
        if "error" in message:
            raise common.Broken(f"{method}: {message}")
        return message.get("parameters", {})

    def status(self):
        done = subprocess.run([TENDCTL, "--socket", self.socket_path, "--json", "status"], capture_output=True)
        if done.returncode not in (0, 1):
            raise common.Broken(f"tendctl status: exit {done.returncode}: {done.stderr.decode()}")
        return json.loads(done.stdout)


def memory(pid):
    """Bytes: proportional set and private dirty pages."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            key, _, rest = line.partition(":")
            if key in ("Pss", "Private_Dirty"):
                found[key] = int(rest.split()[0]) * 1024
    return found["Pss"], found["Private_Dirty"]


def cpu_seconds(pid):
    """utime + stime, to the kernel's accounting precision."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as f:
            total += int(f.read().split()[0])
    return total / 1e9


def switches(pid):
    """Context switches so far of each thread, by thread name and id."""
    found = {}
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        with open(path) as f:
            fields = dict(line.split(":", 1) for line in f if ":" in line)
        found[f"{fields['Name'].strip()}/{fields['Pid'].strip()}"] = sum(
            int(fields[k]) for k in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"))
    return found

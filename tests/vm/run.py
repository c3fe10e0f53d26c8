#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run.py [PATTERN...]: tests in a virtual machine, whose kernel has the cgroup2 controllers that this one may lack.

A test is an executable tests/vm/test-NAME, in sh or Python, which runs there as root with the installed tendd: it exits
with 0 when it passed, 77 when it was skipped (the last line says why). All run in one machine, one after another.
PATTERN selects by substring. Prints one line per test, the output of those that failed, and "N passed, N failed,
N skipped" at the end.
Exits 77 when there can be no machine here. Its image is made once, in TENDD_VM_CACHE [vm in the build directory].
"""
import hashlib
import os
import pathlib
import platform
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "it"))

from support.daemon import BUILD, TENDCTL, TENDD, environment  # noqa: E402
from support.install import install  # noqa: E402
from support.wait import SCALE  # noqa: E402

CACHE = os.environ.get("TENDD_VM_CACHE", os.path.join(BUILD, "vm"))
ENVIRONMENT = environment()

# For what hangs. On an idle machine the image takes one or two minutes, the boot a quarter of one, a test some seconds.
IMAGE_SECONDS = 600 * SCALE
BOOT_SECONDS = 300 * SCALE
TEST_SECONDS = 150 * SCALE

PASSED, SKIPPED = 0, 77


class Unavailable(Exception):
    """Why there can be no machine here."""


def check_host():
    if os.geteuid() != 0:
        raise Unavailable("a virtual machine's image needs root")
    if platform.machine() != "x86_64":
        raise Unavailable(f"no virtual machine for {platform.machine()}")
    for program, package in {"debootstrap": "debootstrap", "mkfs.ext4": "e2fsprogs", "make": "make",
                             "qemu-system-x86_64": "qemu-system-x86"}.items():
        if not shutil.which(program, path=ENVIRONMENT["PATH"]):
            raise Unavailable(f"no {program} (Debian: {package})")


def image():
    """The directory of the image, made when there is none of this recipe."""
    recipe = HERE / "build-image"
    directory = os.path.join(CACHE, hashlib.sha256(recipe.read_bytes()).hexdigest()[:16])
    if not os.path.exists(directory):
        start = time.monotonic()
        done = subprocess.run([str(recipe), directory + ".new"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT, timeout=IMAGE_SECONDS,
                              check=False)
        if done.returncode == SKIPPED:
            raise Unavailable(done.stdout.strip())
        if done.returncode != 0:
            sys.exit(f"no image:\n{done.stdout}")
        os.rename(directory + ".new", directory)
        print(f"made the image in {time.monotonic() - start:.0f} s: {directory}", flush=True)
    return directory


def libraries(program):
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r"=> (/\S+)", listed)


def make_payload(directory, tests):
    """The second disk: what `make install` installs, its libraries, and the tests."""
    if not install(os.path.join(directory, "files")):
        raise Unavailable("built without libsystemd")
    for name in ("tests", "lib"):
        os.mkdir(os.path.join(directory, name))
    for path in set(libraries(TENDD) + libraries(TENDCTL)):
        shutil.copy(path, os.path.join(directory, "lib"))
    for name in ("main", "lib.sh"):
        shutil.copy(HERE / name, directory)
    for test in tests:
        shutil.copy(HERE / test, os.path.join(directory, "tests"))
    disk = directory + ".img"
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", directory, disk, "200M"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT, check=True)
    return disk


class Machine:
    """A machine from @image_directory and @payload, and the lines of its console."""

    def __init__(self, image_directory, payload):
        drive = "if=virtio,format=raw,snapshot=on,file="
        # It ends with a panic of the kernel as well.
        append = "root=/dev/vda rw console=ttyS0 quiet loglevel=3 panic=-1 systemd.show_status=no"
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-m", "1024", "-nic", "none",
             "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
             "-kernel", f"{image_directory}/kernel", "-initrd", f"{image_directory}/initrd", "-append", append,
             "-drive", f"{drive}{image_directory}/root.img", "-drive", drive + payload],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in iter(self.process.stdout.readline, b""):
            self._lines.put(line.decode(errors="replace").rstrip("\r\n"))
        self._lines.put(None)

    def read_until(self, pattern, seconds):
        """The lines up to one that matches @pattern, and the match: None when it ended, or not in time."""
        deadline = time.monotonic() + seconds
        lines = []
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                return lines + [f"(nothing for {seconds:.0f} s)"], None
            if line is None:
                return lines + ["(the machine ended)"], None
            match = re.search(pattern, line)
            if match:
                return lines, match
            lines.append(line)

    def stop(self):
        self.process.kill()
        self.process.wait()


def show(word, seconds, name, lines=()):
    print(f"{word} {seconds:5.1f}s {name}", flush=True)
    print("".join(f"    {line}\n" for line in lines), end="", flush=True)


def run_tests(machine, tests):
    counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    start = time.monotonic()
    lines, match = machine.read_until("^@ begin ", BOOT_SECONDS)
    if not match:
        show("FAIL", time.monotonic() - start, "boot", lines[-60:])
        return {**counts, "FAIL": len(tests)}
    print(f"booted in {time.monotonic() - start:.0f} s", flush=True)
    for number, test in enumerate(tests):
        start = time.monotonic()
        lines, match = machine.read_until("^@ end ([^ ]+) (\\d+)$", TEST_SECONDS)
        code = int(match[2]) if match else None
        word = {PASSED: "PASS", SKIPPED: "SKIP"}.get(code, "FAIL")
        counts[word] += 1
        lines = [line for line in lines if not line.startswith("@ ")]
        show(word, time.monotonic() - start, test, lines if word == "FAIL" else lines[-1:] if word == "SKIP" else ())
        if not match:
            counts["FAIL"] += len(tests) - number - 1
            break
    return counts


def main():
    tests = sorted(path.name for path in HERE.glob("test-*") if os.access(path, os.X_OK))
    tests = [name for name in tests if not sys.argv[1:] or any(pattern in name for pattern in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="tendd-vm-") as temporary:
        payload = os.path.join(temporary, "payload")
        os.mkdir(payload, 0o755)
        try:
            check_host()
            disk = make_payload(payload, tests)
            machine = Machine(image(), disk)
        except Unavailable as why:
            print(f"skipped: {why}")
            return SKIPPED
        try:
            counts = run_tests(machine, tests)
        finally:
            machine.stop()
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())

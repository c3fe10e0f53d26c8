# SPDX-License-Identifier: MIT
"""varlinkctl of a systemd that has one, which Debian has from 13 on.

Where the machine's own does, that is taken. Else the packages of Debian 13 that it needs, 14 MB, are fetched from the mirror of apt and
unpacked, and it is run with their own loader and libraries: some seconds, no chroot, no root. They are kept in $TENDD_IT_CACHE
[it-cache in the build directory].
"""
import fcntl
import glob
import os
import re
import shutil
import subprocess
import tempfile

from support.daemon import BUILD

SUITE = "trixie"
OLDEST = 255
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Missing(Exception):
    """Why there is none here."""


def run(*command, **kwargs):
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)


def mirror():
    """Where apt has Debian from: a release itself, not its security or other updates, whose archives may be others."""
    done = run("apt-get", "indextargets", "--format", "$(COMPONENT) $(ORIGIN) $(RELEASE) $(REPO_URI)")
    for line in done.stdout.splitlines():
        found = re.match(r"main Debian [^- ]+ ((https?|file):\S+)$", line)
        if found:
            return found[1]
    raise Missing("apt has no mirror of Debian, or has not been updated")


def apt_options(directory, uri):
    """Those of an apt that knows of nothing but @directory: no package is installed there, so all are fetched that are needed."""
    os.makedirs(f"{directory}/lists/partial")
    os.makedirs(f"{directory}/cache/archives/partial")
    os.chmod(directory, 0o755)  # apt fetches as a user of its own
    for name, text in (("status", ""), ("sources.list", f"deb [signed-by={KEYS}] {uri} {SUITE} main\n")):
        with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    options = {"Dir::State": directory, "Dir::State::lists": f"{directory}/lists",
               "Dir::State::status": f"{directory}/status", "Dir::Cache": f"{directory}/cache",
               "Dir::Etc::sourcelist": f"{directory}/sources.list", "Dir::Etc::sourceparts": "/dev/null",
               "Acquire::Languages": "none", "Acquire::Retries": "2", "Acquire::http::Timeout": "15",
               "Acquire::https::Timeout": "15", "APT::Install-Recommends": "false"}
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def fetch(root):
    if not os.path.exists(KEYS):
        raise Missing(f"there is no {KEYS}")
    uri = mirror()
    with tempfile.TemporaryDirectory(prefix="tendd-it-apt-") as directory:
        options = apt_options(directory, uri)
        for command in (["update"], ["install", "-y", "--download-only", "systemd"]):
            done = run("apt-get", *options, "-qq", *command)
            if done.returncode != 0 or not os.listdir(f"{directory}/lists"):
                raise Missing(f"{uri} does not give out packages of {SUITE}: {done.stderr.strip()[-200:]}")
        os.makedirs(root)
        for package in glob.glob(f"{directory}/cache/archives/*.deb"):
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as deb:
                # Of most packages there is nothing but libraries.
                run("tar", "-x", "-C", root, "--wildcards", "--exclude=*/gconv/*", "./usr/bin/varlinkctl",
                    "./usr/lib/*-linux-*", stdin=deb.stdout)


def fetched():
    """The command of what was fetched, now or earlier."""
    cache = os.environ.get("TENDD_IT_CACHE") or os.path.join(BUILD, "it-cache")
    root = os.path.join(os.path.abspath(cache), SUITE)
    os.makedirs(cache, exist_ok=True)
    with open(f"{root}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one test fetches, the others wait
        if not os.path.exists(root):
            shutil.rmtree(f"{root}.new", ignore_errors=True)
            fetch(f"{root}.new")
            os.rename(f"{root}.new", root)
    libraries = glob.glob(f"{root}/usr/lib/*-linux-*")[0]
    loader = glob.glob(f"{libraries}/ld-linux*.so.*")[0]
    return [loader, "--library-path", f"{libraries}:{libraries}/systemd", f"{root}/usr/bin/varlinkctl"]


def command():
    """How to call a varlinkctl. Raises Missing."""
    own = shutil.which("varlinkctl")
    if own:
        version = re.match(r"systemd (\d+)", run(own, "--version").stdout)
        if version and int(version[1]) >= OLDEST:
            return [own]
    found = fetched()
    done = run(*found, "--version")
    if done.returncode != 0:
        raise Missing(f"varlinkctl of {SUITE} does not run here: {done.stderr.strip()}")
    return found

# SPDX-License-Identifier: MIT
"""`make install`, into what becomes the root of another system."""
import os
import shutil
import subprocess

from support.daemon import BUILD, environment

# Where a system looks, whatever the prefix is; the prefix may be below /tmp, which the other system has of its own.
# By the ends of the paths.
PLACES = {"/sbin/tendd": "usr/local/sbin/tendd",
          "/bin/tendctl": "usr/local/bin/tendctl",
          "/systemd/system/tendd.service": "etc/systemd/system/tendd.service",
          "/systemd/system/tendd.socket": "etc/systemd/system/tendd.socket",
          "/systemd/user/tendd.service": "etc/systemd/user/tendd.service",
          "/systemd/catalog/tendd.catalog": "usr/local/lib/systemd/catalog/tendd.catalog",
          "/sysusers.d/tendd.conf": "etc/sysusers.d/tendd.conf",
          "/examples/unprivileged.conf": "usr/share/doc/tendd/examples/unprivileged.conf"}


def make(target, root):
    """`make install` or `make uninstall`."""
    subprocess.run(["make", "-s", "-C", BUILD, target, f"DESTDIR={root}"], env=environment(), stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, check=True)


def files(root):
    """Paths of all files below @root, without it."""
    return sorted("/" + os.path.relpath(os.path.join(directory, name), root)
                  for directory, _, names in os.walk(root) for name in names)


def install(root):
    """Returns whether there is a unit: a build without libsystemd has none."""
    before = set(files(root))
    make("install", root)
    moved = {}
    for path in files(root):
        place = next((place for end, place in PLACES.items() if path.endswith(end) and path not in before), None)
        if place and os.path.isfile(root + path):
            moved[path] = "/" + place
            os.makedirs(os.path.dirname(root + moved[path]), 0o755, exist_ok=True)
            if path != moved[path]:
                shutil.copy2(root + path, root + moved[path])
    units = [path for path in moved.values() if path.endswith((".service", ".socket"))]
    for unit in units:
        with open(root + unit, encoding="utf-8") as file:
            text = file.read()
        for path in sorted(moved, key=len, reverse=True):
            text = text.replace(f"={path}", f"={moved[path]}")
        with open(root + unit, "w", encoding="utf-8") as file:
            file.write(text)
    return bool(units)

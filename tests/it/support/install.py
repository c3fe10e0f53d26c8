# SPDX-License-Identifier: MIT
"""`make install`, into what becomes the root of another system."""
import os
import shutil
import subprocess

from support.daemon import BUILD, environment

# Where a system looks, whatever the prefix is; the prefix may be below /tmp, which the other system has of its own.
PLACES = {"tendd": "usr/local/sbin", "tendctl": "usr/local/bin", "tendd.service": "etc/systemd/system",
          "tendd.catalog": "usr/local/lib/systemd/catalog"}


def install(root):
    """Returns whether there is a unit: a build without libsystemd has none."""
    subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={root}"], env=environment(),
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    found = {name: os.path.join(directory, name) for directory, _, names in os.walk(root) for name in names}
    moved = {name: os.path.join(root, place, name) for name, place in PLACES.items() if name in found}
    for name, path in moved.items():
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        if path != found[name]:
            shutil.copy2(found[name], path)
    if "tendd.service" not in moved:
        return False
    with open(moved["tendd.service"], encoding="utf-8") as file:
        unit = file.read()
    for name, path in moved.items():
        unit = unit.replace("/" + os.path.relpath(found[name], root), "/" + os.path.relpath(path, root))
    with open(moved["tendd.service"], "w", encoding="utf-8") as file:
        file.write(unit)
    return True

# SPDX-License-Identifier: MIT
"""`make install`, into what becomes the root of another system."""
import os
import subprocess

from support.daemon import BUILD, environment

# Where a system looks, whatever the prefix is.
PLACES = {"tendd": "usr/local/sbin", "tendctl": "usr/local/bin", "tendd.service": "etc/systemd/system"}


def install(root):
    """Returns whether there is a unit: a build without libsystemd has none."""
    subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={root}"], env=environment(),
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    found = {name: os.path.join(directory, name) for directory, _, names in os.walk(root) for name in names}
    for name, place in PLACES.items():
        link = os.path.join(root, place, name)
        if name in found and not os.path.lexists(link):
            os.makedirs(os.path.dirname(link), 0o755, exist_ok=True)
            os.symlink("/" + os.path.relpath(found[name], root), link)
    return "tendd.service" in found

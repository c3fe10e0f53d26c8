# SPDX-License-Identifier: MIT
# lib.sh: what the tests in the virtual machine have in common. A test begins with:  . /payload/lib.sh
# It is stopped by whatever fails, after the line that did.
set -eux

# Starts the unit on the configuration from standard input.
start_tendd() {
        mkdir -p /etc/tendd
        { echo "[defaults]"; echo "user = root"; cat; } >/etc/tendd/tendd.ini
        chmod 600 /etc/tendd/tendd.ini
        systemctl start tendd
}

# The unit's control group, as a directory.
tendd_group() {
        echo "/sys/fs/cgroup$(systemctl show --value -p ControlGroup tendd)"
}
